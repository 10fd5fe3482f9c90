import type { Ms } from '../../../kit/clock.ts';
import { Unavailable } from '../../../kit/errors.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { PriceLevel } from '../../domain/records.ts';
import type { Endpoint, EndpointFacts, Reading } from '../endpoint.ts';
import type { BookReading } from './kinds/book.ts';
import type { Candle, CandlesReading } from './kinds/candles.ts';
import type { FundingHistory } from './kinds/derivatives.ts';
import { movers, type Ticker } from './kinds/ticker.ts';
import type { Trade, TradesReading } from './kinds/trades.ts';
import { decimalProduct } from './values.ts';

/** Readings that rows of all venues share: they take checked rows with sizes as on the wire, and give base units. */

/** The newest of the times that are known, UTC ms; null without any. */
export function newest(times: readonly (number | null | undefined)[]): Ms | null {
  let last: number | null = null;
  for (const time of times) {
    if (typeof time === 'number' && !Number.isNaN(time) && (last === null || time > last)) last = time;
  }
  return last;
}

/** The venue's name of the instrument asked for. */
export function nameOf(instrument: Instrument | undefined): string | undefined {
  return instrument?.venue_symbol;
}

/** Its canonical symbol; empty where none is asked for. */
export function symbolOf(instrument: Instrument | undefined): string {
  return instrument?.symbol ?? '';
}

/**
 * A size on the wire in base units at a price: contracts × contract size, ÷ price where inverse. Null when the size,
 * the contract's size, or the price that an inverse contract needs is not known.
 */
export function baseUnits(i: Instrument | undefined, size: number | null, price: number | null): number | null {
  if (i === undefined || size === null || i.contract_size === null) return null;
  if (!i.inverse) return decimalProduct(size, i.contract_size);
  return price === null || price === 0 ? null : (size * i.contract_size) / price;
}

/** The same where a size must be known. Throws Unavailable. */
function knownUnits(i: Instrument | undefined, size: number, price: number): number {
  const known = baseUnits(i, size, price);
  if (known !== null) return known;
  throw new Unavailable(
    `${i === undefined ? 'an instrument that is not listed' : `${i.exchange} ${i.symbol}`} has no known contract size: its sizes cannot be told in base units`,
  );
}

/** A book of the instrument asked for. */
export function bookOf(
  { instrument: i }: EndpointFacts,
  wire: {
    readonly bids: readonly PriceLevel[];
    readonly asks: readonly PriceLevel[];
    readonly seq: number | null;
    readonly time: Ms | null;
  },
): Reading<BookReading> {
  const side = (levels: readonly PriceLevel[]): PriceLevel[] =>
    levels.map(([price, size]) => [price, knownUnits(i, size, price)]);
  return {
    value: { symbol: symbolOf(i), bids: side(wire.bids), asks: side(wire.asks), seq: wire.seq },
    time: wire.time,
  };
}

/** Trades of the instrument asked for. */
export function tradesOf({ instrument: i }: EndpointFacts, rows: readonly Trade[]): Reading<TradesReading> {
  const trades = rows.map((t) => ({ ...t, size: knownUnits(i, t.size, t.price) }));
  return { value: { symbol: symbolOf(i), trades }, time: newest(rows.map((t) => t.time)) };
}

/** Candles of the instrument asked for, volumes in base units already; one that still runs is of now. */
export function candlesOf(
  { instrument: i, now }: EndpointFacts,
  interval: string,
  candles: readonly Candle[],
): Reading<CandlesReading> {
  const running = candles.some((c) => !c.closed);
  return {
    value: { symbol: symbolOf(i), interval, candles },
    time: running ? now : newest(candles.map((c) => c.open_time)),
  };
}

/** Settled funding of the contract asked for, on its own interval. */
export function fundingOf({ instrument: i }: EndpointFacts, rows: FundingHistory['rows']): Reading<FundingHistory> {
  return {
    value: { symbol: symbolOf(i), interval_hours: i?.funding_interval_hours ?? null, rows },
    time: newest(rows.map((r) => r.time)),
  };
}

/** The market at a glance, from the tickers of all. */
export function moversOf<A>({ endpoint }: { readonly endpoint: Endpoint<A, readonly Ticker[]> }) {
  const read = (
    body: unknown,
    facts: EndpointFacts,
    args: A & { readonly limit: number; readonly quote?: string | undefined },
  ) => {
    const reading = endpoint.read(body, facts, args);
    return { ...reading, value: { tickers: reading.value, limit: args.limit, quote: args.quote } };
  };
  return { kind: movers, endpoint: { ...endpoint, read } };
}
