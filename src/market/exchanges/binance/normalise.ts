import type { Us } from '../../../kit/clock.ts';
import type { CandleInterval, Market, Origin, PriceLevel, RecordSink } from '../../domain/records.ts';
import { baseSize, type SymbolFacts, type SymbolTable } from '../shared/symbols.ts';
import {
  afterInclusive,
  allKnown,
  idOf,
  isObject,
  levelsOf,
  numberOf,
  optional,
  optionalCount,
  optionalPrice,
  optionalSize,
  priceOf,
  sequenceOf,
  sizeOf,
  timeOf,
  type WireObject,
} from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { intervalOf, OFF_BOOK } from './wire.ts';

/** What every event of a connection is read with. */
export interface ReadContext {
  readonly market: Market;
  readonly symbols: SymbolTable;
  readonly recvTime: Us;
  readonly origin: Origin;
  readonly sink: RecordSink;
}

const EXCHANGE = 'binance';

/** `aggTrade` and `trade`, the REST rows of both too. `m`: the buyer was the maker, so the taker sold. */
export function readTrade(event: WireObject, facts: SymbolFacts | undefined, context: ReadContext): Reading {
  if (facts === undefined) return 'trade without a symbol';
  if (OFF_BOOK.has(event['X'])) return 0;
  const id = event['e'] === 'trade' ? event['t'] : event['a'];
  return pushTrade(facts, id, event['p'], event['q'], event['T'], event['m'], context);
}

/** A row of REST `trades` (`id`, `price`, `qty`, `time`, `isBuyerMaker`; coin-margined rows have `baseQty` too). */
export function readTradeRow(row: WireObject, facts: SymbolFacts, context: ReadContext): Reading {
  const { id, price, qty, baseQty, time, isBuyerMaker } = row;
  return pushTrade(facts, id, price, baseQty ?? qty, time, isBuyerMaker, context);
}

function pushTrade(
  facts: SymbolFacts,
  id: unknown,
  wirePrice: unknown,
  wireSize: unknown,
  wireTime: unknown,
  maker: unknown,
  context: ReadContext,
): Reading {
  const tradeId = idOf(id);
  const price = priceOf(wirePrice);
  const quantity = baseSize(facts, sizeOf(wireSize), price);
  const time = timeOf(wireTime);
  if (tradeId === undefined) return 'trade without an id';
  if (!(price > 0) || !(quantity > 0 && quantity < Infinity)) return 'trade without price or quantity';
  if (Number.isNaN(time)) return 'trade without time';
  if (typeof maker !== 'boolean') return 'trade without a side';
  context.sink({
    stream: 'trades',
    exchange: EXCHANGE,
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq: sequenceOf(id),
    origin: context.origin,
    trade_id: tradeId,
    price,
    quantity,
    side: maker ? 'sell' : 'buy',
  });
  return 1;
}

/** `bookTicker`. Spot sends no time: the receive time stands in for the venue's. */
export function readBookTicker(event: WireObject, context: ReadContext): Reading {
  const facts = context.symbols.facts(event['s']);
  if (facts === undefined) return 'bookTicker without a symbol';
  const time = eventTime(event['E'] ?? event['T'], context);
  const { b, B, a, A, u } = event;
  return pushPrices(facts, { bid: b, bidSize: B, ask: a, askSize: A }, time, sequenceOf(u), context);
}

/** Best bid and ask as the wire has them. */
interface WireBest {
  readonly bid: unknown;
  readonly bidSize: unknown;
  readonly ask: unknown;
  readonly askSize: unknown;
}

/** The `prices` record of a best bid and ask. */
export function pushPrices(
  facts: SymbolFacts,
  wire: WireBest,
  time: Us,
  seq: number | null,
  context: ReadContext,
): Reading {
  const bid = optionalPrice(wire.bid);
  const bidSize = bid === null ? null : optionalSize(wire.bidSize);
  const ask = optionalPrice(wire.ask);
  const askSize = ask === null ? null : optionalSize(wire.askSize);
  // NaN is the one value that is not equal to itself.
  if (bid !== bid || bidSize !== bidSize || ask !== ask || askSize !== askSize || time !== time) {
    return 'best bid and ask cannot be read';
  }
  if (bid === null && ask === null) return 'neither bid nor ask';
  context.sink({
    stream: 'prices',
    exchange: EXCHANGE,
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq,
    origin: context.origin,
    bid_price: bid,
    ask_price: ask,
    bid_qty: bid === null || bidSize === null ? null : known(baseSize(facts, bidSize, bid)),
    ask_qty: ask === null || askSize === null ? null : known(baseSize(facts, askSize, ask)),
    last_price: null,
  });
  return 1;
}

/** `depthUpdate`: changes, or with `partial` a whole book of few levels. */
export function readDepth(event: WireObject, partial: boolean, context: ReadContext): Reading {
  const facts = context.symbols.facts(event['s']);
  return pushBook(facts, event['b'], event['a'], partial, event['u'], event, context);
}

/**
 * A snapshot: REST `depth`, or in a stream a spot partial book (`lastUpdateId`, `bids`, `asks`; the symbol comes from
 * outside). Spot gives no time; futures bodies were sent at `E`.
 */
export function readSnapshot(body: WireObject, facts: SymbolFacts | undefined, context: ReadContext): Reading {
  return pushBook(facts, body['bids'], body['asks'], true, body['lastUpdateId'], body, context);
}

/** A REST body that a recorder put into the stream: its book is of `T`. */
export function readRecordedSnapshot(body: WireObject, facts: SymbolFacts | undefined, context: ReadContext): Reading {
  const { lastUpdateId, bids, asks, T, E } = body;
  return pushBook(facts, bids, asks, true, lastUpdateId, { E: T ?? E }, context);
}

function pushBook(
  facts: SymbolFacts | undefined,
  wireBids: unknown,
  wireAsks: unknown,
  snapshot: boolean,
  wireSeq: unknown,
  event: WireObject,
  context: ReadContext,
): Reading {
  if (facts === undefined) return 'book without a symbol';
  const bids = levelsOf(wireBids);
  const asks = levelsOf(wireAsks);
  if (bids === undefined || asks === undefined) return 'book levels cannot be read';
  const seq = sequenceOf(wireSeq);
  if (seq === null) return 'book without an update id';
  const time = eventTime(event['E'] ?? event['T'], context);
  if (Number.isNaN(time)) return 'book time cannot be read';
  if (!facts.plain && !(toBase(facts, bids) && toBase(facts, asks))) return 'contract size not known';
  context.sink({
    stream: 'book',
    exchange: EXCHANGE,
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq,
    origin: context.origin,
    kind: snapshot ? 'snapshot' : 'delta',
    bids,
    asks,
    first_seq: snapshot ? null : sequenceOf(event['U']),
    prev_seq: snapshot ? null : sequenceOf(event['pu']),
  });
  return 1;
}

function toBase(facts: SymbolFacts, levels: PriceLevel[]): boolean {
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i];
    if (level === undefined) continue;
    const size = baseSize(facts, level[1], level[0]);
    if (Number.isNaN(size)) return false;
    levels[i] = [level[0], size];
  }
  return true;
}

/** `markPriceUpdate`: the mark and, for contracts that pay it, the funding rate now predicted. */
export function readMarkPrice(event: WireObject, context: ReadContext): Reading {
  return pushMark(event['s'], event['p'], event['i'], event['r'], event['T'], event['E'], context);
}

/** REST `premiumIndex`. */
export function readPremiumIndex(row: WireObject, context: ReadContext): Reading {
  const { symbol, markPrice, indexPrice, lastFundingRate, nextFundingTime, time } = row;
  return pushMark(symbol, markPrice, indexPrice, lastFundingRate, nextFundingTime, time, context);
}

function pushMark(
  symbol: unknown,
  wireMark: unknown,
  wireIndex: unknown,
  wireRate: unknown,
  wireNext: unknown,
  wireTime: unknown,
  context: ReadContext,
): Reading {
  const facts = context.symbols.facts(symbol);
  if (facts === undefined) return 'mark price without a symbol';
  const mark = priceOf(wireMark);
  const index = optionalPrice(wireIndex);
  const time = eventTime(wireTime, context);
  // A dated contract pays no funding and says so by a next time of 0.
  const next = numberOf(wireNext) > 0 ? timeOf(wireNext) : null;
  const rate = next === null ? null : optional(wireRate);
  if (!(mark > 0) || !allKnown(index, rate, next) || Number.isNaN(time)) return 'mark price cannot be read';
  const base = {
    exchange: EXCHANGE,
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq: null,
    origin: context.origin,
  };
  const hours = facts.fundingIntervalHours;
  context.sink({
    stream: 'mark_prices',
    ...base,
    mark_price: mark,
    index_price: index,
    funding_rate: rate,
    funding_interval_hours: hours,
  });
  if (rate === null) return 1;
  context.sink({
    stream: 'funding_rates',
    ...base,
    funding_rate: rate,
    funding_interval_hours: hours,
    next_funding_time: next,
  });
  return 2;
}

/** `forceOrder`: the order closes the position, so a sell order closes a long. */
export function readForceOrder(event: WireObject, context: ReadContext): Reading {
  const order = event['o'];
  if (!isObject(order)) return 'forceOrder without an order';
  const facts = context.symbols.facts(order['s']);
  if (facts === undefined) return 'forceOrder without a symbol';
  const price = priceOf(order['p']);
  const filled = sizeOf(order['z']);
  const quantity = baseSize(facts, filled > 0 ? filled : sizeOf(order['q']), price);
  const time = eventTime(order['T'] ?? event['E'], context);
  const side = order['S'];
  if (!(price > 0) || !(quantity > 0 && quantity < Infinity)) return 'forceOrder without price or quantity';
  if (Number.isNaN(time)) return 'forceOrder time cannot be read';
  if (side !== 'SELL' && side !== 'BUY') return 'forceOrder without a side';
  context.sink({
    stream: 'liquidations',
    exchange: EXCHANGE,
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq: null,
    origin: context.origin,
    side: side === 'SELL' ? 'long' : 'short',
    price,
    quantity,
  });
  return 1;
}

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

/** The venue's time; where it gives none, when it came; NaN when what it gives is no time. */
function eventTime(value: unknown, context: ReadContext): Us {
  return value === undefined || value === null ? context.recvTime : timeOf(value);
}

function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
