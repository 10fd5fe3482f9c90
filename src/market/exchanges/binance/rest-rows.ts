import type { Us } from '../../../kit/clock.ts';
import type { CandleInterval, Market, Origin, RecordSink } from '../../domain/records.ts';
import type { RestArgs } from '../../domain/tape.ts';
import type { DecoderOptions, FrameVerdict } from '../contract.ts';
import { NAMELESS, symbolTableFor, type SymbolFacts } from '../shared/symbols.ts';
import {
  afterInclusive,
  isObject,
  numberOf,
  optional,
  parseJson,
  priceOf,
  timeOf,
  type WireObject,
} from '../shared/values.ts';
import { readRows, rejected, verdictOf, type Reading } from '../shared/verdicts.ts';
import type { ReadContext } from './context.ts';
import { pushPrices, readPremiumIndex, readTrade, readTradeRow } from './normalise.ts';
import { pushCandle, pushOpenInterest, readTickerRow } from './statistics.ts';
import { sizingRule } from './wire.ts';

const MINUTE_US: Us = 60_000_000;

/** Reads one row of an answer; `facts` are the symbol's that was asked for, `NAMELESS` when none was. */
export type RowReader = (row: unknown, facts: SymbolFacts | undefined, context: ReadContext, args: RestArgs) => Reading;

/** Reads a body that is one object or a list of them; an empty list is an answer without records. */
export function decodeRows(
  market: Market,
  origin: Origin,
  read: RowReader,
  body: string,
  args: RestArgs,
  recvTime: Us,
  options: DecoderOptions,
  sink: RecordSink,
): FrameVerdict {
  const value = parseJson(body);
  if (value === undefined) return rejected('not JSON');
  const symbols = symbolTableFor(args.symbol, options, sizingRule);
  const facts = args.symbol === undefined ? NAMELESS : symbols.facts(args.symbol);
  const context: ReadContext = { market, symbols, recvTime, origin, sink };
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return verdictOf(readRows(list, (row) => read(row, facts, context, args)));
}
/** True when a venue's time (ms) lies in the bounds asked for. */
function within(time: unknown, args: RestArgs): boolean {
  const ms = numberOf(time);
  return !(args.from !== undefined && ms < args.from) && !(args.to !== undefined && ms >= args.to);
}

/** A row of `aggTrades`, or of `trades`. */
export function readTradeAnswer(
  row: unknown,
  facts: SymbolFacts | undefined,
  context: ReadContext,
  args: RestArgs,
): Reading {
  if (!isObject(row)) return 'no trade';
  if (!within(row['T'] ?? row['time'], args)) return 0;
  return row['a'] === undefined ? readTradeRow(row, facts ?? NAMELESS, context) : readTrade(row, facts, context);
}

/** `openInterestHist`: `{symbol, sumOpenInterest, sumOpenInterestValue, timestamp}`. */
export function readInterestHistory(
  row: unknown,
  _facts: SymbolFacts | undefined,
  context: ReadContext,
  args: RestArgs,
): Reading {
  if (!isObject(row)) return 'no open interest';
  if (!within(row['timestamp'], args)) return 0;
  const { symbol, sumOpenInterest, sumOpenInterestValue, timestamp } = row;
  return pushOpenInterest(symbol, sumOpenInterest, sumOpenInterestValue, timestamp, context);
}

/** `openInterest`: `{symbol, openInterest, time}`. */
export function readInterest(row: unknown, _facts: SymbolFacts | undefined, context: ReadContext): Reading {
  if (!isObject(row)) return 'no open interest';
  return pushOpenInterest(row['symbol'], row['openInterest'], undefined, row['time'], context);
}

/** `[openTime, open, high, low, close, volume, closeTime, quoteVolume, count, takerBase, takerQuote, …]`. */
export function readCandleRow(
  row: unknown,
  facts: SymbolFacts | undefined,
  context: ReadContext,
  args: RestArgs,
): Reading {
  if (!Array.isArray(row) || facts === undefined) return 'no candle';
  if (!within(row[0], args)) return 0;
  const open = timeOf(row[0]);
  const close = afterInclusive(row[6]);
  const interval = INTERVAL_OF_LENGTH.get(close - open) ?? (close - open > 27 * 24 * 60 * MINUTE_US ? '1M' : undefined);
  if (interval === undefined) return 'candle of no known length';
  const closed = close <= context.recvTime;
  const values = [row[1], row[2], row[3], row[4], row[5], row[7], row[8], row[9], row[10]];
  return pushCandle(facts, { interval, time: closed ? close : context.recvTime, open, close, closed, values }, context);
}

const INTERVAL_OF_LENGTH: ReadonlyMap<number, CandleInterval> = new Map(
  (
    [
      ['1s', 1 / 60],
      ['1m', 1],
      ['3m', 3],
      ['5m', 5],
      ['15m', 15],
      ['30m', 30],
      ['1h', 60],
      ['2h', 120],
      ['4h', 240],
      ['6h', 360],
      ['8h', 480],
      ['12h', 720],
      ['1d', 1440],
      ['3d', 4320],
      ['1w', 10_080],
    ] as const
  ).map(([interval, minutes]) => [minutes * MINUTE_US, interval]),
);

/**
 * `markPriceKlines` carry four mark prices a minute and nothing else that is real. The first, at the candle's opening
 * time, is final at once; index and funding are not in the answer.
 */
function readMarkCandle(row: unknown, facts: SymbolFacts | undefined, context: ReadContext, args: RestArgs): Reading {
  if (!Array.isArray(row) || facts === undefined) return 'no mark price';
  if (!within(row[0], args)) return 0;
  const mark = priceOf(row[1]);
  const time = timeOf(row[0]);
  if (Number.isNaN(mark) || Number.isNaN(time)) return 'mark price cannot be read';
  context.sink({
    stream: 'mark_prices',
    exchange: 'binance',
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq: null,
    origin: context.origin,
    mark_price: mark,
    index_price: null,
    funding_rate: null,
    funding_interval_hours: facts.fundingIntervalHours,
  });
  return 1;
}

/** A row of `markPriceKlines`, or `premiumIndex`. */
export function readMarkPrice(
  row: unknown,
  facts: SymbolFacts | undefined,
  context: ReadContext,
  args: RestArgs,
): Reading {
  return isObject(row) ? readPremiumIndex(row, context) : readMarkCandle(row, facts, context, args);
}

/** Settled funding: `{symbol, fundingTime, fundingRate, markPrice}`. */
export function readFundingRow(
  row: unknown,
  _facts: SymbolFacts | undefined,
  context: ReadContext,
  args: RestArgs,
): Reading {
  if (!isObject(row)) return 'no funding rate';
  if (!within(row['fundingTime'], args)) return 0;
  const facts = context.symbols.facts(row['symbol']);
  const rate = optional(row['fundingRate']);
  const time = timeOf(row['fundingTime']);
  if (facts === undefined || rate === null || Number.isNaN(rate) || Number.isNaN(time))
    return 'funding rate cannot be read';
  context.sink({
    stream: 'funding_rates',
    exchange: 'binance',
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq: null,
    origin: context.origin,
    funding_rate: rate,
    funding_interval_hours: facts.fundingIntervalHours,
    next_funding_time: null,
  });
  return 1;
}

/** `ticker/24hr`, `ticker/bookTicker` and `premiumIndex`: told apart by what they carry. */
export function readTickerAnswer(row: unknown, _facts: SymbolFacts | undefined, context: ReadContext): Reading {
  if (!isObject(row)) return 'no ticker';
  if (row['markPrice'] !== undefined && row['lastFundingRate'] !== undefined) return readPremiumIndex(row, context);
  const prices = row['bidPrice'] === undefined ? 0 : readBestRow(row, context);
  if (row['lastPrice'] === undefined) return prices;
  const ticker = readTickerRow(row, context);
  return typeof ticker === 'number' && typeof prices === 'number' ? ticker + prices : ticker;
}

function readBestRow(row: WireObject, context: ReadContext): Reading {
  const facts = context.symbols.facts(row['symbol']);
  if (facts === undefined) return 'ticker without a symbol';
  const given = row['closeTime'] ?? row['time'];
  const time = given === undefined ? context.recvTime : timeOf(given);
  const { bidPrice: bid, bidQty: bidSize, askPrice: ask, askQty: askSize } = row;
  return pushPrices(facts, { bid, bidSize, ask, askSize }, time, null, context);
}
