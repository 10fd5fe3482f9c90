import { quoteOutside } from '../../../kit/outside.ts';
import type { Us } from '../../../kit/clock.ts';
import type { Market, Origin } from '../../domain/records.ts';
import type { RestArgs } from '../../domain/tape.ts';
import type { RestCall } from '../contract.ts';
import { closeOf, spacing } from '../shared/candle-times.ts';
import { within } from '../shared/query.ts';
import { NAMELESS, symbolTableFor, type SymbolFacts } from '../shared/symbols.ts';
import { isObject, optional, parseJson, priceOf, sizeOf, timeOf, type WireObject } from '../shared/values.ts';
import { control, readRows, refused, rejected, verdictOf, type Reading } from '../shared/verdicts.ts';
import { pushCandle, readBook, readTradeRow, type ReadContext } from './normalise.ts';
import { changesOf, mergeTicker, pushTicker } from './ticker.ts';
import { CATEGORIES, isOption, sizingRule } from './wire.ts';

/** An answer under way: its rows, `result` around them, and the venue's time of answering. */
interface Answer {
  readonly result: WireObject;
  readonly rows: readonly unknown[];
  readonly time: Us;
  readonly facts: SymbolFacts;
  readonly args: RestArgs;
}

type AnswerReader = (answer: Answer, context: ReadContext) => Reading;

/** `result` of an answer; undefined when the body is not one. */
export function resultOf(body: string): WireObject | undefined {
  const value = parseJson(body);
  const result = isObject(value) ? value['result'] : undefined;
  return isObject(result) ? result : undefined;
}

/** Decodes an answer whose `result` has a `list`. */
export function decodeList(market: Market, origin: Origin, read: AnswerReader): RestCall['decode'] {
  return decodeAnswer(market, origin, (answer, context) =>
    Array.isArray(answer.result['list']) ? read(answer, context) : 'answer without a list',
  );
}

/** Decodes an answer whose `result` is the thing itself. */
export function decodeObject(market: Market, origin: Origin, read: AnswerReader): RestCall['decode'] {
  return decodeAnswer(market, origin, read);
}

function decodeAnswer(market: Market, origin: Origin, read: AnswerReader): RestCall['decode'] {
  return (body, args, recvTime, options, sink) => {
    const value = parseJson(body);
    if (!isObject(value)) return rejected(value === undefined ? 'not JSON' : 'not an answer');
    if (value['retCode'] !== 0) return refused(`${String(value['retCode'])}: ${String(value['retMsg'])}`);
    const result = value['result'];
    if (!isObject(result)) return rejected('answer without a result');
    const category = result['category'];
    if (category === 'option') return control('option');
    if (typeof category === 'string' && category !== '' && CATEGORIES[market]?.includes(category) !== true) {
      return rejected(`answer of category ${quoteOutside(category.slice(0, 20))}`);
    }
    const symbols = symbolTableFor(args.symbol, options, sizingRule(market));
    const named = args.symbol ?? result['symbol'];
    const facts = typeof named === 'string' && named !== '' ? symbols.facts(named) : NAMELESS;
    if (facts === undefined) return rejected('symbol cannot be read');
    const time = value['time'] === undefined ? recvTime : timeOf(value['time']);
    const list: unknown = result['list'];
    const rows: readonly unknown[] = Array.isArray(list) ? list : [];
    const context: ReadContext = { market, symbols, recvTime, origin, sink };
    return verdictOf(read({ result, rows, time: Number.isNaN(time) ? recvTime : time, facts, args }, context));
  };
}

/** `orderbook`: its `u` counts another topic's updates and cannot be joined with `orderbook.50`. */
export function readBookAnswer({ result, time }: Answer, context: ReadContext): Reading {
  const ts = result['ts'];
  return readBook(result, true, ts === undefined ? time : timeOf(ts), context);
}

/** `recent-trade`, oldest first. */
export function readTrades({ rows, args }: Answer, context: ReadContext): Reading {
  return readRows([...rows].reverse(), (row) =>
    isObject(row) && !within(row['time'], args) ? 0 : readTradeRow(row, context),
  );
}

/** `tickers`: the fields of the stream, complete; options are skipped. */
export function readTickers({ rows, time }: Answer, context: ReadContext): Reading {
  return readRows(rows, (row) => {
    if (!isObject(row)) return 'no ticker';
    if (isOption(row['symbol'])) return 0;
    const facts = context.symbols.facts(row['symbol']);
    if (facts === undefined) return 'ticker without a symbol';
    const changes = changesOf(row);
    if (changes === undefined) return 'ticker cannot be read';
    const state = {};
    mergeTicker(state, row);
    return pushTicker(facts, state, changes, time, context);
  });
}

/** `kline`: `[start, open, high, low, close, volume, turnover]`. The length shows in the distance of rows; 1 m alone. */
export function readCandles({ rows, time, facts, args }: Answer, context: ReadContext): Reading {
  const interval = spacing(rows);
  if (interval === undefined) return 'candles of no known length';
  return readRows([...rows].reverse(), (row) => {
    if (!Array.isArray(row)) return 'no candle';
    if (!within(row[0], args)) return 0;
    const open = timeOf(row[0]);
    const close = closeOf(open, interval);
    const closed = close <= time;
    const values: readonly unknown[] = row.slice(1, 7);
    return pushCandle(facts, { interval, time: closed ? close : time, open, close, closed, values }, context);
  });
}

/**
 * `mark-price-kline`: `[start, open, high, low, close]`. The mark price at `start` is final at once and is the one taken;
 * index and funding are not in the answer.
 */
export function readMarkCandles({ rows, facts, args }: Answer, context: ReadContext): Reading {
  return readRows([...rows].reverse(), (row) => {
    if (!Array.isArray(row)) return 'no mark price';
    if (!within(row[0], args)) return 0;
    const mark = priceOf(row[1]);
    const time = timeOf(row[0]);
    if (Number.isNaN(mark) || Number.isNaN(time)) return 'mark price cannot be read';
    context.sink({
      stream: 'mark_prices',
      ...baseOf(facts, time, context),
      mark_price: mark,
      index_price: null,
      funding_rate: null,
      funding_interval_hours: facts.fundingIntervalHours,
    });
    return 1;
  });
}

/** `funding/history`: settled rates. */
export function readFunding({ rows, args }: Answer, context: ReadContext): Reading {
  return readRows([...rows].reverse(), (row) => {
    if (!isObject(row)) return 'no funding rate';
    if (!within(row['fundingRateTimestamp'], args)) return 0;
    const facts = context.symbols.facts(row['symbol']);
    const rate = optional(row['fundingRate']);
    const time = timeOf(row['fundingRateTimestamp']);
    if (facts === undefined || rate === null || Number.isNaN(rate) || Number.isNaN(time))
      return 'funding rate cannot be read';
    context.sink({
      stream: 'funding_rates',
      ...baseOf(facts, time, context),
      funding_rate: rate,
      funding_interval_hours: facts.fundingIntervalHours,
      next_funding_time: null,
    });
    return 1;
  });
}

/** `open-interest`. Inverse contracts have no price beside them and cannot be converted. */
export function readInterest({ rows, facts, args }: Answer, context: ReadContext): Reading {
  if (facts.inverse) return 'open interest in contracts and no price to convert it';
  return readRows([...rows].reverse(), (row) => {
    if (!isObject(row)) return 'no open interest';
    if (!within(row['timestamp'], args)) return 0;
    const size = sizeOf(row['openInterest']);
    const time = timeOf(row['timestamp']);
    if (Number.isNaN(size) || Number.isNaN(time)) return 'open interest cannot be read';
    context.sink({
      stream: 'open_interest',
      ...baseOf(facts, time, context),
      open_interest: size,
      open_interest_usd: null,
    });
    return 1;
  });
}

function baseOf(facts: SymbolFacts, time: Us, context: ReadContext) {
  return {
    exchange: 'bybit',
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq: null,
    origin: context.origin,
  };
}
