import type { Us } from '../../../kit/clock.ts';
import { CANDLE_INTERVALS, type CandleInterval } from '../../domain/records.ts';
import { timeOf } from './values.ts';

const MINUTE: Us = 60_000_000;

/** Lengths of the fixed candle intervals, µs; a month has none. */
const LENGTHS: Readonly<Record<Exclude<CandleInterval, '1M'>, Us>> = {
  '1s': MINUTE / 60,
  '1m': MINUTE,
  '3m': 3 * MINUTE,
  '5m': 5 * MINUTE,
  '15m': 15 * MINUTE,
  '30m': 30 * MINUTE,
  '1h': 60 * MINUTE,
  '2h': 120 * MINUTE,
  '4h': 240 * MINUTE,
  '6h': 360 * MINUTE,
  '8h': 480 * MINUTE,
  '12h': 720 * MINUTE,
  '1d': 1440 * MINUTE,
  '3d': 4320 * MINUTE,
  '1w': 10_080 * MINUTE,
};

/** The candle length that the smallest distance of rows shows; 1 m for a single row, which is what we ask for. */
export function spacing(rows: readonly unknown[]): CandleInterval | undefined {
  const starts = rows.map((row) => timeOf(Array.isArray(row) ? row[0] : NaN)).sort((a, b) => a - b);
  let least = Infinity;
  for (let i = 1; i < starts.length; i++) least = Math.min(least, (starts[i] ?? NaN) - (starts[i - 1] ?? NaN));
  if (least === Infinity) return '1m';
  if (least >= 28 * 1440 * MINUTE) return '1M';
  return CANDLE_INTERVALS.find((interval) => interval !== '1M' && LENGTHS[interval] === least);
}

/** The end of a candle that begins at `open`. */
export function closeOf(open: Us, interval: CandleInterval): Us {
  if (interval !== '1M') return open + LENGTHS[interval];
  const start = new Date(open / 1000);
  return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1) * 1000;
}
