import type { AnyEvent, EventEnvelope, EventName } from '../../kit/event.ts';

/** Where behaviours, continuous crews and run statistics hear events from. The event bus is one. */
export interface EventSource {
  on(name: '*', handler: (event: AnyEvent) => void): unknown;
  off(name: '*', handler: (event: AnyEvent) => void): unknown;
}

/** What an event is given to. A promise that it gives is not waited for; its failure is told like a throw. */
export type EventHandler<E> = (event: E) => void | Promise<void>;

/** Events by name, each with its own payload, or all of them by `*`. The event bus is one. */
export interface NamedEventSource {
  on(name: '*', handler: EventHandler<AnyEvent>): unknown;
  on<N extends EventName>(name: N, handler: EventHandler<EventEnvelope<N>>): unknown;
  off(name: '*', handler: EventHandler<AnyEvent>): unknown;
  off<N extends EventName>(name: N, handler: EventHandler<EventEnvelope<N>>): unknown;
}
