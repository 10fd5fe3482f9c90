import type { Instrument } from '../../domain/instrument.ts';
import type { Market, Origin } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestCall } from '../contract.ts';
import { lastMs, withQuery } from '../shared/query.ts';
import { isObject, numberOf, parseJson } from '../shared/values.ts';
import { control } from '../shared/verdicts.ts';
import { readSnapshot } from './normalise.ts';
import {
  decodeRows,
  readCandleRow,
  readFundingRow,
  readInterest,
  readInterestHistory,
  readMarkPrice,
  readTickerAnswer,
  readTradeAnswer,
  type RowReader,
} from './rest-rows.ts';

/**
 * REST calls of both markets. Bounds of the venue are inclusive ms. Weights read 2026-11-20:
 * https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints
 * https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api
 */
/**
 * Weights of calls that cost none but are counted by themselves, so that 2400 a minute keep to their limits: funding rates
 * and funding intervals together 500 times in 5 minutes, each of `/futures/data` 1000 times. Compared 2026-11: pages
 * Get-Funding-Rate-History and Open-Interest-Statistics beside the one above.
 */
export const FUNDING_WEIGHT = 24;
export const STATISTICS_WEIGHT = 12;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** `openInterestHist` has one row in 5 minutes; which end of a too long interval it cuts off is not documented. */
const INTEREST_STEP = 5 * MINUTE;

/** Calls of USD-M futures. */
export function futuresRest(): Readonly<Partial<Record<RestCallName, RestCall>>> {
  const of = callsOf('futures', '/fapi/v1');
  return {
    ...of.common,
    instruments: {
      ...of.instruments,
      request: (args) =>
        args.cursor === undefined
          ? request('/fapi/v1/exchangeInfo', 1)
          : request('/fapi/v1/fundingInfo', FUNDING_WEIGHT),
      nextPage: (args) => (args.cursor === undefined ? { ...args, cursor: 'funding' } : undefined),
    },
    book_snapshot: of.book((limit) => (limit <= 50 ? 2 : limit <= 100 ? 5 : limit <= 500 ? 10 : 20), 1000),
    trades: of.trades(20),
    candles: of.candles('klines', (limit) => (limit < 100 ? 1 : limit < 500 ? 2 : limit <= 1000 ? 5 : 10)),
    mark_prices: markPrices(of),
    // The 24 h ticker of futures has no best prices; that of spot has.
    prices: {
      request: (args, instrument) =>
        request(withQuery('/fapi/v1/ticker/bookTicker', { symbol: name(args, instrument) }), 2),
      decode: of.rows('live', readTickerAnswer),
    },
    ticker_24h: of.ticker((args) => (args.symbol === undefined ? 40 : 1)),
    open_interest: {
      request: (args, instrument) => request(withQuery('/fapi/v1/openInterest', { symbol: name(args, instrument) }), 1),
      decode: of.rows('live', readInterest),
    },
    open_interest_history: {
      request: (args, instrument) =>
        request(
          withQuery('/futures/data/openInterestHist', {
            symbol: name(args, instrument),
            period: '5m',
            limit: 500,
            startTime: args.from,
            endTime: lastMs(interestEnd(args)),
          }),
          STATISTICS_WEIGHT,
        ),
      decode: of.rows('backfill', readInterestHistory),
      nextPage: (args) => {
        const end = interestEnd(args);
        return end === undefined || args.to === undefined || end >= args.to ? undefined : { ...args, from: end };
      },
    },
    funding_rates: {
      request: (args, instrument) =>
        request(
          withQuery('/fapi/v1/fundingRate', {
            symbol: name(args, instrument),
            startTime: args.from,
            endTime: lastMs(args.to),
            limit: args.limit ?? 1000,
          }),
          FUNDING_WEIGHT,
        ),
      decode: of.rows('backfill', readFundingRow),
      nextPage: (args, body) => nextAfter(args, body, 1000, 'fundingTime', 1),
    },
  };
}

/** History by the minute; without bounds the state now, which has index and funding too. */
function markPrices(of: ReturnType<typeof callsOf>): RestCall {
  const history = of.candles('markPriceKlines', () => 5);
  return {
    ...history,
    request: (args, instrument) =>
      args.from === undefined && args.to === undefined
        ? request(withQuery('/fapi/v1/premiumIndex', { symbol: name(args, instrument) }), 1)
        : history.request(args, instrument),
    decode: of.rows('backfill', readMarkPrice),
  };
}

/** Calls of spot. */
export function spotRest(): Readonly<Partial<Record<RestCallName, RestCall>>> {
  const of = callsOf('spot', '/api/v3');
  return {
    ...of.common,
    instruments: {
      ...of.instruments,
      request: () => request('/api/v3/exchangeInfo?showPermissionSets=false', 20),
    },
    book_snapshot: of.book((limit) => (limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250), 5000),
    trades: of.trades(4),
    candles: of.candles('klines', () => 2),
    ticker_24h: of.ticker((args) => (args.symbol === undefined ? 80 : 2)),
  };
}

function callsOf(market: Market, base: string) {
  const rows =
    (origin: Origin, read: RowReader): RestCall['decode'] =>
    (body, args, recvTime, options, sink) =>
      decodeRows(market, origin, read, body, args, recvTime, options, sink);
  return {
    rows,
    instruments: { decode: () => control('instruments') },
    common: {
      server_time: { request: () => request(`${base}/time`, 1), decode: () => control('server time') },
    },
    book: (weight: (limit: number) => number, most: number): RestCall => ({
      request: (args, instrument) => {
        const limit = Math.min(args.limit ?? 1000, most);
        return request(withQuery(`${base}/depth`, { symbol: name(args, instrument), limit }), weight(limit));
      },
      decode: rows('live', (row, facts, context) =>
        isObject(row) ? readSnapshot(row, facts, context) : 'no book snapshot',
      ),
    }),
    trades: (weight: number): RestCall => ({
      request: (args, instrument) => request(withQuery(`${base}/aggTrades`, tradeQuery(args, instrument)), weight),
      decode: rows('backfill', readTradeAnswer),
      nextPage: nextTrades,
    }),
    candles: (path: string, weight: (limit: number) => number): RestCall => ({
      request: (args, instrument) => {
        const limit = args.limit ?? 1000;
        const symbol = name(args, instrument);
        const query = { symbol, interval: '1m', startTime: args.from, endTime: lastMs(args.to), limit };
        return request(withQuery(`${base}/${path}`, query), weight(limit));
      },
      decode: rows('backfill', readCandleRow),
      nextPage: (args, body) => nextAfter(args, body, 1000, 0, MINUTE),
    }),
    ticker: (weight: (args: RestArgs) => number): RestCall => ({
      request: (args, instrument) => {
        const symbol = args.symbol === undefined ? undefined : name(args, instrument);
        return request(withQuery(`${base}/ticker/24hr`, { symbol }), weight(args));
      },
      decode: rows('live', readTickerAnswer),
    }),
  };
}

function request(path: string, weight: number): ReturnType<RestCall['request']> {
  return { address: 'rest', path, weight };
}

function name(args: RestArgs, instrument: Instrument | undefined): string | undefined {
  return instrument?.venue_symbol ?? args.symbol;
}

/** A window of an hour at most by time, then on by id: ids have no holes. */
function tradeQuery(args: RestArgs, instrument: Instrument | undefined): Record<string, string | number | undefined> {
  const symbol = name(args, instrument);
  const limit = args.limit ?? 1000;
  if (args.cursor !== undefined) return { symbol, fromId: args.cursor, limit };
  return { symbol, startTime: args.from, endTime: lastMs(tradeWindowEnd(args)), limit };
}

function tradeWindowEnd(args: RestArgs): number | undefined {
  if (args.from === undefined || args.to === undefined) return args.to;
  return Math.min(args.to, args.from + HOUR);
}

function nextTrades(args: RestArgs, body: string): RestArgs | undefined {
  const last = lastRow(body);
  if (!isObject(last)) {
    const end = args.cursor === undefined ? tradeWindowEnd(args) : undefined;
    return end === undefined || args.to === undefined || end >= args.to ? undefined : { ...args, from: end };
  }
  const id = numberOf(last['a']);
  const time = numberOf(last['T']);
  if (!Number.isSafeInteger(id) || (args.to !== undefined && !(time < args.to))) return undefined;
  const full = rowCount(body) >= (args.limit ?? 1000);
  const windowEnd = tradeWindowEnd(args);
  const more =
    full || (args.cursor === undefined && windowEnd !== undefined && args.to !== undefined && windowEnd < args.to);
  return more ? { ...args, cursor: String(id + 1) } : undefined;
}

function interestEnd(args: RestArgs): number | undefined {
  if (args.from === undefined) return args.to;
  const end = args.from + 500 * INTEREST_STEP;
  return args.to === undefined ? end : Math.min(args.to, end);
}

/** For answers in rising order that begin at `startTime`: on from the last row, while pages come full. */
function nextAfter(
  args: RestArgs,
  body: string,
  limit: number,
  field: string | number,
  step: number,
): RestArgs | undefined {
  if (rowCount(body) < (args.limit ?? limit)) return undefined;
  const last = lastRow(body);
  const time = numberOf(Array.isArray(last) ? last[Number(field)] : isObject(last) ? last[String(field)] : NaN);
  if (!Number.isSafeInteger(time)) return undefined;
  const from = time + step;
  return args.to !== undefined && from >= args.to ? undefined : { ...args, from };
}

function rowCount(body: string): number {
  const value = parseJson(body);
  return Array.isArray(value) ? value.length : 0;
}

function lastRow(body: string): unknown {
  const value = parseJson(body);
  return Array.isArray(value) ? value.at(-1) : undefined;
}
