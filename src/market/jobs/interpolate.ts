import type { Us } from '../../kit/clock.ts';
import type { MarketConfig } from '../config.ts';
import type { Stream } from '../domain/records.ts';
import type { CleanedRow } from '../store/contract.ts';

export type InterpolationStrategy = 'linear' | 'forward_fill';

/** What the rules allow for a stream and a gap; `strategies` empty means: mark missing, never fill. */
export interface InterpolationRule {
  readonly strategies: readonly InterpolationStrategy[];
  readonly preferred: InterpolationStrategy | null;
  readonly reason: string;
}

/**
 * The desk's rules: prices and mark prices linear below the limit of the configuration and the last known value above
 * it; funding the last known value; open interest linear (or the last known); books, trades, liquidations, candles and
 * tickers never (nor what an option is worth), because inventing them would invent trades. Nothing longer than the configured maximum.
 */
export function interpolationRule(
  stream: Stream,
  gapSeconds: number,
  limits: MarketConfig['interpolation'],
): InterpolationRule {
  if (gapSeconds > limits.max_gap_seconds) {
    return none(`the gap of ${gapSeconds} s is longer than ${limits.max_gap_seconds} s`);
  }
  switch (stream) {
    case 'prices':
    case 'mark_prices':
      return gapSeconds < limits.price_max_gap_seconds
        ? { strategies: ['linear', 'forward_fill'], preferred: 'linear', reason: 'short price gap' }
        : { strategies: ['forward_fill'], preferred: 'forward_fill', reason: 'long price gap: last known value' };
    case 'funding_rates':
      return { strategies: ['forward_fill'], preferred: 'forward_fill', reason: 'funding holds until it changes' };
    case 'open_interest':
      return { strategies: ['linear', 'forward_fill'], preferred: 'linear', reason: 'open interest moves slowly' };
    case 'orderbooks':
      return none('a missing order book is marked missing, never filled');
    case 'trades':
    case 'liquidations':
      return none(`${stream} happened or did not; they are never filled`);
    case 'candles':
    case 'ticker_24h':
      return none(`${stream} come from trades; they are fetched again, never filled`);
    case 'option_summaries':
      return none('an option is worth what its venue says at that moment; it is never filled');
  }
}

/** A known reading at the edge of a gap; values by column. */
export interface Anchor {
  readonly time: Us;
  readonly values: Readonly<Record<string, number | null>>;
}

/**
 * Rows every `step` µs strictly inside (before.time, after.time). Linear: each column on the straight line between its
 * two readings, null when one of them is missing. Forward fill: the reading before. Without `after`, linear gives none.
 * Example: 10 at 0 s and 20 at 10 s with a step of 5 s give 15 at 5 s.
 */
export function interpolate(
  before: Anchor,
  after: Anchor | null,
  to: Us,
  step: Us,
  strategy: InterpolationStrategy,
): readonly CleanedRow[] {
  const end = after?.time ?? to;
  if (step <= 0 || (strategy === 'linear' && after === null)) return [];
  const rows: CleanedRow[] = [];
  for (let time = before.time + step; time < end; time += step) {
    const share = (time - before.time) / (end - before.time);
    const values: Record<string, number | null> = {};
    for (const [column, start] of Object.entries(before.values)) {
      const stop = after?.values[column] ?? null;
      if (strategy === 'forward_fill') values[column] = start;
      else values[column] = start === null || stop === null ? null : start + (stop - start) * share;
    }
    const method = strategy === 'linear' ? 'interpolated_linear' : 'forward_fill';
    rows.push({ event_time: Math.round(time), method, values });
  }
  return rows;
}

/** Columns that are filled, by stream. */
export const FILLED_COLUMNS: Readonly<Partial<Record<Stream, readonly string[]>>> = {
  prices: ['mid_price', 'bid_price', 'ask_price', 'last_price'],
  mark_prices: ['mark_price', 'index_price'],
  funding_rates: ['funding_rate', 'funding_interval_hours'],
  open_interest: ['open_interest', 'open_interest_usd'],
};

/**
 * 0–100: how far a filled stretch can be trusted. It falls with the length of the gap against the allowed length, and
 * the last known value counts half of what a line between two readings does.
 */
export function fillConfidence(
  gapSeconds: number,
  strategy: InterpolationStrategy,
  limits: MarketConfig['interpolation'],
): number {
  const share = limits.max_gap_seconds === 0 ? 1 : Math.min(1, gapSeconds / limits.max_gap_seconds);
  return Math.round((strategy === 'linear' ? 100 : 50) * (1 - share));
}

function none(reason: string): InterpolationRule {
  return { strategies: [], preferred: null, reason };
}
