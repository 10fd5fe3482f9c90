import type { Us } from '../../../kit/clock.ts';
import type { RecordBase } from '../../domain/records.ts';
import { baseSize, type SymbolFacts } from '../shared/symbols.ts';
import { decimalDifference, optional, optionalSize, percentOf, timeOf, type WireObject } from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import type { ReadContext } from './normalise.ts';

/** Fields of a ticker that matter, by the records that they go into. Deltas carry only what changed. */
const GROUPS = {
  prices: ['bid1Price', 'bid1Size', 'ask1Price', 'ask1Size'],
  ticker: ['lastPrice', 'prevPrice24h', 'price24hPcnt', 'highPrice24h', 'lowPrice24h', 'turnover24h', 'volume24h'],
  mark: ['markPrice', 'indexPrice', 'fundingRate'],
  funding: ['fundingRate', 'nextFundingTime', 'fundingIntervalHour'],
  interest: ['openInterest', 'openInterestValue'],
} as const;

type Field = (typeof GROUPS)[keyof typeof GROUPS][number];

const FIELDS: readonly Field[] = [...new Set(Object.values(GROUPS).flat())];
const SIGNED: ReadonlySet<string> = new Set(['price24hPcnt', 'fundingRate']);

/** What is known of one symbol's ticker, as the venue wrote it. */
export type TickerState = Partial<Record<Field, string | number | undefined>>;

/** Takes the fields that are present into `state`; undefined, and nothing taken, when one of them is not readable. */
export function mergeTicker(state: TickerState, data: WireObject): TickerState | undefined {
  const merged: TickerState = { ...state };
  for (const field of FIELDS) {
    const value = data[field];
    if (value === undefined) continue;
    if (value === null || value === '') {
      merged[field] = undefined;
      continue;
    }
    if (typeof value !== 'string' && typeof value !== 'number') return undefined;
    const number = SIGNED.has(field) ? optional(value) : optionalSize(value);
    if (number === null || Number.isNaN(number)) return undefined;
    merged[field] = value;
  }
  return merged;
}

/** The records that a ticker message changes, each complete as far as the venue has told. */
export function pushTicker(
  facts: SymbolFacts,
  state: TickerState,
  changed: WireObject,
  time: Us,
  context: ReadContext,
): Reading {
  if (Number.isNaN(time)) return 'ticker time cannot be read';
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
  if (touches(changed, GROUPS.prices)) records += pushPrices(facts, state, base, context);
  if (touches(changed, GROUPS.ticker)) records += pushStatistics(facts, state, base, context);
  if (context.market === 'spot') return records;
  if (touches(changed, GROUPS.mark)) records += pushMark(facts, state, base, context);
  if (touches(changed, GROUPS.funding)) records += pushFunding(facts, state, base, context);
  if (touches(changed, GROUPS.interest)) records += pushInterest(facts, state, base, context);
  return records;
}

function touches(changed: WireObject, fields: readonly string[]): boolean {
  for (const field of fields) if (changed[field] !== undefined) return true;
  return false;
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
  // Inverse contracts: `openInterest` is USD, `openInterestValue` base units.
  const size = known(facts.inverse ? state.openInterestValue : state.openInterest);
  const value = known(facts.inverse ? state.openInterest : state.openInterestValue);
  if (size === null) return 0;
  context.sink({ stream: 'open_interest', ...base, open_interest: size, open_interest_usd: value });
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
