import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestCall } from '../contract.ts';
import { withQuery } from '../shared/query.ts';
import { isObject, numberOf } from '../shared/values.ts';
import { control } from '../shared/verdicts.ts';
import {
  decodeAnswer,
  readBookAnswer,
  readCandles,
  readFundingHistory,
  readInterestHistory,
  readInterestNow,
  readMarks,
  readTickers,
  readTrades,
  rowsOf,
} from './rest-rows.ts';

/**
 * REST calls of both markets. Bounds are whole seconds, inclusive; answers are bare lists. Documented there, not verified:
 * https://www.gate.com/docs/developers/apiv4/en/#futures and #spot
 */
type Calls = Readonly<Partial<Record<RestCallName, RestCall>>>;

const BOOK_LEVELS = 100;
const TRADES = 1000;
const FUNDING = 1000;
const STATS = 100;
const STATS_STEP = 300;
const MINUTE = 60;

const SERVER_TIME: RestCall = { request: () => ask('spot/time', {}), decode: () => control('server time') };

/** Calls of USDT futures. */
export function futuresRest(): Calls {
  const bars = candles('futures', 'futures/usdt/candlesticks', 'contract', 2000);
  return {
    server_time: SERVER_TIME,
    instruments: { request: () => ask('futures/usdt/contracts', {}), decode: () => control('instruments') },
    book_snapshot: book('futures', 'futures/usdt/order_book', 'contract'),
    trades: trades('futures', 'futures/usdt/trades', 'contract', 'offset'),
    candles: bars,
    ticker_24h: ticker('futures', 'futures/usdt/tickers', 'contract', readTickers),
    mark_prices: {
      request: (args, instrument) =>
        args.from === undefined && args.to === undefined
          ? ask('futures/usdt/tickers', { contract: name(args, instrument) })
          : ask('futures/usdt/candlesticks', {
              contract: `mark_${name(args, instrument) ?? ''}`,
              ...barQuery(args, 2000),
            }),
      decode: decodeAnswer('futures', 'backfill', readMarks),
      nextPage: bars.nextPage,
    },
    open_interest: ticker('futures', 'futures/usdt/tickers', 'contract', readInterestNow),
    funding_rates: {
      request: (args, instrument) =>
        ask('futures/usdt/funding_rate', {
          contract: name(args, instrument),
          limit: FUNDING,
          ...bounds(args),
        }),
      decode: decodeAnswer('futures', 'backfill', readFundingHistory),
      nextPage: olderFunding,
    },
    open_interest_history: {
      request: (args, instrument) =>
        ask('futures/usdt/contract_stats', {
          contract: name(args, instrument),
          interval: '5m',
          limit: STATS,
          from: args.from === undefined ? undefined : Math.floor(args.from / 1000),
        }),
      decode: decodeAnswer('futures', 'backfill', readInterestHistory),
      nextPage: nextStats,
    },
  };
}

/** Calls of spot. */
export function spotRest(): Calls {
  return {
    server_time: SERVER_TIME,
    instruments: { request: () => ask('spot/currency_pairs', {}), decode: () => control('instruments') },
    book_snapshot: book('spot', 'spot/order_book', 'currency_pair'),
    trades: trades('spot', 'spot/trades', 'currency_pair', 'page'),
    candles: candles('spot', 'spot/candlesticks', 'currency_pair', 1000),
    ticker_24h: ticker('spot', 'spot/tickers', 'currency_pair', readTickers),
  };
}

function ask(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
): ReturnType<RestCall['request']> {
  return { address: 'rest', path: withQuery(`/api/v4/${path}`, query), weight: 1 };
}

function name(args: RestArgs, instrument: Instrument | undefined): string | undefined {
  return instrument?.venue_symbol ?? args.symbol;
}

/** [from, to) in whole seconds, inclusive: rows beyond are left out when they are read. */
function bounds(args: RestArgs): { readonly from: number | undefined; readonly to: number | undefined } {
  return {
    from: args.from === undefined ? undefined : Math.floor(args.from / 1000),
    to: args.to === undefined ? undefined : Math.floor((args.to - 1) / 1000),
  };
}

function book(market: Market, path: string, key: string): RestCall {
  return {
    request: (args, instrument) =>
      ask(path, {
        [key]: name(args, instrument),
        limit: Math.min(args.limit ?? BOOK_LEVELS, BOOK_LEVELS),
        with_id: 'true',
      }),
    decode: decodeAnswer(market, 'live', readBookAnswer),
  };
}

function ticker(market: Market, path: string, key: string, read: Parameters<typeof decodeAnswer>[2]): RestCall {
  return {
    request: (args, instrument) => ask(path, { [key]: args.symbol === undefined ? undefined : name(args, instrument) }),
    decode: decodeAnswer(market, 'live', read),
  };
}

/** Newest first within the bounds; futures count rows in `offset`, spot pages in `page`. */
function trades(market: Market, path: string, key: string, paging: 'offset' | 'page'): RestCall {
  return {
    request: (args, instrument) =>
      ask(path, {
        [key]: name(args, instrument),
        limit: Math.min(args.limit ?? TRADES, TRADES),
        ...bounds(args),
        [paging]: args.cursor,
      }),
    decode: decodeAnswer(market, 'backfill', readTrades),
    nextPage: (args, body) => {
      const count = rowsOf(body)?.length ?? 0;
      if (count < Math.min(args.limit ?? TRADES, TRADES)) return undefined;
      const at = Number(args.cursor ?? (paging === 'offset' ? 0 : 1));
      return { ...args, cursor: String(paging === 'offset' ? at + count : at + 1) };
    },
  };
}

/** Windows of as many minutes as an answer may hold. */
function candles(market: Market, path: string, key: string, most: number): RestCall {
  return {
    request: (args, instrument) => ask(path, { [key]: name(args, instrument), ...barQuery(args, most) }),
    decode: decodeAnswer(market, 'backfill', readCandles),
    nextPage: (args) => {
      const end = windowEnd(args, most);
      return end === undefined || args.to === undefined || end >= args.to ? undefined : { ...args, from: end };
    },
  };
}

function barQuery(args: RestArgs, most: number): Readonly<Record<string, string | number | undefined>> {
  // The venue takes a number of rows or bounds, not both.
  if (args.from === undefined) return { interval: '1m', limit: Math.min(args.limit ?? most, most) };
  return { interval: '1m', ...bounds({ ...args, to: windowEnd(args, most) }) };
}

function windowEnd(args: RestArgs, most: number): number | undefined {
  if (args.from === undefined) return args.to;
  const end = args.from + (most - 1) * MINUTE * 1000;
  return args.to === undefined ? end : Math.min(args.to, end);
}

function olderFunding(args: RestArgs, body: string): RestArgs | undefined {
  const rows = rowsOf(body);
  if (rows === undefined || rows.length < FUNDING) return undefined;
  const times = rows.map((row) => (isObject(row) ? numberOf(row['t']) * 1000 : NaN));
  const oldest = Math.min(...times);
  if (!Number.isSafeInteger(oldest) || (args.to !== undefined && oldest >= args.to)) return undefined;
  return args.from !== undefined && oldest <= args.from ? undefined : { ...args, to: oldest };
}

function nextStats(args: RestArgs, body: string): RestArgs | undefined {
  const rows = rowsOf(body);
  if (rows === undefined || rows.length < STATS || args.from === undefined) return undefined;
  const times = rows.map((row) => (isObject(row) ? numberOf(row['time']) : NaN));
  const from = (Math.max(...times) + STATS_STEP) * 1000;
  if (!Number.isSafeInteger(from) || from <= args.from) return undefined;
  return args.to !== undefined && from >= args.to ? undefined : { ...args, from };
}
