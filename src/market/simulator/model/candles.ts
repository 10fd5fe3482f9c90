import type { SimulatedCandle, SimulatedTicker } from '../../exchanges/contract.ts';
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
  // A ring over the last 24 h: slot = minute modulo 1440, valid when `held` names that minute.
  const ring = new Float64Array(DAY_MINUTES * WIDTH);
  const held = new Float64Array(DAY_MINUTES).fill(-1);
  let window: { readonly minute: number; readonly sums: Sums } | undefined;

  const price = (ticks: number): number => (ticks * series.tickUnits) / series.priceScale;
  const quantity = (lots: number): number => (lots * series.lotUnits) / series.quantityScale;
  const value = (product: number): number =>
    (product * series.tickUnits * series.lotUnits) / (series.priceScale * series.quantityScale);

  const remember = (minute: number): void => {
    const slot = minute % DAY_MINUTES;
    if (held[slot] === minute) return;
    const sums = sumOf(tape.scan(minute), Number.POSITIVE_INFINITY);
    ring.set([sums.open, sums.high, sums.low, sums.close, sums.lots, sums.value, sums.count], slot * WIDTH);
    held[slot] = minute;
  };

  const dayBefore = (minute: number): Sums => {
    if (window?.minute === minute) return window.sums;
    const sums = emptySums();
    for (let m = minute - DAY_MINUTES + 1; m < minute; m++) {
      remember(m);
      const at = (m % DAY_MINUTES) * WIDTH;
      if (sums.count === 0) sums.open = ring[at] ?? 0;
      sums.high = Math.max(sums.high, ring[at + 1] ?? 0);
      sums.low = Math.min(sums.low, ring[at + 2] ?? 0);
      sums.close = ring[at + 3] ?? 0;
      sums.lots += ring[at + 4] ?? 0;
      sums.value += ring[at + 5] ?? 0;
      sums.count += ring[at + 6] ?? 0;
    }
    window = { minute, sums };
    return sums;
  };

  return {
    candle(openTime, at) {
      const minute = Math.floor(openTime / MINUTE_MS);
      const sums = sumOf(tape.minute(minute), at - minute * MINUTE_MS);
      if (sums.count === 0) return undefined;
      return {
        openTime: minute * MINUTE_MS,
        open: price(sums.open),
        high: price(sums.high),
        low: price(sums.low),
        close: price(sums.close),
        volume: quantity(sums.lots),
        quoteVolume: value(sums.value),
        count: sums.count,
        takerBuyVolume: quantity(sums.buyLots),
        takerBuyQuote: value(sums.buyValue),
        firstId: tape.firstId(minute),
      };
    },
    ticker(at) {
      const minute = Math.floor(at / MINUTE_MS);
      const day = dayBefore(minute);
      const running = tape.minute(minute);
      const now = sumOf(running, at - minute * MINUTE_MS);
      const lastTape = now.count > 0 ? running : tape.minute(minute - 1);
      const lastIndex = now.count > 0 ? now.count - 1 : lastTape.count - 1;
      return {
        openTime: (minute - DAY_MINUTES + 1) * MINUTE_MS,
        open: price(day.open),
        high: price(Math.max(day.high, now.high)),
        low: price(Math.min(day.low, now.low)),
        last: price(lastTape.ticks[lastIndex] ?? day.close),
        lastQuantity: quantity(lastTape.lots[lastIndex] ?? 0),
        volume: quantity(day.lots + now.lots),
        quoteVolume: value(day.value + now.value),
        count: day.count + now.count,
        firstId: tape.firstId(minute - DAY_MINUTES + 1),
      };
    },
    warm(at, budget) {
      const minute = Math.floor(at / MINUTE_MS);
      let left = budget;
      for (let m = minute - DAY_MINUTES + 1; m < minute; m++) {
        if (held[m % DAY_MINUTES] === m) continue;
        if (left-- <= 0) return false;
        remember(m);
      }
      return true;
    },
  };
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
