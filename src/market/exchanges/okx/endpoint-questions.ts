import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import { orderBook } from '../shared/kinds/book.ts';
import { candles } from '../shared/kinds/candles.ts';
import { fundingHistory, marks, openInterest, openInterestHistory } from '../shared/kinds/derivatives.ts';
import { longShortRatio, takerVolume } from '../shared/kinds/positioning.ts';
import { movers, ticker, tickers } from '../shared/kinds/ticker.ts';
import { trades } from '../shared/kinds/trades.ts';
import { liveBook, liveInterest, liveTicker, liveTrades } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { decimal, decimalOrNull, msTime, positiveOrNull, unsigned } from '../shared/shapes.ts';
import {
  baseUnits,
  bookWire,
  candleWire,
  dataOf,
  newest,
  symbolOf,
  tickerOf,
  tickerWire,
  tradeWire,
} from './endpoint-shapes.ts';

/** The questions that OKX's REST interface answers. Read 2026-11-28. */
const DOCS = 'https://www.okx.com/docs-v5/en';

export const nameOf = (i: Instrument | undefined): string | undefined => i?.venue_symbol;
const canonical = (i: Instrument | undefined): string => i?.symbol ?? '';

/** Questions that both markets answer alike. */
export function marketQuestions(market: Market) {
  const instType = market === 'spot' ? 'SPOT' : 'SWAP';
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
          return { value: tickerOf(w, { ...facts, instrumentOf }), time: w.ts };
        },
      }),
    },
    tickers: {
      kind: tickers,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/#order-book-trading-market-data-get-tickers`,
        needsInstruments: true,
        request: () => ({ path: '/api/v5/market/tickers', query: { instType }, weight: 2 }),
        shape: dataOf(tickerWire),
        read: ({ data }, facts) => ({
          value: data.map((w) => tickerOf(w, facts)),
          time: newest(data.map((w) => w.ts)),
        }),
      }),
    },
    movers: {
      kind: movers,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/#order-book-trading-market-data-get-tickers`,
        needsInstruments: true,
        request: (_args: { readonly limit: number }) => ({
          path: '/api/v5/market/tickers',
          query: { instType },
          weight: 2,
        }),
        shape: dataOf(tickerWire),
        read: ({ data }, facts, { limit }) => ({
          value: { tickers: data.map((w) => tickerOf(w, facts)), limit },
          time: newest(data.map((w) => w.ts)),
        }),
      }),
    },
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
        read: ({ data }, { instrument: i }) => {
          const [w] = data;
          const side = (levels: readonly (readonly [number, number, ...unknown[]])[]) =>
            levels.map(([price, size]): [number, number] => [price, baseUnits(i, size, price) ?? NaN]);
          return {
            value: {
              symbol: canonical(i),
              bids: side(w?.bids ?? []),
              asks: side(w?.asks ?? []),
              seq: w?.seqId ?? null,
            },
            time: w?.ts ?? null,
          };
        },
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
        read: ({ data }, { instrument: i }) => ({
          value: {
            symbol: canonical(i),
            trades: data.map((w) => ({
              id: w.tradeId,
              time: w.ts,
              price: w.px,
              size: baseUnits(i, w.sz, w.px) ?? NaN,
              side: w.side,
            })),
          },
          time: newest(data.map((w) => w.ts)),
        }),
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
        read: ({ data }, { instrument: i, now }, { interval }) => ({
          value: {
            symbol: canonical(i),
            interval,
            candles: data.map(([openTime, open, high, low, close, vol, volCcy, quote, confirm]) => ({
              open_time: openTime,
              open,
              high,
              low,
              close,
              volume: market === 'spot' ? vol : volCcy,
              quote_volume: quote,
              closed: confirm === '1',
            })),
          },
          // The running bar changes until now.
          time: data.some((row) => row[8] !== '1') ? now : newest(data.map((row) => row[0])),
        }),
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
    read: ({ data }, { instrument: i }) => ({
      value: {
        symbol: canonical(i),
        interval_hours: i?.funding_interval_hours ?? null,
        rows: data.map((w) => ({ time: w.fundingTime, rate: w.realizedRate ?? w.fundingRate })),
      },
      time: newest(data.map((w) => w.fundingTime)),
    }),
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
      query: { instType: 'SWAP', instId: nameOf(i) },
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
      query: { instType: 'SWAP', instId: nameOf(i) },
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
