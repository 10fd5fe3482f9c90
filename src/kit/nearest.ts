import { distance } from 'fastest-levenshtein';

/** The candidate closest to `name` by edit distance, or undefined when none is near enough to be a typing error: `most` edits. */
export function nearestName(
  name: string,
  candidates: Iterable<string>,
  most: number = Math.max(2, Math.floor(name.length / 3)),
): string | undefined {
  let best: string | undefined;
  let bestDistance = most + 1;
  for (const candidate of candidates) {
    const d = distance(name.toLowerCase(), candidate.toLowerCase());
    if (d < bestDistance) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best;
}

/** ` (did you mean X?)`, or nothing. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const near = nearestName(name, candidates);
  return near === undefined ? '' : ` (did you mean ${near}?)`;
}
