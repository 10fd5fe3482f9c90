import type { AnyEvent, EmitOptions, EventEnvelope, EventName, EventPayload, EventSink } from '../kit/event.ts';
import { EVENTS } from '../kit/event.ts';
import type { EventHandler, NamedEventSource } from '../crew/index.ts';

/**
 * Events that are kept in memory, each payload checked against its schema; a host takes it as `events`. Handlers run
 * before `emit` returns, and what one throws reaches the emitter, so that a test fails by it.
 */
export class MemoryEvents implements EventSink, NamedEventSource {
  readonly all: AnyEvent[] = [];
  readonly #now: () => number;
  readonly #handlers = new Set<(event: AnyEvent) => void>();
  readonly #ends = new Map<string, Map<EventHandler<never>, () => void>>();

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

  /** The same handler counts once a name. */
  on(name: '*', handler: EventHandler<AnyEvent>): this;
  on<N extends EventName>(name: N, handler: EventHandler<EventEnvelope<N>>): this;
  on(name: '*' | EventName, handler: EventHandler<never>): this {
    const ends = this.#ends.get(name) ?? new Map<EventHandler<never>, () => void>();
    if (ends.has(handler)) return this;
    // Its events are those of the name, which is what the overloads say.
    const call = handler as EventHandler<AnyEvent>;
    const end = this.subscribe((event) => {
      if (name === '*' || event.type === name) void call(event);
    });
    this.#ends.set(name, ends.set(handler, end));
    return this;
  }

  off(name: '*', handler: EventHandler<AnyEvent>): this;
  off<N extends EventName>(name: N, handler: EventHandler<EventEnvelope<N>>): this;
  off(name: '*' | EventName, handler: EventHandler<never>): this {
    this.#ends.get(name)?.get(handler)?.();
    this.#ends.get(name)?.delete(handler);
    return this;
  }
}
