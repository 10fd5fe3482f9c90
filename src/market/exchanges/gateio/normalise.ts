import type { Us } from '../../../kit/clock.ts';
import type { PriceLevel } from '../../domain/records.ts';
import { closeOf } from '../shared/candle-times.ts';
import {
  pushBook,
  pushCandle,
  pushFunding,
  pushInterest,
  pushLiquidation,
  pushMark,
  pushPrices,
  pushTicker,
  pushTrade,
  type ReadContext,
} from '../shared/reading.ts';
import { baseSize, type SymbolFacts } from '../shared/symbols.ts';
import {
  isObject,
  levelsOf,
  numberOf,
  optional,
  optionalPrice,
  optionalSize,
  priceOf,
  sequenceOf,
  sizeOf,
  type WireObject,
} from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { candleName, gateTime } from './wire.ts';

/** `futures.trades`: the taker buys where `size` (contracts) is positive. REST rows are the same. */
export function readFuturesTrade(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no trade';
  const { contract, id, price } = row;
  const size = numberOf(row['size']);
  const time = gateTime(row['create_time_ms'] ?? row['create_time']);
  const side = size > 0 ? 'buy' : size < 0 ? 'sell' : undefined;
  return pushTrade(context.symbols.facts(contract), { id, price, size: Math.abs(size), time, side }, context);
}

/** `spot.trades`, and REST rows, which do not name their pair. */
export function readSpotTrade(row: unknown, facts: SymbolFacts | undefined, context: ReadContext): Reading {
  if (!isObject(row)) return 'no trade';
  const { currency_pair: pair, id, price, amount: size, side } = row;
  const time = gateTime(row['create_time_ms'] ?? row['create_time']);
  const named = pair === undefined ? facts : context.symbols.facts(pair);
  return pushTrade(named, { id, price, size, time, side }, context);
}

/** `book_ticker`: best prices at update `u`; empty texts where a side is empty. */
export function readBest(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no best prices';
  const { s, t, u, b: bid, B: bidSize, a: ask, A: askSize } = row;
  if (bid === '' && ask === '') return 0;
  return pushPrices(context.symbols.facts(s), { bid, bidSize, ask, askSize, time: gateTime(t), seq: u }, context);
}

/** Levels as `{"p","s"}` or `[price, size]`; futures write sizes as numbers or texts. */
export function gateLevels(value: unknown): PriceLevel[] | undefined {
  if (!Array.isArray(value)) return levelsOf(value);
  const levels: unknown[] = value;
  return levelsOf(levels.map((level) => (isObject(level) ? [level['p'], level['s']] : level)));
}

/** `order_book_update` and `obu`: updates `U` to `u`, or with `full` the whole book at `u`. */
export function readBookChange(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no book';
  const { s, t, u, U, full } = row;
  const seq = sequenceOf(u);
  if (seq === null) return 'book without an update id';
  const book = { bids: gateLevels(row['b']), asks: gateLevels(row['a']), time: gateTime(t), seq, first: sequenceOf(U) };
  const pair = typeof s === 'string' ? (/^(?:ob|futures)\.(.+)\.\d+$/.exec(s)?.[1] ?? s) : s;
  return pushBook(context.symbols.facts(pair), { ...book, snapshot: full === true }, context);
}

/** `order_book` whole: `contract` or `s`, `id` or `lastUpdateId`. */
export function readWholeBook(row: unknown, time: Us, context: ReadContext): Reading {
  if (!isObject(row)) return 'no book';
  // An empty book has the time 0.
  const said = row['t'] === undefined || row['t'] === 0 ? time : gateTime(row['t']);
  return pushBook(
    context.symbols.facts(row['contract'] ?? row['s']),
    {
      snapshot: true,
      bids: gateLevels(row['bids']),
      asks: gateLevels(row['asks']),
      time: said,
      seq: sequenceOf(row['id'] ?? row['lastUpdateId']),
    },
    context,
  );
}

/**
 * `futures.order_book` by changes, the older book: `{p, s, c, id}` with asks negative. A size of 0 takes the price away
 * from whichever side has it.
 */
export function readOldChanges(rows: readonly unknown[], time: Us, context: ReadContext): Reading {
  const bids: PriceLevel[] = [];
  const asks: PriceLevel[] = [];
  let contract: unknown;
  let seq: number | null = null;
  for (const row of rows) {
    if (!isObject(row)) return 'no book change';
    const size = numberOf(row['s']);
    const price = priceOf(row['p']);
    if (Number.isNaN(price) || Number.isNaN(sizeOf(Math.abs(size)))) return 'book levels cannot be read';
    if (contract !== undefined && contract !== row['c']) return 'book changes of several contracts';
    contract = row['c'];
    seq = sequenceOf(row['id']);
    if (size >= 0) bids.push([price, size]);
    if (size <= 0) asks.push([price, Math.abs(size)]);
  }
  return pushBook(context.symbols.facts(contract), { snapshot: false, bids, asks, time, seq }, context);
}

/**
 * `futures.tickers`: the day, mark and index, the funding rate and the open interest, each time whole. `volume_24h` and
 * `total_size` count contracts. Neither the opening price nor the time of the next payment is told.
 */
export function readFuturesTicker(row: unknown, time: Us, context: ReadContext): Reading {
  if (!isObject(row)) return 'no ticker';
  const facts = context.symbols.facts(row['contract']);
  const last = optionalPrice(row['last']);
  const price = priceOf(row['mark_price']);
  const volume = facts === undefined ? null : inBase(facts, row['volume_24h'], last ?? price);
  const parts: Reading[] = [
    pushTicker(
      facts,
      time,
      {
        last_price: last,
        high_24h: optionalPrice(row['high_24h']),
        low_24h: optionalPrice(row['low_24h']),
        volume_24h: volume ?? optionalSize(row['volume_24h_base']),
        quote_volume_24h: optionalSize(row['volume_24h_quote'] ?? row['volume_24h_usd']),
        price_change_pct: optional(row['change_percentage']),
      },
      context,
    ),
    ...derivativeParts(row, facts, time, context),
  ];
  return together(parts);
}

function derivativeParts(row: WireObject, facts: SymbolFacts | undefined, time: Us, context: ReadContext): Reading[] {
  if (facts === undefined) return [];
  return [
    readMark(row, facts, time, context),
    readRate(row, facts, time, context),
    readTotal(row, facts, time, context),
  ];
}

export function readMark(row: WireObject, facts: SymbolFacts, time: Us, context: ReadContext): Reading {
  if (row['mark_price'] === undefined || row['mark_price'] === '') return 0;
  const index = optionalPrice(row['index_price']);
  return pushMark(facts, { mark: row['mark_price'], index, funding: optional(row['funding_rate']), time }, context);
}

export function readRate(row: WireObject, facts: SymbolFacts, time: Us, context: ReadContext): Reading {
  if (row['funding_rate'] === undefined || row['funding_rate'] === '') return 0;
  return pushFunding(facts, { rate: row['funding_rate'], time, next: null }, context);
}

/** Not where the contract's size is not known: the number alone says nothing. */
export function readTotal(row: WireObject, facts: SymbolFacts, time: Us, context: ReadContext): Reading {
  const size = optionalSize(row['total_size']);
  if (size === null || (!facts.plain && facts.contractSize === null)) return 0;
  const price = priceOf(row['mark_price']);
  const interest = facts.inverse ? baseSize(facts, size, price) : baseSize(facts, size, 1);
  return pushInterest(facts, { interest, usd: null, time }, context);
}

function inBase(facts: SymbolFacts, wire: unknown, price: number): number | null {
  const size = optionalSize(wire);
  if (size === null) return null;
  const base = baseSize(facts, size, price);
  return Number.isNaN(base) && !Number.isNaN(size) ? null : base;
}

/** The sum of readings, or the first reason why one cannot be read. */
export function together(parts: readonly Reading[]): Reading {
  let records = 0;
  for (const part of parts) {
    if (typeof part === 'string') return part;
    records += part;
  }
  return records;
}

/** `spot.tickers`: the day; best prices without sizes come with it over REST. */
export function readSpotTicker(row: unknown, time: Us, context: ReadContext): Reading {
  if (!isObject(row)) return 'no ticker';
  return pushTicker(
    context.symbols.facts(row['currency_pair']),
    time,
    {
      last_price: optionalPrice(row['last']),
      high_24h: optionalPrice(row['high_24h']),
      low_24h: optionalPrice(row['low_24h']),
      volume_24h: optionalSize(row['base_volume']),
      quote_volume_24h: optionalSize(row['quote_volume']),
      price_change_pct: optional(row['change_percentage']),
    },
    context,
  );
}

/** Best prices of a REST ticker; futures tell sizes too. */
export function readTickerPrices(
  row: WireObject,
  facts: SymbolFacts | undefined,
  time: Us,
  context: ReadContext,
): Reading {
  const { highest_bid: bid, highest_size: bidSize, lowest_ask: ask, lowest_size: askSize, last } = row;
  return pushPrices(facts, { bid, bidSize, ask, askSize, last, time }, context);
}

/**
 * A row of `candlesticks`: futures count contracts in `v` and may tell the quote volume in `sum`; spot counts quote units
 * in `v` and base units in `a`. `w` says whether it is over. Undefined for a length that we do not keep.
 */
export function readCandle(row: unknown, time: Us, context: ReadContext): Reading {
  if (!isObject(row)) return 'no candle';
  const name = candleName(row['n']);
  if (name === undefined) return 'candle without a name';
  if (name.interval === undefined) return 0;
  const facts = context.symbols.facts(name.symbol);
  const open = gateTime(row['t']);
  const { o, h, l, c, v, a, sum, w } = row;
  const spot = context.market === 'spot';
  const volume = spot ? sizeOf(a) : facts === undefined ? NaN : baseSize(facts, sizeOf(v), numberOf(c));
  return pushCandle(
    facts,
    {
      interval: name.interval,
      time,
      open,
      close: closeOf(open, name.interval),
      closed: w === true || w === 'true',
      prices: [o, h, l, c],
      volume,
      quoteVolume: optionalSize(spot ? v : sum),
    },
    context,
  );
}

/** `futures.public_liquidates`: `size` is the forced order's, in contracts: a sell (negative) closes a long. */
export function readLiquidation(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no liquidation';
  const size = numberOf(row['size']);
  const side = size < 0 ? 'long' : size > 0 ? 'short' : undefined;
  const time = gateTime(row['time_ms'] ?? row['time']);
  const { contract, price } = row;
  return pushLiquidation(context.symbols.facts(contract), { price, size: Math.abs(size), time, side }, context);
}
