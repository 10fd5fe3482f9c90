import type { Us } from '../../kit/clock.ts';
import { AppError } from '../../kit/errors.ts';
import type { BackfillResult } from '../collect/contract.ts';
import type { SeriesKey } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import {
  FILLED_COLUMNS,
  fillConfidence,
  interpolate,
  interpolationRule,
  type Anchor,
  type InterpolationStrategy,
} from './interpolate.ts';
import { usualInterval } from './checks/gaps.ts';
import { numberOf, timeOf } from './row.ts';

export interface InterpolationOutcome {
  readonly series: SeriesKey;
  readonly from: Us;
  readonly to: Us;
  readonly strategy: InterpolationStrategy | null;
  readonly records_created: number;
  readonly source_records: number;
  /** 0–100; null when nothing was filled. */
  readonly confidence: number | null;
  /** Why nothing was filled, or what rule allowed it. */
  readonly reason: string;
  readonly log_id: number | null;
}

type FillServices = Pick<MarketServices, 'store' | 'ops' | 'config' | 'clock'>;

/** The rows that filling would write; nothing is changed. */
export async function planInterpolation(
  services: Pick<MarketServices, 'store' | 'config'>,
  key: SeriesKey,
  from: Us,
  to: Us,
  asked: InterpolationStrategy | undefined,
): Promise<{
  readonly outcome: Omit<InterpolationOutcome, 'log_id'>;
  readonly rows: ReturnType<typeof interpolate>;
}> {
  const seconds = (to - from) / 1e6;
  const limits = services.config.interpolation;
  const rule = interpolationRule(key.stream, seconds, limits);
  const strategy = asked ?? rule.preferred;
  const nothing = (reason: string) => ({
    rows: [],
    outcome: { series: key, from, to, strategy: null, records_created: 0, source_records: 0, confidence: null, reason },
  });
  if (strategy === null || !rule.strategies.includes(strategy)) {
    return nothing(
      asked === undefined || rule.strategies.length === 0 ? rule.reason : `${asked} is not allowed: ${rule.reason}`,
    );
  }
  const { before, after, step, sources } = await anchors(services, key, from, to);
  if (before === null) return nothing('no reading before the gap to start from');
  if (strategy === 'linear' && after === null) return nothing('no reading after the gap to draw a line to');
  if (step === null) return nothing('too few readings to know how many are missing');
  const rows = interpolate(before, after, to, step, strategy);
  const outcome = {
    series: key,
    from,
    to,
    strategy,
    records_created: rows.length,
    source_records: sources,
    confidence: rows.length === 0 ? null : fillConfidence(seconds, strategy, limits),
    reason: rows.length === 0 ? 'the gap is shorter than one interval' : rule.reason,
  };
  return { outcome, rows };
}

/** Fills a gap in the `_cleaned` copy, as far as the rules allow, and logs it in `interpolations`. Raw rows stay. */
export async function interpolateGap(
  services: FillServices,
  key: SeriesKey,
  from: Us,
  to: Us,
  asked: InterpolationStrategy | undefined,
): Promise<InterpolationOutcome> {
  const { outcome, rows } = await planInterpolation(services, key, from, to, asked);
  if (rows.length === 0 || outcome.strategy === null) return { ...outcome, log_id: null };
  const written = await services.store.writeCleaned(key, rows, { from, to, strategy: outcome.strategy });
  const log_id = await services.ops.insert('interpolations', {
    interpolated_at: services.clock.now(),
    exchange: key.exchange,
    market: key.market,
    symbol: key.symbol,
    data_type: key.stream,
    gap_start: Math.floor(from / 1000),
    gap_end: Math.ceil(to / 1000),
    gap_duration_seconds: (to - from) / 1e6,
    strategy_used: outcome.strategy,
    records_created: written,
    source_records_used: outcome.source_records,
    confidence_score: outcome.confidence,
    interpolation_parameters: { columns: FILLED_COLUMNS[key.stream] ?? [] },
    validation_passed: true,
    notes: outcome.reason,
  });
  return { ...outcome, records_created: written, log_id };
}

export interface FillOutcome {
  readonly series: SeriesKey;
  readonly from: Us;
  readonly to: Us;
  readonly backfill: BackfillResult | null;
  readonly backfill_error: string | null;
  readonly interpolations: readonly InterpolationOutcome[];
  /** Filled by history, filled by rule in the cleaned copy, or open. */
  readonly status: 'filled' | 'interpolated' | 'partly_filled' | 'open';
  /** What stays missing in the raw rows, half-open, UTC µs. */
  readonly remaining: readonly { readonly from: Us; readonly to: Us; readonly reason: string }[];
}

/**
 * Fetches a gap from the venue's history; what history does not reach is interpolated where the rules allow it. A
 * backfill that the venue cannot serve is an outcome, not a failure; an abort passes on.
 */
export async function fillGap(
  services: FillServices & Pick<MarketServices, 'collector'>,
  key: SeriesKey,
  from: Us,
  to: Us,
  signal: AbortSignal,
): Promise<FillOutcome> {
  const { backfill, error } = await fetchGap(services, key, from, to, signal);
  const remaining =
    backfill === null || backfill.status === 'failed'
      ? [{ from, to, reason: error ?? 'the backfill failed' }]
      : backfill.missing.map((m) => ({ from: m.from * 1000, to: m.to * 1000, reason: m.reason }));
  const interpolations: InterpolationOutcome[] = [];
  for (const part of remaining) {
    interpolations.push(await interpolateGap(services, key, part.from, part.to, undefined));
  }
  const made = interpolations.filter((i) => i.records_created > 0).length;
  const status =
    remaining.length === 0
      ? 'filled'
      : made === remaining.length
        ? 'interpolated'
        : made > 0 || (backfill?.stored ?? 0) > 0
          ? 'partly_filled'
          : 'open';
  return { series: key, from, to, backfill, backfill_error: error, interpolations, status, remaining };
}

async function fetchGap(
  services: Pick<MarketServices, 'collector'>,
  key: SeriesKey,
  from: Us,
  to: Us,
  signal: AbortSignal,
): Promise<{ readonly backfill: BackfillResult | null; readonly error: string | null }> {
  try {
    const backfill = await services.collector.backfill(key, Math.floor(from / 1000), Math.ceil(to / 1000), signal);
    return { backfill, error: backfill.error };
  } catch (error) {
    if (error instanceof AppError) return { backfill: null, error: error.message };
    throw error;
  }
}

async function anchors(
  services: Pick<MarketServices, 'store'>,
  key: SeriesKey,
  from: Us,
  to: Us,
): Promise<{ before: Anchor | null; after: Anchor | null; step: Us | null; sources: number }> {
  const columns = FILLED_COLUMNS[key.stream] ?? [];
  const day = 86_400_000_000;
  const earlier = await services.store.seriesRows({ ...key, from: from - day, to: from + 1, limit: 50, order: 'desc' });
  const later = await services.store.seriesRows({ ...key, from: to, to: to + day, limit: 50, order: 'asc' });
  const anchor = (row: Readonly<Record<string, unknown>> | undefined): Anchor | null => {
    const time = row === undefined ? null : timeOf(row, key.stream);
    if (row === undefined || time === null) return null;
    return { time, values: Object.fromEntries(columns.map((column) => [column, numberOf(row, column)])) };
  };
  const times = (rows: readonly Readonly<Record<string, unknown>>[]): number[] =>
    rows.map((row) => timeOf(row, key.stream)).filter((time): time is number => time !== null);
  const step = usualInterval(times(earlier).reverse()) ?? usualInterval(times(later));
  const before = anchor(earlier[0]);
  const after = anchor(later[0]);
  return { before, after, step, sources: (before === null ? 0 : 1) + (after === null ? 0 : 1) };
}
