import type { Us } from '../../kit/clock.ts';
import type { MarketRecord } from '../domain/records.ts';

const MINUTE_US = 60_000_000;
/** The window that the validator's rule averages over, minutes. */
const WINDOW = 60;
/** First prices of a series, judged by their median; fewer than three are not judged. */
const FIRST = 5;
const LEAST = 3;
/** A series is told of at most this often: what it tells of is looked at whole. */
const QUIET_US = 10_000_000;

/** A price that lies too far from the average of the hour before it. Times are UTC µs. */
export interface Outlier {
  readonly time: Us;
  readonly price: number;
  readonly average: number;
  readonly deviationPercent: number;
}

/**
 * Looks at each price as it arrives: is it further from the mean of the hour before than the rule allows? It only raises
 * suspicion, by minutes instead of rows, in constant time and memory a series; the validator's rule over the stored rows
 * decides.
 */
export class PriceGuard {
  readonly #limitPercent: () => number;
  readonly #windows = new Map<string, Map<string, Map<string, Map<string, PriceWindow>>>>();

  /** `limitPercent`: the largest distance from the average that is in force. */
  constructor(limitPercent: () => number) {
    this.#limitPercent = limitPercent;
  }

  /** Gives what is wrong with the record's price; undefined for nothing, and while a series was just told of. */
  judge(record: MarketRecord): Outlier | undefined {
    const price = priceOf(record);
    if (price === null || record.origin !== 'live') return undefined;
    const window = this.#window(record);
    const average = window.far(price, record.event_time, this.#limitPercent());
    if (average === null || record.event_time < window.quietUntil) return undefined;
    window.quietUntil = record.event_time + QUIET_US;
    const deviationPercent = (Math.abs(price - average) / average) * 100;
    return { time: record.event_time, price, average, deviationPercent };
  }

  #window({ stream, exchange, market, symbol }: MarketRecord): PriceWindow {
    const exchanges = getOrAdd(this.#windows, stream, () => new Map<string, Map<string, Map<string, PriceWindow>>>());
    const markets = getOrAdd(exchanges, exchange, () => new Map<string, Map<string, PriceWindow>>());
    const symbols = getOrAdd(markets, market, () => new Map<string, PriceWindow>());
    return getOrAdd(symbols, symbol, () => new PriceWindow());
  }
}

/** Sums of the accepted prices of the last hour, a minute each. */
class PriceWindow {
  quietUntil: Us = 0;
  readonly #sums = new Float64Array(WINDOW);
  readonly #counts = new Float64Array(WINDOW);
  #newest = 0;
  #sum = 0;
  #count = 0;
  #first: number[] | null = [];

  /** The average that a price is too far from; null, and the price is taken in, when it is near or cannot be judged. */
  far(price: number, time: Us, limitPercent: number): number | null {
    if (this.#first !== null) return this.#farFromFirst(this.#first, price, time, limitPercent);
    const minute = Math.floor(time / MINUTE_US);
    this.#move(minute);
    if (this.#count === 0) {
      // An hour of silence: there is nothing to compare with any more.
      this.#first = [price];
      return null;
    }
    const average = this.#sum / this.#count;
    if (isFar(price, average, limitPercent)) return average;
    this.#add(minute, price);
    return null;
  }

  #farFromFirst(first: number[], price: number, time: Us, limitPercent: number): number | null {
    const middle = [...first].sort((a, b) => a - b)[first.length >> 1] ?? price;
    if (first.length >= LEAST && isFar(price, middle, limitPercent)) return middle;
    first.push(price);
    if (first.length < FIRST) return null;
    this.#first = null;
    const minute = Math.floor(time / MINUTE_US);
    this.#move(minute);
    for (const held of first) if (!isFar(held, middle, limitPercent)) this.#add(minute, held);
    return null;
  }

  #move(minute: number): void {
    if (minute <= this.#newest) return;
    const from = Math.max(this.#newest + 1, minute - WINDOW + 1);
    for (let m = from; m <= minute; m++) {
      const at = m % WINDOW;
      this.#sum -= this.#sums[at] ?? 0;
      this.#count -= this.#counts[at] ?? 0;
      this.#sums[at] = 0;
      this.#counts[at] = 0;
    }
    this.#newest = minute;
  }

  #add(minute: number, price: number): void {
    if (minute <= this.#newest - WINDOW) return;
    const at = minute % WINDOW;
    this.#sums[at] = (this.#sums[at] ?? 0) + price;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += price;
    this.#count += 1;
  }
}

function isFar(price: number, average: number, limitPercent: number): boolean {
  return Math.abs(price - average) * 100 > limitPercent * Math.abs(average);
}

/** The price that the validator's rule judges, of the streams that tell one as they happen. */
function priceOf(record: MarketRecord): number | null {
  switch (record.stream) {
    case 'trades':
      return record.price;
    case 'mark_prices':
      return record.mark_price;
    case 'candles':
      return record.close;
    case 'ticker_24h':
      return record.last_price;
    case 'prices':
      return record.bid_price === null || record.ask_price === null ? null : (record.bid_price + record.ask_price) / 2;
    default:
      return null;
  }
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
