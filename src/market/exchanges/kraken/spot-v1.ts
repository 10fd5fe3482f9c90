import { quoteOutside } from '../../../kit/outside.ts';
import type { PriceLevel } from '../../domain/records.ts';
import type { SymbolFacts } from '../shared/symbols.ts';
import {
  isObject,
  numberOf,
  optionalCount,
  optionalPrice,
  optionalSize,
  priceOf,
  sequenceOf,
  sizeOf,
  type WireObject,
} from '../shared/values.ts';
import { readRows, type Reading } from '../shared/verdicts.ts';
import { baseOf, type ReadContext } from './context.ts';
import { checkedCandle, pairedTicker, pushCandle, pushTicker, pushTrade } from './spot-normalise.ts';
import { intervalOf, levelDigits, MINUTE_US, secondsOf } from './wire.ts';

/**
 * Array frames of WebSocket v1, `[channel id, data…, channel name, pair]`, as recordings have them; the collector uses
 * v2. Documented there, not verified: https://docs.kraken.com/api/docs/websocket-v1/book (and trade, ticker, ohlc, spread)
 */
export function readArrayFrame(frame: readonly unknown[], context: ReadContext): Reading {
  const name = frame.at(-2);
  const facts = context.symbols.facts(frame.at(-1));
  if (typeof name !== 'string' || facts === undefined) return 'not a message';
  const parts = frame.slice(1, -2).filter((part) => part !== null);
  const [kind = '', option = ''] = name.split('-');
  switch (kind) {
    case 'trade':
      return readTrades(facts, parts[0], context);
    case 'book':
      return readBook(facts, parts, context);
    case 'ticker':
      return isObject(parts[0]) ? readTickerObject(facts, parts[0], context) : 'no ticker';
    case 'spread':
      return Array.isArray(parts[0]) ? readSpread(facts, parts[0], context) : 'no spread';
    case 'ohlc':
      return Array.isArray(parts[0]) ? readOhlc(facts, parts[0], Number(option), context) : 'no candle';
    default:
      return `unknown channel ${quoteOutside(name.slice(0, 40))}`;
  }
}

/** `[price, volume, time, side, order type, misc]`. They have no id: their time and place in the frame stand for one. */
function readTrades(facts: SymbolFacts, rows: unknown, context: ReadContext): Reading {
  if (!Array.isArray(rows)) return 'no trades';
  let place = 0;
  return readRows(rows, (row) => {
    if (!Array.isArray(row)) return 'no trade';
    const [price, size, time, side] = row as readonly unknown[];
    const id = `${String(time)}/${place++}`;
    const named = side === 'b' ? 'buy' : side === 's' ? 'sell' : undefined;
    return pushTrade(facts, { id, price, size, time: secondsOf(time), side: named }, context);
  });
}

/** A snapshot `{as, bs}`, or changes `{a}`, `{b}` or both in turn; the last has the checksum `c`. */
function readBook(facts: SymbolFacts, parts: readonly unknown[], context: ReadContext): Reading {
  const sides = { bids: [] as PriceLevel[], asks: [] as PriceLevel[] };
  const texts = { bids: [] as string[], asks: [] as string[] };
  let snapshot = false;
  let checksum: number | undefined;
  let time = 0;
  for (const part of parts) {
    if (!isObject(part)) return 'book without levels';
    if (part['as'] !== undefined || part['bs'] !== undefined) snapshot = true;
    for (const [side, rows] of [
      ['bids', part['bs'] ?? part['b'] ?? []],
      ['asks', part['as'] ?? part['a'] ?? []],
    ] as const) {
      if (!Array.isArray(rows)) return 'book levels cannot be read';
      for (const row of rows as readonly unknown[]) {
        const level = levelOf(row);
        if (level === undefined) return 'book levels cannot be read';
        sides[side].push([level.price, level.size]);
        texts[side].push(level.text);
        time = Math.max(time, level.time);
      }
    }
    const sum = part['c'] === undefined ? undefined : sequenceOf(part['c']);
    if (sum === null) return 'book checksum cannot be read';
    checksum = sum ?? checksum;
  }
  const base = baseOf(facts, time === 0 ? context.recvTime : time, context);
  context.sink({
    stream: 'book',
    ...base,
    kind: snapshot ? 'snapshot' : 'delta',
    ...sides,
    first_seq: null,
    prev_seq: null,
    proof: { checksum: checksum ?? null, ...texts },
  });
  return 1;
}

function levelOf(row: unknown): { price: number; size: number; text: string; time: number } | undefined {
  if (!Array.isArray(row)) return undefined;
  const [price, size, time] = row as readonly unknown[];
  if (typeof price !== 'string' || typeof size !== 'string') return undefined;
  const level = { price: priceOf(price), size: sizeOf(size), text: levelDigits(price, size), time: secondsOf(time) };
  return Number.isNaN(level.price + level.size + level.time) ? undefined : level;
}

function readTickerObject(facts: SymbolFacts, ticker: WireObject, context: ReadContext): Reading {
  return pushTicker(facts, pairedTicker(ticker), context.recvTime, context);
}

/** `[bid, ask, time, bid volume, ask volume]`. */
function readSpread(facts: SymbolFacts, row: readonly unknown[], context: ReadContext): Reading {
  const time = secondsOf(row[2]);
  // Pairs without a book send zeros.
  if (numberOf(row[0]) === 0 && numberOf(row[1]) === 0) return 0;
  const values = {
    bid: optionalPrice(row[0]),
    bidSize: optionalSize(row[3]),
    ask: optionalPrice(row[1]),
    askSize: optionalSize(row[4]),
    ...NO_STATISTICS,
  };
  return pushTicker(facts, values, time, context);
}

const NO_STATISTICS = {
  last: null,
  volume: null,
  vwap: null,
  high: null,
  low: null,
  open: null,
  count: null,
  change: null,
  percent: null,
} as const;

/** `[time, end, open, high, low, close, vwap, volume, count]`; the candle runs until a later one begins. */
function readOhlc(facts: SymbolFacts, row: readonly unknown[], minutes: number, context: ReadContext): Reading {
  const interval = intervalOf(minutes);
  if (interval === undefined) return 'candle of no known length';
  const time = secondsOf(row[0]);
  const close_time = secondsOf(row[1]);
  const candle = checkedCandle({
    interval,
    open_time: close_time - minutes * MINUTE_US,
    close_time,
    open: priceOf(row[2]),
    high: priceOf(row[3]),
    low: priceOf(row[4]),
    close: priceOf(row[5]),
    volume: sizeOf(row[7]),
    trade_count: optionalCount(row[8]),
  });
  if (typeof candle === 'string' || Number.isNaN(time)) return 'candle cannot be read';
  return pushCandle(facts, candle, { time, closed: false }, context);
}
