import { z } from 'zod';
import { withoutOutside } from '../../../kit/outside.ts';
import { venueMarkets, type VenueMarketStatus } from '../../jobs/venues.ts';
import type { MarketServices } from '../../services.ts';
import { isoTime } from './fields.ts';
import { isoOfMs } from './provenance.ts';
import { measure } from '../../domain/measure.ts';

/** A venue market as tools show it. */
export const venueStatusShape = z.object({
  exchange: z.string(),
  market: z.string(),
  status: z.enum(['healthy', 'degraded', 'disconnected']),
  connected: z.boolean(),
  connection_type: z.enum(['websocket', 'rest']),
  fallback: z.enum(['none', 'automatic', 'forced']),
  connections_up: measure.count,
  connections: measure.count,
  latency_ms: measure.milliseconds.nullable(),
  last_data_time: isoTime,
  last_data_age_ms: measure.milliseconds.nullable(),
  streams_active: measure.count,
  streams_stale: measure.count,
  streams_waiting: measure.count,
  reconnects: measure.count,
  frames_rejected: measure.count,
  gaps: measure.count,
  issues: z.array(z.string()),
  error: z.string().nullable(),
});

/** All collected venue markets, as the collector sees them now. */
export function currentVenues(
  services: Pick<MarketServices, 'collector' | 'config' | 'clock'>,
): readonly VenueMarketStatus[] {
  return venueMarkets(services.collector.status(), services.clock.now(), services.config.operations.latency);
}

export function showVenue(venue: VenueMarketStatus): z.infer<typeof venueStatusShape> {
  return {
    exchange: venue.exchange,
    market: venue.market,
    status: venue.status,
    connected: venue.status !== 'disconnected',
    connection_type: venue.connection_type,
    fallback: venue.fallback,
    connections_up: venue.connected,
    connections: venue.connections,
    latency_ms: venue.latency_ms,
    last_data_time: isoOfMs(venue.last_data_at),
    last_data_age_ms: venue.last_data_age_ms,
    streams_active: venue.streams_active,
    streams_stale: venue.streams_stale,
    streams_waiting: venue.streams_waiting,
    reconnects: venue.reconnects,
    frames_rejected: venue.frames_rejected,
    gaps: venue.gaps,
    issues: venue.issues.map(withoutOutside),
    error: venue.last_error === null ? null : withoutOutside(venue.last_error),
  };
}
