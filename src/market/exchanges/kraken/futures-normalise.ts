import type { Us } from '../../../kit/clock.ts';
import type { PriceLevel } from '../../domain/records.ts';
import { baseSize, type SymbolFacts } from '../shared/symbols.ts';
import {
  idOf,
  isObject,
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
import { baseOf, type ReadContext } from './context.ts';

/** Kraken's perpetuals pay funding every hour; `relative_funding_rate` is per hour. */
export const FUNDING_HOURS = 1;

/**
 * A row of `trade` or `trade_snapshot`. `side` is the taker's. Type `liquidation` is a trade by which a position was
 * closed by force: a sell closed a long.
 */
export function readTrade(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no trade';
  const { product_id, uid, seq, price, qty, time, side, type } = row;
  const facts = context.symbols.facts(product_id);
  if (facts === undefined) return 'trade without a symbol';
  return pushTrade(facts, { id: uid ?? seq, price, size: qty, time: timeOf(time), side, seq, type }, context);
}

/** A trade in wire values. */
export interface WireTrade {
  readonly id: unknown;
  readonly price: unknown;
  readonly size: unknown;
  readonly time: Us;
  readonly side: unknown;
  readonly seq: unknown;
  readonly type: unknown;
}

export function pushTrade(facts: SymbolFacts, trade: WireTrade, context: ReadContext): Reading {
  const id = idOf(trade.id);
  const price = priceOf(trade.price);
  const quantity = baseSize(facts, sizeOf(trade.size), price);
  const { side, time } = trade;
  if (id === undefined) return 'trade without an id';
  if (!(price > 0) || !(quantity > 0 && quantity < Infinity)) return 'trade without price or quantity';
  if (Number.isNaN(time)) return 'trade without time';
  if (side !== 'buy' && side !== 'sell') return 'trade without a side';
  const base = baseOf(facts, time, context, sequenceOf(trade.seq));
  context.sink({ stream: 'trades', ...base, trade_id: id, price, quantity, side });
  if (trade.type !== 'liquidation') return 1;
  context.sink({ stream: 'liquidations', ...base, side: side === 'sell' ? 'long' : 'short', price, quantity });
  return 2;
}

/** `book_snapshot`: the whole book; `seq` rises by one with each `book` message that follows. */
export function readSnapshot(frame: WireObject, context: ReadContext): Reading {
  const facts = context.symbols.facts(frame['product_id']);
  const seq = sequenceOf(frame['seq']);
  const time = timeOf(frame['timestamp']);
  if (facts === undefined) return 'book without a symbol';
  if (seq === null) return 'book without a sequence number';
  if (Number.isNaN(time)) return 'book time cannot be read';
  const bids = objectLevels(facts, frame['bids']);
  const asks = objectLevels(facts, frame['asks']);
  if (bids === undefined || asks === undefined) return 'book levels cannot be read';
  pushBook(facts, 'snapshot', { bids, asks, time, seq }, context);
  return 1;
}

/** `book`: one level's new quantity; 0 removes it. */
export function readLevel(frame: WireObject, context: ReadContext): Reading {
  const { product_id, seq, side, price, qty, timestamp } = frame;
  const facts = context.symbols.facts(product_id);
  const number = sequenceOf(seq);
  // Frames of 2019 have no time of their own.
  const time = timestamp === undefined ? context.recvTime : timeOf(timestamp);
  if (facts === undefined) return 'book without a symbol';
  if (number === null) return 'book without a sequence number';
  if (Number.isNaN(time)) return 'book time cannot be read';
  if (side !== 'buy' && side !== 'sell') return 'book level without a side';
  const levels = objectLevels(facts, [{ price, qty }]);
  if (levels === undefined) return 'book levels cannot be read';
  const [bids, asks] = side === 'buy' ? [levels, []] : [[], levels];
  pushBook(facts, 'delta', { bids, asks, time, seq: number }, context);
  return 1;
}

/** A book in base units. */
export interface WireBook {
  readonly bids: readonly PriceLevel[];
  readonly asks: readonly PriceLevel[];
  readonly time: Us;
  readonly seq: number | null;
}

export function pushBook(facts: SymbolFacts, kind: 'snapshot' | 'delta', book: WireBook, context: ReadContext): void {
  const { bids, asks, time, seq } = book;
  const base = baseOf(facts, time, context, seq);
  context.sink({ stream: 'book', ...base, kind, bids, asks, first_seq: null, prev_seq: null });
}

function objectLevels(facts: SymbolFacts, value: unknown): PriceLevel[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const levels: PriceLevel[] = [];
  for (const level of value) {
    const price = isObject(level) ? priceOf(level['price']) : NaN;
    const size = isObject(level) ? baseSize(facts, sizeOf(level['qty']), price) : NaN;
    if (Number.isNaN(price) || Number.isNaN(size)) return undefined;
    levels.push([price, size]);
  }
  return levels;
}

/**
 * `ticker`, whole each second: best prices, 24 h, mark and index, funding, open interest. `volume` and `openInterest`
 * are base units of PF_ contracts and USD of inverse ones, whose base volume is not told. `change` is in percent.
 * A price of 0 is none.
 */
export function readTicker(frame: WireObject, context: ReadContext): Reading {
  const facts = context.symbols.facts(frame['product_id']);
  const time = timeOf(frame['time']);
  if (facts === undefined) return 'ticker without a symbol';
  if (Number.isNaN(time)) return 'ticker without time';
  const values = {
    bid: optionalPrice(frame['bid']),
    ask: optionalPrice(frame['ask']),
    bidSize: optionalSize(frame['bid_size']),
    askSize: optionalSize(frame['ask_size']),
    last: optionalPrice(frame['last']),
    mark: optionalPrice(frame['markPrice']),
    index: optionalPrice(frame['index']),
    interest: optionalSize(frame['openInterest']),
    volume: optionalSize(frame['volume']),
    quote: optionalSize(frame['volumeQuote']),
    open: optionalPrice(frame['open']),
    high: optionalPrice(frame['high']),
    low: optionalPrice(frame['low']),
    change: optional(frame['change']),
    rate: optional(frame['relative_funding_rate']),
    nextFunding: optionalPrice(frame['next_funding_rate_time']),
  };
  return pushTicker(facts, values, time, context);
}

/** `ticker_lite` has best prices, without sizes, and the 24 h numbers alone. Its time is ours where it has none. */
export function readTickerLite(frame: WireObject, context: ReadContext): Reading {
  const facts = context.symbols.facts(frame['product_id']);
  if (facts === undefined) return 'ticker without a symbol';
  const time = frame['time'] === undefined ? context.recvTime : timeOf(frame['time']);
  if (Number.isNaN(time)) return 'ticker time cannot be read';
  const values: TickerValues = {
    bid: optionalPrice(frame['bid']),
    ask: optionalPrice(frame['ask']),
    last: optionalPrice(frame['last']),
    volume: optionalSize(frame['volume']),
    quote: optionalSize(frame['volumeQuote']),
    change: optional(frame['change']),
  };
  return pushTicker(facts, values, time, context);
}

/** What a ticker told, by name; null or absent where it did not. NaN where it cannot be read. */
export type TickerValues = Partial<
  Record<
    | 'bid'
    | 'ask'
    | 'bidSize'
    | 'askSize'
    | 'last'
    | 'mark'
    | 'index'
    | 'interest'
    | 'volume'
    | 'quote'
    | 'open'
    | 'high'
    | 'low'
    | 'change'
    | 'rate'
    | 'nextFunding',
    number | null
  >
>;

export function pushTicker(facts: SymbolFacts, values: TickerValues, time: Us, context: ReadContext): Reading {
  for (const value of Object.values(values)) if (Number.isNaN(value)) return 'ticker cannot be read';
  const base = baseOf(facts, time, context);
  const { bid = null, ask = null, last = null, mark = null, interest = null, rate = null, nextFunding = null } = values;
  const hours = facts.fundingIntervalHours ?? FUNDING_HOURS;
  let records = 0;
  if (bid !== null || ask !== null) {
    context.sink({
      stream: 'prices',
      ...base,
      bid_price: bid,
      ask_price: ask,
      bid_qty: sizeAt(facts, values.bidSize, bid),
      ask_qty: sizeAt(facts, values.askSize, ask),
      last_price: last,
    });
    records++;
  }
  records += pushStatistics(facts, values, base, context);
  if (mark !== null) {
    const index_price = values.index ?? null;
    const funding = { funding_rate: rate, funding_interval_hours: rate === null ? facts.fundingIntervalHours : hours };
    context.sink({ stream: 'mark_prices', ...base, mark_price: mark, index_price, ...funding });
    records++;
  }
  if (rate !== null) {
    const next = nextFunding === null ? null : timeOf(nextFunding);
    context.sink({
      stream: 'funding_rates',
      ...base,
      funding_rate: rate,
      funding_interval_hours: hours,
      next_funding_time: Number.isNaN(next) ? null : next,
    });
    records++;
  }
  // Inverse contracts: base units follow from the mark price of the same message.
  const open_interest =
    interest === null ? NaN : facts.inverse && mark === null ? NaN : baseSize(facts, interest, mark ?? 0);
  if (interest !== null && Number.isFinite(open_interest)) {
    const usd = facts.inverse ? interest : mark === null ? null : interest * mark;
    context.sink({ stream: 'open_interest', ...base, open_interest, open_interest_usd: usd });
    records++;
  }
  return records;
}

function pushStatistics(
  facts: SymbolFacts,
  values: TickerValues,
  base: ReturnType<typeof baseOf>,
  context: ReadContext,
): number {
  const { last = null, volume = null, quote = null, open = null, high = null, low = null, change = null } = values;
  if (last === null && volume === null) return 0;
  const base_volume = facts.inverse ? null : volume;
  const quote_volume = facts.inverse ? volume : quote;
  context.sink({
    stream: 'ticker_24h',
    ...base,
    volume_24h: base_volume,
    quote_volume_24h: quote_volume,
    trade_count_24h: null,
    high_24h: high,
    low_24h: low,
    open_24h: open,
    last_price: last,
    price_change: null,
    price_change_pct: change,
    vwap_24h: base_volume === null || quote_volume === null || base_volume === 0 ? null : quote_volume / base_volume,
  });
  return 1;
}

function sizeAt(facts: SymbolFacts, size: number | null | undefined, price: number | null): number | null {
  if (size === null || size === undefined || price === null) return null;
  const base = baseSize(facts, size, price);
  return Number.isFinite(base) ? base : null;
}
