import type { Us } from '../../../kit/clock.ts';
import type { RecordBase } from '../../domain/records.ts';
import { baseSize, type SymbolFacts } from '../shared/symbols.ts';
import { decimalDifference, optional, optionalSize, percentOf, timeOf, type WireObject } from '../shared/values.ts';
import type { ReadContext } from './normalise.ts';

/** The records that a field goes into, as bits. Deltas carry only the fields that changed. */
const PRICES = 1;
const STATISTICS = 2;
const MARK = 4;
const FUNDING = 8;
const INTEREST = 16;

const FIELDS = {
  bid1Price: PRICES,
  bid1Size: PRICES,
  ask1Price: PRICES,
  ask1Size: PRICES,
  lastPrice: STATISTICS,
  prevPrice24h: STATISTICS,
  price24hPcnt: STATISTICS,
  highPrice24h: STATISTICS,
  lowPrice24h: STATISTICS,
  turnover24h: STATISTICS,
  volume24h: STATISTICS,
  markPrice: MARK,
  indexPrice: MARK,
  fundingRate: MARK | FUNDING,
  nextFundingTime: FUNDING,
  fundingIntervalHour: FUNDING,
  openInterest: INTEREST,
  openInterestValue: INTEREST,
} as const;

type Field = keyof typeof FIELDS;

/** What is known of one symbol's ticker, as the venue wrote it. */
export type TickerState = Partial<Record<Field, string | number | undefined>>;

/** Which records a message changes, as bits; undefined when one of its fields is not readable. */
export function changesOf(data: WireObject): number | undefined {
  let changes = 0;
  for (const field in data) {
    if (!isField(field)) continue;
    const value = data[field];
    if (value === undefined) continue;
    const signed = field === 'price24hPcnt' || field === 'fundingRate';
    if (Number.isNaN(signed ? optional(value) : optionalSize(value))) return undefined;
    changes |= FIELDS[field];
  }
  return changes;
}

/** Takes the fields that are present, and readable by `changesOf`, into `state`. */
export function mergeTicker(state: TickerState, data: WireObject): void {
  for (const field in data) {
    if (!isField(field)) continue;
    const value = data[field];
    if (typeof value === 'number' || (typeof value === 'string' && value !== '')) state[field] = value;
    else if (value !== undefined) state[field] = undefined;
  }
}

function isField(name: string): name is Field {
  return Object.hasOwn(FIELDS, name);
}

/** The records that a ticker message changes, each complete as far as the venue has told. `time` is one. */
export function pushTicker(
  facts: SymbolFacts,
  state: TickerState,
  changes: number,
  time: Us,
  context: ReadContext,
): number {
  const base: RecordBase = {
    exchange: 'bybit',
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq: null,
    origin: context.origin,
  };
  let records = 0;
  if ((changes & PRICES) !== 0) records += pushPrices(facts, state, base, context);
  if ((changes & STATISTICS) !== 0) records += pushStatistics(facts, state, base, context);
  if (context.market === 'spot') return records;
  if ((changes & MARK) !== 0) records += pushMark(facts, state, base, context);
  if ((changes & FUNDING) !== 0) records += pushFunding(facts, state, base, context);
  if ((changes & INTEREST) !== 0) records += pushInterest(facts, state, base, context);
  return records;
}

function pushPrices(facts: SymbolFacts, state: TickerState, base: RecordBase, context: ReadContext): number {
  const bid = positive(state.bid1Price);
  const ask = positive(state.ask1Price);
  if (bid === null && ask === null) return 0;
  context.sink({
    stream: 'prices',
    ...base,
    bid_price: bid,
    ask_price: ask,
    bid_qty: sizeAt(facts, state.bid1Size, bid),
    ask_qty: sizeAt(facts, state.ask1Size, ask),
    last_price: positive(state.lastPrice),
  });
  return 1;
}

function pushStatistics(facts: SymbolFacts, state: TickerState, base: RecordBase, context: ReadContext): number {
  // Inverse contracts count USD in `volume24h` and base units in `turnover24h`.
  const volume = known(facts.inverse ? state.turnover24h : state.volume24h);
  const quote = known(facts.inverse ? state.volume24h : state.turnover24h);
  const last = positive(state.lastPrice);
  const open = positive(state.prevPrice24h);
  if (last === null && volume === null) return 0;
  const { lastPrice, prevPrice24h, price24hPcnt } = state;
  context.sink({
    stream: 'ticker_24h',
    ...base,
    volume_24h: volume,
    quote_volume_24h: quote,
    trade_count_24h: null,
    high_24h: positive(state.highPrice24h),
    low_24h: positive(state.lowPrice24h),
    open_24h: open,
    last_price: last,
    price_change:
      lastPrice === undefined || prevPrice24h === undefined || last === null || open === null
        ? null
        : decimalDifference(lastPrice, prevPrice24h),
    price_change_pct: price24hPcnt === undefined ? null : percentOf(price24hPcnt),
    vwap_24h: volume === null || quote === null || volume === 0 ? null : quote / volume,
  });
  return 1;
}

function pushMark(facts: SymbolFacts, state: TickerState, base: RecordBase, context: ReadContext): number {
  const mark = positive(state.markPrice);
  if (mark === null) return 0;
  context.sink({
    stream: 'mark_prices',
    ...base,
    mark_price: mark,
    index_price: positive(state.indexPrice),
    funding_rate: known(state.fundingRate),
    funding_interval_hours: intervalHours(facts, state),
  });
  return 1;
}

function pushFunding(facts: SymbolFacts, state: TickerState, base: RecordBase, context: ReadContext): number {
  const rate = known(state.fundingRate);
  if (rate === null) return 0;
  const next = positive(state.nextFundingTime);
  const nextTime = next === null ? null : timeOf(next);
  context.sink({
    stream: 'funding_rates',
    ...base,
    funding_rate: rate,
    funding_interval_hours: intervalHours(facts, state),
    next_funding_time: nextTime === null || Number.isNaN(nextTime) ? null : nextTime,
  });
  return 1;
}

function pushInterest(facts: SymbolFacts, state: TickerState, base: RecordBase, context: ReadContext): number {
  const size = known(state.openInterest);
  if (size === null) return 0;
  // Inverse contracts: `openInterest` is USD; its value in base units comes rounded and not with every change.
  const mark = positive(state.markPrice);
  const inverseBase = mark === null ? known(state.openInterestValue) : baseSize(facts, size, mark);
  const interest = facts.inverse ? inverseBase : size;
  if (interest === null || Number.isNaN(interest)) return 0;
  context.sink({
    stream: 'open_interest',
    ...base,
    open_interest: interest,
    open_interest_usd: facts.inverse ? size : known(state.openInterestValue),
  });
  return 1;
}

function intervalHours(facts: SymbolFacts, state: TickerState): number | null {
  return positive(state.fundingIntervalHour) ?? facts.fundingIntervalHours;
}

function known(value: string | number | undefined): number | null {
  return value === undefined ? null : Number(value);
}

function positive(value: string | number | undefined): number | null {
  const number = known(value);
  return number !== null && number > 0 ? number : null;
}

function sizeAt(facts: SymbolFacts, wire: string | number | undefined, price: number | null): number | null {
  const size = known(wire);
  if (size === null || price === null) return null;
  const base = baseSize(facts, size, price);
  return Number.isNaN(base) ? null : base;
}
