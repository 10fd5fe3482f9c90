import type { Us } from '../../../kit/clock.ts';
import type { CandleInterval, PriceLevel } from '../../domain/records.ts';
import type { SymbolFacts } from '../shared/symbols.ts';
import {
  allKnown,
  elementsOf,
  idOf,
  isObject,
  optional,
  optionalCount,
  optionalPrice,
  optionalSize,
  parseJson,
  priceOf,
  sequenceOf,
  sizeOf,
  type WireObject,
} from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { baseOf, type ReadContext } from './context.ts';
import { intervalOf, isoTimeOf, levelDigits, MINUTE_US } from './wire.ts';

/** A row of `trade`. `side` is the taker's; ids are whole numbers of the pair that rise by one. */
export function readTrade(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no trade';
  const facts = context.symbols.facts(row['symbol']);
  if (facts === undefined) return 'trade without a symbol';
  const { trade_id, price, qty, timestamp, side } = row;
  return pushTrade(facts, { id: trade_id, price, size: qty, time: isoTimeOf(timestamp), side }, context);
}

/** A trade in wire values. */
export interface WireTrade {
  readonly id: unknown;
  readonly price: unknown;
  readonly size: unknown;
  readonly time: Us;
  readonly side: unknown;
}

export function pushTrade(facts: SymbolFacts, trade: WireTrade, context: ReadContext): Reading {
  const id = idOf(trade.id);
  const price = priceOf(trade.price);
  const quantity = sizeOf(trade.size);
  const { side, time } = trade;
  if (id === undefined) return 'trade without an id';
  if (!(price > 0) || !(quantity > 0)) return 'trade without price or quantity';
  if (Number.isNaN(time)) return 'trade without time';
  if (side !== 'buy' && side !== 'sell') return 'trade without a side';
  const base = baseOf(facts, time, context, sequenceOf(id));
  context.sink({ stream: 'trades', ...base, trade_id: id, price, quantity, side });
  return 1;
}

/**
 * A `book` message. Its checksum is over the digits as sent, which numbers lose: they are taken from the frame's text.
 * A snapshot's time is ours where it has none.
 */
export function readBook(frame: WireObject, text: string, context: ReadContext): Reading {
  const { data, type } = frame;
  const row: unknown = Array.isArray(data) && data.length === 1 ? data[0] : undefined;
  if (!isObject(row)) return 'book without its one symbol';
  if (type !== 'snapshot' && type !== 'update') return 'book without a type';
  const facts = context.symbols.facts(row['symbol']);
  if (facts === undefined) return 'book without a symbol';
  const bids = objectLevels(row['bids']);
  const asks = objectLevels(row['asks']);
  if (bids === undefined || asks === undefined) return 'book levels cannot be read';
  const { checksum, timestamp } = row;
  const time = timestamp === undefined ? context.recvTime : isoTimeOf(timestamp);
  if (Number.isNaN(time)) return 'book time cannot be read';
  const base = baseOf(facts, time, context);
  const kind = type === 'snapshot' ? 'snapshot' : 'delta';
  const sum = checksum === undefined ? null : (sequenceOf(checksum) ?? NaN);
  const texts = { bids: levelTexts(text, 'bids', bids.length), asks: levelTexts(text, 'asks', asks.length) };
  if (Number.isNaN(sum) || texts.bids === undefined || texts.asks === undefined) return 'book checksum cannot be read';
  const proof = { checksum: sum, bids: texts.bids, asks: texts.asks };
  context.sink({ stream: 'book', ...base, kind, bids, asks, first_seq: null, prev_seq: null, proof });
  return 1;
}

function objectLevels(value: unknown): PriceLevel[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const levels: PriceLevel[] = [];
  for (const level of value) {
    const price = isObject(level) ? priceOf(level['price']) : NaN;
    const size = isObject(level) ? sizeOf(level['qty']) : NaN;
    if (Number.isNaN(price) || Number.isNaN(size)) return undefined;
    levels.push([price, size]);
  }
  return levels;
}

const LEVEL = /"price"\s*:\s*"?([\d.]+)"?\s*,\s*"qty"\s*:\s*"?([\d.]+)"?/g;

/** Digits of each level of a side, in order, as the venue writes them; undefined unless exactly `count` are found. */
function levelTexts(text: string, side: 'bids' | 'asks', count: number): string[] | undefined {
  if (count === 0) return [];
  const start = text.indexOf(`"${side}"`);
  const end = text.indexOf(']', start);
  const texts: string[] = [];
  LEVEL.lastIndex = start;
  for (let match = LEVEL.exec(text); match !== null && match.index < end; match = LEVEL.exec(text)) {
    texts.push(levelDigits(match[1] ?? '', match[2] ?? ''));
  }
  return start >= 0 && texts.length === count ? texts : textsOfAny(text, side, count);
}

const STRING_OR_NUMBER = /("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)/g;
const DIGITS = /^[\d.]+$/;

/** The same of a frame in any order of fields, with fields that we do not know: read with its numbers as texts. */
function textsOfAny(text: string, side: 'bids' | 'asks', count: number): string[] | undefined {
  const frame = parseJson(
    text.replace(STRING_OR_NUMBER, (_, string: string | undefined, n: string) => string ?? `"${n}"`),
  );
  const [row] = elementsOf(isObject(frame) ? frame['data'] : undefined);
  const texts: string[] = [];
  for (const level of elementsOf(isObject(row) ? row[side] : undefined)) {
    const { price, qty } = isObject(level) ? level : {};
    if (typeof price !== 'string' || typeof qty !== 'string' || !DIGITS.test(price) || !DIGITS.test(qty))
      return undefined;
    texts.push(levelDigits(price, qty));
  }
  return texts.length === count ? texts : undefined;
}

/** A row of `ticker`: best prices and 24 h. Its time is ours where it has none; a price of 0 is none. */
export function readTicker(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no ticker';
  const facts = context.symbols.facts(row['symbol']);
  if (facts === undefined) return 'ticker without a symbol';
  const values = {
    bid: optionalPrice(row['bid']),
    bidSize: optionalSize(row['bid_qty']),
    ask: optionalPrice(row['ask']),
    askSize: optionalSize(row['ask_qty']),
    last: optionalPrice(row['last']),
    volume: optionalSize(row['volume']),
    vwap: optionalPrice(row['vwap']),
    high: optionalPrice(row['high']),
    low: optionalPrice(row['low']),
    open: null,
    count: null,
    change: optional(row['change']),
    percent: optional(row['change_pct']),
  };
  const { timestamp } = row;
  // A pair that never traded has the time 0: nothing to tell.
  if (timestamp === '1970-01-01T00:00:00.000000Z') return 0;
  const time = timestamp === undefined ? context.recvTime : isoTimeOf(timestamp);
  return pushTicker(facts, values, time, context);
}

export interface TickerValues {
  readonly bid: number | null;
  readonly bidSize: number | null;
  readonly ask: number | null;
  readonly askSize: number | null;
  readonly last: number | null;
  readonly volume: number | null;
  readonly vwap: number | null;
  readonly high: number | null;
  readonly low: number | null;
  readonly open: number | null;
  readonly count: number | null;
  readonly change: number | null;
  readonly percent: number | null;
}

/** `{a, b, c, v, p, t, l, h, o}`: pairs of today and the last 24 hours; bid and ask are price, whole lots, volume. */
export function pairedTicker(ticker: WireObject): TickerValues {
  const at = (name: string, index: number): unknown => {
    const value = ticker[name];
    return Array.isArray(value) ? value[index] : undefined;
  };
  return {
    bid: optionalPrice(at('b', 0)),
    bidSize: optionalSize(at('b', 2)),
    ask: optionalPrice(at('a', 0)),
    askSize: optionalSize(at('a', 2)),
    last: optionalPrice(at('c', 0)),
    volume: optionalSize(at('v', 1)),
    vwap: optionalPrice(at('p', 1)),
    high: optionalPrice(at('h', 1)),
    low: optionalPrice(at('l', 1)),
    open: optionalPrice(at('o', 1)),
    count: optionalCount(at('t', 1)),
    change: null,
    percent: null,
  };
}

export function pushTicker(facts: SymbolFacts, values: TickerValues, time: Us, context: ReadContext): Reading {
  if (Number.isNaN(time) || Object.values(values).some(Number.isNaN)) return 'ticker cannot be read';
  const { bid, bidSize, ask, askSize, last, volume } = values;
  const base = baseOf(facts, time, context);
  let records = 0;
  if (bid !== null || ask !== null) {
    const quantities = { bid_qty: bid === null ? null : bidSize, ask_qty: ask === null ? null : askSize };
    context.sink({ stream: 'prices', ...base, bid_price: bid, ask_price: ask, ...quantities, last_price: last });
    records++;
  }
  if (last === null || volume === null) return records;
  context.sink({
    stream: 'ticker_24h',
    ...base,
    volume_24h: volume,
    quote_volume_24h: null,
    trade_count_24h: values.count,
    high_24h: values.high,
    low_24h: values.low,
    open_24h: values.open,
    last_price: last,
    price_change: values.change,
    price_change_pct: values.percent,
    vwap_24h: values.vwap,
  });
  return records + 1;
}

/** A candle in our terms. */
export interface Candle {
  readonly interval: CandleInterval;
  readonly open_time: Us;
  readonly close_time: Us;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly trade_count: number | null;
}

/** A row of `ohlc`; a word when it cannot be read. */
export function candleOf(row: WireObject): Candle | string {
  const minutes = row['interval'];
  const interval = intervalOf(minutes);
  if (interval === undefined || typeof minutes !== 'number') return 'candle of no known length';
  const open_time = isoTimeOf(row['interval_begin']);
  return checkedCandle({
    interval,
    open_time,
    close_time: open_time + minutes * MINUTE_US,
    open: priceOf(row['open']),
    high: priceOf(row['high']),
    low: priceOf(row['low']),
    close: priceOf(row['close']),
    volume: sizeOf(row['volume']),
    trade_count: optionalCount(row['trades']),
  });
}

export function checkedCandle(candle: Candle): Candle | string {
  const { open_time, open, high, low, close, volume, trade_count } = candle;
  return allKnown(open_time, open, high, low, close, volume, trade_count) ? candle : 'candle cannot be read';
}

export function pushCandle(
  facts: SymbolFacts,
  candle: Candle,
  said: { readonly time: Us; readonly closed: boolean },
  context: ReadContext,
): number {
  context.sink({
    stream: 'candles',
    ...baseOf(facts, said.time, context),
    ...candle,
    quote_volume: null,
    taker_buy_volume: null,
    taker_buy_quote: null,
    closed: said.closed,
  });
  return 1;
}
