import type { Us } from '../../../kit/clock.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { FrameVerdict, RestCall, RestErrorInfo } from '../contract.ts';
import type { PriceLevel } from '../../domain/records.ts';
import { withQuery } from '../shared/query.ts';
import { plainRefusal } from '../shared/refusal.ts';
import { createSymbolTable, NAMELESS, symbolTableFor, type SymbolFacts } from '../shared/symbols.ts';
import {
  idOf,
  isObject,
  numberOf,
  optionalCount,
  parseJson,
  priceOf,
  sizeOf,
  type WireObject,
} from '../shared/values.ts';
import { control, readRows, refused, rejected, verdictOf, type Reading } from '../shared/verdicts.ts';
import { baseOf, type ReadContext } from './context.ts';
import { checkedCandle, pairedTicker, pushCandle, pushTicker, pushTrade } from './spot-normalise.ts';
import { MINUTE_US, restPair, secondsOf, spotName } from './wire.ts';

/**
 * Spot REST: `{"error":[…],"result":{…}}`, by pair: 720 candles, 1000 trades or 500 levels a side at most. Compared 2026-11:
 * https://docs.kraken.com/exchange/guides/general/historical-data
 * https://docs.kraken.com/api/docs/rest-api/get-recent-trades
 */
type Calls = Readonly<Partial<Record<RestCallName, RestCall>>>;

const MOST_TRADES = 1000;

/** Calls of spot. */
export function spotRest(): Calls {
  return {
    instruments: {
      request: () => ({ address: 'rest', path: '/0/public/AssetPairs', weight: 1 }),
      decode: () => control('instruments'),
    },
    server_time: {
      request: () => ({ address: 'rest', path: '/0/public/Time', weight: 1 }),
      decode: () => control('server time'),
    },
    book_snapshot: {
      request: (args, instrument) => ask('Depth', args, instrument, { count: Math.min(args.limit ?? 500, 500) }),
      decode: decodePair('live', readDepth),
    },
    ticker_24h: {
      request: (args, instrument) => ask('Ticker', args, instrument, {}),
      decode: decodePair('live', readTicker),
    },
    trades: {
      // `since` is in ns and exclusive.
      request: (args, instrument) =>
        ask('Trades', args, instrument, {
          since: args.cursor ?? (args.from === undefined ? undefined : `${args.from - 1}999999`),
          count: Math.min(args.limit ?? MOST_TRADES, MOST_TRADES),
        }),
      decode: decodePair('backfill', readTrades),
      nextPage: nextTrades,
    },
    candles: {
      // `since` is in s and exclusive; at most the newest 720, with the running one.
      request: (args, instrument) =>
        ask('OHLC', args, instrument, {
          interval: 1,
          since: args.from === undefined ? undefined : Math.ceil(args.from / 1000) - 1,
        }),
      decode: decodePair('backfill', readCandles),
    },
  };
}

function ask(
  path: string,
  args: RestArgs,
  instrument: Instrument | undefined,
  query: Readonly<Record<string, string | number | undefined>>,
): ReturnType<RestCall['request']> {
  const pair = instrument === undefined ? args.symbol : restPair(instrument.venue_symbol);
  return { address: 'rest', path: withQuery(`/0/public/${path}`, { pair, ...query }), weight: 1 };
}

type PairReader = (rows: unknown, facts: SymbolFacts, args: RestArgs, context: ReadContext) => Reading;

/** Decodes an answer whose `result` has one member named after its pair. */
function decodePair(origin: 'live' | 'backfill', read: PairReader): RestCall['decode'] {
  return (body, args, recvTime, options, sink): FrameVerdict => {
    const value = parseJson(body);
    if (!isObject(value)) return rejected(value === undefined ? 'not JSON' : 'not an answer');
    const problem = errorOf(value);
    if (problem !== undefined) return refused(problem);
    const { result } = value;
    const named = isObject(result) ? Object.entries(result).find(([name]) => name !== 'last') : undefined;
    if (named === undefined) return rejected('answer without a result');
    const [pair, rows] = named;
    const symbols = symbolTableFor(args.symbol, options, spotName);
    const facts = args.symbol === undefined ? pairFacts(pair) : symbols.facts(args.symbol);
    if (facts === undefined) return rejected('symbol cannot be read');
    return verdictOf(read(rows, facts, args, { market: 'spot', symbols, recvTime, origin, sink }));
  };
}

const UNLISTED = createSymbolTable({ instruments: [] }, spotName);

function pairFacts(pair: string): SymbolFacts {
  return UNLISTED.facts(pair) ?? NAMELESS;
}

function within(time: Us, args: RestArgs): boolean {
  const ms = time / 1000;
  return !(args.from !== undefined && ms < args.from) && !(args.to !== undefined && ms >= args.to);
}

/** `[price, volume, time]` levels. It has no time of its own and no number that the stream's book could continue. */
function readDepth(value: unknown, facts: SymbolFacts, _args: RestArgs, context: ReadContext): Reading {
  const bids = isObject(value) ? levels(value['bids']) : undefined;
  const asks = isObject(value) ? levels(value['asks']) : undefined;
  if (bids === undefined || asks === undefined) return 'book levels cannot be read';
  const base = baseOf(facts, context.recvTime, context);
  context.sink({ stream: 'book', ...base, kind: 'snapshot', bids, asks, first_seq: null, prev_seq: null });
  return 1;
}

function levels(rows: unknown): PriceLevel[] | undefined {
  if (!Array.isArray(rows)) return undefined;
  const read: PriceLevel[] = [];
  for (const row of rows) {
    if (!Array.isArray(row)) return undefined;
    const price = priceOf(row[0]);
    const size = sizeOf(row[1]);
    if (Number.isNaN(price) || Number.isNaN(size)) return undefined;
    read.push([price, size]);
  }
  return read;
}

/** `o` is of today over REST, which the last 24 hours have none of. */
function readTicker(ticker: unknown, facts: SymbolFacts, _args: RestArgs, context: ReadContext): Reading {
  if (!isObject(ticker)) return 'no ticker';
  return pushTicker(facts, { ...pairedTicker(ticker), open: null }, context.recvTime, context);
}

/** `[price, volume, time s, side, order type, misc, id]`, oldest first. */
function readTrades(rows: unknown, facts: SymbolFacts, args: RestArgs, context: ReadContext): Reading {
  if (!Array.isArray(rows)) return 'no trades';
  return readRows(rows, (row) => {
    if (!Array.isArray(row)) return 'no trade';
    const [price, size, at, side, , , id] = row as readonly unknown[];
    const time = secondsOf(at);
    if (!within(time, args)) return 0;
    const named = side === 'b' ? 'buy' : side === 's' ? 'sell' : undefined;
    return pushTrade(facts, { id, price, size, time, side: named }, context);
  });
}

/** Goes on after `last`, which is the time of the newest row in ns, while that lies before the end asked for. */
function nextTrades(args: RestArgs, body: string): RestArgs | undefined {
  const value = parseJson(body);
  const result = isObject(value) ? value['result'] : undefined;
  if (!isObject(result)) return undefined;
  const rows = Object.entries(result).find(([name]) => name !== 'last')?.[1];
  const last = idOf(result['last']);
  if (!Array.isArray(rows) || rows.length < Math.min(args.limit ?? MOST_TRADES, MOST_TRADES)) return undefined;
  if (last === undefined || last === args.cursor || !/^\d{10,20}$/.test(last)) return undefined;
  return args.to !== undefined && Number(last) / 1e6 >= args.to ? undefined : { ...args, cursor: last };
}

/** `[time s, open, high, low, close, vwap, volume, count]`, oldest first; only the last, of `last` or later, runs still. */
function readCandles(rows: unknown, facts: SymbolFacts, args: RestArgs, context: ReadContext): Reading {
  if (!Array.isArray(rows)) return 'no candles';
  const wanted = args.limit === undefined ? rows : rows.slice(-args.limit);
  return readRows(wanted, (row) => {
    if (!Array.isArray(row)) return 'no candle';
    const [at, open, high, low, close, , volume, count] = row as readonly unknown[];
    const open_time = numberOf(at) * 1e6;
    if (!within(open_time, args)) return 0;
    const candle = checkedCandle({
      interval: '1m',
      open_time: Number.isSafeInteger(open_time) && open_time > 0 ? open_time : NaN,
      close_time: open_time + MINUTE_US,
      open: priceOf(open),
      high: priceOf(high),
      low: priceOf(low),
      close: priceOf(close),
      volume: sizeOf(volume),
      trade_count: optionalCount(count),
    });
    if (typeof candle === 'string') return candle;
    const closed = row !== rows.at(-1) || candle.close_time <= context.recvTime;
    return pushCandle(facts, candle, { time: closed ? candle.close_time : context.recvTime, closed }, context);
  });
}

/** The first error of an answer, which mostly comes inside HTTP 200; warnings (`W…`) are none. */
function errorOf(value: WireObject): string | undefined {
  const { error } = value;
  const all: readonly unknown[] = Array.isArray(error) ? error : error === undefined ? [] : [error];
  const first = all.find((one) => typeof one !== 'string' || !one.startsWith('W'));
  return first === undefined || typeof first === 'string' ? first : JSON.stringify(first);
}

/** Which call an answer belongs to, by its shape. Trades have 6 or 7 members, candles 8. */
export function recogniseSpot(value: unknown): { call: RestCallName; args: RestArgs } | undefined {
  if (!isObject(value) || !Array.isArray(value['error']) || !isObject(value['result'])) return undefined;
  const { result } = value;
  if (result['unixtime'] !== undefined) return { call: 'server_time', args: {} };
  const row: unknown = Object.entries(result).find(([name]) => name !== 'last')?.[1];
  if (Array.isArray(row)) {
    const first: unknown = row[0];
    if (!Array.isArray(first)) return undefined;
    if (first.length === 8) return onMinutes(row) ? { call: 'candles', args: {} } : undefined;
    return first.length === 7 && typeof first[3] === 'string' ? { call: 'trades', args: {} } : undefined;
  }
  if (!isObject(row)) return undefined;
  if (row['wsname'] !== undefined) return { call: 'instruments', args: {} };
  if (Array.isArray(row['asks']) && Array.isArray(row['bids'])) return { call: 'book_snapshot', args: {} };
  return Array.isArray(row['a']) && Array.isArray(row['c']) ? { call: 'ticker_24h', args: {} } : undefined;
}

function onMinutes(rows: readonly unknown[]): boolean {
  const times = rows.map((row) => (Array.isArray(row) ? numberOf(row[0]) : NaN));
  return times.length > 1 && times.slice(1).every((time, i) => time - (times[i] ?? NaN) === 60);
}

/**
 * Errors are texts such as `EQuery:Unknown asset pair`; those of rate compared 2026-11, the others not verified:
 * https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits, https://docs.kraken.com/api/docs/guides/spot-errors
 */
export function spotRestError(status: number, body: string): RestErrorInfo | undefined {
  const value = parseJson(body);
  const problem = isObject(value) ? errorOf(value) : undefined;
  if (problem !== undefined) {
    return {
      code: problem.split(':').slice(0, 2).join(':').slice(0, 80),
      message: problem,
      retryAfterMs: null,
      kind: kindOf(problem),
    };
  }
  if (status >= 200 && status < 300 && isObject(value) && value['result'] !== undefined) return undefined;
  return plainRefusal(status, body);
}

function kindOf(problem: string): RestErrorInfo['kind'] {
  if (/Rate limit|Throttled|Too many requests|EGeneral:Temporary lockout/i.test(problem)) return 'rate_limited';
  if (/^EQuery:(Unknown|Invalid) asset/i.test(problem)) return 'unknown_symbol';
  if (/in (post|cancel)_only mode|maintenance/i.test(problem)) return 'maintenance';
  if (/^EService|Internal error|Unavailable|Busy/i.test(problem)) return 'unavailable';
  if (/restricted for|Invalid permissions/i.test(problem)) return 'blocked_region';
  if (/Permission denied|Invalid key|Invalid signature/i.test(problem)) return 'forbidden';
  return 'bad_request';
}
