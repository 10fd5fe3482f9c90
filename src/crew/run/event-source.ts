import type { AnyEvent } from '../../kit/event.ts';

/** Where behaviours, continuous crews and run statistics hear events from. The event bus is one. */
export interface EventSource {
  on(name: '*', handler: (event: AnyEvent) => void): unknown;
  off(name: '*', handler: (event: AnyEvent) => void): unknown;
}
