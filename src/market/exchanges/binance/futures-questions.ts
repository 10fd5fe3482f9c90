import { z } from 'zod';
import { CANDLE_INTERVALS } from '../../domain/records.ts';
import { basis } from '../shared/kinds/basis.ts';
import { fundingHistory, marks, openInterest, openInterestHistory } from '../shared/kinds/derivatives.ts';
import { longShortRatio, takerVolume, type RatioReading } from '../shared/kinds/positioning.ts';
import { tickers } from '../shared/kinds/ticker.ts';
import { liveInterest, liveMark, liveTickers } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { fundingOf, nameOf, newest, symbolOf } from '../shared/readings.ts';
import { decimal, decimalOrNull, msTime, positiveOrNull } from '../shared/shapes.ts';
import { canonicalSymbol } from '../shared/symbols.ts';
import { oneOrMany, tickerOf, tickerWire } from './endpoint-shapes.ts';
import { marketQuestions } from './market-questions.ts';
import { FUNDING_WEIGHT, STATISTICS_WEIGHT } from './rest.ts';

/* What Binance USD-M futures answer, over https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api. */

const DOCS = 'https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api';
export const PERIODS = ['5m', '15m', '30m', '1h', '2h', '4h', '6h', '12h', '1d'] as const;
/** All but the first, the second, which only spot has. */
export const [, ...INTERVALS] = CANDLE_INTERVALS;
type Periodic = { readonly period: string; readonly limit: number };

export const ticker = {
  kind: tickers,
  live: liveTickers,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/24hr-Ticker-Price-Change-Statistics`,
    needsInstruments: true,
    request: (_args: unknown, i) => ({
      path: '/fapi/v1/ticker/24hr',
      query: { symbol: nameOf(i) },
      weight: i === undefined ? 40 : 1,
    }),
    shape: oneOrMany(tickerWire),
    read: (rows, facts) => ({
      value: rows.map((w) => tickerOf(w, facts)),
      time: newest(rows.map((w) => w.closeTime)),
    }),
  }),
};

export const {
  book,
  aggregate: flow,
  bars,
  lastPrices,
  best,
} = marketQuestions({
  market: 'futures',
  base: '/fapi/v1',
  docs: {
    depth: `${DOCS}/Order-Book`,
    aggTrades: `${DOCS}/Compressed-Aggregate-Trades-List`,
    klines: `${DOCS}/Kline-Candlestick-Data`,
    price: `${DOCS}/Symbol-Price-Ticker`,
    bookTicker: `${DOCS}/Symbol-Order-Book-Ticker`,
  },
  depths: [5, 10, 20, 50, 100, 500, 1000],
  weightOf: {
    depth: (limit) => (limit <= 50 ? 2 : limit <= 100 ? 5 : limit <= 500 ? 10 : 20),
    aggTrades: 20,
    klines: (limit) => (limit < 100 ? 1 : limit < 500 ? 2 : limit <= 1000 ? 5 : 10),
    price: [1, 2],
    bookTicker: [2, 5],
  },
});

export const interest = {
  kind: openInterest,
  live: liveInterest,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/Open-Interest`,
    request: (_args: unknown, i) => ({ path: '/fapi/v1/openInterest', query: { symbol: nameOf(i) }, weight: 1 }),
    shape: z.looseObject({ openInterest: decimal, time: msTime }),
    read: (w, { instrument: i }) => ({
      value: [
        {
          symbol: symbolOf(i),
          open_interest: w.openInterest,
          open_interest_quote: null,
          quote: i?.quote ?? null,
          time: w.time,
        },
      ],
      time: w.time,
    }),
  }),
};

export const interestHistory = {
  kind: openInterestHistory,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/Open-Interest-Statistics`,
    request: (args: Periodic, i) => ({
      path: '/futures/data/openInterestHist',
      query: { symbol: nameOf(i), period: args.period, limit: args.limit },
      weight: STATISTICS_WEIGHT,
    }),
    shape: z.array(z.looseObject({ sumOpenInterest: decimal, sumOpenInterestValue: decimalOrNull, timestamp: msTime })),
    read: (rows, { instrument: i }, args) => ({
      value: {
        symbol: symbolOf(i),
        period: args.period,
        rows: rows.map((r) => ({
          time: r.timestamp,
          open_interest: r.sumOpenInterest,
          open_interest_quote: r.sumOpenInterestValue,
        })),
      },
      time: newest(rows.map((r) => r.timestamp)),
    }),
  }),
};

export const funding = {
  kind: fundingHistory,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/Get-Funding-Rate-History`,
    request: (args: { readonly limit: number }, i) => ({
      path: '/fapi/v1/fundingRate',
      query: { symbol: nameOf(i), limit: args.limit },
      weight: FUNDING_WEIGHT,
    }),
    shape: z.array(z.looseObject({ fundingTime: msTime, fundingRate: decimal, markPrice: positiveOrNull })),
    read: (rows, facts) =>
      fundingOf(
        facts,
        rows.map((r) => ({ time: r.fundingTime, rate: r.fundingRate, mark: r.markPrice })),
      ),
  }),
};

export const premium = {
  kind: marks,
  live: liveMark,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/Mark-Price`,
    needsInstruments: true,
    request: (_args: unknown, i) => ({
      path: '/fapi/v1/premiumIndex',
      query: { symbol: nameOf(i) },
      weight: i === undefined ? 10 : 1,
    }),
    shape: oneOrMany(
      z.looseObject({
        symbol: z.string(),
        markPrice: positiveOrNull,
        indexPrice: positiveOrNull,
        lastFundingRate: decimalOrNull,
        nextFundingTime: positiveOrNull,
        time: msTime,
      }),
    ),
    read: (rows, facts) => ({
      value: rows.map((w) => {
        const i = facts.instrumentOf(w.symbol);
        return {
          symbol: i?.symbol ?? canonicalSymbol(w.symbol),
          mark: w.markPrice,
          index: w.indexPrice,
          funding_rate: w.nextFundingTime === null ? null : w.lastFundingRate,
          funding_interval_hours: i?.funding_interval_hours ?? null,
          next_funding_time: w.nextFundingTime,
          time: w.time,
        };
      }),
      time: newest(rows.map((w) => w.time)),
    }),
  }),
};

const ratioWire = z.array(
  z.looseObject({
    longAccount: decimalOrNull,
    shortAccount: decimalOrNull,
    longShortRatio: decimal,
    timestamp: msTime,
  }),
);
const ratioOf = (group: string, path: string) =>
  endpoint({
    market: 'futures',
    docs: `${DOCS}/Long-Short-Ratio`,
    request: (args: Periodic, i) => ({
      path,
      query: { symbol: nameOf(i), period: args.period, limit: args.limit },
      weight: STATISTICS_WEIGHT,
    }),
    shape: ratioWire,
    read: (rows, { instrument: i }, args) => ({
      value: {
        symbol: symbolOf(i),
        period: args.period,
        series: [
          {
            group,
            rows: rows.map((r) => ({
              time: r.timestamp,
              long: r.longAccount,
              short: r.shortAccount,
              ratio: r.longShortRatio,
            })),
          },
        ],
      },
      time: newest(rows.map((r) => r.timestamp)),
    }),
  });

export const ratios = {
  kind: longShortRatio,
  endpoint: [
    ratioOf('accounts', '/futures/data/globalLongShortAccountRatio'),
    ratioOf('top_accounts', '/futures/data/topLongShortAccountRatio'),
    ratioOf('top_positions', '/futures/data/topLongShortPositionRatio'),
  ],
  merge: (values: readonly RatioReading[]): RatioReading => ({
    symbol: values[0]?.symbol ?? '',
    period: values[0]?.period ?? '',
    series: values.flatMap((v) => v.series),
  }),
};

export const takers = {
  kind: takerVolume,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/Taker-BuySell-Volume`,
    request: (args: Periodic, i) => ({
      path: '/futures/data/takerlongshortRatio',
      query: { symbol: nameOf(i), period: args.period, limit: args.limit },
      weight: STATISTICS_WEIGHT,
    }),
    shape: z.array(z.looseObject({ buyVol: decimal, sellVol: decimal, timestamp: msTime })),
    read: (rows, { instrument: i }, args) => ({
      value: {
        symbol: symbolOf(i),
        period: args.period,
        unit: i?.base ?? 'base units',
        rows: rows.map((r) => ({ time: r.timestamp, buy: r.buyVol, sell: r.sellVol })),
      },
      time: newest(rows.map((r) => r.timestamp)),
    }),
  }),
};

export const basisHistory = {
  kind: basis,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/Basis`,
    request: (args: Periodic, i) => ({
      path: '/futures/data/basis',
      query: { pair: nameOf(i), contractType: 'PERPETUAL', period: args.period, limit: args.limit },
      weight: STATISTICS_WEIGHT,
    }),
    shape: z.array(z.looseObject({ futuresPrice: decimal, indexPrice: decimal, timestamp: msTime })),
    read: (rows, { instrument: i }, args) => ({
      value: {
        symbol: symbolOf(i),
        period: args.period,
        expiry: null,
        rows: rows.map((r) => ({ time: r.timestamp, contract: r.futuresPrice, index: r.indexPrice })),
      },
      time: newest(rows.map((r) => r.timestamp)),
    }),
  }),
};
