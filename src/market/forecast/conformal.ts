/**
 * Half width of the interval that holds the next outcome with at least `level` (0.95), were errors exchangeable: the
 * ⌈(m + 1) level⌉-th smallest of m absolute errors (split conformal prediction; Vovk, Gammerman & Shafer 2005). Null
 * where m errors are too few to say so: 0.95 takes 19. Errors of overlapping forecasts of a series are not exchangeable,
 * so that the level is an aim; what came of it is counted.
 */
export function conformalWidth(absoluteErrors: Float64Array, level: number): number | null {
  const m = absoluteErrors.length;
  // What floating point adds to a whole number of errors is not one more.
  const rank = Math.ceil((m + 1) * level - 1e-9);
  if (rank > m) return null;
  return absoluteErrors.slice().sort()[rank - 1] ?? null;
}
