import { z } from 'zod';
import { pushSummary, volatilityOf } from '../shared/option-summary.ts';
import type { ReadContext } from '../shared/reading.ts';
import { optionalSizeAt } from '../shared/reading.ts';
import type { SymbolFacts } from '../shared/symbols.ts';
import { isObject, optional, optionalPrice, optionalSize, timeOf, type WireObject } from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { interestOf } from './normalise.ts';
import { optionTerms } from './wire.ts';

/** What other channels told of an option: prices in the coin, sizes in base units where the contract's is known. */
const stateSchema = z.object({
  bid: z.number().nullable(),
  bidSize: z.number().nullable(),
  ask: z.number().nullable(),
  askSize: z.number().nullable(),
  last: z.number().nullable(),
  mark: z.number().nullable(),
  interest: z.number().nullable(),
});
type State = z.output<typeof stateSchema>;
export const optionStatesSchema = z.record(z.string(), stateSchema);

const NOTHING: State = { bid: null, bidSize: null, ask: null, askSize: null, last: null, mark: null, interest: null };

/** Damaged frames make names up: what is held of them may not fill the memory. */
const MOST_NAMES = 20_000;

/**
 * Options of one connection. `opt-summary` tells greeks and volatilities of all options of a family; best prices, mark
 * price and open interest come by channels of their own and are told with the summary after them.
 */
export class OptionStates {
  readonly #states = new Map<string, State>();

  /** What a row of `tickers`, `mark-price` or `open-interest` tells; one that cannot be read tells nothing. */
  remember(channel: string, row: unknown, context: ReadContext): void {
    if (!isObject(row) || typeof row['instId'] !== 'string') return;
    const facts = context.symbols.facts(row['instId']);
    const told = facts === undefined ? undefined : toldBy(channel, row, facts);
    if (told === undefined || Object.values(told).some(Number.isNaN)) return;
    if (this.#states.size >= MOST_NAMES && !this.#states.has(row['instId'])) this.#states.clear();
    this.#states.set(row['instId'], { ...(this.#states.get(row['instId']) ?? NOTHING), ...told });
  }

  /**
   * A row of `opt-summary`. Greeks are those in the coin (`delta`, not `deltaBS`); `index` is the price of the index as
   * far as it is known, which older messages leave to another channel, newer ones tell the forward price (`fwdPx`).
   */
  readSummary(row: unknown, index: number | undefined, context: ReadContext): Reading {
    if (!isObject(row)) return 'no option summary';
    const { instId, uly, delta, gamma, vega, theta, fwdPx } = row;
    if (typeof instId !== 'string') return 'option summary without a symbol';
    const state = this.#states.get(instId) ?? NOTHING;
    const told = {
      underlying_price: optionalPrice(fwdPx) ?? index ?? null,
      underlying: typeof uly === 'string' ? uly : null,
      mark_price: state.mark,
      mark_iv: volatilityOf(row['markVol']),
      bid_price: state.bid,
      bid_qty: state.bidSize,
      bid_iv: volatilityOf(row['bidVol']),
      ask_price: state.ask,
      ask_qty: state.askSize,
      ask_iv: volatilityOf(row['askVol']),
      last_price: state.last,
      open_interest: state.interest,
      delta: greekOf(delta),
      gamma: greekOf(gamma),
      vega: optionalSize(vega),
      theta: greekOf(theta),
    };
    const wire = { time: timeOf(row['ts']), terms: optionTerms(instId), told };
    return pushSummary(context.symbols.facts(instId), wire, context);
  }

  state(): Record<string, State> {
    return Object.fromEntries(this.#states);
  }

  restore(states: Readonly<Record<string, State>>): void {
    this.#states.clear();
    for (const [name, state] of Object.entries(states)) this.#states.set(name, state);
  }
}

/** Null where the venue writes ∞, as it did of options in their last minutes. */
function greekOf(value: unknown): number | null {
  return value === '∞' || value === '-∞' ? null : optional(value);
}

function toldBy(channel: string, row: WireObject, facts: SymbolFacts): Partial<State> | undefined {
  switch (channel) {
    case 'tickers': {
      const bid = optionalPrice(row['bidPx']);
      const ask = optionalPrice(row['askPx']);
      return {
        bid,
        bidSize: optionalSizeAt(facts, row['bidSz'], bid ?? NaN),
        ask,
        askSize: optionalSizeAt(facts, row['askSz'], ask ?? NaN),
        last: optionalPrice(row['last']),
      };
    }
    case 'mark-price':
      return { mark: optionalSize(row['markPx']) };
    case 'open-interest': {
      const interest = interestOf(facts, row);
      return { interest: Number.isNaN(interest) ? null : interest };
    }
    default:
      return undefined;
  }
}
