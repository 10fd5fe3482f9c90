import type { EventEnvelope, EventName, EventPayload, EventSink } from '../src/kit/event.ts';

/** Takes events and forgets them. */
export const nowhere: EventSink = {
  emit<N extends EventName>(type: N, data: EventPayload<N>): EventEnvelope<N> {
    return { id: '', seq: 0, type, time: 0, source: 'bench', priority: 5, correlation_id: null, data };
  },
};
