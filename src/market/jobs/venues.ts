import type { CollectorStatus, ConnectionStatus } from '../collect/contract.ts';
import type { Market } from '../domain/records.ts';

export type VenueState = 'healthy' | 'degraded' | 'disconnected';

/** A venue market's connections and series in one. Times are UTC ms; null where nothing was seen. */
export interface VenueMarketStatus {
  readonly exchange: string;
  readonly market: Market;
  readonly status: VenueState;
  readonly connection_type: 'websocket' | 'rest';
  /** Why REST stands in for the WebSocket: `automatic` while it is out (it returns by itself), `forced` by a switch. */
  readonly fallback: 'none' | 'automatic' | 'forced';
  readonly connections: number;
  readonly connected: number;
  readonly latency_ms: number | null;
  readonly last_data_at: number | null;
  readonly last_data_age_ms: number | null;
  readonly streams_active: number;
  readonly streams_stale: number;
  readonly streams_waiting: number;
  readonly reconnects: number;
  readonly frames_rejected: number;
  readonly gaps: number;
  readonly issues: readonly string[];
  readonly last_error: string | null;
}

/** What counts as slow, ms. */
export interface LatencyLimits {
  readonly warning_ms: number;
  readonly critical_ms: number;
}

/** One entry a venue market, in the order of the connections. `now` is UTC ms. */
export function venueMarkets(
  status: CollectorStatus,
  now: number,
  limits: LatencyLimits,
): readonly VenueMarketStatus[] {
  const keys = new Map<string, { exchange: string; market: Market }>();
  for (const { exchange, market } of [...status.connections, ...status.series]) {
    keys.set(`${exchange}_${market}`, { exchange, market });
  }
  return [...keys.values()].map((key) => venueMarket(status, key.exchange, key.market, now, limits));
}

function venueMarket(
  status: CollectorStatus,
  exchange: string,
  market: Market,
  now: number,
  limits: LatencyLimits,
): VenueMarketStatus {
  const own = <T extends { readonly exchange: string; readonly market: Market }>(items: readonly T[]): readonly T[] =>
    items.filter((item) => item.exchange === exchange && item.market === market);
  const all = own(status.connections);
  const sockets = all.filter((c) => !c.url.startsWith('http'));
  const polled = all.some((c) => c.url.startsWith('http') && c.state === 'connected');
  const forced = sockets.length === 0 && polled;
  const fallback = forced ? 'forced' : sockets.some((c) => c.mode === 'rest') ? 'automatic' : 'none';
  const connections = forced ? all : sockets;
  const series = own(status.series);
  const connected = connections.filter((c) => c.state === 'connected').length;
  const stale = series.filter((s) => s.state === 'stale').length;
  const lastFrame = newest(all.map((c) => c.last_frame_at));
  const latency = newest(connections.map((c) => c.latency_ms));
  const issues: string[] = [];
  if (fallback !== 'none') issues.push(`polled over REST (${fallback})`);
  if (connected < connections.length) issues.push(`${connections.length - connected} connection(s) down`);
  if (stale > 0) issues.push(`${stale} stale stream(s)`);
  if (latency !== null && latency > limits.critical_ms) issues.push(`latency ${latency} ms is critical`);
  else if (latency !== null && latency > limits.warning_ms) issues.push(`latency ${latency} ms is high`);
  const down = connected === 0 && !(fallback !== 'none' && polled);
  const state: VenueState = down ? 'disconnected' : issues.length > 0 ? 'degraded' : 'healthy';
  return {
    exchange,
    market,
    status: state,
    connection_type: fallback === 'none' ? 'websocket' : 'rest',
    fallback,
    connections: connections.length,
    connected,
    latency_ms: latency,
    last_data_at: lastFrame,
    last_data_age_ms: lastFrame === null ? null : Math.max(0, now - lastFrame),
    streams_active: series.filter((s) => s.state === 'live').length,
    streams_stale: stale,
    streams_waiting: series.filter((s) => s.state === 'waiting').length,
    reconnects: sum(all, (c) => c.reconnects),
    frames_rejected: sum(all, (c) => c.rejected),
    gaps: series.reduce((total, s) => total + s.gaps, 0),
    issues,
    last_error: all.map((c) => c.last_error).find((e) => e !== null) ?? null,
  };
}

function newest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function sum(connections: readonly ConnectionStatus[], of: (c: ConnectionStatus) => number): number {
  return connections.reduce((total, c) => total + of(c), 0);
}
