import { z } from 'zod';
import type { PriceLevel } from '../../../domain/records.ts';
import type { Kind } from '../../endpoint.ts';
import { imbalancePct, mean, middle, spreadBps } from './statistics.ts';
import { measure } from '../../../domain/measure.ts';

/** Best first; price in the quote currency, size in base units. */
export interface BookReading {
  readonly symbol: string;
  readonly bids: readonly PriceLevel[];
  readonly asks: readonly PriceLevel[];
  readonly seq: number | null;
}

const levelShape = z.tuple([measure.price, measure.size]);
const bandShape = z.object({
  levels: measure.count,
  bid_size: measure.size,
  ask_size: measure.size,
  bid_value: measure.value,
  ask_value: measure.value,
  imbalance_pct: measure.percent.nullable(),
});
const wallShape = z.object({
  side: z.enum(['bid', 'ask']),
  price: measure.price,
  size: measure.size,
  times_average: measure.ratio,
  distance_bps: measure.basisPoints.nullable(),
});

export const bookShape = z.object({
  symbol: z.string(),
  seq: measure.sequence.nullable(),
  best_bid: measure.price.nullable(),
  best_ask: measure.price.nullable(),
  mid: measure.price.nullable(),
  spread: measure.priceDifference.nullable(),
  spread_bps: measure.basisPoints.nullable(),
  levels: z.object({ bids: measure.count, asks: measure.count }),
  bands: z.array(bandShape),
  walls: z.array(wallShape),
  pressure: z.enum(['bid', 'ask', 'balanced', 'unknown']),
  bids: z.array(levelShape),
  asks: z.array(levelShape),
});

/** Levels of the bands, and of the pressure: 20. */
const BANDS = [5, 10, 20, 50] as const;
const PRESSURE_LEVELS = 20;
/** Imbalance of the first 20 levels beyond which one side presses, percent. */
const PRESSURE_PCT = 15;
/** A level this many times the mean size of its side is a wall. */
const WALL_TIMES = 5;
const MOST_WALLS = 10;
const SHOWN = 100;

export const orderBook: Kind<BookReading, z.infer<typeof bookShape>> = {
  name: 'order_book',
  about:
    'The order book of one instrument: best bid and ask, middle, spread in basis points, size (base units) and value (quote currency) of the first 5, 10, 20 and 50 levels a side with their imbalance in percent, walls (levels of 5 times the mean size of their side), and up to 100 levels a side as [price, size].',
  output: bookShape,
  derive: ({ symbol, bids, asks, seq }) => {
    const [bid, ask] = [bids[0]?.[0] ?? null, asks[0]?.[0] ?? null];
    const mid = middle(bid, ask);
    const pressing = band(bids, asks, PRESSURE_LEVELS).imbalance_pct;
    return {
      symbol,
      seq,
      best_bid: bid,
      best_ask: ask,
      mid,
      spread: bid === null || ask === null ? null : ask - bid,
      spread_bps: spreadBps(bid, ask),
      levels: { bids: bids.length, asks: asks.length },
      bands: BANDS.filter((n) => n <= Math.max(5, bids.length, asks.length)).map((n) => band(bids, asks, n)),
      walls: [...wallsOf('bid', bids, mid), ...wallsOf('ask', asks, mid)]
        .sort((a, b) => b.times_average - a.times_average)
        .slice(0, MOST_WALLS),
      pressure:
        pressing === null ? 'unknown' : pressing > PRESSURE_PCT ? 'bid' : pressing < -PRESSURE_PCT ? 'ask' : 'balanced',
      bids: bids.slice(0, SHOWN).map(([price, size]): [number, number] => [price, size]),
      asks: asks.slice(0, SHOWN).map(([price, size]): [number, number] => [price, size]),
    };
  },
  summary: (book) =>
    `${book.symbol} ${String(book.best_bid)} / ${String(book.best_ask)}, spread ${book.spread_bps === null ? 'unknown' : `${book.spread_bps.toFixed(2)} bps`}, ${book.pressure}.`,
};

function band(bids: readonly PriceLevel[], asks: readonly PriceLevel[], levels: number): z.infer<typeof bandShape> {
  const [bidSize, bidValue] = totals(bids.slice(0, levels));
  const [askSize, askValue] = totals(asks.slice(0, levels));
  return {
    levels,
    bid_size: bidSize,
    ask_size: askSize,
    bid_value: bidValue,
    ask_value: askValue,
    imbalance_pct: imbalancePct(bidSize, askSize),
  };
}

function totals(side: readonly PriceLevel[]): readonly [size: number, value: number] {
  return [
    side.reduce((total, [, size]) => total + size, 0),
    side.reduce((total, [price, size]) => total + price * size, 0),
  ];
}

function wallsOf(side: 'bid' | 'ask', levels: readonly PriceLevel[], mid: number | null): z.infer<typeof wallShape>[] {
  const average = mean(levels.map(([, size]) => size));
  if (average === null || average === 0) return [];
  return levels
    .filter(([, size]) => size >= average * WALL_TIMES)
    .map(([price, size]) => ({
      side,
      price,
      size,
      times_average: size / average,
      distance_bps: mid === null || mid === 0 ? null : Math.abs(price / mid - 1) * 10_000,
    }));
}
