import type { Us } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { Market, Origin } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { FrameVerdict, RestCall } from '../contract.ts';
import { lastMs, withQuery } from '../shared/query.ts';
import { pushCandle, pushFunding, pushInterest, pushMark, pushPrices, type ReadContext } from '../shared/reading.ts';
import { baseSize, NAMELESS, symbolTableFor, type SymbolFacts } from '../shared/symbols.ts';
import {
  isObject,
  numberOf,
  optionalPrice,
  optionalSize,
  parseJson,
  priceOf,
  sizeOf,
  timeOf,
  type WireObject,
} from '../shared/values.ts';
import { control, readRows, refused, rejected, verdictOf, type Reading } from '../shared/verdicts.ts';
import { pushWireCandle } from './decoder.ts';
import {
  readFuturesDay,
  readFuturesPrices,
  readSpotDay,
  readSpotPrices,
  readTrade,
  readWholeBook,
} from './normalise.ts';
import { futuresName, OK, spotName, timeAt } from './wire.ts';

/**
 * REST of both markets: `{"code":"200000","data":…}`. Documented there, not verified:
 * https://www.kucoin.com/docs-new/rest/spot-trading/market-data/get-klines (and the pages beside it, futures too)
 */
type Calls = Readonly<Partial<Record<RestCallName, RestCall>>>;
type Query = Readonly<Record<string, string | number | undefined>>;
type AnswerReader = (data: unknown, facts: SymbolFacts, args: RestArgs, context: ReadContext) => Reading;

const MINUTE_MS = 60_000;
const MOST_SPOT_CANDLES = 1500;
const MOST_FUTURES_CANDLES = 500;
const MOST_FUNDING = 100;

/** Calls of spot. */
export function spotRest(): Calls {
  const call = caller('spot');
  return {
    ...commonCalls('/api/v2/symbols', 4),
    book_snapshot: call('/api/v1/market/orderbook/level2_100', 4, () => ({}), readBookAnswer),
    trades: call('/api/v1/market/histories', 2, () => ({}), readTrades),
    ticker_24h: call('/api/v1/market/stats', 15, () => ({}), readStats),
    candles: {
      // Newest first; `startAt` is included, `endAt` is not.
      ...call(
        '/api/v1/market/candles',
        3,
        ({ from, to }) => ({
          type: '1min',
          startAt: from === undefined ? undefined : Math.ceil(from / 1000),
          endAt: to === undefined ? undefined : Math.ceil(to / 1000),
        }),
        readSpotCandles,
      ),
      nextPage: (args, body) =>
        olderPage(args, body, MOST_SPOT_CANDLES, (row) => (Array.isArray(row) ? numberOf(row[0]) * 1000 : NaN)),
    },
  };
}

/** Calls of futures. */
export function futuresRest(): Calls {
  const call = caller('futures');
  const contract = (read: AnswerReader): RestCall => ({
    request: (args, instrument) => ({
      address: 'rest',
      path: `/api/v1/contracts/${instrument?.venue_symbol ?? args.symbol ?? ''}`,
      weight: 3,
    }),
    decode: decode('futures', read),
  });
  return {
    ...commonCalls('/api/v1/contracts/active', 3),
    book_snapshot: call('/api/v1/level2/snapshot', 3, () => ({}), readBookAnswer),
    trades: call('/api/v1/trade/history', 5, () => ({}), readTrades),
    ticker_24h: contract(readContract),
    open_interest: contract(readInterest),
    candles: {
      // Oldest first, at most 500; bounds are included.
      ...call(
        '/api/v1/kline/query',
        3,
        ({ from, to, limit }) => ({
          granularity: 1,
          from: from ?? (to === undefined || limit === undefined ? undefined : to - limit * MINUTE_MS),
          to: lastMs(to),
        }),
        readFuturesCandles,
      ),
      nextPage: newerCandles,
    },
    funding_rates: {
      ...call(
        '/api/v1/contract/funding-rates',
        5,
        ({ from, to }) => ({ from: from ?? 0, to: lastMs(to) }),
        readFunding,
      ),
      nextPage: (args, body) =>
        olderPage(args, body, MOST_FUNDING, (row) => (isObject(row) ? numberOf(row['timepoint']) : NaN)),
    },
  };
}

type Caller = (path: string, weight: number, query: (args: RestArgs) => Query, read: AnswerReader) => RestCall;

/** Calls about a symbol of the market, whose lists tell of what was. */
function caller(market: Market): Caller {
  return (path, weight, query, read) => ({
    request: (args, instrument) => ask(path, weight, args, instrument, query(args)),
    decode: decode(market, read, HISTORY.has(path) ? 'backfill' : 'live'),
  });
}

const HISTORY: ReadonlySet<string> = new Set([
  '/api/v1/market/histories',
  '/api/v1/market/candles',
  '/api/v1/trade/history',
  '/api/v1/kline/query',
  '/api/v1/contract/funding-rates',
]);

function commonCalls(instruments: string, weight: number): Calls {
  return {
    instruments: {
      request: () => ({ address: 'rest', path: instruments, weight }),
      decode: () => control('instruments'),
    },
    server_time: {
      request: () => ({ address: 'rest', path: '/api/v1/timestamp', weight: 3 }),
      decode: () => control('server time'),
    },
  };
}

function ask(
  path: string,
  weight: number,
  args: RestArgs,
  instrument: Instrument | undefined,
  query: Query,
): ReturnType<RestCall['request']> {
  const symbol = instrument?.venue_symbol ?? args.symbol;
  return { address: 'rest', path: withQuery(path, { symbol, ...query }), weight };
}

function decode(market: Market, read: AnswerReader, origin: Origin = 'live'): RestCall['decode'] {
  return (body, args, recvTime, options, sink): FrameVerdict => {
    const value = parseJson(body);
    if (!isObject(value)) return rejected(value === undefined ? 'not JSON' : 'not an answer');
    const { code, msg, data } = value;
    if (code !== OK)
      return code === undefined ? rejected('answer without a code') : refused(`${wordOf(code)}: ${wordOf(msg)}`);
    const symbols = symbolTableFor(args.symbol, options, market === 'spot' ? spotName : futuresName);
    const named = args.symbol ?? (isObject(data) ? data['symbol'] : undefined);
    const facts = named === undefined ? NAMELESS : symbols.facts(named);
    if (facts === undefined) return rejected('symbol cannot be read');
    return verdictOf(read(data, facts, args, { exchange: 'kucoin', market, symbols, recvTime, origin, sink }));
  };
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

function within(time: Us, args: RestArgs): boolean {
  const ms = time / 1000;
  return !(args.from !== undefined && ms < args.from) && !(args.to !== undefined && ms >= args.to);
}

function readBookAnswer(data: unknown, facts: SymbolFacts, _args: RestArgs, context: ReadContext): Reading {
  return isObject(data) ? readWholeBook(facts, data, context) : 'answer without a book';
}

/** Oldest first, whichever way they came. */
function readTrades(data: unknown, facts: SymbolFacts, args: RestArgs, context: ReadContext): Reading {
  if (!Array.isArray(data)) return 'answer without trades';
  const at = (row: unknown): number => (isObject(row) ? numberOf(row['ts'] ?? row['time']) : NaN);
  const rows = at(data[0]) > at(data.at(-1)) ? data.toReversed() : data;
  return readRows(rows, (row) => {
    if (!isObject(row)) return 'no trade';
    return within(timeAt(row['ts'] ?? row['time']), args) ? readTrade(facts, row, context) : 0;
  });
}

/** `market/stats`: a rolling day, with the best prices; `orderbook/level1` has these alone, `allTickers` all pairs. */
function readStats(data: unknown, facts: SymbolFacts, _args: RestArgs, context: ReadContext): Reading {
  if (!isObject(data)) return 'answer without statistics';
  if (data['bestBid'] !== undefined) return readSpotPrices(facts, data, context);
  if (Array.isArray(data['ticker'])) {
    return readRows(data['ticker'], (row) => readPair(row, data['time'], context));
  }
  const { buy, sell, last, time } = data;
  const prices = pushPrices(
    facts,
    { bid: buy, bidSize: null, ask: sell, askSize: null, last, time: timeAt(time) },
    context,
  );
  return added(prices, readSpotDay(facts, data, context));
}

function readPair(row: unknown, time: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no ticker';
  const facts = context.symbols.facts(row['symbol']);
  const { buy: bid, bestBidSize: bidSize, sell: ask, bestAskSize: askSize, last } = row;
  const prices = pushPrices(facts, { bid, bidSize, ask, askSize, last, time: timeAt(time) }, context);
  return added(prices, readSpotDay(facts, { ...row, time }, context));
}

/** `[start s, open, close, high, low, volume, turnover]`, newest first. */
function readSpotCandles(data: unknown, facts: SymbolFacts, args: RestArgs, context: ReadContext): Reading {
  if (!Array.isArray(data)) return 'answer without candles';
  const wanted: readonly unknown[] = args.limit === undefined ? data : data.slice(0, args.limit);
  return readRows(wanted.toReversed(), (row) => {
    if (!Array.isArray(row)) return 'no candle';
    const start = timeOf(numberOf(row[0]) * 1000);
    if (!within(start, args)) return 0;
    const closed = start + MINUTE_MS * 1000 <= context.recvTime;
    return pushWireCandle(facts, row, '1min', { time: closed ? null : context.recvTime, closed }, context);
  });
}

/** `[start ms, open, high, low, close, contracts]`, oldest first. Contracts of inverse ones are USD and no base volume. */
function readFuturesCandles(data: unknown, facts: SymbolFacts, args: RestArgs, context: ReadContext): Reading {
  if (!Array.isArray(data)) return 'answer without candles';
  if (facts.inverse) return 'volume in contracts of an inverse future and no price to convert it';
  const wanted: readonly unknown[] = args.limit === undefined ? data : data.slice(-args.limit);
  return readRows(wanted, (row) => {
    if (!Array.isArray(row)) return 'no candle';
    const [start, open, high, low, close, contracts] = row as readonly unknown[];
    const begin = timeOf(start);
    if (!within(begin, args)) return 0;
    const end = begin + MINUTE_MS * 1000;
    const closed = end <= context.recvTime;
    const candle = {
      interval: '1m' as const,
      time: closed ? end : context.recvTime,
      open: begin,
      close: end,
      closed,
      prices: [open, high, low, close],
      volume: baseSize(facts, sizeOf(contracts), priceOf(close)),
      quoteVolume: null,
    };
    return pushCandle(facts, candle, context);
  });
}

/**
 * `contracts/{symbol}`, or `contracts/active` with all: a rolling day, mark and index, the coming funding rate and open
 * interest; its time is ours. `ticker` and `allTickers` tell best prices alone.
 */
function readContract(data: unknown, facts: SymbolFacts, args: RestArgs, context: ReadContext): Reading {
  if (Array.isArray(data)) {
    return readRows(data, (row) => {
      const own = isObject(row) ? context.symbols.facts(row['symbol']) : undefined;
      return own === undefined ? 'no contract' : readContract(row, own, args, context);
    });
  }
  if (!isObject(data)) return 'answer without a contract';
  if (data['bestBidPrice'] !== undefined) return readFuturesPrices(facts, data, context);
  return readFacts(data, sizedBy(data, facts), args, context);
}

/** The contract says its own size, whether or not a list told it. */
function sizedBy({ multiplier, isInverse }: WireObject, facts: SymbolFacts): SymbolFacts {
  const size = Math.abs(numberOf(multiplier));
  if (facts.contractSize !== null || !(size > 0)) return facts;
  const inverse = isInverse === true;
  return { ...facts, inverse, contractSize: size, plain: !inverse && size === 1, sizeless: false };
}

function readFacts(data: WireObject, facts: SymbolFacts, args: RestArgs, context: ReadContext): Reading {
  const time = context.recvTime;
  const day = {
    volume: data['volumeOf24h'],
    turnover: data['turnoverOf24h'],
    lastPrice: data['lastTradePrice'],
    lowPrice: data['lowPrice'],
    highPrice: data['highPrice'],
    priceChg: data['priceChg'],
    priceChgPct: data['priceChgPct'],
    ts: Math.floor(time / 1000),
  };
  const mark = { mark: data['markPrice'], index: optionalPrice(data['indexPrice']), funding: null, time };
  const rate = data['fundingFeeRate'];
  const readings = [
    readFuturesDay(facts, day, context),
    pushMark(facts, mark, context),
    rate === null || rate === undefined ? 0 : pushFunding(facts, { rate, time, next: null }, context),
    readInterest(data, facts, args, context),
  ];
  return readings.reduce(added);
}

function readInterest(data: unknown, facts: SymbolFacts, _args: RestArgs, context: ReadContext): Reading {
  if (!isObject(data)) return 'answer without a contract';
  const contracts = optionalSize(data['openInterest']);
  const mark = optionalPrice(data['markPrice']);
  if (contracts === null || mark === null) return 'contract without open interest or mark price';
  const interest = baseSize(facts, contracts, mark);
  return pushInterest(facts, { interest, usd: interest * mark, time: context.recvTime }, context);
}

/** Settled rates. */
function readFunding(data: unknown, facts: SymbolFacts, args: RestArgs, context: ReadContext): Reading {
  if (!Array.isArray(data)) return 'answer without rates';
  return readRows(data.toReversed(), (row) => {
    if (!isObject(row)) return 'no funding rate';
    const time = timeAt(row['timepoint']);
    return within(time, args) ? pushFunding(facts, { rate: row['fundingRate'], time, next: null }, context) : 0;
  });
}

function added(a: Reading, b: Reading): Reading {
  return typeof a === 'string' ? a : typeof b === 'string' ? b : a + b;
}

function dataOf(body: string): unknown {
  const value = parseJson(body);
  return isObject(value) ? value['data'] : undefined;
}

/** What lies before the oldest row of a list that comes newest first, while pages come full. */
function olderPage(args: RestArgs, body: string, most: number, at: (row: unknown) => number): RestArgs | undefined {
  const rows = dataOf(body);
  if (!Array.isArray(rows) || rows.length < most) return undefined;
  const oldest = at(rows.at(-1));
  if (!Number.isSafeInteger(oldest) || (args.to !== undefined && oldest >= args.to)) return undefined;
  return args.from !== undefined && oldest <= args.from ? undefined : { ...args, to: oldest };
}

function newerCandles(args: RestArgs, body: string): RestArgs | undefined {
  const rows = dataOf(body);
  const row: unknown = Array.isArray(rows) && rows.length >= MOST_FUTURES_CANDLES ? rows.at(-1) : undefined;
  const from = Array.isArray(row) ? numberOf(row[0]) + MINUTE_MS : NaN;
  if (!Number.isSafeInteger(from) || (args.from !== undefined && from <= args.from)) return undefined;
  return args.to !== undefined && from >= args.to ? undefined : { ...args, from };
}
