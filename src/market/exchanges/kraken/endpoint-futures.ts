import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import type { EndpointFacts } from '../endpoint.ts';
import { orderBook } from '../shared/kinds/book.ts';
import { candles } from '../shared/kinds/candles.ts';
import { fundingHistory, marks, openInterest } from '../shared/kinds/derivatives.ts';
import { instruments } from '../shared/kinds/instruments.ts';
import { ticker, tickers, type Ticker } from '../shared/kinds/ticker.ts';
import { trades } from '../shared/kinds/trades.ts';
import { liveBook, liveTicker, liveTrades } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { baseUnits, bookOf, candlesOf, fundingOf, moversOf, nameOf, tradesOf } from '../shared/readings.ts';
import { decimal, decimalOrNull, level, msTime, positiveOrNull } from '../shared/shapes.ts';
import { isoTime } from './endpoint-shapes.ts';
import { FUNDING_HOURS } from './futures-normalise.ts';
import { parseFuturesInstruments } from './instruments.ts';
import { futuresName } from './wire.ts';

/**
 * The questions that Kraken's futures REST interface answers. PF_ contracts are sized in base units, PI_ contracts in
 * USD: their sizes become base units at the price of their row, and volumes over time, whose price is not known, null.
 */
const DOCS = 'https://docs.kraken.com/api-reference';
const PATH = '/derivatives/api/v3';

const tickerWire = z.looseObject({
  symbol: z.string(),
  tag: z.string().optional(),
  suspended: z.boolean().optional(),
  last: positiveOrNull,
  bid: positiveOrNull,
  bidSize: decimalOrNull,
  ask: positiveOrNull,
  askSize: decimalOrNull,
  open24h: positiveOrNull,
  high24h: positiveOrNull,
  low24h: positiveOrNull,
  change24h: decimalOrNull,
  vol24h: decimalOrNull,
  volumeQuote: decimalOrNull,
  markPrice: positiveOrNull,
  indexPrice: positiveOrNull,
  fundingRate: decimalOrNull,
  openInterest: decimalOrNull,
});
type TickerWire = z.output<typeof tickerWire>;

const RATE_NOTE =
  'these answers tell funding as an amount a contract: the rate is that amount over the index price now, while the venue took the price at the start of the hour';

/** Funding of an hour as a fraction: USD a base unit ÷ price, or for inverse contracts base units a USD × price. */
function rateOf(w: TickerWire, inverse: boolean): number | null {
  const price = w.indexPrice ?? w.markPrice;
  if (w.fundingRate === null || price === null) return null;
  return inverse ? w.fundingRate * price : w.fundingRate / price;
}

/** Contracts alone: the tickers tell of indices too. */
function contractsOf(rows: readonly TickerWire[], facts: EndpointFacts) {
  return rows.flatMap((w) => {
    const named = futuresName(w.symbol.toUpperCase());
    const i = facts.instrument ?? facts.instrumentOf(w.symbol);
    return named?.symbol === undefined ? [] : [{ w, i, symbol: i?.symbol ?? named.symbol, inverse: named.inverse }];
  });
}
type Contract = ReturnType<typeof contractsOf>[number];

/** Base units, and value in the quote currency, of open contracts at the mark price. */
function interestOf({ w, i, inverse }: Contract) {
  const inBase = baseUnits(i, w.openInterest, w.markPrice);
  const inQuote = inverse ? w.openInterest : inBase === null || w.markPrice === null ? null : inBase * w.markPrice;
  return { open_interest: inBase, open_interest_quote: inQuote };
}

function tickerOf(contract: Contract, time: number): Ticker {
  const { w, i, symbol, inverse } = contract;
  const hours = w.fundingRate === null ? null : FUNDING_HOURS;
  return {
    symbol,
    venue_symbol: w.symbol,
    quote: i?.quote ?? null,
    last: w.last,
    bid: w.bid,
    ask: w.ask,
    bid_size: w.bid === null ? null : baseUnits(i, w.bidSize, w.bid),
    ask_size: w.ask === null ? null : baseUnits(i, w.askSize, w.ask),
    open_24h: w.open24h,
    high_24h: w.high24h,
    low_24h: w.low24h,
    change_24h_pct: w.change24h,
    volume_24h: inverse ? null : w.vol24h,
    quote_volume_24h: inverse ? w.vol24h : w.volumeQuote,
    mark: w.markPrice,
    index: w.indexPrice,
    funding_rate: rateOf(w, inverse),
    funding_interval_hours: hours,
    ...interestOf(contract),
    time,
  };
}

export const one = {
  kind: ticker,
  live: liveTicker,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/market-data/get-ticker-by-symbol`,
    request: (_args: unknown, i) => ({ path: `${PATH}/tickers/${nameOf(i) ?? ''}`, weight: 1 }),
    shape: z.looseObject({ ticker: tickerWire, serverTime: isoTime }),
    read: ({ ticker: w, serverTime }, facts) => {
      const [found] = contractsOf([w], facts).map((contract) => tickerOf(contract, serverTime));
      return {
        value: found ?? { symbol: w.symbol, venue_symbol: w.symbol, quote: null, last: w.last },
        time: serverTime,
        notes: [RATE_NOTE],
      };
    },
  }),
};

const allTickers = {
  market: 'futures' as const,
  docs: `${DOCS}/market-data/get-tickers`,
  needsInstruments: true,
  request: (_args: unknown) => ({ path: `${PATH}/tickers`, weight: 1 }),
  shape: z.looseObject({ tickers: z.array(tickerWire), serverTime: isoTime }),
};
const perpetual = ({ w }: Contract): boolean => w.tag === 'perpetual' && w.suspended !== true;

export const all = {
  kind: tickers,
  endpoint: endpoint({
    ...allTickers,
    read: ({ tickers: rows, serverTime }, facts) => ({
      value: contractsOf(rows, facts)
        .filter(perpetual)
        .map((contract) => tickerOf(contract, serverTime)),
      time: serverTime,
      notes: [RATE_NOTE],
    }),
  }),
};

export const topMovers = moversOf(all);

export const allFunding = {
  kind: marks,
  endpoint: endpoint({
    ...allTickers,
    read: ({ tickers: rows, serverTime }, facts) => ({
      value: contractsOf(rows, facts)
        .filter(perpetual)
        .map(({ w, symbol, inverse }) => ({
          symbol,
          mark: w.markPrice,
          index: w.indexPrice,
          funding_rate: rateOf(w, inverse),
          funding_interval_hours: FUNDING_HOURS,
          next_funding_time: null,
          time: serverTime,
        })),
      time: serverTime,
      notes: [RATE_NOTE],
    }),
  }),
};

export const interest = {
  kind: openInterest,
  endpoint: endpoint({
    ...allTickers,
    read: ({ tickers: rows, serverTime }, facts) => ({
      value: contractsOf(rows, facts).map((contract) => ({
        symbol: contract.symbol,
        ...interestOf(contract),
        quote: contract.i?.quote ?? null,
        time: serverTime,
      })),
      time: serverTime,
    }),
  }),
};

export const book = {
  kind: orderBook,
  live: liveBook,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/market-data/get-orderbook`,
    request: (_args: { readonly depth: number }, i) => ({
      path: `${PATH}/orderbook`,
      query: { symbol: nameOf(i) },
      weight: 1,
    }),
    shape: z.looseObject({
      orderBook: z.looseObject({ bids: z.array(level), asks: z.array(level) }),
      serverTime: isoTime,
    }),
    // The venue gives the whole book.
    read: ({ orderBook: { bids, asks }, serverTime }, facts, { depth }) =>
      bookOf(facts, { bids: bids.slice(0, depth), asks: asks.slice(0, depth), seq: null, time: serverTime }),
  }),
};

export const flow = {
  kind: trades,
  live: liveTrades,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/market-data/get-trade-history`,
    request: (_args: { readonly limit: number }, i) => ({
      path: `${PATH}/history`,
      query: { symbol: nameOf(i) },
      weight: 1,
    }),
    shape: z.looseObject({
      history: z.array(
        z.looseObject({
          uid: z.string(),
          time: isoTime,
          price: decimal,
          size: decimal,
          side: z.enum(['buy', 'sell']),
        }),
      ),
    }),
    // Newest first, at most 100.
    read: ({ history }, facts, { limit }) =>
      tradesOf(
        facts,
        history.slice(0, limit).map((t) => ({ id: t.uid, time: t.time, price: t.price, size: t.size, side: t.side })),
      ),
  }),
};

export const FUTURES_BARS = ['1m', '5m', '15m', '30m', '1h', '4h', '12h', '1d', '1w'] as const;
const BAR_MS: Readonly<Record<string, number>> = {
  '1m': 60_000,
  '5m': 300_000,
  '15m': 900_000,
  '30m': 1_800_000,
  '1h': 3_600_000,
  '4h': 14_400_000,
  '12h': 43_200_000,
  '1d': 86_400_000,
  '1w': 604_800_000,
};

export const bars = {
  kind: candles,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/candles/market-candles`,
    request: ({ interval, limit }: { readonly interval: string; readonly limit: number }, i) => ({
      path: `/api/charts/v1/trade/${nameOf(i) ?? ''}/${interval}`,
      query: { count: limit },
      weight: 1,
    }),
    shape: z.looseObject({
      candles: z.array(
        z.looseObject({
          time: msTime,
          open: decimal,
          high: decimal,
          low: decimal,
          close: decimal,
          volume: decimalOrNull,
        }),
      ),
    }),
    read: ({ candles: rows }, facts, { interval, limit }) =>
      candlesOf(
        facts,
        interval,
        rows.slice(-limit).map((c) => ({
          open_time: c.time,
          open: c.open,
          high: c.high,
          low: c.low,
          close: c.close,
          volume: facts.instrument?.inverse === true ? null : c.volume,
          quote_volume: facts.instrument?.inverse === true ? c.volume : null,
          closed: c.time + (BAR_MS[interval] ?? NaN) <= facts.now,
        })),
      ),
  }),
};

const marginWire = z.array(z.looseObject({ initialMargin: positiveOrNull })).optional();

export const listing = {
  kind: instruments,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/instrument-details/get-instruments`,
    request: (_args: unknown, _i: Instrument | undefined) => ({ path: `${PATH}/instruments`, weight: 1 }),
    shape: z.looseObject({
      instruments: z.array(
        z.looseObject({
          symbol: z.string(),
          lastTradingTime: isoTime.optional(),
          maxPositionSize: positiveOrNull,
          marginLevels: marginWire,
        }),
      ),
      serverTime: isoTime.optional(),
    }),
    read: (w, facts) => {
      const own = new Map(w.instruments.map((row) => [row.symbol.toUpperCase(), row]));
      const listed = parseFuturesInstruments(JSON.stringify({ ...w, instruments: w.instruments.map(unread) }));
      const asked = facts.instrument?.symbol;
      return {
        value: listed
          .filter((i) => asked === undefined || i.symbol === asked)
          .map((i) => {
            const row = own.get(i.venue_symbol.toUpperCase());
            const margin = row?.marginLevels?.[0]?.initialMargin ?? null;
            return {
              ...i,
              max_size: i.inverse ? null : (row?.maxPositionSize ?? null),
              max_leverage: margin === null ? null : 1 / margin,
              expiry: row?.lastTradingTime ?? null,
            };
          }),
        time: w.serverTime ?? null,
      };
    },
  }),
};

/** A row as the list's own reader takes it: with the time as text again. */
function unread<R extends { readonly lastTradingTime?: number | undefined }>(row: R) {
  const { lastTradingTime: time, ...rest } = row;
  return time === undefined ? rest : { ...rest, lastTradingTime: new Date(time).toISOString() };
}

export const fundingPaid = {
  kind: fundingHistory,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/historical-funding-rates/historical-funding-rates`,
    request: (_args: { readonly limit: number }, i) => ({
      path: `${PATH}/historical-funding-rates`,
      query: { symbol: nameOf(i) },
      weight: 1,
    }),
    shape: z.looseObject({ rates: z.array(z.looseObject({ timestamp: isoTime, relativeFundingRate: decimal })) }),
    read: ({ rates }, facts, { limit }) =>
      fundingOf(
        facts,
        rates
          .map((r) => ({ time: r.timestamp, rate: r.relativeFundingRate }))
          .sort((a, b) => a.time - b.time)
          .slice(-limit),
      ),
  }),
};
