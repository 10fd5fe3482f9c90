import type { Market } from '../../domain/records.ts';
import { orderBook } from '../shared/kinds/book.ts';
import { candles } from '../shared/kinds/candles.ts';
import { prices, quotes } from '../shared/kinds/ticker.ts';
import { trades } from '../shared/kinds/trades.ts';
import { liveBook, liveTrades } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { bookOf, candlesOf, nameOf, newest, tradesOf } from '../shared/readings.ts';
import { canonicalSymbol } from '../shared/symbols.ts';
import {
  aggregateTrades,
  aggregateWire,
  barsOf,
  bookTickerWire,
  depthWire,
  klineWire,
  oneOrMany,
  priceWire,
} from './endpoint-shapes.ts';

/** Where a market of Binance answers what both answer, and what its answers weigh. */
export interface MarketCalls {
  readonly market: Market;
  /** `/api/v3` */
  readonly base: string;
  /** Page of each call. */
  readonly docs: Readonly<Record<'depth' | 'aggTrades' | 'klines' | 'price' | 'bookTicker', string>>;
  /** Depths that the venue takes, where it does not take every one; the next larger is asked. */
  readonly depths?: readonly number[] | undefined;
  readonly weightOf: {
    readonly depth: (limit: number) => number;
    readonly aggTrades: number;
    readonly klines: (limit: number) => number;
    /** Of one symbol, of all. */
    readonly price: readonly [one: number, all: number];
    readonly bookTicker: readonly [one: number, all: number];
  };
}

/** Questions that both markets answer alike. */
export function marketQuestions({ market, base, docs, depths, weightOf }: MarketCalls) {
  return {
    book: {
      kind: orderBook,
      live: liveBook,
      endpoint: endpoint({
        market,
        docs: docs.depth,
        request: ({ depth }: { readonly depth: number }, i) => {
          const limit = depths === undefined ? depth : (depths.find((d) => d >= depth) ?? depth);
          return {
            path: `${base}/depth`,
            query: { symbol: nameOf(i), limit },
            weight: weightOf.depth(limit),
          };
        },
        shape: depthWire,
        read: (w, facts, { depth }) =>
          bookOf(facts, {
            bids: w.bids.slice(0, depth),
            asks: w.asks.slice(0, depth),
            seq: w.lastUpdateId,
            time: w.T ?? w.E ?? null,
          }),
      }),
    },
    aggregate: {
      kind: trades,
      live: liveTrades,
      endpoint: endpoint({
        market,
        docs: docs.aggTrades,
        request: ({ limit }: { readonly limit: number }, i) => ({
          path: `${base}/aggTrades`,
          query: { symbol: nameOf(i), limit },
          weight: weightOf.aggTrades,
        }),
        shape: aggregateWire,
        read: (rows, facts) => tradesOf(facts, aggregateTrades(rows)),
      }),
    },
    bars: {
      kind: candles,
      endpoint: endpoint({
        market,
        docs: docs.klines,
        request: ({ interval, limit }: { readonly interval: string; readonly limit: number }, i) => ({
          path: `${base}/klines`,
          query: { symbol: nameOf(i), interval, limit },
          weight: weightOf.klines(limit),
        }),
        shape: klineWire,
        read: (rows, facts, { interval }) => candlesOf(facts, interval, barsOf(rows, facts.now)),
      }),
    },
    lastPrices: {
      kind: prices,
      endpoint: endpoint({
        market,
        docs: docs.price,
        request: (_args: unknown, i) => ({
          path: `${base}/ticker/price`,
          query: { symbol: nameOf(i) },
          weight: weightOf.price[i === undefined ? 1 : 0],
        }),
        shape: oneOrMany(priceWire),
        read: (rows) => ({
          value: rows.map((w) => ({ symbol: canonicalSymbol(w.symbol), price: w.price, time: w.time })),
          time: newest(rows.map((w) => w.time)),
        }),
      }),
    },
    best: {
      kind: quotes,
      endpoint: endpoint({
        market,
        docs: docs.bookTicker,
        request: (_args: unknown, i) => ({
          path: `${base}/ticker/bookTicker`,
          query: { symbol: nameOf(i) },
          weight: weightOf.bookTicker[i === undefined ? 1 : 0],
        }),
        shape: oneOrMany(bookTickerWire),
        read: (rows) => ({
          value: rows.map((w) => ({
            symbol: canonicalSymbol(w.symbol),
            bid: w.bidPrice,
            ask: w.askPrice,
            bid_size: w.bidQty,
            ask_size: w.askQty,
            time: w.time,
          })),
          time: newest(rows.map((w) => w.time)),
        }),
      }),
    },
  };
}
