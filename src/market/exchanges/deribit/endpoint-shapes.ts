import { z } from 'zod';
import type { EndpointFacts } from '../endpoint.ts';
import type { Ticker } from '../shared/kinds/ticker.ts';
import { decimal, decimalOrNull, level, msTime, positiveOrNull } from '../shared/shapes.ts';
import { FUNDING_HOURS, isOption, namedFacts } from './wire.ts';

/** Results of GET /api/v2/public/…: JSON-RPC, `{"result": …}`. */
export const resultOf = <T extends z.ZodType>(result: T) => z.looseObject({ result });

const stats = z.looseObject({
  high: positiveOrNull,
  low: positiveOrNull,
  price_change: decimalOrNull,
  volume: decimalOrNull,
  volume_usd: decimalOrNull,
  volume_notional: decimalOrNull,
});
const greeks = z.looseObject({
  delta: decimalOrNull,
  gamma: decimalOrNull,
  vega: decimalOrNull,
  theta: decimalOrNull,
  rho: decimalOrNull,
});

export const tickerWire = z.looseObject({
  instrument_name: z.string(),
  timestamp: msTime,
  stats,
  last_price: positiveOrNull,
  best_bid_price: positiveOrNull,
  best_bid_amount: decimalOrNull,
  best_ask_price: positiveOrNull,
  best_ask_amount: decimalOrNull,
  mark_price: positiveOrNull,
  index_price: positiveOrNull,
  open_interest: decimalOrNull,
  current_funding: decimalOrNull,
  funding_8h: decimalOrNull,
  underlying_price: positiveOrNull,
  underlying_index: z.string().optional(),
  mark_iv: decimalOrNull,
  bid_iv: positiveOrNull,
  ask_iv: positiveOrNull,
  greeks: greeks.optional(),
});
export type TickerWire = z.output<typeof tickerWire>;

/** Amounts of inverse futures are dollars, all others base units. */
function inBase(name: string, amount: number | null, price: number | null): number | null {
  if (amount === null || !namedFacts(name).inverse) return amount;
  return price === null ? null : amount / price;
}

/**
 * A ticker of a future or an option. Funding is that of the moment as a rate for 8 hours. What an option costs is in
 * its quote, which is no currency that its index or a premium could be compared in: those are null for it.
 */
export function tickerOf(w: TickerWire, facts: EndpointFacts): Ticker {
  const { instrument_name: name, stats: day, mark_price: mark } = w;
  const option = isOption(name);
  const inverse = namedFacts(name).inverse;
  const interest = inBase(name, w.open_interest, mark);
  const perpetual = name.endsWith('-PERPETUAL');
  const listed = facts.instrumentOf(name);
  return {
    symbol: listed?.symbol ?? namedFacts(name).symbol ?? name,
    venue_symbol: name,
    quote: listed?.quote ?? null,
    last: w.last_price,
    bid: w.best_bid_price,
    ask: w.best_ask_price,
    bid_size: inBase(name, w.best_bid_amount, w.best_bid_price),
    ask_size: inBase(name, w.best_ask_amount, w.best_ask_price),
    high_24h: day.high,
    low_24h: day.low,
    change_24h_pct: day.price_change,
    volume_24h: day.volume,
    quote_volume_24h: option ? null : inverse ? day.volume_usd : day.volume_notional,
    mark,
    index: option ? null : w.index_price,
    funding_rate: perpetual ? w.current_funding : null,
    funding_interval_hours: perpetual ? FUNDING_HOURS : null,
    open_interest: interest,
    open_interest_quote: option ? null : inverse ? w.open_interest : product(interest, mark),
    time: w.timestamp,
  };
}

export function product(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a * b;
}

export const bookWire = z.looseObject({
  timestamp: msTime,
  change_id: decimalOrNull,
  bids: z.array(level),
  asks: z.array(level),
});

export const tradeWire = z.looseObject({
  instrument_name: z.string(),
  trade_id: z.string(),
  timestamp: msTime,
  price: decimal,
  amount: decimal,
  direction: z.enum(['buy', 'sell']),
});
export const tradesWire = z.looseObject({ trades: z.array(tradeWire) });

const column = z.array(decimal);
export const chartWire = z
  .looseObject({
    ticks: column,
    open: column,
    high: column,
    low: column,
    close: column,
    volume: column,
    cost: column,
  })
  .refine(
    ({ ticks, open, high, low, close, volume, cost }) =>
      [open, high, low, close, volume, cost].every((c) => c.length === ticks.length),
    'columns of one length',
  );

export const summaryWire = z.looseObject({
  instrument_name: z.string(),
  base_currency: z.string(),
  open_interest: decimalOrNull,
  volume: decimalOrNull,
  volume_usd: decimalOrNull,
  mark_price: decimalOrNull,
  mark_iv: decimalOrNull,
  bid_price: positiveOrNull,
  ask_price: positiveOrNull,
  last: positiveOrNull,
  price_change: decimalOrNull,
  current_funding: decimalOrNull,
  underlying_price: positiveOrNull,
  creation_timestamp: msTime,
});
export type SummaryWire = z.output<typeof summaryWire>;

/** Open interest in base units and in dollars. */
export function interestOf(w: SummaryWire): { readonly base: number | null; readonly usd: number | null } {
  const name = w.instrument_name;
  if (isOption(name)) return { base: w.open_interest, usd: product(w.open_interest, w.underlying_price) };
  if (namedFacts(name).inverse) return { base: inBase(name, w.open_interest, w.mark_price), usd: w.open_interest };
  return { base: w.open_interest, usd: product(w.open_interest, w.mark_price) };
}

export const fundingWire = z.looseObject({ timestamp: msTime, interest_1h: decimal, interest_8h: decimal });
export const indexWire = z.looseObject({ index_price: decimal, estimated_delivery_price: decimalOrNull });
