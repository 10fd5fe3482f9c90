const YEAR_SECONDS = 365 * 86_400;

/**
 * Standard deviation of the logarithmic returns of consecutive closes, per bar and a year (365 days, √ of bars a year).
 * Null below three closes. A missing bar must be left out of `closes` together with its neighbour by the caller, or be
 * NaN: no return is formed over it. Example: closes 100, 110, 100 have returns ±0.09531 and a deviation of 0.13479.
 */
export function volatility(
  closes: readonly number[],
  barSeconds: number,
): { readonly per_bar: number; readonly annualised: number; readonly returns: number } | null {
  const returns: number[] = [];
  for (let i = 1; i < closes.length; i++) {
    const r = Math.log((closes[i] ?? NaN) / (closes[i - 1] ?? NaN));
    if (Number.isFinite(r)) returns.push(r);
  }
  if (returns.length < 2) return null;
  const mean = returns.reduce((sum, r) => sum + r, 0) / returns.length;
  const variance = returns.reduce((sum, r) => sum + (r - mean) ** 2, 0) / (returns.length - 1);
  const perBar = Math.sqrt(variance);
  return { per_bar: perBar, annualised: perBar * Math.sqrt(YEAR_SECONDS / barSeconds), returns: returns.length };
}

/**
 * How far a value is from others, in standard deviations and in robust ones (0.6745 × distance from the median ÷ median
 * absolute deviation; Iglewicz & Hoaglin 1993). The value itself is not among `others`. Null below `least` others, and
 * where they are all equal.
 */
export function distance(
  value: number,
  others: readonly number[],
  least = 20,
): {
  readonly mean: number;
  readonly deviation: number;
  readonly z: number | null;
  readonly robust_z: number | null;
} | null {
  const known = others.filter(Number.isFinite);
  if (known.length < least) return null;
  const mean = known.reduce((sum, v) => sum + v, 0) / known.length;
  const deviation = Math.sqrt(known.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (known.length - 1));
  const middle = medianOf(known);
  const spread = medianOf(known.map((v) => Math.abs(v - middle)));
  return {
    mean,
    deviation,
    z: deviation === 0 ? null : (value - mean) / deviation,
    robust_z: spread === 0 ? null : (0.6745 * (value - middle)) / spread,
  };
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? NaN) + upper) / 2;
}
