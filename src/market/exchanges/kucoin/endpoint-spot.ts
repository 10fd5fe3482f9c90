import { z } from 'zod';
import type { EndpointFacts } from '../endpoint.ts';
import { assets } from '../shared/kinds/assets.ts';
import { orderBook } from '../shared/kinds/book.ts';
import { candles } from '../shared/kinds/candles.ts';
import { instruments } from '../shared/kinds/instruments.ts';
import { ownKind } from '../shared/kinds/series.ts';
import { quotes, ticker, tickers, type Ticker } from '../shared/kinds/ticker.ts';
import { trades } from '../shared/kinds/trades.ts';
import { mergeStatus, venueStatus, type StatusReading } from '../shared/kinds/venue-status.ts';
import { liveBook, liveTicker, liveTrades } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { bookOf, candlesOf, moversOf, nameOf, symbolOf, tradesOf } from '../shared/readings.ts';
import { decimal, decimalOrNull, level, positiveOrNull } from '../shared/shapes.ts';
import { percentOf } from '../shared/values.ts';
import { dataOf, venueTime } from './endpoint-shapes.ts';
import { parseSpotInstruments } from './instruments.ts';
import { SPOT_BARS, spotName } from './wire.ts';
import { measure } from '../../domain/measure.ts';

/** The questions that KuCoin's spot REST interface answers. Weights are of the public pool: 2,000 in 30 s. */
const DOCS = 'https://www.kucoin.com/docs-new/rest/spot-trading/market-data';

const tickerWire = z.looseObject({
  symbol: z.string(),
  last: positiveOrNull,
  buy: positiveOrNull,
  sell: positiveOrNull,
  bestBidSize: decimalOrNull,
  bestAskSize: decimalOrNull,
  changeRate: decimalOrNull,
  high: positiveOrNull,
  low: positiveOrNull,
  vol: decimalOrNull,
  volValue: decimalOrNull,
});

function tickerOf(w: z.output<typeof tickerWire>, facts: EndpointFacts, time: number): Ticker {
  const i = facts.instrumentOf(w.symbol);
  return {
    symbol: i?.symbol ?? spotName(w.symbol).symbol ?? w.symbol,
    venue_symbol: w.symbol,
    quote: i?.quote ?? w.symbol.split('-')[1] ?? null,
    last: w.last,
    bid: w.buy,
    ask: w.sell,
    bid_size: w.buy === null ? null : w.bestBidSize,
    ask_size: w.sell === null ? null : w.bestAskSize,
    high_24h: w.high,
    low_24h: w.low,
    change_24h_pct: w.changeRate === null ? null : percentOf(w.changeRate),
    volume_24h: w.vol,
    quote_volume_24h: w.volValue,
    time,
  };
}

export const day = {
  kind: ticker,
  live: liveTicker,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-24hr-stats`,
    request: (_args: unknown, i) => ({ path: '/api/v1/market/stats', query: { symbol: nameOf(i) }, weight: 15 }),
    shape: dataOf(tickerWire.extend({ time: venueTime })),
    read: (w, facts) => ({ value: tickerOf(w, facts, w.time), time: w.time }),
  }),
};

export const all = {
  kind: tickers,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-all-tickers`,
    request: (_args: unknown) => ({ path: '/api/v1/market/allTickers', weight: 15 }),
    shape: dataOf(z.looseObject({ time: venueTime, ticker: z.array(tickerWire) })),
    read: ({ time, ticker: rows }, facts) => ({ value: rows.map((w) => tickerOf(w, facts, time)), time }),
  }),
};

export const topMovers = moversOf(all);

export const best = {
  kind: quotes,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-ticker`,
    request: (_args: unknown, i) => ({
      path: '/api/v1/market/orderbook/level1',
      query: { symbol: nameOf(i) },
      weight: 2,
    }),
    shape: dataOf(
      z.looseObject({
        time: venueTime,
        bestBid: positiveOrNull,
        bestBidSize: decimalOrNull,
        bestAsk: positiveOrNull,
        bestAskSize: decimalOrNull,
      }),
    ),
    read: (w, { instrument: i }) => ({
      value: [
        {
          symbol: symbolOf(i),
          bid: w.bestBid,
          bid_size: w.bestBidSize,
          ask: w.bestAsk,
          ask_size: w.bestAskSize,
          time: w.time,
        },
      ],
      time: w.time,
    }),
  }),
};

export const book = {
  kind: orderBook,
  live: liveBook,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-part-orderbook`,
    request: ({ depth }: { readonly depth: number }, i) => ({
      path: `/api/v1/market/orderbook/level2_${depth <= 20 ? '20' : '100'}`,
      query: { symbol: nameOf(i) },
      weight: depth <= 20 ? 2 : 4,
    }),
    shape: dataOf(
      z.looseObject({ time: venueTime, sequence: decimalOrNull, bids: z.array(level), asks: z.array(level) }),
    ),
    read: (w, facts, { depth }) =>
      bookOf(facts, {
        bids: w.bids.slice(0, depth),
        asks: w.asks.slice(0, depth),
        seq: w.sequence,
        time: w.time,
      }),
  }),
};

export const flow = {
  kind: trades,
  live: liveTrades,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-trade-history`,
    request: (_args: { readonly limit: number }, i) => ({
      path: '/api/v1/market/histories',
      query: { symbol: nameOf(i) },
      weight: 3,
    }),
    shape: dataOf(
      z.array(
        z.looseObject({
          sequence: z.string(),
          tradeId: z.string().optional(),
          price: decimal,
          size: decimal,
          side: z.enum(['buy', 'sell']),
          time: venueTime,
        }),
      ),
    ),
    read: (rows, facts, { limit }) =>
      tradesOf(
        facts,
        rows
          .map((t) => ({ id: t.tradeId ?? t.sequence, time: t.time, price: t.price, size: t.size, side: t.side }))
          .sort((a, b) => b.time - a.time)
          .slice(0, limit),
      ),
  }),
};

const minutesOf = (interval: string): number =>
  Object.entries(SPOT_BARS).find(([name]) => name === interval)?.[1] ?? NaN;

export const bars = {
  kind: candles,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-klines`,
    request: ({ interval }: { readonly interval: string; readonly limit: number }, i) => ({
      path: '/api/v1/market/candles',
      query: { symbol: nameOf(i), type: interval },
      weight: 3,
    }),
    // `[start s, open, close, high, low, volume, turnover]`, newest first.
    shape: dataOf(z.array(z.tuple([decimal, decimal, decimal, decimal, decimal, decimal, decimal], z.unknown()))),
    read: (rows, facts, { interval, limit }) =>
      candlesOf(
        facts,
        interval,
        rows.slice(0, limit).map(([start, open, close, high, low, volume, quote_volume]) => ({
          open_time: start * 1000,
          open,
          high,
          low,
          close,
          volume,
          quote_volume,
          closed: start * 1000 + minutesOf(interval) * 60_000 <= facts.now,
        })),
      ),
  }),
};

const pairWire = z.looseObject({
  symbol: z.string(),
  baseMinSize: decimalOrNull,
  baseMaxSize: decimalOrNull,
  minFunds: decimalOrNull,
});

export const listing = {
  kind: instruments,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-all-symbols`,
    request: (_args: unknown, i) => ({
      path: i === undefined ? '/api/v2/symbols' : `/api/v2/symbols/${i.venue_symbol}`,
      weight: 4,
    }),
    shape: dataOf(z.union([z.array(pairWire), pairWire.transform((one) => [one])])),
    read: (rows) => {
      const own = new Map(rows.map((w) => [w.symbol, w]));
      return {
        value: parseSpotInstruments(JSON.stringify({ data: rows })).map((i) => {
          const w = own.get(i.venue_symbol);
          return { ...i, min_size: w?.baseMinSize, max_size: w?.baseMaxSize, min_value: w?.minFunds };
        }),
        time: null,
      };
    },
  }),
};

const chainWire = z.looseObject({ isDepositEnabled: z.boolean(), isWithdrawEnabled: z.boolean() });

export const currencies = {
  kind: assets,
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-all-currencies`,
    request: (_args: unknown) => ({ path: '/api/v3/currencies', weight: 3 }),
    shape: dataOf(
      z.array(
        z.looseObject({
          currency: z.string(),
          fullName: z.string().nullish(),
          precision: decimalOrNull,
          chains: z.array(chainWire).nullish(),
        }),
      ),
    ),
    read: (rows) => ({
      value: rows.map((w) => {
        const chains = w.chains ?? null;
        return {
          asset: w.currency,
          venue_asset: w.currency,
          full_name: w.fullName ?? null,
          decimals: w.precision,
          deposits: chains === null ? null : chains.some((c) => c.isDepositEnabled),
          withdrawals: chains === null ? null : chains.some((c) => c.isWithdrawEnabled),
          chains: chains === null ? null : chains.length,
        };
      }),
      time: null,
    }),
  }),
};

export const sections = {
  kind: ownKind({
    name: 'market_list',
    about: 'The sections into which the venue sorts its pairs (USDS, BTC, ALTS, DeFi …), as its symbol list uses them.',
    output: z.object({ count: measure.count, markets: z.array(z.string()) }),
    summary: (data) => `${data.count} sections: ${data.markets.slice(0, 5).join(', ')}.`,
  }),
  endpoint: endpoint({
    market: 'spot',
    docs: `${DOCS}/get-market-list`,
    request: (_args: unknown) => ({ path: '/api/v1/markets', weight: 3 }),
    shape: dataOf(z.array(z.string())),
    read: (markets) => ({ value: { count: markets.length, markets: markets.slice(0, 200) }, time: null }),
  }),
};

export const status = {
  kind: venueStatus,
  endpoint: [
    endpoint({
      market: 'spot',
      docs: `${DOCS}/get-service-status`,
      request: (_args: unknown) => ({ path: '/api/v1/status', weight: 3 }),
      shape: dataOf(z.looseObject({ status: z.string(), msg: z.string().nullish() })),
      read: (w): { value: StatusReading; time: null } => ({
        value: { status: w.status, message: w.msg === '' ? null : w.msg },
        time: null,
      }),
    }),
    endpoint({
      market: 'spot',
      docs: `${DOCS}/get-server-time`,
      request: (_args: unknown) => ({ path: '/api/v1/timestamp', weight: 3 }),
      shape: dataOf(venueTime),
      read: (time): { value: StatusReading; time: number } => ({ value: { serverTime: time }, time }),
    }),
  ],
  merge: mergeStatus,
};
