import { z } from 'zod';
import type { Market } from '../../domain/records.ts';
import type { EndpointFacts, EndpointRequest, Reading } from '../endpoint.ts';
import { orderBook } from '../shared/kinds/book.ts';
import { candles } from '../shared/kinds/candles.ts';
import { fundingHistory, type Interest, marks, openInterest } from '../shared/kinds/derivatives.ts';
import { series } from '../shared/kinds/series.ts';
import { type Ticker, ticker, tickers } from '../shared/kinds/ticker.ts';
import { trades } from '../shared/kinds/trades.ts';
import { liveBook, liveTicker, liveTrades } from '../shared/live.ts';
import { endpoint } from '../shared/question.ts';
import { bookOf, candlesOf, nameOf, newest, symbolOf } from '../shared/readings.ts';
import { decimal, msTime } from '../shared/shapes.ts';
import {
  bookWire,
  chartWire,
  fundingWire,
  interestOf,
  resultOf,
  type SummaryWire,
  summaryWire,
  tickerOf,
  tickerWire,
  tradesWire,
} from './endpoint-shapes.ts';
import { FUNDING_HOURS, namedFacts } from './wire.ts';

/**
 * The questions that Deribit's public methods answer. Names and shapes from its reference (docs.deribit.com,
 * api-reference/market-data): excerpts of the pages of book summaries, historical volatility and settlements were seen
 * 2026-11-29, the rest is from memory and checked against recorded answers where there are any.
 */
export const DOCS = 'https://docs.deribit.com/api-reference/market-data';
const HOUR = 3_600_000;

export const ask = (
  method: string,
  query: Readonly<Record<string, string | number | undefined>>,
  weight = 1,
): EndpointRequest => ({ path: `/api/v2/public/${method}`, query, weight });

/** Resolutions of candles, in minutes or `1D`. */
export const RESOLUTIONS = ['1', '3', '5', '10', '15', '30', '60', '120', '180', '360', '720', '1D'] as const;
const lengthOf = (resolution: string): number => (resolution === '1D' ? 24 * HOUR : Number(resolution) * 60_000);

/** Coins whose contracts are settled in themselves are asked for by name, those of others among the USDC ones. */
export const settledIn = (coin: string): string => (coin === 'BTC' || coin === 'ETH' ? coin : 'USDC');

/** What both markets answer alike. */
export function marketQuestions(market: Market) {
  return {
    ticker: {
      kind: ticker,
      live: market === 'futures' ? liveTicker : undefined,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/public-ticker`,
        request: (_args: unknown, i) => ask('ticker', { instrument_name: nameOf(i) }),
        shape: resultOf(tickerWire),
        read: ({ result }, facts) => ({ value: tickerOf(result, facts), time: result.timestamp }),
      }),
    },
    book: {
      kind: orderBook,
      live: liveBook,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/public-get_order_book`,
        request: ({ depth }: { readonly depth: number }, i) =>
          ask('get_order_book', { instrument_name: nameOf(i), depth }),
        shape: resultOf(bookWire),
        read: ({ result: { bids, asks, change_id, timestamp } }, facts) =>
          bookOf(facts, { bids, asks, seq: change_id, time: timestamp }),
      }),
    },
    trades: {
      kind: trades,
      live: liveTrades,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/public-get_last_trades_by_instrument`,
        request: ({ limit }: { readonly limit: number }, i) =>
          ask('get_last_trades_by_instrument', { instrument_name: nameOf(i), count: limit, sorting: 'desc' }),
        shape: resultOf(tradesWire),
        read: ({ result }, facts) => ({
          value: {
            symbol: symbolOf(facts.instrument),
            trades: result.trades.map((t) => ({
              id: t.trade_id,
              time: t.timestamp,
              price: t.price,
              size: namedFacts(t.instrument_name).inverse ? t.amount / t.price : t.amount,
              side: t.direction,
            })),
          },
          time: newest(result.trades.map((t) => t.timestamp)),
        }),
      }),
    },
    candles: {
      kind: candles,
      endpoint: endpoint({
        market,
        docs: `${DOCS}/public-get_tradingview_chart_data`,
        request: ({ resolution, hours }: { readonly resolution: string; readonly hours: number }, i, now) =>
          ask('get_tradingview_chart_data', {
            instrument_name: nameOf(i),
            start_timestamp: Math.floor(now) - hours * HOUR,
            end_timestamp: Math.floor(now),
            resolution,
          }),
        shape: resultOf(chartWire),
        read: ({ result: w }, facts, { resolution }) =>
          candlesOf(
            facts,
            resolution,
            w.ticks.map((open_time, n) => ({
              open_time,
              open: w.open[n] ?? 0,
              high: w.high[n] ?? 0,
              low: w.low[n] ?? 0,
              close: w.close[n] ?? 0,
              volume: w.volume[n] ?? null,
              quote_volume: market === 'options' ? null : (w.cost[n] ?? null),
              closed: open_time + lengthOf(resolution) <= facts.now,
            })),
          ),
      }),
    },
  };
}

/** Futures from one answer: of a coin, or all perpetuals of a settlement currency. */
function summaryTickers(wire: readonly SummaryWire[], facts: EndpointFacts): Reading<readonly Ticker[]> {
  const value = wire.flatMap((w): Ticker[] => {
    const listed = facts.instrumentOf(w.instrument_name);
    if (listed === undefined) return [];
    const { base, usd } = interestOf(w);
    return [
      {
        symbol: listed.symbol,
        venue_symbol: w.instrument_name,
        quote: listed.quote,
        last: w.last,
        bid: w.bid_price,
        ask: w.ask_price,
        change_24h_pct: w.price_change,
        volume_24h: w.volume,
        quote_volume_24h: listed.inverse ? w.volume_usd : null,
        mark: w.mark_price,
        funding_rate: listed.kind === 'perpetual' ? w.current_funding : null,
        funding_interval_hours: listed.funding_interval_hours,
        open_interest: base,
        open_interest_quote: usd,
        time: w.creation_timestamp,
      },
    ];
  });
  return { value, time: newest(wire.map((w) => w.creation_timestamp)) };
}

export const futureTickers = {
  kind: tickers,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/public-get_book_summary_by_currency`,
    needsInstruments: true,
    request: ({ currency }: { readonly currency: string }) =>
      ask('get_book_summary_by_currency', { currency: settledIn(currency), kind: 'future' }),
    shape: resultOf(z.array(summaryWire)),
    read: ({ result }, facts, { currency }) =>
      summaryTickers(
        result.filter((w) => w.base_currency === currency),
        facts,
      ),
  }),
};

export const perpetualTickers = {
  kind: tickers,
  endpoint: ['BTC', 'ETH', 'USDC'].map((currency) =>
    endpoint({
      market: 'futures',
      docs: `${DOCS}/public-get_book_summary_by_currency`,
      needsInstruments: true,
      request: (_args: unknown) => ask('get_book_summary_by_currency', { currency, kind: 'future' }),
      shape: resultOf(z.array(summaryWire)),
      read: ({ result }, facts) =>
        summaryTickers(
          result.filter((w) => w.instrument_name.endsWith('-PERPETUAL')),
          facts,
        ),
    }),
  ),
  merge: (lists: readonly (readonly Ticker[])[]): readonly Ticker[] => lists.flat(),
};

/** Open interest of both kinds of a coin, in dollars at mark or underlying. */
export const interest = {
  kind: openInterest,
  endpoint: (['future', 'option'] as const).map((kind) =>
    endpoint({
      market: kind === 'option' ? 'options' : 'futures',
      docs: `${DOCS}/public-get_book_summary_by_currency`,
      request: ({ currency }: { readonly currency: string }) =>
        ask('get_book_summary_by_currency', { currency: settledIn(currency), kind }),
      shape: resultOf(z.array(summaryWire)),
      read: ({ result }, _facts, { currency }: { readonly currency: string }) => {
        const own = result.filter((w) => w.base_currency === currency);
        return {
          value: own.map((w) => {
            const { base, usd } = interestOf(w);
            return {
              symbol: namedFacts(w.instrument_name).symbol ?? w.instrument_name,
              open_interest: base,
              open_interest_quote: usd,
              quote: kind === 'option' ? 'USD of options' : 'USD of futures',
              time: w.creation_timestamp,
            };
          }),
          time: newest(own.map((w) => w.creation_timestamp)),
        };
      },
    }),
  ),
  merge: (lists: readonly (readonly Interest[])[]): readonly Interest[] => lists.flat(),
};

/** The funding of the moment, from the ticker: as a rate for 8 hours. */
export const funding = {
  kind: marks,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/public-ticker`,
    request: (_args: unknown, i) => ask('ticker', { instrument_name: nameOf(i) }),
    shape: resultOf(tickerWire),
    read: ({ result: w }, facts) => ({
      value: [
        {
          symbol: symbolOf(facts.instrument),
          mark: w.mark_price,
          index: w.index_price,
          funding_rate: w.current_funding,
          funding_interval_hours: FUNDING_HOURS,
          next_funding_time: null,
          time: w.timestamp,
        },
      ],
      time: w.timestamp,
      notes: ['funding accrues all the time; the rate is what 8 hours at the present premium would cost'],
    }),
  }),
};

export const fundingPaid = {
  kind: fundingHistory,
  endpoint: endpoint({
    market: 'futures',
    docs: `${DOCS}/public-get_funding_rate_history`,
    request: ({ hours }: { readonly hours: number }, i, now) =>
      ask('get_funding_rate_history', {
        instrument_name: nameOf(i),
        start_timestamp: Math.floor(now) - hours * HOUR,
        end_timestamp: Math.floor(now),
      }),
    shape: resultOf(z.array(fundingWire)),
    read: ({ result }, facts) => ({
      // Rows come every hour; what was paid in that hour adds up, the rate for 8 hours overlaps.
      value: {
        symbol: symbolOf(facts.instrument),
        interval_hours: 1,
        rows: result.map((w) => ({ time: w.timestamp, rate: w.interest_1h })),
      },
      time: newest(result.map((w) => w.timestamp)),
    }),
  }),
};

export const volatility = {
  kind: series('Historical (realised) volatility of a coin, percent a year, one reading an hour.'),
  endpoint: endpoint({
    market: 'options',
    docs: `${DOCS}/public-get_historical_volatility`,
    request: ({ currency }: { readonly currency: string }) => ask('get_historical_volatility', { currency }),
    shape: resultOf(z.array(z.tuple([msTime, decimal], z.unknown()))),
    read: ({ result }, _facts, { currency }) => ({
      value: {
        name: `${currency} historical volatility`,
        unit: 'percent a year',
        rows: result.map(([time, value]) => ({ time, value })),
      },
      time: newest(result.map(([time]) => time)),
    }),
  }),
};

export const dvol = {
  kind: series('DVOL, the volatility that options imply for the next 30 days, percent a year, close of each hour.'),
  endpoint: endpoint({
    market: 'options',
    docs: `${DOCS}/public-get_volatility_index_data`,
    request: ({ currency, hours }: { readonly currency: string; readonly hours: number }, _i, now) =>
      ask('get_volatility_index_data', {
        currency,
        start_timestamp: Math.floor(now) - hours * HOUR,
        end_timestamp: Math.floor(now),
        resolution: 3600,
      }),
    shape: resultOf(
      z.looseObject({ data: z.array(z.tuple([msTime, decimal, decimal, decimal, decimal], z.unknown())) }),
    ),
    read: ({ result: { data } }, _facts, { currency }) => ({
      value: {
        name: `${currency} DVOL`,
        unit: 'percent a year',
        rows: data.map(([time, , , , close]) => ({ time, value: close })),
      },
      time: newest(data.map(([time]) => time)),
    }),
  }),
};
