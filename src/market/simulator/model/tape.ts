import { hash, keyOf, noise, uniform } from './random.ts';
import { MINUTE_MS, PART_MS, PATH_PARTS, type PricePaths } from './path.ts';
import type { SeriesSpecification } from './specification.ts';
import { STEP_MS, type Touch } from './touch.ts';

/** The trades of one minute, oldest first, in whole ticks and lots. Trade i has id `firstId + i`. */
export interface MinuteTape {
  readonly minute: number;
  readonly firstId: number;
  readonly count: number;
  /** Ms since the minute's begin, never falling. Only the first `count` items of each array count. */
  readonly offsets: Uint16Array;
  readonly ticks: Int32Array;
  readonly lots: Int32Array;
  /** 1: the taker bought. */
  readonly buys: Uint8Array;
}

export interface TradeTape {
  /** Id of the first trade at or after the begin of `minute`; ids count from the epoch without holes. */
  firstId(minute: number): number;
  minute(minute: number): MinuteTape;
  /** The same, in arrays that the next call reuses: for looking at many minutes once. */
  scan(minute: number): MinuteTape;
  /** Number of trades before `at` (UTC ms): the id of the next one. */
  idAt(at: number): number;
  /** The minute that holds trade `id`. */
  minuteOf(id: number): number;
}

/** Counts split over halves of this many minutes downwards. */
const TOP_LEVEL = 11;
const TOP_MINUTES = 2 ** TOP_LEVEL;
/** One trade is certain in every fourth part of a minute, so that no series is silent for more than 8 s. */
const CERTAIN_EVERY = 4;
const CERTAIN_PER_MINUTE = PATH_PARTS / CERTAIN_EVERY;

const SALT_TOP = 31;
const SALT_SPLIT = 32;
const SALT_PART = 33;
const SALT_TRADE = 34;
const SALT_SIZE = 35;
const SALT_BURST = 36;

/** Trade sizes relative to the median: log-normal with a Pareto tail (exponent 1.5) above the 97th percentile. */
const SIZES = Float64Array.from({ length: 1024 }, (_, i) => {
  const p = (i + 0.5) / 1024;
  const body = Math.exp(1.25 * 4.91 * (Math.min(p, 0.97) ** 0.14 - (1 - Math.min(p, 0.97)) ** 0.14));
  return p <= 0.97 ? body : body * ((1 - 0.97) / (1 - p)) ** (1 / 1.5);
});

export function createTradeTape(seed: number, series: SeriesSpecification, paths: PricePaths, touch: Touch): TradeTape {
  return new ModelTape(seed, series, paths, touch);
}

class ModelTape implements TradeTape {
  readonly #series: SeriesSpecification;
  readonly #paths: PricePaths;
  readonly #touch: Touch;
  readonly #key: number;
  /** Scattered trades in a span of the top level, on average. */
  readonly #perTop: number;
  readonly #firstIds = new Map<number, number>();
  readonly #kept: MinuteTape[] = [];
  readonly #partCounts = new Int32Array(PATH_PARTS);
  #scratch = createArrays(1024);
  /** Of the trades of one part. */
  #hashes = new Int32Array(256);

  constructor(seed: number, series: SeriesSpecification, paths: PricePaths, touch: Touch) {
    this.#series = series;
    this.#paths = paths;
    this.#touch = touch;
    this.#key = keyOf(seed, 'trades', series.exchange, series.market, series.instrument.symbol);
    const perMinute = series.tradesPerSecond * series.activity * 60;
    this.#perTop = Math.max(0, perMinute - CERTAIN_PER_MINUTE) * TOP_MINUTES;
  }

  firstId(minute: number): number {
    const known = this.#firstIds.get(minute);
    if (known !== undefined) return known;
    const id = minute * CERTAIN_PER_MINUTE + this.#scatteredBefore(minute);
    if (this.#firstIds.size >= 8) this.#firstIds.delete(this.#firstIds.keys().next().value ?? Number.NaN);
    this.#firstIds.set(minute, id);
    return id;
  }

  minute(minute: number): MinuteTape {
    const known = this.#kept.find((m) => m.minute === minute);
    if (known !== undefined) return known;
    const made = this.#make(minute, createArrays);
    this.#kept.push(made);
    if (this.#kept.length > 4) this.#kept.shift();
    return made;
  }

  scan(minute: number): MinuteTape {
    return this.#make(minute, (count) => {
      if (count > this.#scratch.offsets.length) this.#scratch = createArrays(count * 2);
      return this.#scratch;
    });
  }

  idAt(at: number): number {
    const minute = Math.floor(at / MINUTE_MS);
    const tape = this.minute(minute);
    return tape.firstId + countBefore(tape, at - minute * MINUTE_MS);
  }

  minuteOf(id: number): number {
    let low = 0;
    let high = 2 ** 26;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.firstId(middle) <= id) low = middle;
      else high = middle;
    }
    return low;
  }

  #topCount(node: number): number {
    return Math.round(node * this.#perTop + 0.15 * this.#perTop * noise(this.#key, node, SALT_TOP));
  }

  /** Trades beyond the certain ones before `minute`: walks down the halves of the span that holds it. */
  #scatteredBefore(minute: number): number {
    const { symbol } = this.#series;
    let node = Math.floor(minute / TOP_MINUTES);
    let before = this.#topCount(node);
    let count = this.#topCount(node + 1) - before;
    for (let level = TOP_LEVEL - 1; level >= 0 && count > 0; level--) {
      node *= 2;
      const left = Math.sqrt(this.#paths.activity(symbol, level, node));
      const right = Math.sqrt(this.#paths.activity(symbol, level, node + 1));
      const jitter = uniform(this.#key, node, SALT_SPLIT + level * 64);
      const inLeft = Math.min(count, Math.floor((count * left) / (left + right) + jitter));
      if (minute >> level === node) count = inLeft;
      else {
        before += inLeft;
        count -= inLeft;
        node += 1;
      }
    }
    return before;
  }

  /** Shares the scattered trades of a minute out over its parts, unevenly, and adds the certain ones. */
  #splitParts(minute: number, count: number): void {
    const counts = this.#partCounts;
    counts[0] = count;
    let node = 0;
    for (let width = PATH_PARTS; width > 1; width /= 2) {
      for (let left = 0; left < PATH_PARTS; left += width) {
        const n = counts[left] ?? 0;
        const h = hash(this.#key, minute * PATH_PARTS + node++, SALT_PART);
        const share = 0.5 + ((h & 0xffff) / 0x10000 - 0.5) * 0.7;
        const inLeft = n === 0 ? 0 : Math.min(n, Math.floor(n * share + (h >>> 16) / 0x10000));
        counts[left] = inLeft;
        counts[left + width / 2] = n - inLeft;
      }
    }
    for (let part = 0; part < PATH_PARTS; part += CERTAIN_EVERY) counts[part] = (counts[part] ?? 0) + 1;
  }

  #make(minute: number, arraysFor: (count: number) => Arrays): MinuteTape {
    const { symbol, price, medianTradeValue, lotUnits, quantityScale, worth } = this.#series;
    const firstId = this.firstId(minute);
    const count = this.firstId(minute + 1) - firstId;
    const tape = { minute, firstId, count, ...arraysFor(count) };
    this.#splitParts(minute, count - CERTAIN_PER_MINUTE);
    const path = this.#paths.minute(symbol, minute);
    const activity = Math.min(3, this.#paths.volatility(symbol, minute) ** 0.3);
    // An option may be worth nothing for a while: its trades are of so many contracts, whatever they cost.
    const each = worth === undefined ? (path[0] ?? price) : price;
    const medianLots = (medianTradeValue * activity) / ((each * lotUnits) / quantityScale);
    let begin = 0;
    for (let part = 0; part < PATH_PARTS; part++) {
      const n = this.#partCounts[part] ?? 0;
      const rises = (path[part + 1] ?? 0) > (path[part] ?? 0);
      if (n > 0) this.#fillPart(tape, { part, begin, end: begin + n, rises }, medianLots);
      begin += n;
    }
    return tape;
  }

  /** Makes the trades of one part: takers rather buy when the price rises, in bursts. */
  #fillPart(tape: MinuteTape, { part, begin, end, rises }: Part, medianLots: number): void {
    const key = this.#key;
    const place = tape.minute * PATH_PARTS + part;
    // Gaps between trades are squares of uniform numbers: most are short, some long.
    let total = gap(hash(key, -1 - place, SALT_TRADE));
    if (end - begin > this.#hashes.length) this.#hashes = new Int32Array(2 * (end - begin));
    const hashes = this.#hashes;
    for (let i = begin; i < end; i++) {
      const h = hash(key, tape.firstId + i, SALT_TRADE);
      hashes[i - begin] = h;
      total += gap(h);
    }
    const burst = uniform(key, place, SALT_BURST) - 0.5;
    const buyShare = (0.5 + (rises ? 0.15 : -0.15) + burst * 0.3) * 1024;
    const step0 = (tape.minute * MINUTE_MS) / STEP_MS;
    let passed = 0;
    for (let i = begin; i < end; i++) {
      const h = hashes[i - begin] ?? 0;
      const size = hash(key, tape.firstId + i, SALT_SIZE);
      passed += gap(h);
      const offset = Math.min(MINUTE_MS - 1, Math.floor((part + passed / total) * PART_MS));
      const step = step0 + Math.floor(offset / STEP_MS);
      const buy = ((h >>> 10) & 1023) < buyShare;
      const rank = size & 1023;
      const sweep = rank > 1000 ? (size >>> 12) & 3 : 0;
      tape.offsets[i] = offset;
      tape.buys[i] = buy ? 1 : 0;
      tape.ticks[i] = buy ? this.#touch.ask(step) + sweep : Math.max(1, this.#touch.bid(step) - sweep);
      tape.lots[i] = Math.max(1, Math.round(medianLots * (SIZES[rank] ?? 1) * (0.9 + ((size >>> 20) & 255) / 1275)));
    }
  }
}

/** A 64th of a minute, its trades as indices [begin, end). */
interface Part {
  readonly part: number;
  readonly begin: number;
  readonly end: number;
  readonly rises: boolean;
}

type Arrays = Pick<MinuteTape, 'offsets' | 'ticks' | 'lots' | 'buys'>;

function createArrays(count: number): Arrays {
  return {
    offsets: new Uint16Array(count),
    ticks: new Int32Array(count),
    lots: new Int32Array(count),
    buys: new Uint8Array(count),
  };
}

/** Trades of the minute whose offset is below `offset` ms. */
export function countBefore(tape: MinuteTape, offset: number): number {
  let low = 0;
  let high = tape.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((tape.offsets[middle] ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function gap(h: number): number {
  const u = ((h & 1023) + 1) / 1025;
  return u * u;
}
