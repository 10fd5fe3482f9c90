import type { z } from 'zod';
import { Unavailable } from '../../../kit/errors.ts';
import type { EndpointRequest, Endpoint } from '../endpoint.ts';
import { orderBook } from '../shared/kinds/book.ts';
import { candles } from '../shared/kinds/candles.ts';
import { fundingHistory, marks, openInterest } from '../shared/kinds/derivatives.ts';
import { instruments } from '../shared/kinds/instruments.ts';
import { ticker, tickers, type Ticker } from '../shared/kinds/ticker.ts';
import { trades } from '../shared/kinds/trades.ts';
import { liveBook, liveTrades } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { bookOf, candlesOf, fundingOf, moversOf, nameOf, tradesOf } from '../shared/readings.ts';
import { bookWire, candleWire, contextsWire, fundingWire, metaWire, tickersOf, tradeWire } from './endpoint-shapes.ts';
import { parseHyperliquidInstruments } from './instruments.ts';

/**
 * The questions that Hyperliquid's information endpoint answers. Shapes come from its documentation and from recorded
 * answers of its own SDK's tests; the page itself was not read anew. Weights as in `rest.ts`.
 */
export const DOCS = 'https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Lengths of candles that the venue serves, ms. */
export const CANDLE_MS: Readonly<Record<string, number>> = {
  '1m': MINUTE,
  '3m': 3 * MINUTE,
  '5m': 5 * MINUTE,
  '15m': 15 * MINUTE,
  '30m': 30 * MINUTE,
  '1h': HOUR,
  '2h': 2 * HOUR,
  '4h': 4 * HOUR,
  '8h': 8 * HOUR,
  '12h': 12 * HOUR,
  '1d': DAY,
  '3d': 3 * DAY,
  '1w': 7 * DAY,
};
const WEIGHT = 20;
const BOOK_WEIGHT = 2;

export const info = (body: Readonly<Record<string, unknown>>, weight = WEIGHT): EndpointRequest => ({
  path: '/info',
  body,
  weight,
});

/** Perpetuals and their contexts, read as something else than tickers. */
function ofContexts<T>(read: (all: readonly Ticker[]) => T): Endpoint<unknown, T> {
  return endpoint({
    market: 'futures',
    docs: `${DOCS}/perpetuals`,
    needsInstruments: true,
    request: () => info({ type: 'metaAndAssetCtxs' }),
    shape: contextsWire,
    read: (wire, facts) => ({ value: read(tickersOf(wire, facts)), time: null }),
  });
}

export const all = ofContexts((list) => list);

const one = endpoint({
  market: 'futures',
  docs: `${DOCS}/perpetuals`,
  request: () => info({ type: 'metaAndAssetCtxs' }),
  shape: contextsWire,
  read: (wire, facts) => {
    const name = nameOf(facts.instrument);
    const found = tickersOf(wire, facts).find((t) => t.venue_symbol === name);
    if (found === undefined) throw new Unavailable(`hyperliquid gives no context of '${name ?? ''}'`);
    return { value: found, time: null };
  },
});

export const questions = {
  ticker: { kind: ticker, endpoint: one },
  tickers: { kind: tickers, endpoint: all },
  movers: moversOf({ endpoint: all }),
  funding: {
    kind: marks,
    endpoint: ofContexts((list) =>
      list.map((t) => ({
        symbol: t.symbol,
        mark: t.mark ?? null,
        index: t.index ?? null,
        funding_rate: t.funding_rate ?? null,
        funding_interval_hours: t.funding_interval_hours ?? null,
        next_funding_time: null,
        time: null,
      })),
    ),
  },
  interest: {
    kind: openInterest,
    endpoint: ofContexts((list) =>
      list.map((t) => ({
        symbol: t.symbol,
        open_interest: t.open_interest ?? null,
        open_interest_quote: t.open_interest_quote ?? null,
        quote: t.quote,
        time: null,
      })),
    ),
  },
  meta: {
    kind: instruments,
    endpoint: endpoint({
      market: 'futures',
      docs: `${DOCS}/perpetuals`,
      request: () => info({ type: 'meta' }),
      shape: metaWire,
      read: (wire) => ({ value: listed(wire), time: null }),
    }),
  },
  trading: {
    kind: instruments,
    endpoint: endpoint({
      market: 'futures',
      docs: `${DOCS}/perpetuals`,
      request: () => info({ type: 'metaAndAssetCtxs' }),
      shape: contextsWire,
      read: ([meta]) => ({ value: listed(meta).filter((i) => i.status === 'trading'), time: null }),
    }),
  },
  book: {
    kind: orderBook,
    live: liveBook,
    endpoint: endpoint({
      market: 'futures',
      docs: DOCS,
      request: (_args: { readonly depth: number }, i) => info({ type: 'l2Book', coin: nameOf(i) }, BOOK_WEIGHT),
      shape: bookWire,
      read: ({ levels: [bids, asks], time }, facts, { depth }) =>
        bookOf(facts, { bids: bids.slice(0, depth), asks: asks.slice(0, depth), seq: null, time }),
    }),
  },
  trades: {
    kind: trades,
    live: liveTrades,
    endpoint: endpoint({
      market: 'futures',
      docs: DOCS,
      request: (_args: { readonly limit: number }, i) => info({ type: 'recentTrades', coin: nameOf(i) }),
      shape: tradeWire,
      read: (wire, facts, { limit }) => {
        const newestFirst = [...wire].sort((a, b) => b.time - a.time).slice(0, limit);
        const rows = newestFirst.map((w) => ({
          id: String(w.tid),
          time: w.time,
          price: w.px,
          size: w.sz,
          side: w.side === 'B' ? ('buy' as const) : ('sell' as const),
        }));
        const short = wire.length < limit;
        return {
          ...tradesOf(facts, rows),
          ...(short ? { notes: [`the venue serves its last ${wire.length} trades alone`] } : {}),
        };
      },
    }),
  },
  candles: {
    kind: candles,
    endpoint: endpoint({
      market: 'futures',
      docs: DOCS,
      request: ({ interval, limit }: { readonly interval: string; readonly limit: number }, i, now) => {
        const length = CANDLE_MS[interval] ?? HOUR;
        const startTime = (Math.floor(now / length) - limit + 1) * length;
        const req = { coin: nameOf(i), interval, startTime, endTime: Math.floor(now) };
        return info({ type: 'candleSnapshot', req }, WEIGHT + Math.ceil(limit / 60));
      },
      shape: candleWire,
      read: (wire, facts, { interval }) =>
        candlesOf(
          facts,
          interval,
          wire.map((w) => ({
            open_time: w.t,
            open: w.o,
            high: w.h,
            low: w.l,
            close: w.c,
            volume: w.v,
            trades: w.n,
            closed: w.T < facts.now,
          })),
        ),
    }),
  },
  fundingPaid: {
    kind: fundingHistory,
    endpoint: endpoint({
      market: 'futures',
      docs: `${DOCS}/perpetuals`,
      request: ({ limit }: { readonly limit: number }, i, now) =>
        info(
          { type: 'fundingHistory', coin: nameOf(i), startTime: Math.floor(now) - limit * HOUR },
          WEIGHT + Math.ceil(limit / 20),
        ),
      shape: fundingWire,
      read: (wire, facts) =>
        fundingOf(
          facts,
          wire.map((w) => ({ time: w.time, rate: w.fundingRate })),
        ),
    }),
  },
};

function listed(meta: z.output<typeof metaWire>) {
  const leverage = new Map(meta.universe.map((a) => [a.name, a.maxLeverage]));
  return parseHyperliquidInstruments(JSON.stringify(meta)).map((i) => ({
    ...i,
    min_size: i.lot_size,
    max_leverage: leverage.get(i.venue_symbol) ?? null,
  }));
}
