import type { Ms } from '../../kit/clock.ts';
import type { OpsStored } from '../../kit/ops.ts';
import type { MarketServices } from '../services.ts';
import { CONNECTION_SAMPLE_MS } from './connection-log.ts';
import { venueMarkets } from './venues.ts';

/** What the desk did over a period, measured from what it wrote down. Null: not known, and `not_known` says why. */
export interface PeriodFigures {
  /** Rows of all streams whose event time lies in the period. */
  readonly records_collected: number;
  readonly records_per_minute: number | null;
  /** Part of the time of the collected series that is held, percent: the completeness ledger, downtime included. */
  readonly collection_success_rate: number | null;
  /** Part of the known time in which a venue market was connected, percent, over all venue markets. */
  readonly connection_uptime_percent: number | null;
  /** Mean of the latency of the connections over the known time, ms. */
  readonly avg_latency_ms: number | null;
  readonly disconnection_count: number | null;
  readonly gaps_detected: number;
  readonly gaps_filled: number;
  readonly optimizations_performed: number;
  readonly not_known: Readonly<Record<string, string>>;
}

type PerformanceServices = Pick<MarketServices, 'collector' | 'store' | 'ops' | 'config' | 'clock'>;
type Sample = OpsStored<'exchange_connection_status'>;

/** A state holds until the next entry of the log, at most so long: beyond, nobody looked. */
const HOLDS_MS: Ms = 3 * CONNECTION_SAMPLE_MS;
const MOST = 200_000;
const OPTIMISING: readonly string[] = ['optimize_schema', 'vacuum_tables', 'analyze_tables'];

/** Figures of [from, to), UTC ms; what lies before the desk first ran is left out of them. */
export async function periodFigures(services: PerformanceServices, from: Ms, to: Ms): Promise<PeriodFigures> {
  const { ops } = services;
  const [first] = await ops.select('exchange_connection_status', { limit: 1, order: 'asc' });
  const began = Math.max(from, first?.timestamp ?? from);
  const connections = await connectionFigures(services, began, to);
  const records = await recordsIn(services, from, to);
  const issues = (await ops.select('quality_issues', { since: from, limit: MOST })).filter((i) => i.detected_at < to);
  const gaps = issues.filter((i) => i.action_taken === 'backfill' || i.validation_rule === 'sequence');
  const actions = await ops.select('agent_actions', { since: from, limit: MOST });
  const success = await successRate(services, began, to);
  const unseen = 'no state of a connection was written down in the period: nothing was collected';
  const notKnown = {
    ...(connections.known === 0
      ? { connection_uptime_percent: unseen, disconnection_count: unseen, records_per_minute: unseen }
      : {}),
    ...(connections.latency === null
      ? { avg_latency_ms: connections.known === 0 ? unseen : 'no connection told its latency' }
      : {}),
    ...(success === null ? { collection_success_rate: 'no series is collected, or none can be judged yet' } : {}),
  };
  const isOwn = ({ timestamp, action_type, outcome }: (typeof actions)[number]): boolean =>
    timestamp < to && outcome === 'success' && OPTIMISING.includes(action_type);
  return {
    records_collected: records,
    records_per_minute: connections.known === 0 ? null : (records * 60_000) / connections.longest,
    collection_success_rate: success,
    connection_uptime_percent: connections.known === 0 ? null : (100 * connections.up) / connections.known,
    avg_latency_ms: connections.latency,
    disconnection_count: connections.known === 0 ? null : connections.lost,
    gaps_detected: gaps.reduce((sum, gap) => sum + gap.occurrences, 0),
    gaps_filled: gaps.filter((gap) => gap.action_taken === 'backfill' && gap.resolution_status === 'resolved').length,
    optimizations_performed: actions.filter(isOwn).length,
    not_known: notKnown,
  };
}

interface ConnectionFigures {
  /** Venue-market time with a known state, ms, and the part of it that was connected. */
  readonly known: Ms;
  readonly up: Ms;
  /** Known time of the venue market that was watched longest. */
  readonly longest: Ms;
  readonly latency: number | null;
  readonly lost: number;
}

async function connectionFigures(services: PerformanceServices, from: Ms, to: Ms): Promise<ConnectionFigures> {
  const { ops, collector, clock, config } = services;
  const venues = venueMarkets(collector.status(), clock.now(), config.operations.latency);
  const sum = { known: 0, up: 0, longest: 0, lost: 0, heard: 0, weighted: 0 };
  for (const { exchange, market } of venues) {
    const where = { exchange, market };
    const since = from - HOLDS_MS;
    const samples = await ops.select('exchange_connection_status', { where, since, limit: MOST, order: 'asc' });
    const own = overTime(samples, from, to);
    for (const name of ['known', 'up', 'lost', 'heard', 'weighted'] as const) sum[name] += own[name];
    sum.longest = Math.max(sum.longest, own.known);
  }
  const { known, up, longest, lost, heard, weighted } = sum;
  return { known, up, longest, lost, latency: heard === 0 ? null : weighted / heard };
}

/** One venue market's log, oldest first, as times in [from, to), ms. Example: up for 30 s of 60 s gives known 60, up 30. */
export function overTime(
  samples: readonly Pick<Sample, 'timestamp' | 'status' | 'latency_ms' | 'retry_count'>[],
  from: Ms,
  to: Ms,
): { readonly known: Ms; readonly up: Ms; readonly lost: number; readonly heard: Ms; readonly weighted: number } {
  const sum = { known: 0, up: 0, lost: 0, heard: 0, weighted: 0 };
  samples.forEach((sample, i) => {
    const next = samples[i + 1];
    const end = Math.min(next?.timestamp ?? to, sample.timestamp + HOLDS_MS, to);
    const time = Math.max(0, end - Math.max(sample.timestamp, from));
    const isUp = sample.status !== 'disconnected';
    sum.known += time;
    if (isUp) sum.up += time;
    if (isUp && sample.latency_ms !== null) {
      sum.heard += time;
      sum.weighted += time * sample.latency_ms;
    }
    if (next === undefined || next.timestamp < from || next.timestamp >= to) return;
    // A connection that came back counts when it does; a restart of the desk begins its counter anew.
    sum.lost += Math.max(0, next.retry_count - sample.retry_count);
    const isLast = i + 2 === samples.length || (samples[i + 2]?.timestamp ?? to) >= to;
    if (isLast && next.status === 'disconnected') sum.lost += 1;
  });
  return sum;
}

async function recordsIn({ store }: PerformanceServices, from: Ms, to: Ms): Promise<number> {
  const streams = [...new Set((await store.series()).map((key) => key.stream))];
  let records = 0;
  for (const stream of streams) {
    const range = 'event_time >= make_timestamp(?::BIGINT) AND event_time < make_timestamp(?::BIGINT)';
    const [row] = await store.read(`SELECT count(*) AS n FROM "${stream}" WHERE ${range}`, [from * 1000, to * 1000]);
    records += Number(row?.['n'] ?? 0);
  }
  return records;
}

/**
 * Held time over judged time of the collected series, percent: what the ledger knows to be live, backfilled or sampled.
 * One statement for all series; a series is judged as `coverage` of the store judges it, up to where it is known while
 * more may still come, else to the end.
 */
async function successRate({ store, collector }: PerformanceServices, from: Ms, to: Ms): Promise<number | null> {
  const collected = new Set(
    collector
      .status()
      .series.filter((series) => series.state !== 'stopped')
      .map((series) => series.table),
  );
  const rows = await store.read(
    `WITH bounds AS (SELECT make_timestamp(?::BIGINT) AS a, make_timestamp(?::BIGINT) AS b),
       judged AS (SELECT table_name, a,
         CASE WHEN b <= pending_until THEN greatest(a, least(b, known_to)) ELSE b END AS e FROM coverage_status, bounds)
     SELECT judged.table_name AS name, epoch_us(any_value(e)) - epoch_us(any_value(a)) AS judged_us,
       sum(CASE WHEN c.state IS NULL THEN 0 ELSE epoch_us(least(c.to_time, e)) - epoch_us(greatest(c.from_time, a)) END) AS held_us
     FROM judged LEFT JOIN coverage c ON c.table_name = judged.table_name
       AND c.state IN ('live', 'backfilled', 'sampled') AND c.to_time > a AND c.from_time < e
     GROUP BY judged.table_name`,
    [from * 1000, to * 1000],
  );
  const shares = rows
    .filter((row) => collected.has(String(row['name'])) && Number(row['judged_us']) > 0)
    .map((row) => Number(row['held_us']) / Number(row['judged_us']));
  return shares.length === 0 ? null : (100 * shares.reduce((a, b) => a + b, 0)) / shares.length;
}
