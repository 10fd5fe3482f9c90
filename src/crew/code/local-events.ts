import { EventEmitter } from 'eventemitter3';
import type { Clock } from '../../kit/clock.ts';
import {
  type AnyEvent,
  type EmitOptions,
  type EventEnvelope,
  type EventName,
  type EventPayload,
  EVENT_NAMES,
  EVENTS,
  type EventSink,
} from '../../kit/event.ts';
import { errorMessage, InvalidInput } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { EventHandler, NamedEventSource } from '../run/event-source.ts';

type Guarded = (event: AnyEvent) => void;

/**
 * Events of one process, kept nowhere: for crews without a desk. Handlers run before `emit` returns: those of `*`
 * first, then those of the name, each in the order of registration. One that fails is logged and keeps nobody else
 * from hearing. Throws ZodError for a payload that does not fit its event.
 */
export class LocalEvents implements EventSink, NamedEventSource {
  readonly #emitter = new EventEmitter<Record<string, [AnyEvent]>>();
  readonly #guarded = new Map<string, Map<EventHandler<never>, Guarded>>();
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
    this.#emitter.emit(type, envelope as unknown as AnyEvent);
    return envelope;
  }

  /** The same handler counts once a name. Throws InvalidInput for a name that no event has. */
  on(name: '*', handler: EventHandler<AnyEvent>): this;
  on<N extends EventName>(name: N, handler: EventHandler<EventEnvelope<N>>): this;
  on(name: '*' | EventName, handler: EventHandler<never>): this {
    if (name !== '*' && !Object.hasOwn(EVENTS, name))
      throw new InvalidInput(`there is no event '${name}'${didYouMean(name, EVENT_NAMES)}`);
    const ofName = this.#guarded.get(name) ?? new Map<EventHandler<never>, Guarded>();
    if (ofName.has(handler)) return this;
    // Its events are those of the name, which is what the overloads say.
    const guarded = (event: AnyEvent): void => this.#call(handler as EventHandler<AnyEvent>, event);
    this.#guarded.set(name, ofName.set(handler, guarded));
    this.#emitter.on(name, guarded);
    return this;
  }

  off(name: '*', handler: EventHandler<AnyEvent>): this;
  off<N extends EventName>(name: N, handler: EventHandler<EventEnvelope<N>>): this;
  off(name: '*' | EventName, handler: EventHandler<never>): this {
    const guarded = this.#guarded.get(name)?.get(handler);
    if (guarded !== undefined) this.#emitter.off(name, guarded);
    this.#guarded.get(name)?.delete(handler);
    return this;
  }

  #call(handler: EventHandler<AnyEvent>, event: AnyEvent): void {
    const failed = (error: unknown): void =>
      this.#log.error('events.handler_failed', { type: event.type, error: errorMessage(error) });
    try {
      const result = handler(event);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}
