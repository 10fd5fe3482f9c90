/** Exponential smoothing of a level: ℓ ← ℓ + α (y − ℓ). */
export interface Smoothing {
  /** Weight of the newest value, 0.0001 to 0.9999. */
  readonly alpha: number;
  /** Level after the last value. */
  readonly level: number;
  /** Sum of squared one-step errors. */
  readonly sse: number;
}

const LEAST_ALPHA = 1e-4;
const MOST_ALPHA = 1 - 1e-4;
const GRID = 20;
const GOLDEN = (Math.sqrt(5) - 1) / 2;
const PRECISION = 1e-4;

/**
 * The weight and the first level with the least sum of squared one-step errors. Errors are linear in the first level, so
 * that it is a regression for each weight (Hyndman, Koehler, Ord & Snyder 2008, ch. 5); the weight is looked for on a grid,
 * then by golden section beside the best of it.
 */
export function smooth(values: Float64Array): Smoothing {
  const width = (MOST_ALPHA - LEAST_ALPHA) / GRID;
  let best = smoothWith(values, LEAST_ALPHA);
  for (let i = 1; i <= GRID; i++) {
    const tried = smoothWith(values, LEAST_ALPHA + i * width);
    if (tried.sse < best.sse) best = tried;
  }
  let low = Math.max(LEAST_ALPHA, best.alpha - width);
  let high = Math.min(MOST_ALPHA, best.alpha + width);
  let left = smoothWith(values, high - GOLDEN * (high - low));
  let right = smoothWith(values, low + GOLDEN * (high - low));
  while (high - low > PRECISION) {
    if (left.sse <= right.sse) {
      [high, right] = [right.alpha, left];
      left = smoothWith(values, high - GOLDEN * (high - low));
    } else {
      [low, left] = [left.alpha, right];
      right = smoothWith(values, low + GOLDEN * (high - low));
    }
    if (left.sse < best.sse) best = left;
    if (right.sse < best.sse) best = right;
  }
  return best;
}

/** With a first level of 0 the error at t is e, and with ℓ₀ it is e − w ℓ₀ with w = (1 − α)ᵗ: ℓ₀ = Σ w e ÷ Σ w². */
function smoothWith(values: Float64Array, alpha: number): Smoothing {
  // Levels far from 0 would lose digits: the first value is the origin.
  const origin = values[0] ?? NaN;
  let [level, weight, we, ww, ee] = [0, 1, 0, 0, 0];
  for (const value of values) {
    const error = value - origin - level;
    we += weight * error;
    ww += weight * weight;
    ee += error * error;
    level += alpha * error;
    weight *= 1 - alpha;
  }
  const first = we / ww;
  return { alpha, level: origin + level + weight * first, sse: Math.max(0, ee - we * first) };
}
