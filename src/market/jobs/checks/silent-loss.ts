import type { SqlRow } from '../../../infra/duckdb/database.ts';
import type { Us } from '../../../kit/clock.ts';
import type { ValidationRules } from '../../config.ts';
import type { SeriesKey } from '../../domain/records.ts';
import { findingOf, type Finding } from '../finding.ts';
import { numberOf } from '../row.ts';
import { name } from './prices.ts';

/** One closed candle whose volume is not the sum of the trades stored for its minute. Volumes in base units. */
export interface VolumeDifference {
  readonly open_time: Us;
  readonly candle_volume: number;
  readonly trade_volume: number;
  readonly difference_percent: number;
}

/**
 * Compares closed candles with the trades stored for their minutes. Only minutes wholly inside [from, to) count, so
 * that the start of collecting does not look like a loss. A difference within the tolerance is rounding.
 */
export function volumeDifferences(
  candles: readonly SqlRow[],
  trades: readonly SqlRow[],
  from: Us,
  to: Us,
  rules: ValidationRules,
): readonly VolumeDifference[] {
  const sums = new Map<number, number>();
  for (const trade of trades) {
    const time = numberOf(trade, 'event_time');
    const quantity = numberOf(trade, 'quantity');
    if (time === null || quantity === null) continue;
    const minute = Math.floor(time / 60_000_000) * 60_000_000;
    sums.set(minute, (sums.get(minute) ?? 0) + quantity);
  }
  return candles.flatMap((candle) => {
    const openTime = numberOf(candle, 'open_time');
    const volume = numberOf(candle, 'volume');
    if (openTime === null || volume === null || candle['closed'] === false) return [];
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
