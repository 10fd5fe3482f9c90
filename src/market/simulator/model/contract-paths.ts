import type { SimulatedWorth } from '../../exchanges/simulator-contract.ts';
import { interpolate, MINUTE_MS, PART_MS, PATH_PARTS, type PricePaths } from './path.ts';

/** A minute whose end the derivatives miss by more of its value is worked out point by point: the last of an option. */
const MOST_ERROR = 0.02;
const KEPT = 3;

/**
 * The paths of a contract whose worth follows from the price of its underlying: within a minute by first and second
 * derivative at its begin, set right to what it is worth at the end.
 */
export function contractPaths(
  underlying: PricePaths,
  worth: (price: number, at: number) => SimulatedWorth,
): PricePaths {
  const kept: { readonly symbol: string; readonly minute: number; readonly path: Float64Array }[] = [];
  const minute = (symbol: string, index: number): Float64Array => {
    const found = kept.find((entry) => entry.minute === index && entry.symbol === symbol);
    if (found !== undefined) return found.path;
    const path = pathOf(underlying.minute(symbol, index), index * MINUTE_MS, worth);
    kept.push({ symbol, minute: index, path });
    if (kept.length > KEPT) kept.shift();
    return path;
  };
  return {
    minute,
    at(symbol, time) {
      const index = Math.floor(time / MINUTE_MS);
      return interpolate(minute(symbol, index), (time - index * MINUTE_MS) / PART_MS);
    },
    volatility: (symbol, index) => underlying.volatility(symbol, index),
    activity: (symbol, level, node) => underlying.activity(symbol, level, node),
  };
}

function pathOf(
  prices: Float64Array,
  begin: number,
  worth: (price: number, at: number) => SimulatedWorth,
): Float64Array {
  const path = new Float64Array(PATH_PARTS + 1);
  const first = prices[0] ?? Number.NaN;
  const { value, delta, gamma } = worth(first, begin);
  const bent = (price: number): number => value + delta * (price - first) + (gamma / 2) * (price - first) ** 2;
  const last = prices[PATH_PARTS] ?? Number.NaN;
  const end = worth(last, begin + MINUTE_MS).value;
  const error = end - bent(last);
  const near = Math.abs(error) <= MOST_ERROR * Math.max(value, end);
  for (let i = 0; i <= PATH_PARTS; i++) {
    const price = prices[i] ?? Number.NaN;
    path[i] = near ? bent(price) + (error * i) / PATH_PARTS : worth(price, begin + i * PART_MS).value;
  }
  return path;
}
