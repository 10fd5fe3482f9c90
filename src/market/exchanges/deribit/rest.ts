import type { Instrument } from '../../domain/instrument.ts';
import type { Market, Origin } from '../../domain/records.ts';
import type { RestArgs, RestCallName } from '../../domain/tape.ts';
import type { RestCall, RestTarget } from '../contract.ts';
import { closeOf } from '../shared/candle-times.ts';
import { lastMs, withQuery, within } from '../shared/query.ts';
import type { ReadContext } from '../shared/reading.ts';
import { symbolTableFor } from '../shared/symbols.ts';
import { elementsOf, isObject, numberOf, parseJson, timeOf } from '../shared/values.ts';
import { control, readRows, refused, rejected, verdictOf, type Reading } from '../shared/verdicts.ts';
import { readBook, readCandle, readFundingRow, readTrade } from './normalise.ts';
import { readTicker } from './ticker.ts';
import { belongsTo, EXCHANGE, namedFacts } from './wire.ts';

/**
 * REST calls; bounds are inclusive ms. Candles and funding come in spans of time, trades 1000 at a time
 * and then on by their number within the instrument. Page, not read anew: https://docs.deribit.com
 */
type Calls = Readonly<Partial<Record<RestCallName, RestCall>>>;

const MINUTE = 60_000;
const CANDLES_SPAN_MS = 1000 * MINUTE;
const FUNDING_SPAN_MS = 30 * 86_400_000;
const TRADES_PAGE = 1000;
const NEWEST_TRADES = 100;
const BOOK_LEVELS = 100;
/** Listing all instruments costs 20 times as much as another request. */
const LIST_WEIGHT = 20;

export function futuresRest(): Calls {
  return {
    ...commonCalls('futures', 'future'),
    mark_prices: ticker('futures'),
    open_interest: ticker('futures'),
    funding_rates: {
      request: (args, instrument) =>
        ask('get_funding_rate_history', {
          instrument_name: nameOf(args, instrument),
          start_timestamp: args.from ?? 0,
          end_timestamp: lastMs(endOf(args, FUNDING_SPAN_MS)),
        }),
      decode: decode('futures', 'backfill', (result, args, context, name) =>
        readRows(elementsOf(result), (row) =>
          isObject(row) && !within(row['timestamp'], args) ? 0 : readFundingRow(name, row, context),
        ),
      ),
      nextPage: (args) => nextSpan(args, FUNDING_SPAN_MS),
    },
  };
}

export function optionsRest(): Calls {
  return { ...commonCalls('options', 'option'), open_interest: ticker('options') };
}

function commonCalls(market: Market, kind: string): Calls {
  return {
    instruments: {
      request: () => ({ ...ask('get_instruments', { currency: 'any', kind, expired: 'false' }), weight: LIST_WEIGHT }),
      decode: () => control('instruments'),
    },
    server_time: { request: () => ask('get_time', {}), decode: () => control('server time') },
    book_snapshot: {
      request: (args, instrument) =>
        ask('get_order_book', { instrument_name: nameOf(args, instrument), depth: BOOK_LEVELS }),
      decode: decode(market, 'live', (result, _args, context) =>
        isObject(result) ? readBook(result, context) : 'answer without a book',
      ),
    },
    trades: {
      request: tradesRequest,
      decode: decode(market, 'backfill', (result, args, context) =>
        isObject(result) && Array.isArray(result['trades'])
          ? readRows(result['trades'], (row) =>
              isObject(row) && !within(row['timestamp'], args) ? 0 : readTrade(row, context),
            )
          : 'answer without trades',
      ),
      nextPage: moreTrades,
    },
    candles: {
      request: (args, instrument) =>
        ask('get_tradingview_chart_data', {
          instrument_name: nameOf(args, instrument),
          start_timestamp: args.from ?? 0,
          end_timestamp: lastMs(endOf(args, CANDLES_SPAN_MS)),
          resolution: 1,
        }),
      decode: decode(market, 'backfill', readCandles),
      nextPage: (args) => nextSpan(args, CANDLES_SPAN_MS),
    },
    ticker_24h: ticker(market),
  };
}

function ticker(market: Market): RestCall {
  return {
    request: (args, instrument) => ask('ticker', { instrument_name: nameOf(args, instrument) }),
    decode: decode(market, 'live', (result, _args, context) => {
      if (Array.isArray(result)) return readRows(result, (row) => readSummaryRow(row, market, context));
      return isObject(result) ? readTicker(result, context) : 'answer without a ticker';
    }),
  };
}

/** A row of `get_book_summary_by_currency` or `by_instrument`: a ticker in other words, without sizes and greeks. */
function readSummaryRow(row: unknown, market: Market, context: ReadContext): Reading {
  if (!isObject(row)) return 'no summary';
  if (!belongsTo(market, row['instrument_name'])) return 0;
  const { creation_timestamp, bid_price, ask_price, last } = row;
  const told = {
    timestamp: creation_timestamp,
    best_bid_price: bid_price,
    best_ask_price: ask_price,
    last_price: last,
  };
  return readTicker({ ...row, ...told, stats: row }, context);
}

function ask(method: string, query: Readonly<Record<string, string | number | undefined>>): RestTarget {
  return { address: 'rest', path: withQuery(`/api/v2/public/${method}`, query), weight: 1 };
}

function nameOf(args: RestArgs, instrument: Instrument | undefined): string | undefined {
  return instrument?.venue_symbol ?? args.symbol;
}

/** Without bounds the newest span ends in the far future, which the venue takes. */
function endOf(args: RestArgs, span: number): number | undefined {
  const end = args.from === undefined ? undefined : args.from + span;
  return args.to === undefined ? end : Math.min(args.to, end ?? args.to);
}

function nextSpan(args: RestArgs, span: number): RestArgs | undefined {
  if (args.from === undefined || args.to === undefined) return undefined;
  const from = args.from + span;
  return from < args.to ? { ...args, from } : undefined;
}

/**
 * By time first, then by `trade_seq`: several trades may bear the time at which a page ends. Without a beginning the
 * newest, which polls want.
 */
function tradesRequest(args: RestArgs, instrument: Instrument | undefined): RestTarget {
  const instrument_name = nameOf(args, instrument);
  if (args.from === undefined) {
    const count = Math.min(args.limit ?? NEWEST_TRADES, TRADES_PAGE);
    return ask('get_last_trades_by_instrument', { instrument_name, count, sorting: 'desc' });
  }
  const common = { instrument_name, count: TRADES_PAGE, sorting: 'asc' };
  if (args.cursor !== undefined) return ask('get_last_trades_by_instrument', { ...common, start_seq: args.cursor });
  return ask('get_last_trades_by_instrument_and_time', {
    ...common,
    start_timestamp: args.from,
    end_timestamp: lastMs(args.to),
  });
}

function moreTrades(args: RestArgs, body: string): RestArgs | undefined {
  if (args.from === undefined) return undefined;
  const value = parseJson(body);
  const result = isObject(value) && isObject(value['result']) ? value['result'] : {};
  const last = elementsOf(result['trades']).at(-1);
  if (result['has_more'] !== true || !isObject(last)) return undefined;
  const next = numberOf(last['trade_seq']) + 1;
  const over = args.to !== undefined && !(numberOf(last['timestamp']) < args.to);
  if (over || !Number.isSafeInteger(next) || next <= Number(args.cursor ?? 0)) return undefined;
  return { ...args, cursor: String(next) };
}

type AnswerReader = (result: unknown, args: RestArgs, context: ReadContext, name: string) => Reading;

function decode(market: Market, origin: Origin, read: AnswerReader): RestCall['decode'] {
  return (body, args, recvTime, options, sink) => {
    const value = parseJson(body);
    if (!isObject(value)) return rejected(value === undefined ? 'not JSON' : 'not an answer');
    const { error, result } = value;
    if (isObject(error)) return refused(`${String(error['code'])}: ${String(error['message'])}`);
    if (result === undefined) return rejected('answer without a result');
    const symbols = symbolTableFor(undefined, options, namedFacts);
    const context = { exchange: EXCHANGE, market, symbols, recvTime, origin, sink };
    return verdictOf(read(result, args, context, args.symbol ?? ''));
  };
}

/** Columns `ticks`, `open` … of candles that begin at each tick. */
function readCandles(result: unknown, args: RestArgs, context: ReadContext, name: string): Reading {
  if (!isObject(result) || !Array.isArray(result['ticks'])) return 'answer without candles';
  const columns = ['open', 'high', 'low', 'close', 'volume', 'cost'].map(
    (column) => [column, elementsOf(result[column])] as const,
  );
  const ticks: readonly unknown[] = result['ticks'];
  return readRows(
    ticks.map((tick, i) => ({ tick, ...Object.fromEntries(columns.map(([column, values]) => [column, values[i]])) })),
    (row) => {
      if (!isObject(row)) return 'no candle';
      if (!within(row['tick'], args)) return 0;
      const close = closeOf(timeOf(row['tick']), '1m');
      const closed = close <= context.recvTime;
      return readCandle(name, row, { interval: '1m', time: closed ? close : context.recvTime, closed }, context);
    },
  );
}
