import type { SimulatedCandle, SimulatedTicker } from '../../exchanges/simulator-contract.ts';
import { MINUTE_MS } from './path.ts';
import type { SeriesSpecification } from './specification.ts';
import { countBefore, type MinuteTape, type TradeTape } from './tape.ts';

/** Candles and the 24 h window of one series, from its trades. */
export interface SeriesAggregates {
  /** Of the trades of the minute before `at`; undefined when there are none yet. */
  candle(openTime: number, at: number): SimulatedCandle | undefined;
  /** Of the trades from 24 h before the end of the running minute up to `at`. */
  ticker(at: number): SimulatedTicker;
  /** Adds up to `budget` minutes to the window that `ticker(at)` needs; true when nothing is missing. */
  warm(at: number, budget: number): boolean;
}

const DAY_MINUTES = 1440;
/** Numbers kept a minute: open, high, low, close (ticks), lots, ticks × lots, trades. */
const WIDTH = 7;

interface Sums {
  open: number;
  high: number;
  low: number;
  close: number;
  lots: number;
  value: number;
  count: number;
  buyLots: number;
  buyValue: number;
}

export function createAggregates(series: SeriesSpecification, tape: TradeTape): SeriesAggregates {
  return new ModelAggregates(series, tape);
}

class ModelAggregates implements SeriesAggregates {
  readonly #series: SeriesSpecification;
  readonly #tape: TradeTape;
  /** A ring over the last 24 h: slot = minute modulo 1440, valid when `held` names that minute. */
  readonly #ring = new Float64Array(DAY_MINUTES * WIDTH);
  readonly #held = new Float64Array(DAY_MINUTES).fill(-1);
  #window: { readonly minute: number; readonly sums: Sums } | undefined;

  constructor(series: SeriesSpecification, tape: TradeTape) {
    this.#series = series;
    this.#tape = tape;
  }

  candle(openTime: number, at: number): SimulatedCandle | undefined {
    const minute = Math.floor(openTime / MINUTE_MS);
    const sums = sumOf(this.#tape.minute(minute), at - minute * MINUTE_MS);
    if (sums.count === 0) return undefined;
    return {
      openTime: minute * MINUTE_MS,
      open: this.#price(sums.open),
      high: this.#price(sums.high),
      low: this.#price(sums.low),
      close: this.#price(sums.close),
      volume: this.#quantity(sums.lots),
      quoteVolume: this.#value(sums.value),
      count: sums.count,
      takerBuyVolume: this.#quantity(sums.buyLots),
      takerBuyQuote: this.#value(sums.buyValue),
      firstId: this.#tape.firstId(minute),
    };
  }

  ticker(at: number): SimulatedTicker {
    const minute = Math.floor(at / MINUTE_MS);
    const day = this.#dayBefore(minute);
    const running = this.#tape.minute(minute);
    const now = sumOf(running, at - minute * MINUTE_MS);
    const lastTape = now.count > 0 ? running : this.#tape.minute(minute - 1);
    const lastIndex = now.count > 0 ? now.count - 1 : lastTape.count - 1;
    return {
      openTime: (minute - DAY_MINUTES + 1) * MINUTE_MS,
      open: this.#price(day.open),
      high: this.#price(Math.max(day.high, now.high)),
      low: this.#price(Math.min(day.low, now.low)),
      last: this.#price(lastTape.ticks[lastIndex] ?? day.close),
      lastQuantity: this.#quantity(lastTape.lots[lastIndex] ?? 0),
      volume: this.#quantity(day.lots + now.lots),
      quoteVolume: this.#value(day.value + now.value),
      count: day.count + now.count,
      firstId: this.#tape.firstId(minute - DAY_MINUTES + 1),
    };
  }

  warm(at: number, budget: number): boolean {
    const minute = Math.floor(at / MINUTE_MS);
    let left = budget;
    for (let m = minute - DAY_MINUTES + 1; m < minute; m++) {
      if (this.#held[m % DAY_MINUTES] === m) continue;
      if (left-- <= 0) return false;
      this.#remember(m);
    }
    return true;
  }

  #price(ticks: number): number {
    return (ticks * this.#series.tickUnits) / this.#series.priceScale;
  }

  #quantity(lots: number): number {
    return (lots * this.#series.lotUnits) / this.#series.quantityScale;
  }

  #value(product: number): number {
    const { tickUnits, lotUnits, priceScale, quantityScale } = this.#series;
    return (product * tickUnits * lotUnits) / (priceScale * quantityScale);
  }

  #remember(minute: number): void {
    const slot = minute % DAY_MINUTES;
    if (this.#held[slot] === minute) return;
    const sums = sumOf(this.#tape.scan(minute), Number.POSITIVE_INFINITY);
    this.#ring.set([sums.open, sums.high, sums.low, sums.close, sums.lots, sums.value, sums.count], slot * WIDTH);
    this.#held[slot] = minute;
  }

  /** Of the 1439 minutes before `minute`. */
  #dayBefore(minute: number): Sums {
    if (this.#window?.minute === minute) return this.#window.sums;
    const ring = this.#ring;
    const sums = emptySums();
    for (let m = minute - DAY_MINUTES + 1; m < minute; m++) {
      this.#remember(m);
      const at = (m % DAY_MINUTES) * WIDTH;
      if (sums.count === 0) sums.open = ring[at] ?? 0;
      sums.high = Math.max(sums.high, ring[at + 1] ?? 0);
      sums.low = Math.min(sums.low, ring[at + 2] ?? 0);
      sums.close = ring[at + 3] ?? 0;
      sums.lots += ring[at + 4] ?? 0;
      sums.value += ring[at + 5] ?? 0;
      sums.count += ring[at + 6] ?? 0;
    }
    this.#window = { minute, sums };
    return sums;
  }
}

function emptySums(): Sums {
  return {
    open: 0,
    high: Number.NEGATIVE_INFINITY,
    low: Number.POSITIVE_INFINITY,
    close: 0,
    lots: 0,
    value: 0,
    count: 0,
    buyLots: 0,
    buyValue: 0,
  };
}

function sumOf(tape: MinuteTape, beforeOffset: number): Sums {
  const count = beforeOffset >= MINUTE_MS ? tape.count : countBefore(tape, beforeOffset);
  const sums = emptySums();
  for (let i = 0; i < count; i++) {
    const ticks = tape.ticks[i] ?? 0;
    const lots = tape.lots[i] ?? 0;
    if (i === 0) sums.open = ticks;
    if (ticks > sums.high) sums.high = ticks;
    if (ticks < sums.low) sums.low = ticks;
    sums.close = ticks;
    sums.lots += lots;
    sums.value += ticks * lots;
    if (tape.buys[i] === 1) {
      sums.buyLots += lots;
      sums.buyValue += ticks * lots;
    }
  }
  sums.count = count;
  return sums;
}
