import type { Us } from '../../../kit/clock.ts';
import type { CandleInterval } from '../../domain/records.ts';
import { baseSize, type SymbolFacts } from '../shared/symbols.ts';
import {
  afterInclusive,
  allKnown,
  isObject,
  optional,
  optionalCount,
  optionalPrice,
  optionalSize,
  priceOf,
  sizeOf,
  timeOf,
  type WireObject,
} from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { EXCHANGE, eventTime, type ReadContext } from './context.ts';
import { intervalOf } from './wire.ts';

/** `kline`. `T` is the last ms of the candle: the interval here is half-open. */
export function readKline(event: WireObject, context: ReadContext): Reading {
  const kline = event['k'];
  if (!isObject(kline)) return 'kline without its candle';
  const facts = context.symbols.facts(event['s'] ?? kline['s']);
  const interval = intervalOf(kline['i']);
  if (facts === undefined || interval === undefined) return 'kline without symbol or interval';
  const { o, h, l, c, v, q, n, V, Q, x } = kline;
  if (typeof x !== 'boolean') return 'kline does not say whether it is closed';
  const time = eventTime(event['E'], context);
  const open = timeOf(kline['t']);
  const close = afterInclusive(kline['T']);
  return pushCandle(facts, { interval, time, open, close, closed: x, values: [o, h, l, c, v, q, n, V, Q] }, context);
}

/** A candle in wire values: open, high, low, close, volume, quote volume, count, taker buy volume and quote. */
export interface WireCandle {
  readonly interval: CandleInterval;
  readonly time: Us;
  readonly open: Us;
  readonly close: Us;
  readonly closed: boolean;
  readonly values: readonly unknown[];
}

export function pushCandle(facts: SymbolFacts, candle: WireCandle, context: ReadContext): Reading {
  const { values } = candle;
  const open = priceOf(values[0]);
  const high = priceOf(values[1]);
  const low = priceOf(values[2]);
  const close = priceOf(values[3]);
  // Coin-margined candles count contracts in `v` and base units in `q`.
  const contracts = facts.inverse ? (facts.contractSize ?? NaN) : 1;
  const volume = sizeOf(facts.inverse ? values[5] : values[4]);
  const quote = optionalSize(facts.inverse ? sizeOf(values[4]) * contracts : values[5]);
  const count = optionalCount(values[6]);
  const takerBase = optionalSize(facts.inverse ? values[8] : values[7]);
  const takerQuote = optionalSize(facts.inverse ? sizeOf(values[7]) * contracts : values[8]);
  if (!(open > 0 && high > 0 && low > 0 && close > 0) || Number.isNaN(volume)) return 'candle cannot be read';
  if (!allKnown(quote, count, takerBase, takerQuote)) return 'candle volumes cannot be read';
  if (!(candle.open < candle.close) || Number.isNaN(candle.time)) return 'candle times cannot be read';
  context.sink({
    stream: 'candles',
    exchange: EXCHANGE,
    market: context.market,
    symbol: facts.symbol,
    event_time: candle.time,
    recv_time: context.recvTime,
    seq: null,
    origin: context.origin,
    interval: candle.interval,
    open_time: candle.open,
    close_time: candle.close,
    open,
    high,
    low,
    close,
    volume,
    quote_volume: quote,
    trade_count: count,
    taker_buy_volume: takerBase,
    taker_buy_quote: takerQuote,
    closed: candle.closed,
  });
  return 1;
}

/** `24hrTicker` and `24hrMiniTicker` (which leaves changes, count and mean out). */
export function readTicker(event: WireObject, context: ReadContext): Reading {
  const { s, v, q, n, h, l, o, c, p, P, w, E } = event;
  return pushTicker(s, [v, q, n, h, l, o, c, p, P, w], eventTime(E, context), context);
}

/** REST `ticker/24hr`: the same by long names. */
export function readTickerRow(row: WireObject, context: ReadContext): Reading {
  const { volume, quoteVolume, count, highPrice, lowPrice, openPrice, lastPrice } = row;
  const { priceChange, priceChangePercent, weightedAvgPrice } = row;
  const values = [volume, quoteVolume ?? row['baseVolume'], count, highPrice, lowPrice, openPrice, lastPrice];
  const time = eventTime(row['closeTime'], context);
  return pushTicker(row['symbol'], [...values, priceChange, priceChangePercent, weightedAvgPrice], time, context);
}

function pushTicker(symbol: unknown, wire: readonly unknown[], time: Us, context: ReadContext): Reading {
  const facts = context.symbols.facts(symbol);
  if (facts === undefined) return 'ticker without a symbol';
  const contracts = facts.inverse ? (facts.contractSize ?? NaN) : 1;
  const volume = optionalSize(facts.inverse ? wire[1] : wire[0]);
  const quote = optionalSize(facts.inverse ? sizeOf(wire[0]) * contracts : wire[1]);
  const count = optionalCount(wire[2]);
  const high = optionalPrice(wire[3]);
  const low = optionalPrice(wire[4]);
  const open = optionalPrice(wire[5]);
  const last = optionalPrice(wire[6]);
  const change = optional(wire[7]);
  const percent = optional(wire[8]);
  const mean = optionalPrice(wire[9]);
  if (!allKnown(volume, quote, count, high, low, open, last, change, percent, mean) || Number.isNaN(time)) {
    return 'ticker cannot be read';
  }
  if (last === null && volume === null) return 'ticker without last price and volume';
  context.sink({
    stream: 'ticker_24h',
    exchange: EXCHANGE,
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq: null,
    origin: context.origin,
    volume_24h: volume,
    quote_volume_24h: quote,
    trade_count_24h: count,
    high_24h: high,
    low_24h: low,
    open_24h: open,
    last_price: last,
    price_change: change,
    price_change_pct: percent,
    vwap_24h: mean,
  });
  return 1;
}

/** Open interest: REST `openInterest` and `openInterestHist`. Coin-margined contracts have no price beside them. */
export function pushOpenInterest(
  symbol: unknown,
  wireSize: unknown,
  wireValue: unknown,
  wireTime: unknown,
  context: ReadContext,
): Reading {
  const facts = context.symbols.facts(symbol);
  if (facts === undefined) return 'open interest without a symbol';
  if (!facts.plain && facts.inverse) return 'open interest in contracts and no price to convert it';
  const size = baseSize(facts, sizeOf(wireSize), NaN);
  const value = optionalSize(wireValue);
  const time = eventTime(wireTime, context);
  if (Number.isNaN(size) || !allKnown(value) || Number.isNaN(time)) return 'open interest cannot be read';
  context.sink({
    stream: 'open_interest',
    exchange: EXCHANGE,
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq: null,
    origin: context.origin,
    open_interest: size,
    open_interest_usd: value,
  });
  return 1;
}
