import type { Us } from '../../../kit/clock.ts';
import type { PriceLevel } from '../../domain/records.ts';
import { baseSize, type SymbolFacts } from '../shared/symbols.ts';
import {
  allKnown,
  idOf,
  isObject,
  levelsOf,
  numberOf,
  optional,
  optionalPrice,
  optionalSize,
  priceOf,
  sequenceOf,
  sizeOf,
  timeOf,
  type WireObject,
} from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { EXCHANGE, eventTime, type ReadContext } from './context.ts';
import { OFF_BOOK } from './wire.ts';

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

function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
