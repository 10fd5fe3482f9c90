import type { Us } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { PriceLevel } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { FrameVerdict, RestCall, RestErrorInfo } from '../contract.ts';
import { withQuery } from '../shared/query.ts';
import { plainRefusal } from '../shared/refusal.ts';
import { baseSize, createSymbolTable, NAMELESS, symbolTableFor, type SymbolFacts } from '../shared/symbols.ts';
import {
  isObject,
  numberOf,
  optional,
  optionalPrice,
  optionalSize,
  parseJson,
  priceOf,
  sizeOf,
  timeOf,
  type WireObject,
} from '../shared/values.ts';
import { control, readRows, refused, rejected, verdictOf, type Reading } from '../shared/verdicts.ts';
import { baseOf, type ReadContext } from './context.ts';
import { FUNDING_HOURS, pushBook, pushTicker, pushTrade } from './futures-normalise.ts';
import { checkedCandle, pushCandle } from './spot-normalise.ts';
import { futuresName, isoTimeOf, MINUTE_US } from './wire.ts';

/**
 * Futures REST: `{"result":"success",…}` under /derivatives, candles under /api/charts. Candles compared 2026-11, the
 * others not verified: https://docs.kraken.com/api/docs/futures-api/charts/candles
 * https://docs.kraken.com/api/docs/futures-api/trading/get-history (and orderbook, tickers, historical funding rates)
 */
type Calls = Readonly<Partial<Record<RestCallName, RestCall>>>;

const DERIVATIVES = '/derivatives/api/v3';
const MOST_TRADES = 100;

/** Calls of futures. */
export function futuresRest(): Calls {
  return {
    instruments: {
      request: () => ({ address: 'rest', path: `${DERIVATIVES}/instruments`, weight: 1 }),
      decode: () => control('instruments'),
    },
    // The venue has no call for its time alone; this answer is the shortest that carries it.
    server_time: {
      request: () => ({ address: 'rest', path: `${DERIVATIVES}/tickers/PF_XBTUSD`, weight: 1 }),
      decode: () => control('server time'),
    },
    book_snapshot: {
      request: (args, instrument) => ask('orderbook', args, instrument, {}),
      decode: decode('live', readOrderBook),
    },
    ticker_24h: {
      request: (args, instrument) => ({
        address: 'rest',
        path: `${DERIVATIVES}/tickers/${venueSymbol(args, instrument)}`,
        weight: 1,
      }),
      decode: decode('live', readTickers),
    },
    open_interest: {
      request: (args, instrument) => ({
        address: 'rest',
        path: `${DERIVATIVES}/tickers/${venueSymbol(args, instrument)}`,
        weight: 1,
      }),
      decode: decode('live', readInterest),
    },
    trades: {
      request: (args, instrument) =>
        ask('history', args, instrument, {
          lastTime: args.to === undefined ? undefined : new Date(args.to).toISOString(),
        }),
      decode: decode('backfill', readTrades),
      nextPage: olderTrades,
    },
    funding_rates: {
      request: (args, instrument) => ask('historical-funding-rates', args, instrument, {}),
      decode: decode('backfill', readFunding),
    },
    candles: charts('trade', readCandles),
    mark_prices: charts('mark', readMarks),
  };
}

function venueSymbol(args: RestArgs, instrument: Instrument | undefined): string {
  return instrument?.venue_symbol ?? args.symbol ?? '';
}

function ask(
  path: string,
  args: RestArgs,
  instrument: Instrument | undefined,
  query: Readonly<Record<string, string | number | undefined>>,
): ReturnType<RestCall['request']> {
  const symbol = instrument?.venue_symbol ?? args.symbol;
  return { address: 'rest', path: withQuery(`${DERIVATIVES}/${path}`, { symbol, ...query }), weight: 1 };
}

/** Candles by the minute, oldest first; `from` and `to` are in s and inclusive; `more_candles` tells that there are more. */
function charts(kind: string, read: AnswerReader): RestCall {
  return {
    request: (args, instrument) => ({
      address: 'rest',
      path: withQuery(`/api/charts/v1/${kind}/${venueSymbol(args, instrument)}/1m`, {
        from: args.from === undefined ? undefined : Math.ceil(args.from / 1000),
        to: args.to === undefined ? undefined : Math.ceil(args.to / 1000) - 1,
        count: args.from === undefined ? args.limit : undefined,
      }),
      weight: 1,
    }),
    decode: decode('backfill', read),
    nextPage: newerCandles,
  };
}

type AnswerReader = (answer: WireObject, facts: SymbolFacts, args: RestArgs, context: ReadContext) => Reading;

function decode(origin: 'live' | 'backfill', read: AnswerReader): RestCall['decode'] {
  return (body, args, recvTime, options, sink): FrameVerdict => {
    const value = parseJson(body);
    if (!isObject(value)) return rejected(value === undefined ? 'not JSON' : 'not an answer');
    const problem = errorOf(value);
    if (problem !== undefined) return refused(problem);
    const symbols = symbolTableFor(args.symbol, options, futuresName);
    const facts = args.symbol === undefined ? NAMELESS : symbols.facts(args.symbol);
    if (facts === undefined) return rejected('symbol cannot be read');
    return verdictOf(read(value, facts, args, { market: 'futures', symbols, recvTime, origin, sink }));
  };
}

function within(time: Us, args: RestArgs): boolean {
  const ms = time / 1000;
  return !(args.from !== undefined && ms < args.from) && !(args.to !== undefined && ms >= args.to);
}

/** When the venue answered; ours where it does not say. */
function answerTime(answer: WireObject, context: ReadContext): Us {
  const time = isoTimeOf(answer['serverTime']);
  return Number.isNaN(time) ? context.recvTime : time;
}

/** `orderbook`: the whole book, without the number that the stream's changes continue. */
function readOrderBook(answer: WireObject, facts: SymbolFacts, _args: RestArgs, context: ReadContext): Reading {
  const book = answer['orderBook'];
  const bids = isObject(book) ? levels(facts, book['bids']) : undefined;
  const asks = isObject(book) ? levels(facts, book['asks']) : undefined;
  if (bids === undefined || asks === undefined) return 'book levels cannot be read';
  pushBook(facts, 'snapshot', { bids, asks, time: answerTime(answer, context), seq: null }, context);
  return 1;
}

function levels(facts: SymbolFacts, rows: unknown): PriceLevel[] | undefined {
  if (!Array.isArray(rows)) return undefined;
  const read: PriceLevel[] = [];
  for (const row of rows) {
    const price = Array.isArray(row) ? priceOf(row[0]) : NaN;
    const size = Array.isArray(row) ? baseSize(facts, sizeOf(row[1]), price) : NaN;
    if (Number.isNaN(price) || Number.isNaN(size)) return undefined;
    read.push([price, size]);
  }
  return read;
}

const UNLISTED = createSymbolTable({ instruments: [] }, futuresName);

function tickerRows(answer: WireObject): readonly unknown[] {
  const { tickers, ticker } = answer;
  return Array.isArray(tickers) ? tickers : ticker === undefined ? [] : [ticker];
}

/** The contract of a ticker row; undefined for indices and reference rates. */
function rowFacts(row: WireObject, asked: SymbolFacts, context: ReadContext): SymbolFacts | undefined {
  const name = row['symbol'];
  if (typeof name !== 'string' || futuresName(name.toUpperCase()) === undefined) return undefined;
  return asked.symbol === '' ? (context.symbols.facts(name) ?? UNLISTED.facts(name)) : asked;
}

/** `tickers`: what the stream's ticker tells, but for funding, which here is an amount of money and no rate. */
function readTickers(answer: WireObject, asked: SymbolFacts, _args: RestArgs, context: ReadContext): Reading {
  const time = answerTime(answer, context);
  return readRows(tickerRows(answer), (row) => {
    if (!isObject(row)) return 'no ticker';
    const facts = rowFacts(row, asked, context);
    if (facts === undefined) return 0;
    const values = {
      bid: optionalPrice(row['bid']),
      ask: optionalPrice(row['ask']),
      bidSize: optionalSize(row['bidSize']),
      askSize: optionalSize(row['askSize']),
      last: optionalPrice(row['last']),
      mark: optionalPrice(row['markPrice']),
      index: optionalPrice(row['indexPrice']),
      interest: optionalSize(row['openInterest']),
      volume: optionalSize(row['vol24h']),
      quote: optionalSize(row['volumeQuote']),
      open: optionalPrice(row['open24h']),
      high: optionalPrice(row['high24h']),
      low: optionalPrice(row['low24h']),
      change: optional(row['change24h']),
    };
    return pushTicker(facts, values, time, context);
  });
}

function readInterest(answer: WireObject, asked: SymbolFacts, _args: RestArgs, context: ReadContext): Reading {
  const time = answerTime(answer, context);
  return readRows(tickerRows(answer), (row) => {
    if (!isObject(row)) return 'no ticker';
    const facts = rowFacts(row, asked, context);
    if (facts === undefined) return 0;
    const sink = (record: Parameters<ReadContext['sink']>[0]): void => {
      if (record.stream === 'open_interest') context.sink(record);
    };
    const values = { interest: optionalSize(row['openInterest']), mark: optionalPrice(row['markPrice']) };
    const reading = pushTicker(facts, values, time, { ...context, sink });
    return typeof reading === 'number' ? Math.min(1, reading) : reading;
  });
}

/** `history`: newest first, at most 100 before `lastTime`. */
function readTrades(answer: WireObject, facts: SymbolFacts, args: RestArgs, context: ReadContext): Reading {
  const { history } = answer;
  if (!Array.isArray(history)) return 'answer without a history';
  return readRows(history.toReversed(), (row) => {
    if (!isObject(row)) return 'no trade';
    const time = isoTimeOf(row['time']);
    if (!within(time, args)) return 0;
    const { uid, price, size, side, type } = row;
    return pushTrade(facts, { id: uid, price, size, time, side, seq: undefined, type }, context);
  });
}

/** What lies before the oldest row, whose own ms is asked for once more: others may share it. */
function olderTrades(args: RestArgs, body: string): RestArgs | undefined {
  const value = parseJson(body);
  const rows = isObject(value) ? value['history'] : undefined;
  if (!Array.isArray(rows) || rows.length < MOST_TRADES) return undefined;
  const row: unknown = rows.at(-1);
  const oldest = isObject(row) ? isoTimeOf(row['time']) / 1000 : NaN;
  if (!(oldest > 0) || (args.from !== undefined && oldest < args.from)) return undefined;
  const to = Math.floor(oldest) + 1;
  return { ...args, to: args.to !== undefined && to >= args.to ? args.to - 1 : to };
}

/** `historical-funding-rates`: all there are; `relativeFundingRate` is the fraction per hour. */
function readFunding(answer: WireObject, facts: SymbolFacts, args: RestArgs, context: ReadContext): Reading {
  const { rates } = answer;
  if (!Array.isArray(rates)) return 'answer without rates';
  return readRows(rates, (row) => {
    if (!isObject(row)) return 'no funding rate';
    const time = isoTimeOf(row['timestamp']);
    if (!within(time, args)) return 0;
    const funding_rate = optional(row['relativeFundingRate']);
    if (funding_rate === null || Number.isNaN(funding_rate) || Number.isNaN(time)) return 'funding rate cannot be read';
    context.sink({
      stream: 'funding_rates',
      ...baseOf(facts, time, context),
      funding_rate,
      funding_interval_hours: facts.fundingIntervalHours ?? FUNDING_HOURS,
      next_funding_time: null,
    });
    return 1;
  });
}

function candleRows(answer: WireObject): readonly unknown[] | undefined {
  const { candles } = answer;
  return Array.isArray(candles) ? candles : undefined;
}

/** Volume of inverse contracts is in USD, and their base volume is not told: such candles are left out. */
function readCandles(answer: WireObject, facts: SymbolFacts, args: RestArgs, context: ReadContext): Reading {
  const rows = candleRows(answer);
  if (rows === undefined) return 'answer without candles';
  if (facts.inverse) return 'volume in contracts of an inverse future and no price to convert it';
  return readRows(args.limit === undefined ? rows : rows.slice(-args.limit), (row) => {
    if (!isObject(row)) return 'no candle';
    const open_time = timeOf(row['time']);
    if (!within(open_time, args)) return 0;
    const candle = checkedCandle({
      interval: '1m',
      open_time,
      close_time: open_time + MINUTE_US,
      open: priceOf(row['open']),
      high: priceOf(row['high']),
      low: priceOf(row['low']),
      close: priceOf(row['close']),
      volume: sizeOf(row['volume']),
      trade_count: null,
    });
    if (typeof candle === 'string') return candle;
    const closed = candle.close_time <= context.recvTime;
    return pushCandle(facts, candle, { time: closed ? candle.close_time : context.recvTime, closed }, context);
  });
}

/** The mark price at the start of each minute, which is final at once; index and funding are not in the answer. */
function readMarks(answer: WireObject, facts: SymbolFacts, args: RestArgs, context: ReadContext): Reading {
  const rows = candleRows(answer);
  if (rows === undefined) return 'answer without candles';
  return readRows(args.limit === undefined ? rows : rows.slice(-args.limit), (row) => {
    const time = isObject(row) ? timeOf(row['time']) : NaN;
    if (!within(time, args)) return 0;
    const mark_price = isObject(row) ? priceOf(row['open']) : NaN;
    if (Number.isNaN(mark_price) || Number.isNaN(time)) return 'mark price cannot be read';
    context.sink({
      stream: 'mark_prices',
      ...baseOf(facts, time, context),
      mark_price,
      index_price: null,
      funding_rate: null,
      funding_interval_hours: facts.fundingIntervalHours,
    });
    return 1;
  });
}

function newerCandles(args: RestArgs, body: string): RestArgs | undefined {
  const value = parseJson(body);
  if (!isObject(value) || value['more_candles'] !== true) return undefined;
  const row: unknown = candleRows(value)?.at(-1);
  const newest = isObject(row) ? numberOf(row['time']) : NaN;
  const from = newest + 60_000;
  if (!Number.isSafeInteger(newest) || (args.from !== undefined && from <= args.from)) return undefined;
  return args.to !== undefined && from >= args.to ? undefined : { ...args, from };
}

function errorOf(value: WireObject): string | undefined {
  if (value['result'] !== 'error' && value['Result'] !== 'error' && value['errors'] === undefined) return undefined;
  const { error, errors } = value;
  const several: readonly unknown[] = Array.isArray(errors) ? errors : [errors];
  const all = [error, ...several];
  const texts = all
    .filter((one) => one !== undefined && one !== null)
    .map((one) => (typeof one === 'string' ? one : wordOf(one)));
  return texts.join('; ') || 'request refused';
}

/** Which call an answer belongs to, by its shape. */
export function recogniseFutures(value: unknown): { call: RestCallName; args: RestArgs } | undefined {
  if (!isObject(value)) return undefined;
  if (Array.isArray(value['instruments'])) return { call: 'instruments', args: {} };
  if (isObject(value['orderBook'])) return { call: 'book_snapshot', args: {} };
  if (Array.isArray(value['tickers']) || isObject(value['ticker'])) return { call: 'ticker_24h', args: {} };
  if (Array.isArray(value['history'])) return { call: 'trades', args: {} };
  return Array.isArray(value['rates']) ? { call: 'funding_rates', args: {} } : undefined;
}

/** Errors are words such as `invalidArgument`. Compared 2026-11: https://docs.kraken.com/api/docs/futures-api/trading/get-instruments */
export function futuresRestError(status: number, body: string): RestErrorInfo | undefined {
  const value = parseJson(body);
  const problem = isObject(value) ? errorOf(value) : undefined;
  if (problem !== undefined) {
    const code = problem.split(/[:;]/)[0]?.trim().slice(0, 80) ?? problem;
    return { code, message: problem, retryAfterMs: null, kind: kindOf(problem) };
  }
  if (status >= 200 && status < 300 && isObject(value)) return undefined;
  return plainRefusal(status, body);
}

function kindOf(problem: string): RestErrorInfo['kind'] {
  if (/apiLimitExceeded|too many/i.test(problem)) return 'rate_limited';
  if (/contractNotFound|^notFound$|market(NotFound|Unknown)/i.test(problem)) return 'unknown_symbol';
  if (/maintenance|market(Suspended|Inactive)/i.test(problem)) return 'maintenance';
  if (/Server Error|Unavailable|internal/i.test(problem)) return 'unavailable';
  return /authenticationError|accountInactive|permission/i.test(problem) ? 'forbidden' : 'bad_request';
}

/** The word in an error object: its message, its code, or all of it. */
function wordOf(error: unknown): string {
  const word = isObject(error) ? (error['message'] ?? error['code'] ?? error) : error;
  return typeof word === 'string' ? word : JSON.stringify(word);
}
