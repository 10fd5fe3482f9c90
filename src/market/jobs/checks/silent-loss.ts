import type { Us } from '../../../kit/clock.ts';
import type { ValidationRules } from '../../config.ts';
import type { SeriesKey } from '../../domain/records.ts';
import { findingOf, type Finding } from '../finding.ts';
import { name } from './prices.ts';

/** One closed candle whose volume is not the sum of the trades stored for its minute. Volumes in base units. */
export interface VolumeDifference {
  readonly open_time: Us;
  readonly candle_volume: number;
  readonly trade_volume: number;
  readonly difference_percent: number;
}

/** A closed minute as its candle tells it, volume in base units. */
export interface CandleVolume {
  readonly open_time: Us;
  readonly volume: number;
}

/** Trades stored for the minutes of a series, quantities in base units. */
export interface TradedMinutes {
  readonly first: Us;
  readonly last: Us;
  /** By the minute's beginning, UTC µs. */
  readonly sums: ReadonlyMap<Us, number>;
}

/**
 * Compares closed candles with the trades stored for their minutes. Only minutes wholly inside [from, to) count, so
 * that the start of collecting does not look like a loss. A difference within the tolerance is rounding.
 */
export function volumeDifferences(
  candles: readonly CandleVolume[],
  sums: ReadonlyMap<Us, number>,
  from: Us,
  to: Us,
  rules: ValidationRules,
): readonly VolumeDifference[] {
  return candles.flatMap(({ open_time: openTime, volume }) => {
    if (openTime < from || openTime + 60_000_000 > to) return [];
    const sum = sums.get(openTime) ?? 0;
    const scale = Math.max(volume, sum);
    const difference = scale === 0 ? 0 : (Math.abs(volume - sum) / scale) * 100;
    return difference > rules.candle_volume_tolerance_percent
      ? [{ open_time: openTime, candle_volume: volume, trade_volume: sum, difference_percent: difference }]
      : [];
  });
}

/** Silent loss of trades as findings, one a minute, so that each can be fetched again and settled by itself. */
export function silentLossFindings(key: SeriesKey, differences: readonly VolumeDifference[]): readonly Finding[] {
  return differences.map((d) =>
    findingOf(key, {
      issue_type: 'silent_trade_loss',
      severity: 'medium',
      message: `stored trades of ${name(key)} sum to ${d.trade_volume}, the candle says ${d.candle_volume} (${d.difference_percent.toFixed(2)} % apart)`,
      rule: 'candle_volume_tolerance_percent',
      action: 'backfill',
      event: 'data.gap_detected',
      value: d.trade_volume,
      expected: String(d.candle_volume),
      deviation_percent: d.difference_percent,
      from: d.open_time,
      to: d.open_time + 60_000_000,
      distinct: String(d.open_time),
      details: { candle_volume: d.candle_volume, trade_volume: d.trade_volume },
    }),
  );
}
