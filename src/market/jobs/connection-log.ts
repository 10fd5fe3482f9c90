import type { MarketServices } from '../services.ts';
import { venueMarkets } from './venues.ts';

/** Writes one `exchange_connection_status` row a venue market, as the collector sees it now. Gives how many. */
export async function recordConnections(
  services: Pick<MarketServices, 'collector' | 'ops' | 'config' | 'clock'>,
): Promise<number> {
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
