import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestCall } from '../contract.ts';
import { lastMs, withQuery } from '../shared/query.ts';
import { isObject, numberOf } from '../shared/values.ts';
import { control } from '../shared/verdicts.ts';
import {
  decodeList,
  decodeObject,
  readBookAnswer,
  readCandles,
  readFunding,
  readInterest,
  readMarkCandles,
  readTickers,
  readTrades,
  resultOf,
} from './rest-rows.ts';

/**
 * REST calls of both markets. Lists come newest first, bounds are inclusive ms, and a list that is too long for a page
 * loses its oldest rows: history is read backwards. An address may ask 600 times in 5 s. Read 2026-11-20:
 * https://bybit-exchange.github.io/docs/v5/market/kline (and the pages beside it)
 */
type Calls = Readonly<Partial<Record<RestCallName, RestCall>>>;

interface MarketCalls {
  readonly market: Market;
  readonly category: string;
  readonly bookDepth: number;
  readonly recentTrades: number;
}

/** Calls of linear futures. */
export function futuresRest(): Calls {
  const of: MarketCalls = { market: 'futures', category: 'linear', bookDepth: 500, recentTrades: 1000 };
  return {
    ...commonCalls(of),
    mark_prices: history(of, 'mark-price-kline', { interval: '1' }, ['start', 'end'], 1000, 0, readMarkCandles),
    funding_rates: history(
      of,
      'funding/history',
      {},
      ['startTime', 'endTime'],
      200,
      'fundingRateTimestamp',
      readFunding,
    ),
    open_interest_history: history(
      of,
      'open-interest',
      { intervalTime: '5min' },
      ['startTime', 'endTime'],
      200,
      'timestamp',
      readInterest,
    ),
    open_interest: {
      request: (args, instrument) => ask(of, 'open-interest', args, instrument, { intervalTime: '5min', limit: 1 }),
      decode: decodeList(of.market, 'live', readInterest),
    },
  };
}

/** Calls of spot. */
export function spotRest(): Calls {
  return commonCalls({ market: 'spot', category: 'spot', bookDepth: 200, recentTrades: 60 });
}

function commonCalls(of: MarketCalls): Calls {
  return {
    instruments: {
      request: (args) => ask(of, 'instruments-info', {}, undefined, { limit: 1000, cursor: args.cursor }),
      decode: () => control('instruments'),
      nextPage: (args, body) => {
        const cursor = resultOf(body)?.['nextPageCursor'];
        return typeof cursor === 'string' && cursor !== ''
          ? { ...args, cursor: decodeURIComponent(cursor) }
          : undefined;
      },
    },
    server_time: {
      request: () => ({ address: 'rest', path: '/v5/market/time', weight: 1 }),
      decode: () => control('server time'),
    },
    book_snapshot: {
      request: (args, instrument) =>
        ask(of, 'orderbook', args, instrument, { limit: Math.min(args.limit ?? of.bookDepth, of.bookDepth) }),
      decode: decodeObject(of.market, 'live', readBookAnswer),
    },
    trades: {
      request: (args, instrument) =>
        ask(of, 'recent-trade', args, instrument, { limit: Math.min(args.limit ?? of.recentTrades, of.recentTrades) }),
      decode: decodeList(of.market, 'backfill', readTrades),
    },
    candles: history(of, 'kline', { interval: '1' }, ['start', 'end'], 1000, 0, readCandles),
    ticker_24h: {
      request: (args, instrument) => ask(of, 'tickers', args, instrument, {}),
      decode: decodeList(of.market, 'live', readTickers),
    },
  };
}

function ask(
  of: MarketCalls,
  path: string,
  args: RestArgs,
  instrument: Instrument | undefined,
  query: Readonly<Record<string, string | number | undefined>>,
): ReturnType<RestCall['request']> {
  const symbol = instrument?.venue_symbol ?? args.symbol;
  return {
    address: 'rest',
    path: withQuery(`/v5/market/${path}`, { category: of.category, symbol, ...query }),
    weight: 1,
  };
}

/** A list by time: `bounds` are its parameters' names, `timeField` where a row has its time. */
function history(
  of: MarketCalls,
  path: string,
  query: Readonly<Record<string, string>>,
  bounds: readonly [string, string],
  most: number,
  timeField: string | number,
  read: Parameters<typeof decodeList>[2],
): RestCall {
  return {
    request: (args, instrument) =>
      ask(of, path, args, instrument, {
        ...query,
        [bounds[0]]: args.from,
        [bounds[1]]: lastMs(args.to),
        limit: Math.min(args.limit ?? most, most),
      }),
    decode: decodeList(of.market, 'backfill', read),
    nextPage: (args, body) => olderPage(args, body, most, timeField),
  };
}

/** What lies before the oldest row, while pages come full. */
function olderPage(args: RestArgs, body: string, most: number, timeField: string | number): RestArgs | undefined {
  const rows = resultOf(body)?.['list'];
  if (!Array.isArray(rows) || rows.length < Math.min(args.limit ?? most, most)) return undefined;
  const row: unknown = rows.at(-1);
  const oldest = numberOf(Array.isArray(row) ? row[Number(timeField)] : isObject(row) ? row[String(timeField)] : NaN);
  if (!Number.isSafeInteger(oldest) || (args.to !== undefined && oldest >= args.to)) return undefined;
  return args.from !== undefined && oldest <= args.from ? undefined : { ...args, to: oldest };
}
