import type { PriceLevel } from '../../domain/records.ts';
import {
  pushBook,
  pushFunding,
  pushMark,
  pushPrices,
  pushTicker,
  pushTrade,
  type ReadContext,
} from '../shared/reading.ts';
import type { SymbolFacts } from '../shared/symbols.ts';
import {
  decimalOf,
  isObject,
  levelsOf,
  numberOf,
  optional,
  optionalPrice,
  optionalSize,
  percentOf,
  sequenceOf,
  sizeOf,
  type WireObject,
} from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { timeAt } from './wire.ts';

type Facts = SymbolFacts | undefined;

/** `/market/match` and `/contractMarket/execution`. `side` is the taker's; futures sizes are contracts. */
export function readTrade(facts: Facts, data: WireObject, context: ReadContext): Reading {
  const { tradeId, sequence, price, size, side, time, ts } = data;
  const wire = { id: tradeId ?? sequence, price, size, time: timeAt(ts ?? time), side, seq: sequence };
  return pushTrade(facts, wire, context);
}

/** `/market/ticker` (and REST level 1): best prices with the last trade's. */
export function readSpotPrices(facts: Facts, data: WireObject, context: ReadContext): Reading {
  const { bestBid, bestBidSize, bestAsk, bestAskSize, price, time, sequence } = data;
  const at = time === undefined ? context.recvTime : timeAt(time);
  const wire = {
    bid: bestBid,
    bidSize: bestBidSize,
    ask: bestAsk,
    askSize: bestAskSize,
    last: price,
    time: at,
    seq: sequence,
  };
  return pushPrices(facts, wire, context);
}

/** `/spotMarket/level1`: `[price, size]` of the best bid and ask. */
export function readLevelOne(facts: Facts, data: WireObject, context: ReadContext): Reading {
  const [bid, ask] = [data['bids'], data['asks']].map((level) => (Array.isArray(level) ? (level as unknown[]) : []));
  const wire = { bid: bid?.[0], bidSize: bid?.[1], ask: ask?.[0], askSize: ask?.[1], time: timeAt(data['timestamp']) };
  return pushPrices(facts, wire, context);
}

/** `/contractMarket/tickerV2`, and `ticker`, which tells each trade too: best prices; sizes are contracts. */
export function readFuturesPrices(facts: Facts, data: WireObject, context: ReadContext): Reading {
  const { bestBidPrice, bestBidSize, bestAskPrice, bestAskSize, price, ts, sequence } = data;
  const wire = {
    bid: bestBidPrice,
    bidSize: bestBidSize,
    ask: bestAskPrice,
    askSize: bestAskSize,
    last: price,
    time: timeAt(ts),
    seq: sequence,
  };
  return pushPrices(facts, wire, context);
}

/** `/spotMarket/level2Depth50` and its kind: the best levels, whole, each time. REST books have a sequence. */
export function readWholeBook(facts: Facts, data: WireObject, context: ReadContext): Reading {
  const { bids, asks, timestamp, ts, time, sequence } = data;
  const at = timestamp ?? ts ?? time;
  const book = {
    snapshot: true,
    bids: levelsOf(bids),
    asks: levelsOf(asks),
    time: at === undefined ? context.recvTime : timeAt(at),
    seq: sequence === undefined ? null : sequenceOf(sequence),
  };
  return pushBook(facts, book, context);
}

/** `/market/level2`: changes `[price, size, sequence]` from `sequenceStart` to `sequenceEnd`; a price of 0 is none. */
export function readSpotChanges(facts: Facts, data: WireObject, context: ReadContext): Reading {
  const { changes, sequenceStart, sequenceEnd, time } = data;
  if (!isObject(changes)) return 'book without changes';
  const seq = sequenceOf(sequenceEnd);
  const first = sequenceOf(sequenceStart);
  if (seq === null || first === null) return 'book without a sequence';
  const book = {
    snapshot: false,
    bids: levelsOf(withoutNone(changes['bids'])),
    asks: levelsOf(withoutNone(changes['asks'])),
    time: time === undefined ? context.recvTime : timeAt(time),
    seq,
    first,
  };
  return pushBook(facts, book, context);
}

function withoutNone(levels: unknown): unknown {
  return Array.isArray(levels) ? levels.filter((level) => !Array.isArray(level) || numberOf(level[0]) !== 0) : levels;
}

/** `/contractMarket/level2`: one level, `price,side,contracts`; 0 removes it. */
export function readFuturesChange(facts: Facts, data: WireObject, context: ReadContext): Reading {
  const { change, sequence, timestamp } = data;
  const seq = sequenceOf(sequence);
  const [price = '', side, size = '', ...more] = typeof change === 'string' ? change.split(',') : [];
  const level: PriceLevel = [decimalOf(price), sizeOf(size)];
  if (seq === null) return 'book without a sequence';
  if ((side !== 'buy' && side !== 'sell') || more.length > 0) return 'book change cannot be read';
  const levels = levelsOf([level]);
  const book = {
    snapshot: false,
    bids: side === 'buy' ? levels : [],
    asks: side === 'sell' ? levels : [],
    time: timeAt(timestamp),
    seq,
    first: seq,
  };
  return pushBook(facts, book, context);
}

/** `/market/snapshot`: a rolling day. */
export function readSpotDay(facts: Facts, data: WireObject, context: ReadContext): Reading {
  const { vol, volValue, high, low, open, changePrice, changeRate, datetime, time } = data;
  const rate = optional(changeRate);
  const day = {
    volume_24h: optionalSize(vol),
    quote_volume_24h: optionalSize(volValue),
    high_24h: optionalPrice(high),
    low_24h: optionalPrice(low),
    open_24h: optionalPrice(open),
    last_price: optionalPrice(data['lastTradedPrice'] ?? data['last']),
    price_change: optional(changePrice),
    price_change_pct: rate === null || Number.isNaN(rate) ? rate : percentOf(rate),
  };
  return pushTicker(facts, timeAt(datetime ?? time), day, context);
}

/** `/contractMarket/snapshot`: linear volume is in base units and turnover in quote; inverse the other way round. */
export function readFuturesDay(facts: Facts, data: WireObject, context: ReadContext): Reading {
  const { volume, turnover, lastPrice, lowPrice, highPrice, priceChg, priceChgPct, ts } = data;
  const rate = optional(priceChgPct);
  const [base, quote] = facts?.inverse === true ? [turnover, volume] : [volume, turnover];
  const day = {
    volume_24h: optionalSize(base),
    quote_volume_24h: optionalSize(quote),
    high_24h: optionalPrice(highPrice),
    low_24h: optionalPrice(lowPrice),
    last_price: optionalPrice(lastPrice),
    price_change: optional(priceChg),
    price_change_pct: rate === null || Number.isNaN(rate) ? rate : percentOf(rate),
  };
  return pushTicker(facts, timeAt(ts), day, context);
}

const HOUR_MS = 3_600_000;
const LONGEST_FUNDING_MS = 168 * HOUR_MS;

/**
 * `/contract/instrument`: `mark.index.price` each second; `funding.rate` of a minute's granularity is what will be paid
 * at the next funding, of hours' granularity what is paid in this period, and tells its length.
 */
export function readInstrument(facts: Facts, subject: unknown, data: WireObject, context: ReadContext): Reading {
  const time = timeAt(data['timestamp']);
  if (subject === 'mark.index.price') {
    const wire = { mark: data['markPrice'], index: optionalPrice(data['indexPrice']), funding: null, time };
    return pushMark(facts, wire, context);
  }
  if (subject !== 'funding.rate') return `unknown subject ${String(subject).slice(0, 40)}`;
  const granularity = numberOf(data['granularity']);
  const told = granularity >= HOUR_MS && granularity <= LONGEST_FUNDING_MS;
  const intervalHours = told ? granularity / HOUR_MS : null;
  return pushFunding(facts, { rate: data['fundingRate'], time, next: null, intervalHours }, context);
}
