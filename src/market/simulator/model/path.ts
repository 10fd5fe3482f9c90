import { gaussianOf, hash, keyOf } from './random.ts';
import type { SymbolSpecification } from './specification.ts';

/** Points of a minute's path: one more than its equal parts. */
export const PATH_PARTS = 64;
export const MINUTE_MS = 60_000;
const POINTS = PATH_PARTS + 1;
export const PART_MS = MINUTE_MS / PATH_PARTS;

/** Levels above the minute: a level spans 2^k minutes; the top one spans about two years. */
const TOP_LEVEL = 20;
/** From here down, each halving changes the volatility: that makes quiet and wild times (a multiplicative cascade). */
const CASCADE_LEVEL = 12;
const CASCADE_STRENGTH = 0.24;
/** Beyond a day the path reverts: its spread grows slower than the square root of time. */
const REVERT_LEVEL = 10;

/** Minutes whose values are kept, a power of two. */
const REMEMBERED = 2048;

/** Up to so many symbols have all these minutes kept, at half a KiB each. */
const FEW_SYMBOLS = 16;

/** After so many calls in a row for the newest two minutes no window walks over the day any more. */
const CALM_CALLS = 2_000;

const SALT_MOVE = 11;
const SALT_VOLATILITY = 12;
const SALT_INNER = 13;

/** Multiplier of the cascade for each value of a byte: log-normal with mean 1. */
const CASCADE = Float64Array.from({ length: 256 }, (_, i) => {
  const z = quantile((i + 0.5) / 256);
  return Math.exp(CASCADE_STRENGTH * z - (CASCADE_STRENGTH * CASCADE_STRENGTH) / 2);
});

/**
 * The price path of all symbols: a random function built by midpoint displacement over fixed dyadic intervals of UTC
 * time (the Schauder expansion of Brownian motion; Karatzas and Shreve, Brownian Motion and Stochastic Calculus,
 * 2.3), with the displacement of each interval scaled by a cascade of volatilities. So the price at any time costs a
 * walk over 20 levels, and does not depend on what was asked before.
 */
export interface PricePaths {
  /** Index price at the 65 boundaries of the parts of minute `minute` (counted from the epoch). Do not modify. */
  minute(symbol: string, minute: number): Float64Array;
  /** Index price at `at`, linear between the points. */
  at(symbol: string, at: number): number;
  /** Volatility of the minute relative to the average: 1 is usual. */
  volatility(symbol: string, minute: number): number;
  /** The cascade's multiplier of a dyadic interval: `level` k spans 2^k minutes, `node` counts them from the epoch. */
  activity(symbol: string, level: number, node: number): number;
}

export function createPricePaths(seed: number, specifications: readonly SymbolSpecification[]): PricePaths {
  const factorKey = keyOf(seed, 'factor');
  // Symbols move with the factor for about two thirds of their variance (beta 1).
  const factorDaily = 0.019;
  const factor = rememberDay(createWalk(factorKey, factorDaily));
  const walks = new Map(
    specifications.map((s) => {
      const own = Math.sqrt(
        Math.max(s.dailyVolatility ** 2 - (s.beta * factorDaily) ** 2, (0.3 * s.dailyVolatility) ** 2),
      );
      return [s.symbol, { specification: s, walk: createWalk(keyOf(seed, 'symbol', s.symbol), own) }] as const;
    }),
  );
  // The windows of all markets of a symbol walk over the same day; of many symbols only the last hour is kept.
  const slots = walks.size <= FEW_SYMBOLS ? REMEMBERED : 64;
  const memories = new Map(specifications.map((s) => [s.symbol, new PathMemory(slots)]));

  const minute = (symbol: string, index: number): Float64Array => {
    const entry = walks.get(symbol);
    const memory = memories.get(symbol);
    if (entry === undefined || memory === undefined) throw new Error(`no price path for ${symbol}`);
    const { specification, walk } = entry;
    const found = memory.get(index);
    if (found !== undefined) return found;
    const path = memory.add(index);
    const common = factor.minute(index);
    const own = walk.minute(index);
    for (let i = 0; i <= PATH_PARTS; i++) {
      path[i] = specification.price * Math.exp(specification.beta * at(common, i) + at(own, i));
    }
    return path;
  };

  return {
    minute,
    at(symbol, time) {
      const index = Math.floor(time / MINUTE_MS);
      return interpolate(minute(symbol, index), (time - index * MINUTE_MS) / PART_MS);
    },
    volatility(symbol, index) {
      const own = walks.get(symbol)?.walk.volatility(index) ?? 1;
      return (own + factor.volatility(index)) / 2;
    },
    activity(symbol, level, node) {
      return factor.activity(level, node) * (walks.get(symbol)?.walk.activity(level, node) ?? 1);
    },
  };
}

/**
 * The paths of a symbol's last minutes: of a day while windows walk over it, of two minutes once they are filled. In one
 * piece of memory, which goes back to the system whole; 20,000 small ones left holes in what the process holds.
 */
class PathMemory {
  readonly #most: number;
  #paths = new Float64Array(0);
  #minutes = new Float64Array(0);
  #last: { readonly minute: number; readonly path: Float64Array } | undefined;
  #newest = 0;
  #calm = 0;

  constructor(most: number) {
    this.#most = most;
    this.#resize(2);
  }

  get(minute: number): Float64Array | undefined {
    const walking = minute > this.#newest || minute < this.#newest - 1;
    this.#newest = Math.max(this.#newest, minute);
    this.#calm = walking ? 0 : this.#calm + 1;
    if (this.#calm === CALM_CALLS) this.#forgetTheDay();
    return this.#held(minute);
  }

  /** Room for the path of a minute, to be filled. */
  add(minute: number): Float64Array {
    if (minute < this.#newest - 1 && this.#minutes.length < this.#most) this.#resize(this.#most);
    const slot = minute & (this.#minutes.length - 1);
    this.#minutes[slot] = minute;
    return this.#view(minute, slot);
  }

  /** Mostly the minute that was asked for last. */
  #held(minute: number): Float64Array | undefined {
    if (this.#last?.minute === minute) return this.#last.path;
    const slot = minute & (this.#minutes.length - 1);
    return this.#minutes[slot] === minute ? this.#view(minute, slot) : undefined;
  }

  #view(minute: number, slot: number): Float64Array {
    const path = this.#paths.subarray(slot * POINTS, (slot + 1) * POINTS);
    this.#last = { minute, path };
    return path;
  }

  #forgetTheDay(): void {
    if (this.#minutes.length === 2) return;
    const recent = [this.#newest - 1, this.#newest].map((minute) => ({ minute, path: this.#held(minute) }));
    this.#resize(2);
    for (const { minute, path } of recent) if (path !== undefined) this.add(minute).set(path);
  }

  #resize(slots: number): void {
    this.#paths = new Float64Array(slots * POINTS);
    this.#minutes = new Float64Array(slots).fill(Number.NaN);
    this.#last = undefined;
  }
}

/** Value of a path of minute points at `x` parts after its begin, 0 ≤ x ≤ 64. */
export function interpolate(path: Float64Array, x: number): number {
  const left = Math.min(Math.floor(x), PATH_PARTS - 1);
  const from = at(path, left);
  return from + (at(path, left + 1) - from) * (x - left);
}

interface Walk {
  /** Log displacement at the 65 points of a minute. The array is reused by the next call. */
  minute(index: number): Float64Array;
  volatility(index: number): number;
  activity(level: number, node: number): number;
}

function createWalk(key: number, dailyVolatility: number): Walk {
  const perMinute = dailyVolatility / Math.sqrt(1440);
  const amplitudes = Float64Array.from({ length: TOP_LEVEL + 1 }, (_, k) => {
    const brownian = (perMinute * Math.sqrt(2 ** Math.min(k, REVERT_LEVEL))) / 2;
    return brownian * 2 ** (Math.max(0, k - REVERT_LEVEL) * 0.25);
  });
  const scratch = new Float64Array(POINTS);
  const activity = (level: number, node: number): number =>
    at(CASCADE, hash(key, node, SALT_VOLATILITY + level * 64) & 255);

  const computed = (index: number): number => {
    let value = 0;
    let volatility = 1;
    for (let k = TOP_LEVEL; k >= 1; k--) {
      const node = index >> k;
      if (k <= CASCADE_LEVEL) volatility *= activity(k, node);
      const place = (index - node * 2 ** k) / 2 ** k;
      if (place === 0) continue;
      const tent = 1 - Math.abs(2 * place - 1);
      value += tent * at(amplitudes, k) * volatility * gaussianOf(hash(key, node, SALT_MOVE + k * 64));
    }
    return value;
  };
  const boundaries = new Float64Array(REMEMBERED);
  const held = new Float64Array(REMEMBERED).fill(Number.NaN);
  const boundary = (index: number): number => {
    const slot = index & (REMEMBERED - 1);
    if (held[slot] !== index) {
      boundaries[slot] = computed(index);
      held[slot] = index;
    }
    return at(boundaries, slot);
  };
  const volatility = (index: number): number => {
    let value = 1;
    for (let k = CASCADE_LEVEL; k >= 0; k--) value *= activity(k, index >> k);
    return value;
  };

  return {
    activity,
    volatility,
    minute(index) {
      scratch[0] = boundary(index);
      scratch[PATH_PARTS] = boundary(index + 1);
      const sigma = perMinute * volatility(index);
      let node = 0;
      for (let width = PATH_PARTS; width > 1; width /= 2) {
        const spread = (sigma / 2) * Math.sqrt(width / PATH_PARTS);
        for (let left = 0; left < PATH_PARTS; left += width) {
          const middle = (at(scratch, left) + at(scratch, left + width)) / 2;
          scratch[left + width / 2] = middle + spread * gaussianOf(hash(key, index * PATH_PARTS + node++, SALT_INNER));
        }
      }
      return scratch;
    },
  };
}

/** The same walk, which keeps the minutes of the last day and a half: all symbols and markets need them. */
function rememberDay(walk: Walk): Walk {
  const size = REMEMBERED * POINTS;
  const paths = new Float64Array(size);
  const held = new Float64Array(REMEMBERED).fill(Number.NaN);
  return {
    ...walk,
    minute(index) {
      const slot = index & (REMEMBERED - 1);
      const begin = slot * POINTS;
      if (held[slot] !== index) {
        paths.set(walk.minute(index), begin);
        held[slot] = index;
      }
      return paths.subarray(begin, begin + POINTS);
    },
  };
}

function at(values: Float64Array, index: number): number {
  return values[index] ?? Number.NaN;
}

/** Normal quantile, Tukey's lambda approximation (good to about 0.02, which serves a table of multipliers). */
function quantile(p: number): number {
  return 4.91 * (p ** 0.14 - (1 - p) ** 0.14);
}
