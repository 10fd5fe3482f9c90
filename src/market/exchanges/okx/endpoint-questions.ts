import { z } from 'zod';
import type { Market } from '../../domain/records.ts';
import { orderBook } from '../shared/kinds/book.ts';
import { candles } from '../shared/kinds/candles.ts';
import { fundingHistory, marks, openInterest, openInterestHistory } from '../shared/kinds/derivatives.ts';
import { longShortRatio, takerVolume } from '../shared/kinds/positioning.ts';
import { ticker, tickers } from '../shared/kinds/ticker.ts';
import { trades } from '../shared/kinds/trades.ts';
import { liveBook, liveInterest, liveTicker, liveTrades } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { bookOf, candlesOf, fundingOf, moversOf, nameOf, newest, tradesOf } from '../shared/readings.ts';
import { decimal, decimalOrNull, msTime, positiveOrNull, unsigned } from '../shared/shapes.ts';
import {
  bookWire,
  candleWire,
  dataOf,
  notesOfTickers,
  symbolOf,
  tickerOf,
  tickerWire,
  tradeWire,
} from './endpoint-shapes.ts';
import { kindOf } from './wire.ts';

/** The questions that OKX's REST interface answers. Pages not verified. */
const DOCS = 'https://www.okx.com/docs-v5/en';

/** An instrument with its kind, which the venue wants too; swaps when none is named. */
const typed = (instId: string | undefined) => ({ instType: instId === undefined ? 'SWAP' : kindOf(instId), instId });

/** Questions that both markets answer alike. */
export function marketQuestions(market: Market) {
  const all = endpoint({
    market,
    docs: `${DOCS}/#order-book-trading-market-data-get-tickers`,
    needsInstruments: true,
    request: ({ inst_type: instType }: { readonly inst_type: string }) => ({
      path: '/api/v5/market/tickers',
      query: { instType },
      weight: 2,
    }),
    shape: dataOf(tickerWire),
    read: ({ data }, facts) => ({
      value: data.map((w) => tickerOf(w, facts)),
      time: newest(data.map((w) => w.ts)),
      notes: notesOfTickers(market),
    }),
  });
  return {
    ticker: {
      kind: ticker,
      live: liveTicker,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/#order-book-trading-market-data-get-ticker`,
        request: (_args: unknown, i) => ({ path: '/api/v5/market/ticker', query: { instId: nameOf(i) }, weight: 2 }),
        shape: dataOf(tickerWire).refine(({ data }) => data.length > 0, 'no ticker'),
        read: ({ data }, facts) => {
          const [w] = data;
          if (w === undefined) throw new Error('a shape that was checked lost its row');
          const instrumentOf = (name: string) =>
            name === facts.instrument?.venue_symbol ? facts.instrument : undefined;
          return { value: tickerOf(w, { ...facts, instrumentOf }), time: w.ts, notes: notesOfTickers(market) };
        },
      }),
    },
    tickers: { kind: tickers, endpoint: all },
    movers: moversOf({ endpoint: all }),
    book: {
      kind: orderBook,
      live: liveBook,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/#order-book-trading-market-data-get-order-book`,
        request: ({ depth }: { readonly depth: number }, i) => ({
          path: '/api/v5/market/books',
          query: { instId: nameOf(i), sz: depth },
          weight: 1,
        }),
        shape: bookWire,
        read: ({ data: [w] }, facts) =>
          bookOf(facts, { bids: w?.bids ?? [], asks: w?.asks ?? [], seq: w?.seqId ?? null, time: w?.ts ?? null }),
      }),
    },
    trades: {
      kind: trades,
      live: liveTrades,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/#order-book-trading-market-data-get-trades`,
        request: ({ limit }: { readonly limit: number }, i) => ({
          path: '/api/v5/market/trades',
          query: { instId: nameOf(i), limit },
          weight: 1,
        }),
        shape: tradeWire,
        read: ({ data }, facts) =>
          tradesOf(
            facts,
            data.map((w) => ({ id: w.tradeId, time: w.ts, price: w.px, size: w.sz, side: w.side })),
          ),
      }),
    },
    candles: {
      kind: candles,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/#order-book-trading-market-data-get-candlesticks`,
        request: ({ interval, limit }: { readonly interval: string; readonly limit: number }, i) => ({
          path: '/api/v5/market/candles',
          query: { instId: nameOf(i), bar: interval, limit },
          weight: 1,
        }),
        shape: candleWire,
        read: ({ data }, facts, { interval }) =>
          candlesOf(
            facts,
            interval,
            data.map(([open_time, open, high, low, close, vol, volCcy, quote_volume, confirm]) => ({
              open_time,
              open,
              high,
              low,
              close,
              volume: market === 'spot' ? vol : volCcy,
              quote_volume,
              closed: confirm === '1',
            })),
          ),
      }),
    },
  };
}

export const funding = {
  kind: marks,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#public-data-rest-api-get-funding-rate`,
    request: (_args: unknown, i) => ({ path: '/api/v5/public/funding-rate', query: { instId: nameOf(i) }, weight: 2 }),
    shape: dataOf(
      z.looseObject({
        instId: z.string(),
        fundingRate: decimalOrNull,
        fundingTime: positiveOrNull,
        nextFundingTime: positiveOrNull,
        ts: decimalOrNull,
      }),
    ),
    read: ({ data }, facts) => ({
      value: data.map((w) => ({
        symbol: facts.instrument?.symbol ?? symbolOf(facts, w.instId),
        mark: null,
        index: null,
        funding_rate: w.fundingRate,
        funding_interval_hours:
          w.fundingTime !== null && w.nextFundingTime !== null && w.nextFundingTime > w.fundingTime
            ? (w.nextFundingTime - w.fundingTime) / 3_600_000
            : (facts.instrument?.funding_interval_hours ?? null),
        next_funding_time: w.fundingTime,
        time: w.ts,
      })),
      time: newest(data.map((w) => w.ts)),
    }),
  }),
};

export const fundingPaid = {
  kind: fundingHistory,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#public-data-rest-api-get-funding-rate-history`,
    request: ({ limit }: { readonly limit: number }, i) => ({
      path: '/api/v5/public/funding-rate-history',
      query: { instId: nameOf(i), limit },
      weight: 4,
    }),
    shape: dataOf(z.looseObject({ fundingTime: msTime, fundingRate: decimal, realizedRate: decimalOrNull })),
    read: ({ data }, facts) =>
      fundingOf(
        facts,
        data.map((w) => ({ time: w.fundingTime, rate: w.realizedRate ?? w.fundingRate })),
      ),
  }),
};

export const interest = {
  kind: openInterest,
  live: liveInterest,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#public-data-rest-api-get-open-interest`,
    needsInstruments: true,
    request: (_args: unknown, i) => ({
      path: '/api/v5/public/open-interest',
      query: typed(nameOf(i)),
      weight: 2,
    }),
    shape: dataOf(z.looseObject({ instId: z.string(), oiCcy: decimalOrNull, oiUsd: decimalOrNull, ts: msTime })),
    read: ({ data }, facts) => ({
      value: data.map((w) => ({
        symbol: symbolOf(facts, w.instId),
        open_interest: w.oiCcy,
        open_interest_quote: w.oiUsd,
        quote: 'USD',
        time: w.ts,
      })),
      time: newest(data.map((w) => w.ts)),
    }),
  }),
};

export const markNow = {
  kind: marks,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/#public-data-rest-api-get-mark-price`,
    needsInstruments: true,
    request: (_args: unknown, i) => ({
      path: '/api/v5/public/mark-price',
      query: typed(nameOf(i)),
      weight: 4,
    }),
    shape: dataOf(z.looseObject({ instId: z.string(), markPx: positiveOrNull, ts: msTime })),
    read: ({ data }, facts) => ({
      value: data.map((w) => ({
        symbol: symbolOf(facts, w.instId),
        mark: w.markPx,
        index: null,
        funding_rate: null,
        funding_interval_hours: facts.instrumentOf(w.instId)?.funding_interval_hours ?? null,
        next_funding_time: null,
        time: w.ts,
      })),
      time: newest(data.map((w) => w.ts)),
      notes: ['the venue tells index and funding apart: okx_index_ticker_tool, okx_funding_rate_tool'],
    }),
  }),
};

type Statistic = { readonly ccy: string; readonly period: string };

/** Trading statistics of a coin over all its contracts, rows newest first. */
const statistic = (path: string, extra: Readonly<Record<string, string>> = {}) => ({
  market: 'futures' as const,
  docs: `${DOCS}/#trading-statistics-rest-api`,
  request: ({ ccy, period }: Statistic) => ({
    path: `/api/v5/rubik/stat/${path}`,
    query: { ccy, period, ...extra },
    weight: 4,
  }),
});

export const interestVolume = {
  kind: openInterestHistory,
  endpoint: endpoint({
    ...statistic('contracts/open-interest-volume'),
    shape: dataOf(z.tuple([msTime, decimal, decimal], z.unknown())),
    read: ({ data }, _facts, { ccy, period }) => ({
      value: {
        symbol: ccy,
        period,
        rows: data.map(([time, usd]) => ({ time, open_interest: null, open_interest_quote: usd })),
      },
      time: newest(data.map(([time]) => time)),
      notes: ['of all contracts of the coin, in USD'],
    }),
  }),
};

export const ratio = {
  kind: longShortRatio,
  endpoint: endpoint({
    ...statistic('contracts/long-short-account-ratio'),
    shape: dataOf(z.tuple([msTime, unsigned], z.unknown())),
    read: ({ data }, _facts, { ccy, period }) => ({
      value: {
        symbol: ccy,
        period,
        series: [
          {
            group: 'accounts',
            rows: data.map(([time, value]) => ({
              time,
              long: value / (1 + value),
              short: 1 / (1 + value),
              ratio: value,
            })),
          },
        ],
      },
      time: newest(data.map(([time]) => time)),
    }),
  }),
};

/** Rows are `[ts, sell, buy]`. */
export const taker = {
  kind: takerVolume,
  endpoint: endpoint({
    ...statistic('taker-volume', { instType: 'CONTRACTS' }),
    shape: dataOf(z.tuple([msTime, decimal, decimal], z.unknown())),
    read: ({ data }, _facts, { ccy, period }) => ({
      value: {
        symbol: ccy,
        period,
        unit: ccy,
        rows: data.map(([time, sell, buy]) => ({ time, buy, sell })),
      },
      time: newest(data.map(([time]) => time)),
    }),
  }),
};
