import type { AnyEvent } from '../../kit/event.ts';
import type { Ms, Timer } from '../../kit/clock.ts';
import { errorMessage } from '../../kit/errors.ts';
import type { MarketServices } from '../services.ts';
import type { EventHearing } from './issue-recorder.ts';
import { venueMarkets } from './venues.ts';

type LogServices = Pick<MarketServices, 'collector' | 'ops' | 'config' | 'clock' | 'log'>;

/** How often the state of the connections is written, ms; a change is written at once. */
export const CONNECTION_SAMPLE_MS: Ms = 30_000;
/** Connections of a venue open and close together: their events make one entry. */
const CHANGE_MS = 250;

/** Writes one `exchange_connection_status` row a venue market, as the collector sees it now. Gives how many. */
export async function recordConnections(services: Omit<LogServices, 'log'>): Promise<number> {
  const now = services.clock.now();
  const venues = venueMarkets(services.collector.status(), now, services.config.operations.latency);
  for (const venue of venues) {
    await services.ops.insert('exchange_connection_status', {
      timestamp: now,
      exchange: venue.exchange,
      market: venue.market,
      connection_type: venue.connection_type,
      status: venue.status,
      latency_ms: venue.latency_ms,
      last_data_received: venue.last_data_at,
      error_message: venue.last_error,
      retry_count: venue.reconnects,
      in_fallback_mode: venue.connection_type === 'rest',
    });
  }
  return venues.length;
}

/** Keeps the history of the connections from now on: every 30 s, and when one is opened or lost. */
export function createConnectionLog(services: LogServices, hearing: EventHearing): AsyncDisposable {
  let timer: Timer | undefined;
  let work: Promise<unknown> = Promise.resolve();
  let closed = false;
  let changing = false;
  const write = (): void => {
    changing = false;
    work = work
      .then(() => recordConnections(services))
      .catch((error: unknown) => services.log.error('connections.not_recorded', { error: errorMessage(error) }));
    arm(CONNECTION_SAMPLE_MS);
  };
  const arm = (ms: Ms): void => {
    timer?.cancel();
    if (!closed) timer = services.clock.schedule(ms, write);
  };
  const heard = (event: AnyEvent): void => {
    if (changing || (event.type !== 'streaming.started' && event.type !== 'streaming.stopped')) return;
    changing = true;
    arm(CHANGE_MS);
  };
  hearing.on('*', heard);
  arm(CONNECTION_SAMPLE_MS);
  return {
    async [Symbol.asyncDispose]() {
      closed = true;
      hearing.off('*', heard);
      timer?.cancel();
      await work;
    },
  };
}
