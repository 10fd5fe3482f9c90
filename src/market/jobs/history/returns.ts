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

/** Fewest one-minute returns that a deviation is made of. */
const FEWEST_RETURNS = 30;
/** A price this many minutes before the beginning of a window still stands for it. */
const NEAR_MINUTES = 2;

export interface MinuteClose {
  /** Minutes since 1970. */
  readonly minute: number;
  /** UTC µs of the price. */
  readonly at: number;
  readonly close: number;
}

/**
 * How far a price has moved within `minutes`, in the deviations that one-minute returns make expect: ln(price ÷ then) ÷
 * (deviation × √minutes). `closes` are of different minutes, oldest first; returns are formed between neighbouring
 * minutes alone, and those of the window itself are left out, so that a jump is not measured by itself. Without a price
 * near the window's beginning, or with fewer than 30 returns before it, the move is null with the reason.
 */
export function standardisedMove(
  closes: readonly MinuteClose[],
  now: { readonly price: number; readonly minute: number; readonly minutes: number },
): {
  readonly then: MinuteClose | null;
  readonly move: number | null;
  readonly deviation: number | null;
  readonly returns: number;
  readonly reason: string | null;
} {
  const start = now.minute - now.minutes;
  const before = closes.filter((c) => c.minute < start);
  const returns = neighbourReturns(
    before.length > FEWEST_RETURNS ? before : closes.filter((c) => c.minute < now.minute),
  );
  const deviation = rms(returns);
  const near = before.at(-1);
  const then = near !== undefined && start - near.minute <= NEAR_MINUTES + 1 ? near : null;
  const known = { then, deviation, returns: returns.length };
  if (then === null) return { ...known, move: null, reason: `no price is stored of ${now.minutes} minutes ago` };
  if (returns.length < FEWEST_RETURNS || deviation === null || deviation === 0) {
    return {
      ...known,
      move: null,
      reason: `${returns.length} one-minute returns, ${FEWEST_RETURNS} that differ are needed`,
    };
  }
  return { ...known, move: Math.log(now.price / then.close) / (deviation * Math.sqrt(now.minutes)), reason: null };
}

function neighbourReturns(closes: readonly MinuteClose[]): readonly number[] {
  return closes.flatMap((c, i) => {
    const before = closes[i - 1];
    return before !== undefined && c.minute - before.minute === 1 ? [Math.log(c.close / before.close)] : [];
  });
}

/** Root of the mean square about zero: over a minute the mean return is nothing beside it. */
function rms(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
}

/**
 * Deviation of the logarithmic returns between neighbouring values, and Kaufman's efficiency ratio of the whole: |last −
 * first| ÷ Σ|steps| (0 when nothing moved). Undefined below three values. Example: 100, 101, 100 has a ratio of 0, and
 * 100, 101, 102 of 1.
 */
export function path(
  values: readonly number[],
): { readonly deviation: number; readonly efficiency: number } | undefined {
  const [first, last] = [values[0], values.at(-1)];
  if (first === undefined || last === undefined || values.length < 3) return undefined;
  const found = volatility(values, 1);
  if (found === null) return undefined;
  const steps = values.slice(1).reduce((sum, v, i) => sum + Math.abs(v - (values[i] ?? v)), 0);
  return { deviation: found.per_bar, efficiency: steps === 0 ? 0 : Math.abs(last - first) / steps };
}
