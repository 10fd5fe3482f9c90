import type { AnyEvent, EmitOptions, EventEnvelope, EventName, EventPayload, EventSink } from '../kit/event.ts';
import { EVENTS } from '../kit/event.ts';

/** An event sink that keeps everything in memory and checks each payload against its schema. */
export class MemoryEvents implements EventSink {
  readonly all: AnyEvent[] = [];
  readonly #now: () => number;
  readonly #handlers = new Set<(event: AnyEvent) => void>();

  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  /** Throws ZodError when the payload does not fit the event's schema. */
  emit<N extends EventName>(type: N, data: EventPayload<N>, options: EmitOptions = {}): EventEnvelope<N> {
    EVENTS[type].parse(data);
    const seq = this.all.length + 1;
    const envelope: EventEnvelope<N> = {
      id: `event_${seq}`,
      seq,
      type,
      time: this.#now(),
      source: options.source ?? 'test',
      priority: options.priority ?? 5,
      correlation_id: options.correlationId ?? null,
      data,
    };
    const event = envelope as unknown as AnyEvent;
    this.all.push(event);
    for (const handler of this.#handlers) handler(event);
    return envelope;
  }

  /** Payloads of one type, in order. */
  of<N extends EventName>(type: N): readonly EventPayload<N>[] {
    return this.all
      .filter((e): e is Extract<AnyEvent, { type: N }> => e.type === type)
      .map((e) => e.data as EventPayload<N>);
  }

  /** Types in the order of emission. */
  types(): readonly EventName[] {
    return this.all.map((e) => e.type);
  }

  /** Calls back for every event; returns what ends it. */
  subscribe(handler: (event: AnyEvent) => void): () => void {
    this.#handlers.add(handler);
    return () => void this.#handlers.delete(handler);
  }
}
