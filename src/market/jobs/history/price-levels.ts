/** An amount at a price, for one of two sides. */
export interface PricedAmount {
  readonly price: number;
  readonly amount: number;
  /** True for the first of the two sides: buys, or long positions. */
  readonly first: boolean;
}

export interface PriceBin {
  /** Half-open [low, high); the last one is closed. */
  readonly low: number;
  readonly high: number;
  readonly first: number;
  readonly second: number;
  readonly count: number;
}

/**
 * Amounts by price in `bins` bins of equal width between the lowest and the highest price. Nothing gives no bin; one
 * price gives one bin of no width. Example: amounts 1 at 100, 2 at 101 and 3 at 104 in 2 bins are 3 in [100, 102) and 3
 * in [102, 104].
 */
export function priceBins(amounts: readonly PricedAmount[], bins: number): readonly PriceBin[] {
  if (amounts.length === 0) return [];
  let [low, high] = [Infinity, -Infinity];
  for (const { price } of amounts) {
    low = Math.min(low, price);
    high = Math.max(high, price);
  }
  const count = high === low ? 1 : bins;
  const width = (high - low) / count;
  const out = Array.from({ length: count }, (_, i) => ({
    low: low + i * width,
    high: i === count - 1 ? high : low + (i + 1) * width,
    first: 0,
    second: 0,
    count: 0,
  }));
  for (const { price, amount, first } of amounts) {
    const bin = out[width === 0 ? 0 : Math.min(count - 1, Math.floor((price - low) / width))];
    if (bin === undefined) continue;
    if (first) bin.first += amount;
    else bin.second += amount;
    bin.count += 1;
  }
  return out;
}

/**
 * Point of control (the bin of most volume) and value area: the bins around it, the larger neighbour taken first, that
 * hold `share` of the volume. Null without volume. Convention of market profiles (Steidlmayer): 70 %.
 */
export function valueArea(
  bins: readonly PriceBin[],
  share = 0.7,
): { readonly poc: PriceBin; readonly low: number; readonly high: number } | null {
  const sizes = bins.map((b) => b.first + b.second);
  const total = sizes.reduce((sum, v) => sum + v, 0);
  if (total <= 0) return null;
  let [from, to] = [sizes.indexOf(Math.max(...sizes)), sizes.indexOf(Math.max(...sizes))];
  const poc = bins[from];
  let held = sizes[from] ?? 0;
  while (held < share * total && (from > 0 || to < bins.length - 1)) {
    const below = from > 0 ? (sizes[from - 1] ?? 0) : -1;
    const above = to < bins.length - 1 ? (sizes[to + 1] ?? 0) : -1;
    if (above >= below) held += sizes[++to] ?? 0;
    else held += sizes[--from] ?? 0;
  }
  const [first, last] = [bins[from], bins[to]];
  return poc === undefined || first === undefined || last === undefined
    ? null
    : { poc, low: first.low, high: last.high };
}

export interface Burst {
  readonly from: number;
  readonly to: number;
  readonly events: number;
  readonly long: number;
  readonly short: number;
}

/**
 * Stretches of `width` (of time) that hold at least `least` events, neighbours joined; amounts by side. Events need not
 * be in order.
 */
export function bursts(
  events: readonly { readonly time: number; readonly amount: number; readonly first: boolean }[],
  width: number,
  least: number,
): readonly Burst[] {
  const buckets = new Map<number, { events: number; long: number; short: number }>();
  for (const { time, amount, first } of events) {
    const at = Math.floor(time / width) * width;
    const bucket = buckets.get(at) ?? { events: 0, long: 0, short: 0 };
    bucket.events += 1;
    if (first) bucket.long += amount;
    else bucket.short += amount;
    buckets.set(at, bucket);
  }
  const out: Burst[] = [];
  for (const [at, bucket] of [...buckets].sort(([a], [b]) => a - b)) {
    if (bucket.events < least) continue;
    const last = out.at(-1);
    if (last !== undefined && last.to === at) {
      out[out.length - 1] = {
        from: last.from,
        to: at + width,
        events: last.events + bucket.events,
        long: last.long + bucket.long,
        short: last.short + bucket.short,
      };
    } else out.push({ from: at, to: at + width, ...bucket });
  }
  return out;
}
