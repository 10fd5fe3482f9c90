/**
 * European options on a forward without discounting: F. Black, "The pricing of commodity contracts", Journal of
 * Financial Economics 3 (1976), equations 16 and 17 with an interest rate of 0, which is how Deribit values its
 * options. Greeks are per unit of underlying in the units of `OptionSummaryRecord`: vega per point of volatility, theta
 * per day of a year of 365 days, rho per point of interest.
 */
export interface PricedOption {
  readonly type: 'call' | 'put';
  readonly strike: number;
  /** Price of the underlying for the expiry. */
  readonly forward: number;
  /** Time to expiry, years of 365 days; from 0 on the option is worth what exercising it gives. */
  readonly years: number;
  /** Percent a year. */
  readonly volatility: number;
}

export interface OptionValue {
  /** In the currency of the forward. */
  readonly value: number;
  readonly delta: number;
  readonly gamma: number;
  readonly vega: number;
  readonly theta: number;
  readonly rho: number;
}

const DAYS_A_YEAR = 365;

/**
 * Value and greeks. Example: a call at 9250 with 4.333 days to go, forward 9440.73 and volatility 63.21 is worth
 * 363.3 and has a delta of 0.6296.
 */
export function valueOption({ type, strike, forward, years, volatility }: PricedOption): OptionValue {
  const sign = type === 'call' ? 1 : -1;
  const sigma = volatility / 100;
  const spread = sigma * Math.sqrt(Math.max(0, years));
  if (!(spread > 0)) {
    const inside = sign * (forward - strike);
    const delta = inside > 0 ? sign : 0;
    return { value: Math.max(0, inside), delta, gamma: 0, vega: 0, theta: 0, rho: 0 };
  }
  const d1 = Math.log(forward / strike) / spread + spread / 2;
  const d2 = d1 - spread;
  const density = Math.exp((-d1 * d1) / 2) / Math.sqrt(2 * Math.PI);
  const exercised = normalCdf(sign * d2);
  return {
    value: Math.max(0, sign * (forward * normalCdf(sign * d1) - strike * exercised)),
    delta: sign * normalCdf(sign * d1),
    gamma: density / (forward * spread),
    vega: (forward * density * Math.sqrt(years)) / 100,
    theta: -(forward * density * sigma) / (2 * Math.sqrt(years)) / DAYS_A_YEAR,
    rho: (sign * strike * years * exercised) / 100,
  };
}

/** Volatilities that are looked among, percent a year. */
const LEAST_VOLATILITY = 0.1;
const MOST_VOLATILITY = 1000;
const STEPS = 60;
/** Points of volatility to which it is found. */
const PRECISION = 1e-6;

/**
 * The volatility, percent a year, at which the option is worth `value`, by Newton's method kept between bounds that
 * close in (0.1 to 1000 at first); null where no volatility among those gives it (a value below what exercising gives,
 * or above the underlying's).
 */
export function impliedVolatility(option: Omit<PricedOption, 'volatility'>, value: number): number | null {
  let low = LEAST_VOLATILITY;
  let high = MOST_VOLATILITY;
  const at = (volatility: number): number => valueOption({ ...option, volatility }).value;
  if (!(option.years > 0) || !(value > at(low)) || !(value < at(high))) return null;
  let guess = 60;
  for (let i = 0; i < STEPS && high - low > PRECISION; i++) {
    const { value: worth, vega } = valueOption({ ...option, volatility: guess });
    if (worth < value) low = guess;
    else high = guess;
    const next = guess - (worth - value) / vega;
    if (Math.abs(next - guess) < PRECISION) return next;
    guess = next > low && next < high ? next : (low + high) / 2;
  }
  return (low + high) / 2;
}

/**
 * Standard normal distribution function, to double precision: J. F. Hart et al., Computer Approximations (1968),
 * algorithm 5666, as given by G. West, "Better approximations to cumulative normal functions", Wilmott Magazine 2005.
 */
export function normalCdf(x: number): number {
  const size = Math.abs(x);
  const tail = size > 37 ? 0 : Math.exp((-size * size) / 2) * tailRatio(size);
  return x > 0 ? 1 - tail : tail;
}

const UPPER = [
  0.0352624965998911, 0.700383064443688, 6.37396220353165, 33.912866078383, 112.079291497871, 221.213596169931,
  220.206867912376,
];
const LOWER = [
  0.0883883476483184, 1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674, 637.333633378831,
  793.826512519948, 440.413735824752,
];

/** Upper tail over exp(−x²/2). */
function tailRatio(x: number): number {
  if (x < 7.07106781186547) return horner(UPPER, x) / horner(LOWER, x);
  const fraction = [4, 3, 2, 1].reduce((below, k) => x + k / below, x + 0.65);
  return 1 / (fraction * 2.506628274631);
}

function horner(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}
