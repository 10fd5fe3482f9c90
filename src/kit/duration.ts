import { InvalidInput } from './errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `250ms`, `30s`, `5m`, `2h` or `1d`. Throws InvalidInput for anything else. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  const unit = UNIT_MS[match?.[2] ?? ''];
  if (match === null || unit === undefined) {
    throw new InvalidInput(`'${text}' is not a duration: write a number and a unit, as in 250ms, 30s, 5m, 2h or 1d`);
  }
  return Math.round(Number(match[1]) * unit);
}
