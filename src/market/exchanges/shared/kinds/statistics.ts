/** Small statistics over plain lists; null where the list has nothing to say. */

export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, v) => sum + v, 0) / values.length;
}

export function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((v) => v !== null);
  return known.length === 0 ? null : known.reduce((total, v) => total + v, 0);
}

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 || low === undefined || high === undefined ? (high ?? null) : (low + high) / 2;
}

/** (last − first) ÷ first, percent; null without both or with a first of zero. */
export function changePct(first: number | null | undefined, last: number | null | undefined): number | null {
  return first === null || first === undefined || last === null || last === undefined || first === 0
    ? null
    : ((last - first) / Math.abs(first)) * 100;
}

/** (a − b) ÷ (a + b), percent, −100 … 100; null when both are zero. */
export function imbalancePct(a: number, b: number): number | null {
  return a + b === 0 ? null : ((a - b) / (a + b)) * 100;
}

/** (bid + ask) ÷ 2; null without both. */
export function middle(bid: number | null | undefined, ask: number | null | undefined): number | null {
  return bid === null || bid === undefined || ask === null || ask === undefined ? null : (bid + ask) / 2;
}

/** (ask − bid) ÷ middle, basis points; null without both. */
export function spreadBps(bid: number | null | undefined, ask: number | null | undefined): number | null {
  const mid = middle(bid, ask);
  return mid === null || mid === 0 || bid === null || bid === undefined || ask === null || ask === undefined
    ? null
    : ((ask - bid) / mid) * 10_000;
}

const HOURS_A_YEAR = 24 * 365;

/** A rate per interval as a rate per 8 h; null when the interval is not known. */
export function per8h(rate: number | null, intervalHours: number | null): number | null {
  return rate === null || intervalHours === null || intervalHours <= 0 ? null : (rate * 8) / intervalHours;
}

/** A rate per interval as simple interest a year, percent; null when the interval is not known. */
export function annualisedPct(rate: number | null, intervalHours: number | null): number | null {
  return rate === null || intervalHours === null || intervalHours <= 0
    ? null
    : rate * (HOURS_A_YEAR / intervalHours) * 100;
}

/** Who pays whom at a funding rate: its sign alone says so, however small it is. */
export function payers(rate: number | null): 'longs' | 'shorts' | 'neither' | 'unknown' {
  if (rate === null) return 'unknown';
  return rate > 0 ? 'longs' : rate < 0 ? 'shorts' : 'neither';
}

/** ISO UTC text of UTC ms. */
export function iso(time: number | null | undefined): string | null {
  return time === null || time === undefined || !Number.isFinite(time) ? null : new Date(time).toISOString();
}

/** Items by key, in the order in which the keys come. */
export function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return groups;
}
