import { z } from 'zod';
import type { Market } from '../../domain/records.ts';
import type { EndpointFacts } from '../endpoint.ts';
import { orderBook } from '../shared/kinds/book.ts';
import { candles } from '../shared/kinds/candles.ts';
import { fundingHistory, openInterestHistory } from '../shared/kinds/derivatives.ts';
import { instruments } from '../shared/kinds/instruments.ts';
import { longShortRatio } from '../shared/kinds/positioning.ts';
import { ticker, type Ticker } from '../shared/kinds/ticker.ts';
import { trades } from '../shared/kinds/trades.ts';
import { liveBook, liveTicker, liveTrades } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { bookOf, candlesOf, fundingOf, moversOf, nameOf, newest, symbolOf, tradesOf } from '../shared/readings.ts';
import { decimal, decimalOrNull, level, msTime, positiveOrNull } from '../shared/shapes.ts';
import { canonicalSymbol } from '../shared/symbols.ts';
import { parseBybitInstruments } from './instruments.ts';

/* What Bybit v5 answers of both markets. Read 2026-11-20. */

export const DOCS = 'https://bybit-exchange.github.io/docs/v5/market';
const INTERVAL_MS: Readonly<Record<string, number>> = { D: 86_400_000, W: 7 * 86_400_000, M: 28 * 86_400_000 };

/** The envelope of every answer, and what the call's result is. */
export const result = <W>(shape: z.ZodType<W>) => z.looseObject({ result: shape, time: msTime });

export function categoryOf(market: Market): string {
  return market === 'spot' ? 'spot' : 'linear';
}

const tickerWire = z.looseObject({
  symbol: z.string(),
  lastPrice: decimal,
  bid1Price: positiveOrNull,
  bid1Size: decimalOrNull,
  ask1Price: positiveOrNull,
  ask1Size: decimalOrNull,
  prevPrice24h: positiveOrNull,
  price24hPcnt: decimalOrNull,
  highPrice24h: positiveOrNull,
  lowPrice24h: positiveOrNull,
  volume24h: decimalOrNull,
  turnover24h: decimalOrNull,
  markPrice: positiveOrNull,
  indexPrice: positiveOrNull,
  fundingRate: decimalOrNull,
  fundingIntervalHour: positiveOrNull,
  nextFundingTime: positiveOrNull,
  openInterest: decimalOrNull,
  openInterestValue: decimalOrNull,
});
const tickersWire = result(z.looseObject({ list: z.array(tickerWire).min(1) }));

function tickerOf(w: z.output<typeof tickerWire>, facts: EndpointFacts, time: number): Ticker {
  const i = facts.instrumentOf(w.symbol);
  return {
    symbol: i?.symbol ?? canonicalSymbol(w.symbol),
    venue_symbol: w.symbol,
    quote: i?.quote ?? null,
    last: w.lastPrice,
    bid: w.bid1Price,
    ask: w.ask1Price,
    bid_size: w.bid1Size,
    ask_size: w.ask1Size,
    open_24h: w.prevPrice24h,
    high_24h: w.highPrice24h,
    low_24h: w.lowPrice24h,
    change_24h_pct: w.price24hPcnt === null ? null : w.price24hPcnt * 100,
    volume_24h: w.volume24h,
    quote_volume_24h: w.turnover24h,
    mark: w.markPrice,
    index: w.indexPrice,
    funding_rate: w.nextFundingTime === null ? null : w.fundingRate,
    funding_interval_hours: w.fundingIntervalHour ?? i?.funding_interval_hours ?? null,
    next_funding_time: w.nextFundingTime,
    open_interest: w.openInterest,
    open_interest_quote: w.openInterestValue,
    time,
  };
}

/** Questions that both markets answer. */
export function marketQuestions(market: Market) {
  const category = categoryOf(market);
  const path = (name: string): string => `/v5/market/${name}`;
  const all = endpoint({
    market,
    docs: `${DOCS}/tickers`,
    needsInstruments: true,
    request: (_args: unknown) => ({ path: path('tickers'), query: { category }, weight: 1 }),
    shape: tickersWire,
    read: (w, facts) => ({ value: w.result.list.map((t) => tickerOf(t, facts, w.time)), time: w.time }),
  });
  return {
    ticker: {
      kind: ticker,
      live: liveTicker,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/tickers`,
        request: (_args: unknown, i) => ({
          path: path('tickers'),
          query: { category, symbol: nameOf(i) },
          weight: 1,
        }),
        shape: tickersWire,
        read: (w, facts) => {
          const [first] = w.result.list.map((t) => tickerOf(t, facts, w.time));
          return { value: first ?? { symbol: '', venue_symbol: '', quote: null, last: null }, time: w.time };
        },
      }),
    },
    movers: moversOf({ endpoint: all }),
    book: {
      kind: orderBook,
      live: liveBook,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/orderbook`,
        request: (args: { readonly depth: number }, i) => ({
          path: path('orderbook'),
          query: { category, symbol: nameOf(i), limit: args.depth },
          weight: 1,
        }),
        shape: result(z.looseObject({ b: z.array(level), a: z.array(level), u: z.number(), ts: msTime })),
        read: ({ result: { b: bids, a: asks, u: seq, ts: time } }, facts) => bookOf(facts, { bids, asks, seq, time }),
      }),
    },
    trades: {
      kind: trades,
      live: liveTrades,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/recent-trade`,
        request: (args: { readonly limit: number }, i) => ({
          path: path('recent-trade'),
          query: { category, symbol: nameOf(i), limit: args.limit },
          weight: 1,
        }),
        shape: result(
          z.looseObject({
            list: z.array(
              z.looseObject({
                execId: z.string(),
                price: decimal,
                size: decimal,
                side: z.enum(['Buy', 'Sell']),
                time: msTime,
              }),
            ),
          }),
        ),
        read: (w, facts) =>
          tradesOf(
            facts,
            w.result.list.map((t) => ({
              id: t.execId,
              time: t.time,
              price: t.price,
              size: t.size,
              side: t.side === 'Buy' ? ('buy' as const) : ('sell' as const),
            })),
          ),
      }),
    },
    candles: {
      kind: candles,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/kline`,
        request: (args: { readonly interval: string; readonly limit: number }, i) => ({
          path: path('kline'),
          query: { category, symbol: nameOf(i), interval: args.interval, limit: args.limit },
          weight: 1,
        }),
        shape: result(
          z.looseObject({
            list: z.array(z.tuple([msTime, decimal, decimal, decimal, decimal, decimal, decimalOrNull], z.unknown())),
          }),
        ),
        read: (w, facts, { interval }) =>
          candlesOf(
            facts,
            interval,
            w.result.list.map(([open_time, open, high, low, close, volume, quote_volume]) => ({
              open_time,
              open,
              high,
              low,
              close,
              volume,
              quote_volume,
              closed: open_time + (INTERVAL_MS[interval] ?? Number(interval) * 60_000) <= w.time,
            })),
          ),
      }),
    },
  };
}

export const interestHistory = {
  kind: openInterestHistory,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/open-interest`,
    request: (args: { readonly interval: string; readonly limit: number }, i) => ({
      path: '/v5/market/open-interest',
      query: { category: 'linear', symbol: nameOf(i), intervalTime: args.interval, limit: args.limit },
      weight: 1,
    }),
    shape: result(z.looseObject({ list: z.array(z.looseObject({ openInterest: decimal, timestamp: msTime })) })),
    read: (w, { instrument: i }, args) => ({
      value: {
        symbol: symbolOf(i),
        period: args.interval,
        rows: w.result.list.map((r) => ({
          time: r.timestamp,
          open_interest: r.openInterest,
          open_interest_quote: null,
        })),
      },
      time: newest(w.result.list.map((r) => r.timestamp)) ?? w.time,
    }),
  }),
};

export const funding = {
  kind: fundingHistory,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/history-fund-rate`,
    request: (args: { readonly limit: number }, i) => ({
      path: '/v5/market/funding/history',
      query: { category: 'linear', symbol: nameOf(i), limit: args.limit },
      weight: 1,
    }),
    shape: result(
      z.looseObject({ list: z.array(z.looseObject({ fundingRate: decimal, fundingRateTimestamp: msTime })) }),
    ),
    read: (w, facts) =>
      fundingOf(
        facts,
        w.result.list.map((r) => ({ time: r.fundingRateTimestamp, rate: r.fundingRate })),
      ),
  }),
};

export const ratio = {
  kind: longShortRatio,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/long-short-ratio`,
    request: (args: { readonly period: string; readonly limit: number }, i) => ({
      path: '/v5/market/account-ratio',
      query: { category: 'linear', symbol: nameOf(i), period: args.period, limit: args.limit },
      weight: 1,
    }),
    shape: result(
      z.looseObject({ list: z.array(z.looseObject({ buyRatio: decimal, sellRatio: decimal, timestamp: msTime })) }),
    ),
    read: (w, { instrument: i }, args) => ({
      value: {
        symbol: symbolOf(i),
        period: args.period,
        series: [
          {
            group: 'accounts',
            rows: w.result.list.map((r) => ({
              time: r.timestamp,
              long: r.buyRatio,
              short: r.sellRatio,
              ratio: r.sellRatio === 0 ? null : r.buyRatio / r.sellRatio,
            })),
          },
        ],
      },
      time: newest(w.result.list.map((r) => r.timestamp)) ?? w.time,
    }),
  }),
};

/** Contracts of linear futures or pairs of spot, with limits and leverage. */
export const listing = {
  kind: instruments,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/instrument`,
    request: (args: { readonly category: 'linear' | 'spot'; readonly symbol?: string | undefined }) => ({
      path: '/v5/market/instruments-info',
      query: {
        category: args.category,
        symbol: args.symbol?.toUpperCase(),
        limit: args.category === 'spot' ? undefined : 1000,
      },
      weight: 1,
    }),
    shape: result(
      z.looseObject({
        nextPageCursor: z.string().optional(),
        list: z.array(
          z.looseObject({
            symbol: z.string(),
            deliveryTime: positiveOrNull,
            lotSizeFilter: z
              .looseObject({ minOrderQty: decimalOrNull, maxOrderQty: decimalOrNull, minNotionalValue: decimalOrNull })
              .optional(),
            leverageFilter: z.looseObject({ maxLeverage: decimalOrNull }).optional(),
          }),
        ),
      }),
    ),
    read: (w, _facts, args) => {
      const own = new Map(w.result.list.map((r) => [r.symbol, r]));
      const listed = parseBybitInstruments(args.category === 'spot' ? 'spot' : 'futures', JSON.stringify(w));
      const more = w.result.nextPageCursor !== undefined && w.result.nextPageCursor !== '';
      return {
        value: listed.map((i) => {
          const r = own.get(i.venue_symbol);
          return {
            ...i,
            min_size: r?.lotSizeFilter?.minOrderQty,
            max_size: r?.lotSizeFilter?.maxOrderQty,
            min_value: r?.lotSizeFilter?.minNotionalValue,
            max_leverage: r?.leverageFilter?.maxLeverage,
            expiry: r?.deliveryTime,
          };
        }),
        time: w.time,
        complete: !more,
        notes: more ? ['only the first 1,000 contracts are read'] : [],
      };
    },
  }),
};
