import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestCall } from '../contract.ts';
import { withQuery } from '../shared/query.ts';
import { elementsOf, isObject, numberOf } from '../shared/values.ts';
import { control } from '../shared/verdicts.ts';
import { indexOf, kindOf } from './wire.ts';
import {
  dataOf,
  decodeAnswer,
  readBookAnswer,
  readCandles,
  readFundingHistory,
  readInterestHistory,
  readInterestNow,
  readMarks,
  readTickers,
  readTrades,
} from './rest-rows.ts';

/**
 * REST calls of all markets. Lists come newest first; `after` gives what is older than a time (or trade id), `before`
 * what is newer, both exclusive. Limits are per endpoint and address; a weight of 1 stands for those that may be asked 40
 * times in 2 s, 2 for 20 times, 4 for 10 times. Compared 2026-11:
 * https://www.okx.com/docs-v5/en/#order-book-trading-market-data and #public-data-rest-api
 */
type Calls = Readonly<Partial<Record<RestCallName, RestCall>>>;

/** Rows of a page: of candles, recent or archived, of settled funding, and of the other archives. */
const CANDLE_ROWS = 300;
const FUNDING_ROWS = 400;
const ARCHIVE_ROWS = 100;
/** Where paging goes on in the archive. */
const ARCHIVE = 'archive';
const BOOK_LEVELS = 400;

/** The pages of the instrument list: swaps, dated futures, and the rates of all swaps, which tell funding intervals. */
const LIST_PAGES: Readonly<Record<string, string>> = { '': 'dated', dated: 'funding' };

/** Calls of swaps and dated futures. */
export function futuresRest(): Calls {
  return {
    ...commonCalls('futures', 'SWAP'),
    instruments: {
      request: (args) =>
        args.cursor === 'funding'
          ? ask('public/funding-rate', { instId: 'ANY' }, 4)
          : ask('public/instruments', { instType: args.cursor === 'dated' ? 'FUTURES' : 'SWAP' }, 2),
      decode: () => control('instruments'),
      nextPage: (args) => {
        const cursor = LIST_PAGES[args.cursor ?? ''];
        return cursor === undefined ? undefined : { ...args, cursor };
      },
    },
    mark_prices: markPrices(),
    funding_rates: {
      request: (args, instrument) =>
        ask('public/funding-rate-history', { instId: name(args, instrument), ...bounds(args), limit: FUNDING_ROWS }, 4),
      decode: decodeAnswer('futures', 'backfill', readFundingHistory),
      nextPage: (args, body) => older(args, body, FUNDING_ROWS, 'fundingTime'),
    },
    open_interest: {
      request: (args, instrument) => ask('public/open-interest', typed(args, instrument), 2),
      decode: decodeAnswer('futures', 'live', readInterestNow),
    },
    open_interest_history: {
      request: (args, instrument) =>
        ask(
          'rubik/stat/contracts/open-interest-history',
          {
            instId: name(args, instrument),
            period: '5m',
            begin: args.from === undefined ? undefined : args.from - 1,
            end: args.to,
            limit: ARCHIVE_ROWS,
          },
          4,
        ),
      decode: decodeAnswer('futures', 'backfill', readInterestHistory),
      nextPage: (args, body) => older(args, body, ARCHIVE_ROWS, 0),
    },
  };
}

/** Calls of spot. */
export function spotRest(): Calls {
  return {
    ...commonCalls('spot', 'SPOT'),
    instruments: {
      request: () => ask('public/instruments', { instType: 'SPOT' }, 2),
      decode: () => control('instruments'),
    },
  };
}

/**
 * Calls of options, which are listed a family at a time (BTC-USD, named as its index): the first page of the list names
 * the families. Summaries have no history.
 */
export function optionsRest(): Calls {
  return {
    ...commonCalls('options', 'OPTION'),
    instruments: {
      request: ({ cursor }) =>
        cursor === undefined
          ? ask('public/underlying', { instType: 'OPTION' }, 2)
          : ask('public/instruments', { instType: 'OPTION', instFamily: cursor.split(' ', 1)[0] }, 2),
      decode: () => control('instruments'),
      nextPage: (args, body) => {
        const left = args.cursor === undefined ? familiesIn(body) : args.cursor.split(' ').slice(1);
        return left.length === 0 ? undefined : { ...args, cursor: left.join(' ') };
      },
    },
    open_interest: {
      request: (args, instrument) => ask('public/open-interest', typed(args, instrument), 2),
      decode: decodeAnswer('options', 'live', readInterestNow),
    },
  };
}

/** `public/underlying`: `[["BTC-USD","ETH-USD"]]`. */
function familiesIn(body: string): string[] {
  const names = elementsOf(dataOf(body)?.[0]);
  return names.filter((name): name is string => typeof name === 'string' && /^[\w-]+$/.test(name));
}

function commonCalls(market: Market, instType: string): Calls {
  return {
    server_time: { request: () => ask('public/time', {}, 4), decode: () => control('server time') },
    book_snapshot: {
      request: (args, instrument) =>
        ask(
          'market/books',
          { instId: name(args, instrument), sz: Math.min(args.limit ?? BOOK_LEVELS, BOOK_LEVELS) },
          1,
        ),
      decode: decodeAnswer(market, 'live', readBookAnswer),
    },
    trades: {
      request: (args, instrument) => ask('market/history-trades', tradeQuery(args, instrument), 2),
      decode: decodeAnswer(market, 'backfill', readTrades),
      nextPage: olderTrades,
    },
    candles: {
      request: (args, instrument) => candleRequest('candles', args, instrument),
      decode: decodeAnswer(market, 'backfill', readCandles),
      nextPage: olderCandles,
    },
    ticker_24h: {
      request: (args, instrument) =>
        args.symbol === undefined
          ? ask('market/tickers', { instType }, 2)
          : ask('market/ticker', { instId: name(args, instrument) }, 2),
      decode: decodeAnswer(market, 'live', readTickers),
    },
  };
}

/** History by the minute; without bounds the price now. */
function markPrices(): RestCall {
  return {
    request: (args, instrument) =>
      args.from === undefined && args.to === undefined
        ? ask('public/mark-price', typed(args, instrument), 4)
        : candleRequest('mark-price-candles', args, instrument),
    decode: decodeAnswer('futures', 'backfill', readMarks),
    nextPage: olderCandles,
  };
}

function ask(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
  weight: number,
): ReturnType<RestCall['request']> {
  return { address: 'rest', path: withQuery(`/api/v5/${path}`, query), weight };
}

function name(args: RestArgs, instrument: Instrument | undefined): string | undefined {
  return instrument?.venue_symbol ?? args.symbol;
}

function typed(args: RestArgs, instrument: Instrument | undefined): Record<string, string | undefined> {
  const instId = name(args, instrument);
  const instType = instId === undefined ? 'SWAP' : kindOf(instId);
  // Options are asked for by their family too.
  return { instType, instId, instFamily: instType === 'OPTION' ? indexOf(instId ?? '') : undefined };
}

/** [from, to) in the venue's exclusive bounds. */
function bounds(args: RestArgs): { readonly after: number | undefined; readonly before: number | undefined } {
  return { after: args.to, before: args.from === undefined ? undefined : args.from - 1 };
}

/** By time first, then by trade id: several trades may bear the time at which a page ends. */
function tradeQuery(args: RestArgs, instrument: Instrument | undefined): Record<string, string | number | undefined> {
  const instId = name(args, instrument);
  const limit = Math.min(args.limit ?? ARCHIVE_ROWS, ARCHIVE_ROWS);
  if (args.cursor !== undefined) return { instId, type: 1, after: args.cursor, limit };
  return { instId, type: 2, after: args.to, limit };
}

function olderTrades(args: RestArgs, body: string): RestArgs | undefined {
  const last = dataOf(body)?.at(-1);
  if (!isObject(last)) return undefined;
  const { tradeId, ts } = last;
  if (typeof tradeId !== 'string' || args.from === undefined || !(numberOf(ts) >= args.from)) return undefined;
  return { ...args, cursor: tradeId };
}

/** The recent list holds 1440 bars, which the newest belong to; older ones are in the archive. */
function candleRequest(
  path: string,
  args: RestArgs,
  instrument: Instrument | undefined,
): ReturnType<RestCall['request']> {
  const archive = args.cursor === ARCHIVE;
  const most = path === 'candles' ? CANDLE_ROWS : ARCHIVE_ROWS;
  const query = { instId: name(args, instrument), bar: '1m', ...bounds(args) };
  const weight = path === 'candles' && !archive ? 1 : 2;
  return ask(
    `market/${archive ? `history-${path}` : path}`,
    { ...query, limit: Math.min(args.limit ?? most, most) },
    weight,
  );
}

/** On from the oldest row; when the recent list ends before `from`, on in the archive. */
function olderCandles(args: RestArgs, body: string): RestArgs | undefined {
  const rows = dataOf(body);
  if (rows === undefined || args.from === undefined) return undefined;
  const last: unknown = rows.at(-1);
  const oldest = Array.isArray(last) ? numberOf(last[0]) : NaN;
  if (rows.length > 0 && (!Number.isSafeInteger(oldest) || oldest <= args.from)) return undefined;
  const to = rows.length === 0 ? args.to : oldest;
  if (args.cursor === ARCHIVE) return rows.length === 0 ? undefined : { ...args, to };
  // A page of marks is never as long as one of candles: both are full at their own length.
  const full = rows.length >= Math.min(args.limit ?? ARCHIVE_ROWS, ARCHIVE_ROWS);
  return full ? { ...args, to } : { ...args, to, cursor: ARCHIVE };
}

function older(args: RestArgs, body: string, most: number, field: string | number): RestArgs | undefined {
  const rows = dataOf(body);
  if (rows === undefined || rows.length < Math.min(args.limit ?? most, most)) return undefined;
  const last: unknown = rows.at(-1);
  const oldest = numberOf(Array.isArray(last) ? last[Number(field)] : isObject(last) ? last[String(field)] : NaN);
  if (!Number.isSafeInteger(oldest) || (args.to !== undefined && oldest >= args.to)) return undefined;
  return args.from !== undefined && oldest <= args.from ? undefined : { ...args, to: oldest };
}
