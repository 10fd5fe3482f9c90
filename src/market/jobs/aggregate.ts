import type { Us } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import { viewName, type SeriesKey } from '../domain/records.ts';
import { TIMEFRAMES, type Timeframe } from '../store/contract.ts';
import type { MarketServices } from '../services.ts';

/** Length of a timeframe, µs. */
export const TIMEFRAME_US: Readonly<Record<Timeframe, Us>> = {
  '1m': 60_000_000,
  '5m': 300_000_000,
  '15m': 900_000_000,
  '1h': 3_600_000_000,
  '4h': 14_400_000_000,
  '1d': 86_400_000_000,
};

export interface Aggregation {
  readonly table: string;
  readonly timeframe: Timeframe;
  readonly rows: number;
}

/** Bounds widened to whole bars, so that a bar is never computed from a part of its minutes. */
export function wholeBars(target: Timeframe, from: Us, to: Us): { readonly from: Us; readonly to: Us } {
  const length = TIMEFRAME_US[target];
  return { from: Math.floor(from / length) * length, to: Math.ceil(to / length) * length };
}

/** Writes the bars of a timeframe from 1-minute candles. Throws InvalidInput for a series that is not candles, or 1m. */
export async function aggregateSeries(
  services: Pick<MarketServices, 'store'>,
  key: SeriesKey,
  target: Timeframe,
  from: Us,
  to: Us,
): Promise<Aggregation> {
  if (key.stream !== 'candles') throw new InvalidInput(`${key.stream} are not aggregated; candles are`);
  if (target === '1m') throw new InvalidInput('1m is what bars are made from; choose 5m, 15m, 1h, 4h or 1d');
  const range = wholeBars(target, from, to);
  const rows = await services.store.aggregate(key, target, range.from, range.to);
  return { table: `${viewName(key)}_${target}`, timeframe: target, rows };
}

/** All timeframes above one minute. */
export const TARGETS: readonly Timeframe[] = TIMEFRAMES.filter((t) => t !== '1m');
