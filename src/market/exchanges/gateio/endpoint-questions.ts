import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import type { PriceLevel } from '../../domain/records.ts';
import type { EndpointFacts } from '../endpoint.ts';
import { orderBook } from '../shared/kinds/book.ts';
import { candles } from '../shared/kinds/candles.ts';
import { fundingHistory, marks } from '../shared/kinds/derivatives.ts';
import { liquidations } from '../shared/kinds/positioning.ts';
import { ticker, tickers, type Ticker } from '../shared/kinds/ticker.ts';
import { trades } from '../shared/kinds/trades.ts';
import { liveBook, liveTicker, liveTrades } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { baseUnits, bookOf, candlesOf, fundingOf, moversOf, nameOf, newest, tradesOf } from '../shared/readings.ts';
import { decimal, decimalOrNull, positiveOrNull } from '../shared/shapes.ts';
import { gateTime, namedFacts } from './wire.ts';

/** The questions that Gate.io's REST interface answers about USDT futures. Pages not verified. */
export const DOCS = 'https://www.gate.com/docs/developers/apiv4/en';
export const FUTURES = '/api/v4/futures/usdt';

/** The venue's seconds or ms as ms. */
export const ms = (value: unknown): number => gateTime(value) / 1000;

export function symbolOf(facts: EndpointFacts, contract: string): string {
  return facts.instrumentOf(contract)?.symbol ?? namedFacts('futures')(contract)?.symbol ?? contract;
}

const tickerWire = z.looseObject({
  contract: z.string(),
  last: positiveOrNull,
  change_percentage: decimalOrNull,
  total_size: decimalOrNull,
  volume_24h: decimalOrNull,
  volume_24h_quote: decimalOrNull,
  mark_price: positiveOrNull,
  index_price: positiveOrNull,
  funding_rate: decimalOrNull,
  highest_bid: positiveOrNull,
  lowest_ask: positiveOrNull,
  high_24h: positiveOrNull,
  low_24h: positiveOrNull,
});
type TickerWire = z.output<typeof tickerWire>;

function tickerOf(w: TickerWire, facts: EndpointFacts, instrument = facts.instrumentOf(w.contract)): Ticker {
  const price = w.mark_price ?? w.last ?? NaN;
  const interest = baseUnits(instrument, w.total_size, price);
  return {
    symbol: instrument?.symbol ?? symbolOf(facts, w.contract),
    venue_symbol: w.contract,
    quote: instrument?.quote ?? w.contract.split('_')[1] ?? null,
    last: w.last,
    bid: w.highest_bid,
    ask: w.lowest_ask,
    high_24h: w.high_24h,
    low_24h: w.low_24h,
    change_24h_pct: w.change_percentage,
    volume_24h: baseUnits(instrument, w.volume_24h, price),
    quote_volume_24h: w.volume_24h_quote,
    mark: w.mark_price,
    index: w.index_price,
    funding_rate: w.funding_rate,
    funding_interval_hours: instrument?.funding_interval_hours ?? null,
    open_interest: interest,
    open_interest_quote: interest === null || w.mark_price === null ? null : interest * w.mark_price,
  };
}

const tickerRequest = (_args: unknown, i: Instrument | undefined) => ({
  path: `${FUTURES}/tickers`,
  query: { contract: nameOf(i) },
  weight: 1,
});
const tickerDocs = { market: 'futures' as const, docs: `${DOCS}/#list-futures-tickers`, request: tickerRequest };

export const one = {
  kind: ticker,
  live: liveTicker,
  endpoint: endpoint({
    ...tickerDocs,
    shape: z.array(tickerWire).refine((rows) => rows.length > 0, 'no ticker'),
    read: ([w], facts) => {
      if (w === undefined) throw new Error('a shape that was checked lost its row');
      return { value: tickerOf(w, facts, facts.instrument), time: null };
    },
  }),
};

export const all = {
  kind: tickers,
  endpoint: endpoint({
    ...tickerDocs,
    needsInstruments: true,
    shape: z.array(tickerWire),
    read: (rows, facts) => ({ value: rows.map((w) => tickerOf(w, facts)), time: null }),
  }),
};

export const topMovers = moversOf(all);

export const allFunding = {
  kind: marks,
  endpoint: endpoint({
    ...tickerDocs,
    needsInstruments: true,
    shape: z.array(tickerWire),
    read: (rows, facts) => ({
      value: rows.map((w) => ({
        symbol: facts.instrument?.symbol ?? symbolOf(facts, w.contract),
        mark: w.mark_price,
        index: w.index_price,
        funding_rate: w.funding_rate,
        funding_interval_hours: (facts.instrument ?? facts.instrumentOf(w.contract))?.funding_interval_hours ?? null,
        next_funding_time: null,
        time: null,
      })),
      time: null,
    }),
  }),
};

const levelWire = z.looseObject({ p: decimal, s: decimal });

/** Books of contracts, and of options, whose sizes are contracts of the option's own multiplier. */
export const bookWire = z.looseObject({
  id: z.number().optional(),
  current: decimal,
  bids: z.array(levelWire),
  asks: z.array(levelWire),
});

/** Levels as pairs. */
export function sidesOf({ bids, asks }: z.output<typeof bookWire>): { bids: PriceLevel[]; asks: PriceLevel[] } {
  const side = (levels: typeof bids): PriceLevel[] => levels.map(({ p, s }) => [p, s]);
  return { bids: side(bids), asks: side(asks) };
}

export const book = {
  kind: orderBook,
  live: liveBook,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#futures-order-book`,
    request: ({ depth }: { readonly depth: number }, i) => ({
      path: `${FUTURES}/order_book`,
      query: { contract: nameOf(i), limit: depth, with_id: 'true' },
      weight: 1,
    }),
    shape: bookWire,
    read: (w, facts) => bookOf(facts, { ...sidesOf(w), seq: w.id ?? null, time: ms(w.current) }),
  }),
};

export const flow = {
  kind: trades,
  live: liveTrades,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#futures-trading-history`,
    request: ({ limit }: { readonly limit: number }, i) => ({
      path: `${FUTURES}/trades`,
      query: { contract: nameOf(i), limit },
      weight: 1,
    }),
    shape: z.array(
      z.looseObject({
        id: z.union([z.number(), z.string()]),
        size: decimal,
        price: decimal,
        create_time: decimal,
        create_time_ms: decimal.optional(),
      }),
    ),
    read: (rows, facts) =>
      tradesOf(
        facts,
        rows.map((w) => ({
          id: String(w.id),
          time: ms(w.create_time_ms ?? w.create_time),
          price: w.price,
          size: Math.abs(w.size),
          side: w.size > 0 ? ('buy' as const) : ('sell' as const),
        })),
      ),
  }),
};

export const bars = {
  kind: candles,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#get-futures-candlesticks`,
    request: ({ interval, limit }: { readonly interval: string; readonly limit: number }, i) => ({
      path: `${FUTURES}/candlesticks`,
      query: { contract: nameOf(i), interval, limit },
      weight: 1,
    }),
    shape: z.array(
      z.looseObject({ t: decimal, o: decimal, h: decimal, l: decimal, c: decimal, v: decimal, sum: decimalOrNull }),
    ),
    read: (rows, facts, { interval }) => {
      const last = newest(rows.map((w) => ms(w.t)));
      return candlesOf(
        facts,
        interval,
        rows.map((w) => ({
          open_time: ms(w.t),
          open: w.o,
          high: w.h,
          low: w.l,
          close: w.c,
          volume: baseUnits(facts.instrument, w.v, w.c),
          quote_volume: w.sum,
          // The newest runs until the next begins.
          closed: ms(w.t) !== last,
        })),
      );
    },
  }),
};

export const fundingPaid = {
  kind: fundingHistory,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#funding-rate-history`,
    request: ({ limit }: { readonly limit: number }, i) => ({
      path: `${FUTURES}/funding_rate`,
      query: { contract: nameOf(i), limit },
      weight: 1,
    }),
    shape: z.array(z.looseObject({ t: decimal, r: decimal })),
    read: (rows, facts) =>
      fundingOf(
        facts,
        rows.map((w) => ({ time: ms(w.t), rate: w.r })),
      ),
  }),
};

/** `order_size` is the forced order's: a sell (negative) closes a long. */
export const forced = {
  kind: liquidations,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#query-liquidation-history`,
    needsInstruments: true,
    request: ({ limit }: { readonly limit: number }, i) => ({
      path: `${FUTURES}/liq_orders`,
      query: { contract: nameOf(i), limit },
      weight: 1,
    }),
    shape: z.array(
      z.looseObject({
        time: decimal,
        contract: z.string(),
        size: decimal,
        order_size: decimal.optional(),
        fill_price: positiveOrNull,
        order_price: positiveOrNull,
      }),
    ),
    read: (rows, facts) => ({
      value: {
        symbol: facts.instrument?.symbol ?? null,
        rows: rows.flatMap((w) => {
          const i = facts.instrument ?? facts.instrumentOf(w.contract);
          const price = w.fill_price ?? w.order_price;
          // Without the order's size the position's: long where positive.
          const order = w.order_size ?? -w.size;
          const size = price === null ? null : baseUnits(i, Math.abs(order), price);
          if (price === null || size === null) return [];
          const side = order < 0 ? ('long' as const) : ('short' as const);
          return [{ symbol: symbolOf(facts, w.contract), time: ms(w.time), side, price, size }];
        }),
      },
      time: newest(rows.map((w) => ms(w.time))),
    }),
  }),
};
