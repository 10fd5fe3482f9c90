import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import { msToUs } from '../../domain/records.ts';
import { impliedVolatility, type OptionValue, valueOption } from '../../domain/option-pricing.ts';
import type { SimulatedListing, SimulatedListingTime, SimulatedWorth } from '../simulator-contract.ts';
import { expiriesAt, forwardAt } from './simulated-expiries.ts';

/*
 * Options of simulated venues: an option costs what Black's formula gives for the forward of its expiry and a volatility
 * that smiles, so that calls, puts, futures and greeks agree, on one venue and between them.
 */

const YEAR = 365 * 86_400_000;
/** At-the-money volatilities, percent a year. */
const VOLATILITY: Readonly<Record<string, number>> = { BTC: 48, ETH: 63, SOL: 82, XRP: 78 };
const OTHER_VOLATILITY = 100;
/** The smile over standardised moneyness: puts dearer than calls, both wings dearer than the middle. */
const SKEW = -0.04;
const SMILE = 0.03;
const MOST_MONEYNESS = 4;
/** Distance of strikes as a part of the price. */
const STRIKE_STEP = 0.025;

export interface SimulatedOption {
  readonly base: string;
  readonly type: 'call' | 'put';
  readonly strike: number;
  /** UTC ms. */
  readonly expiry: Ms;
}

/** What the venue says of an option beyond its book: values in dollars, volatilities percent a year. */
export interface SimulatedValuation extends OptionValue {
  readonly forward: number;
  readonly volatility: number;
  /** The volatility that a price in dollars implies; null where none does. */
  readonly impliedBy: (price: number) => number | null;
}

export function valuationOf(
  { base, type, strike, expiry }: SimulatedOption,
  index: number,
  at: Ms,
): SimulatedValuation {
  const forward = forwardAt(index, expiry, at);
  const years = Math.max(0, expiry - at) / YEAR;
  const volatility = volatilityAt(base, strike, forward, years);
  const option = { type, strike, forward, years };
  return {
    forward,
    volatility,
    ...valueOption({ ...option, volatility }),
    impliedBy: (price) => impliedVolatility(option, price),
  };
}

/** The valuation of a listed option; undefined for an instrument that is none. */
export function optionIn(instrument: Instrument, index: number, at: Ms): SimulatedValuation | undefined {
  const { base, option_type: type, strike_price: strike, expiry_time: expiry } = instrument;
  if (type === undefined || strike === undefined || expiry === undefined) return undefined;
  return valuationOf({ base, type, strike, expiry: expiry / 1000 }, index, at);
}

function volatilityAt(base: string, strike: number, forward: number, years: number): number {
  const atMoney = (VOLATILITY[base] ?? OTHER_VOLATILITY) * (1 + 0.06 * Math.exp(-12 * years));
  const spread = (atMoney / 100) * Math.sqrt(years);
  if (!(spread > 0)) return atMoney;
  const moneyness = Math.log(strike / forward) / spread;
  const m = Math.max(-MOST_MONEYNESS, Math.min(MOST_MONEYNESS, moneyness));
  return atMoney * (1 + SKEW * m + SMILE * m * m);
}

/** Calls and puts of a coin: so many strikes on either side of the one next to its price, in each of the next expiries. */
export function optionsAt(
  base: string,
  { at, spot }: SimulatedListingTime,
  count: { readonly expiries: number; readonly strikesASide: number },
): readonly SimulatedOption[] {
  const step = niceStep(spot * STRIKE_STEP);
  const middle = Math.round(spot / step);
  const strikes = Array.from({ length: 2 * count.strikesASide + 1 }, (_, i) =>
    Number(((middle + i - count.strikesASide) * step).toFixed(10)),
  );
  return expiriesAt(at)
    .slice(0, count.expiries)
    .flatMap((expiry) =>
      strikes.flatMap((strike) => (['call', 'put'] as const).map((type) => ({ base, type, strike, expiry }))),
    );
}

/** How a venue writes an option down. */
export interface OptionForm {
  readonly symbol: string;
  readonly venueSymbol: string;
  /** Currency of its price: the coin itself, or one worth a dollar. */
  readonly quote: string;
  readonly tick: number;
  /** Base units. */
  readonly lot: number;
  /** Base units of a contract, where the wire counts those. */
  readonly contract?: number | undefined;
}

export function optionListing(
  option: SimulatedOption,
  { at, spot }: SimulatedListingTime,
  { symbol, venueSymbol, quote, tick, lot, contract }: OptionForm,
): SimulatedListing {
  const { base, type, strike, expiry } = option;
  const worth = worthOf(option, quote === base);
  const price = Math.max(tick, worth(spot, at).value);
  return {
    tick: tick.toFixed(10),
    lot: lot.toFixed(10),
    worth,
    character: {
      price,
      spreadBps: 200,
      tradesPerSecond: 0.05,
      medianTradeValue: price * lot * 20,
      openInterestValue: price * lot * 5000,
    },
    instrument: {
      symbol,
      venue_symbol: venueSymbol,
      base,
      quote,
      kind: 'option',
      funding_interval_hours: null,
      expiry_time: msToUs(expiry),
      option_type: type,
      strike_price: strike,
      settlement_currency: quote,
      ...(contract === undefined ? {} : { contract_size: contract }),
    },
  };
}

/** In the coin or in dollars, as a function of the index; slopes by differences, because the smile moves with it. */
function worthOf(option: SimulatedOption, coin: boolean): (index: number, at: Ms) => SimulatedWorth {
  const value = (index: number, at: Ms): number => {
    const { value: dollars, forward } = valuationOf(option, index, at);
    return coin ? dollars / forward : dollars;
  };
  return (index, at) => {
    const h = index * 1e-3;
    const [below, here, above] = [value(index - h, at), value(index, at), value(index + h, at)];
    return { value: here, delta: (above - below) / (2 * h), gamma: (above - 2 * here + below) / (h * h) };
  };
}

/** A price step for options in dollars on something of this price: three digits of a usual price. */
export function dollarTick(spot: number): number {
  return 10 ** Math.floor(Math.log10(spot * 0.03) - 2.5);
}

function niceStep(about: number): number {
  const power = 10 ** Math.floor(Math.log10(about));
  const nice = [1, 2, 2.5, 5, 10].map((n) => n * power);
  return nice.reduce((best, step) => (Math.abs(step - about) < Math.abs(best - about) ? step : best));
}
