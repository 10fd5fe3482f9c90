import { EventEmitter } from 'eventemitter3';
import type { Clock } from '../../kit/clock.ts';
import {
  type AnyEvent,
  type EmitOptions,
  type EventEnvelope,
  type EventName,
  type EventPayload,
  EVENTS,
  type EventSink,
} from '../../kit/event.ts';
import type { Logger } from '../../kit/logger.ts';
import type { EventSource } from '../run/event-source.ts';

/**
 * Events of one process, kept nowhere: for crews without a desk. Handlers run before `emit` returns, in the order of
 * registration; one that throws is logged and keeps nobody else from hearing. Throws ZodError for a payload that does
 * not fit its event.
 */
export class LocalEvents implements EventSink, EventSource {
  readonly #emitter = new EventEmitter<{ '*': [AnyEvent] }>();
  readonly #wrapped = new Map<(event: AnyEvent) => void, (event: AnyEvent) => void>();
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #newId: (prefix: string) => string;
  #seq = 0;

  constructor(options: { readonly clock: Clock; readonly log: Logger; readonly newId: (prefix: string) => string }) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#newId = options.newId;
  }

  emit<N extends EventName>(type: N, data: EventPayload<N>, options: EmitOptions = {}): EventEnvelope<N> {
    EVENTS[type].parse(data);
    const envelope: EventEnvelope<N> = {
      id: this.#newId('event'),
      seq: ++this.#seq,
      type,
      time: this.#clock.now(),
      source: options.source ?? 'crew',
      priority: options.priority ?? 5,
      correlation_id: options.correlationId ?? null,
      data,
    };
    this.#emitter.emit('*', envelope as unknown as AnyEvent);
    return envelope;
  }

  on(name: '*', handler: (event: AnyEvent) => void): this {
    const guarded = (event: AnyEvent): void => {
      try {
        handler(event);
      } catch (error) {
        this.#log.error('events.handler_failed', { type: event.type, error });
      }
    };
    this.#wrapped.set(handler, guarded);
    this.#emitter.on(name, guarded);
    return this;
  }

  off(name: '*', handler: (event: AnyEvent) => void): this {
    const guarded = this.#wrapped.get(handler);
    if (guarded !== undefined) this.#emitter.off(name, guarded);
    this.#wrapped.delete(handler);
    return this;
  }
}
