import type { Us } from '../../../kit/clock.ts';
import type { OptionSummaryRecord, RecordBase } from '../../domain/records.ts';
import type { OptionTerms } from './expiry-names.ts';
import { baseOf, type ReadContext } from './reading.ts';
import type { SymbolFacts } from './symbols.ts';
import { allKnown, numberOf, percentOf } from './values.ts';
import type { Reading } from './verdicts.ts';

type Told = Omit<OptionSummaryRecord, keyof RecordBase | 'stream' | 'option_type' | 'strike_price' | 'expiry_time'>;

/** What a venue says of an option, in the units of the record; NaN where it cannot be read. */
export interface WireSummary {
  readonly time: Us;
  /** What the name says; undefined when it says no strike or expiry. */
  readonly terms: OptionTerms | undefined;
  /** What is left out was not told and becomes null, as a size without its price does. */
  readonly told: Partial<Told>;
}

export function pushSummary(facts: SymbolFacts | undefined, wire: WireSummary, context: ReadContext): Reading {
  const { time, terms, told } = wire;
  if (facts === undefined || terms === undefined) return 'option whose name tells no strike or expiry';
  if (Number.isNaN(time)) return 'option without time';
  const bid = told.bid_price ?? null;
  const ask = told.ask_price ?? null;
  const values = {
    underlying_price: told.underlying_price ?? null,
    mark_price: told.mark_price ?? null,
    mark_iv: told.mark_iv ?? null,
    bid_price: bid,
    bid_qty: bid === null ? null : (told.bid_qty ?? null),
    bid_iv: told.bid_iv ?? null,
    ask_price: ask,
    ask_qty: ask === null ? null : (told.ask_qty ?? null),
    ask_iv: told.ask_iv ?? null,
    last_price: told.last_price ?? null,
    open_interest: told.open_interest ?? null,
    delta: told.delta ?? null,
    gamma: told.gamma ?? null,
    vega: told.vega ?? null,
    theta: told.theta ?? null,
    rho: told.rho ?? null,
  };
  if (!allKnown(...Object.values(values))) return 'values of an option cannot be read';
  context.sink({
    stream: 'option_summaries',
    ...baseOf(facts, time, context),
    option_type: terms.type,
    strike_price: terms.strike,
    expiry_time: terms.expiry,
    underlying: told.underlying ?? null,
    ...values,
  });
  return 1;
}

/**
 * An implied volatility that the wire tells as a fraction, in percent: 0.6004 is 60.04. Null where there is none, for
 * which venues write nothing, 0 or −1; NaN when it is no possible one.
 */
export function volatilityOf(value: unknown): number | null {
  if (value === undefined || value === null || value === '') return null;
  const fraction = numberOf(value);
  if (fraction === 0 || fraction === -1) return null;
  return fraction > 0 && fraction < 1e9 ? percentOf(typeof value === 'string' ? value : fraction) : NaN;
}
