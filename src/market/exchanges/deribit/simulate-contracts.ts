import type { Ms } from '../../../kit/clock.ts';
import { msToUs } from '../../domain/records.ts';
import { impliedVolatility, type OptionValue, valueOption } from '../../domain/option-pricing.ts';
import type { SimulatedListing, SimulatedListingTime, SimulatedWorth } from '../contract.ts';
import { plain } from '../shared/simulated.ts';
import { expiriesAt, forwardAt, worthOfFuture } from '../shared/simulated-expiries.ts';
import { canonicalSymbol } from '../shared/symbols.ts';
import { expiryText } from '../shared/expiry-names.ts';

/*
 * Dated futures and options of the simulated Deribit. A future costs the index with a constant carry, an option what
 * Black's formula gives for that forward and a volatility that smiles: so calls, puts, futures and greeks agree.
 */

const YEAR = 365 * 86_400_000;
/** At-the-money volatilities, percent a year. */
const VOLATILITY: Readonly<Record<string, number>> = { BTC: 48, ETH: 63, SOL: 82, XRP: 78 };
const OTHER_VOLATILITY = 100;
/** The smile over standardised moneyness: puts dearer than calls, both wings dearer than the middle. */
const SKEW = -0.04;
const SMILE = 0.03;
const MOST_MONEYNESS = 4;
const STRIKES_A_SIDE = 3;
/** Distance of strikes as a part of the price. */
const STRIKE_STEP = 0.025;
/** Coins whose futures and options are settled in the coin itself. */
export const COIN_SETTLED = ['BTC', 'ETH'];

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

function volatilityAt(base: string, strike: number, forward: number, years: number): number {
  const atMoney = (VOLATILITY[base] ?? OTHER_VOLATILITY) * (1 + 0.06 * Math.exp(-12 * years));
  const spread = (atMoney / 100) * Math.sqrt(years);
  if (!(spread > 0)) return atMoney;
  const moneyness = Math.log(strike / forward) / spread;
  const m = Math.max(-MOST_MONEYNESS, Math.min(MOST_MONEYNESS, moneyness));
  return atMoney * (1 + SKEW * m + SMILE * m * m);
}

/** The dated futures of a coin that settles in itself: the next weekly one and two quarterly ones. */
export function datedListings(base: string, steps: Pick<SimulatedListing, 'tick' | 'lot'>, at: Ms): SimulatedListing[] {
  if (!COIN_SETTLED.includes(base)) return [];
  return expiriesAt(at)
    .slice(1)
    .map((expiry) => {
      const name = `${base}-${expiryText(msToUs(expiry))}`;
      return {
        ...steps,
        worth: worthOfFuture(expiry),
        instrument: {
          symbol: canonicalSymbol(name),
          venue_symbol: name,
          base,
          quote: 'USD',
          kind: 'dated',
          inverse: true,
          lot_size: null,
          funding_interval_hours: null,
          expiry_time: msToUs(expiry),
          settlement_currency: base,
        },
      };
    });
}

/** Calls and puts of a coin, seven strikes about its price in each of three expiries. */
export function optionListings(base: string, { at, spot }: SimulatedListingTime): SimulatedListing[] {
  const step = niceStep(spot * STRIKE_STEP);
  const middle = Math.round(spot / step);
  const strikes = Array.from({ length: 2 * STRIKES_A_SIDE + 1 }, (_, i) =>
    Number(((middle + i - STRIKES_A_SIDE) * step).toFixed(10)),
  );
  return expiriesAt(at)
    .slice(0, 3)
    .flatMap((expiry) =>
      strikes.flatMap((strike) =>
        (['call', 'put'] as const).map((type) => optionListing({ base, type, strike, expiry }, { at, spot })),
      ),
    );
}

function optionListing(option: SimulatedOption, { at, spot }: SimulatedListingTime): SimulatedListing {
  const { base, type, strike, expiry } = option;
  const coin = COIN_SETTLED.includes(base);
  const quote = coin ? base : 'USDC';
  const tick = coin ? 0.0001 : 10 ** Math.floor(Math.log10(spot * 0.03) - 2.5);
  const lot = base === 'BTC' ? 0.1 : 1;
  const day = expiryText(msToUs(expiry));
  const name = `${coin ? base : `${base}_USDC`}-${day}-${plain(strike).replace('.', 'd')}-${type === 'call' ? 'C' : 'P'}`;
  const worth = worthOf(option, coin);
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
      symbol: canonicalSymbol(name),
      venue_symbol: name,
      base,
      quote,
      kind: 'option',
      funding_interval_hours: null,
      expiry_time: msToUs(expiry),
      option_type: type,
      strike_price: strike,
      settlement_currency: quote,
    },
  };
}

/** In the coin or in USDC, as a function of the index; slopes by differences, because the smile moves with it. */
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

function niceStep(about: number): number {
  const power = 10 ** Math.floor(Math.log10(about));
  const nice = [1, 2, 2.5, 5, 10].map((n) => n * power);
  return nice.reduce((best, step) => (Math.abs(step - about) < Math.abs(best - about) ? step : best));
}
