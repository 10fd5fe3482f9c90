import type { AnyEvent, EmitOptions, EventEnvelope, EventName, EventPayload, EventSink } from '../../kit/event.ts';
import type { RunDocument } from './document.ts';
import type { EventSource } from './event-source.ts';

/**
 * The events of one run: passes them on under the run's correlation id and counts them. With a source, what others
 * emit under that id (the tool pipeline) counts too.
 */
export class RunEvents implements EventSink {
  readonly #sink: EventSink;
  readonly #source: EventSource | undefined;
  readonly #runId: string;
  readonly #counts = new Map<string, number>();

  constructor(runId: string, sink: EventSink, source: EventSource | undefined) {
    this.#runId = runId;
    this.#sink = sink;
    this.#source = source;
    source?.on('*', this.#heard);
  }

  emit<N extends EventName>(type: N, data: EventPayload<N>, options: EmitOptions = {}): EventEnvelope<N> {
    if (this.#source === undefined) this.#count(type);
    return this.#sink.emit(type, data, { source: 'crew', correlationId: this.#runId, ...options });
  }

  counted(): RunDocument['events'] {
    const by_type = Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
    return { total: [...this.#counts.values()].reduce((a, b) => a + b, 0), by_type };
  }

  close(): void {
    this.#source?.off('*', this.#heard);
  }

  readonly #heard = (event: AnyEvent): void => {
    if (event.correlation_id === this.#runId) this.#count(event.type);
  };

  #count(type: string): void {
    this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1);
  }
}

/** A message whose details may be left out, with a copy of those that it has. */
export function withDetails<T extends { readonly details?: Readonly<Record<string, unknown>> | undefined }>(
  message: T,
): Omit<T, 'details'> & { details?: Record<string, unknown> } {
  const { details, ...rest } = message;
  return details === undefined ? rest : { ...rest, details: { ...details } };
}
