/** Funding of one contract on its own interval. */
export interface FundingLeg {
  readonly id: string;
  /** Fraction per `intervalHours`; positive: longs pay shorts. */
  readonly rate: number;
  readonly intervalHours: number;
  /** Taker rate of the market, percent. */
  readonly takerPercent: number;
}

export interface FundingCarry {
  /** Where one would be long: the least funding a year. */
  readonly long: FundingLeg;
  readonly short: FundingLeg;
  /** Rates as fractions over the same 8 h, and over one hour. */
  readonly spread_8h: number;
  readonly spread_per_hour: number;
  /** Simple interest a year on the notional of one leg, percent. */
  readonly annualised_percent: number;
  /** Opening and closing both legs as taker, percent of the notional of one leg. */
  readonly fees_percent: number;
  /** Hours that the rates must last until the funding has paid the fees; null when it never does. */
  readonly break_even_hours: number | null;
}

/** A rate per its own interval over `hours`: 0.0001 per 1 h is 0.0008 over 8 h. */
export function rateOver(leg: Pick<FundingLeg, 'rate' | 'intervalHours'>, hours: number): number {
  return (leg.rate * hours) / leg.intervalHours;
}

/**
 * Long where funding is lowest, short where it is highest, compared over the same time. Undefined below two legs.
 * Example: 0.0001 per 8 h and 0.0001 per 1 h are 0.0007 apart over 8 h, which is 76.65 % a year; with 0.05 % taker on
 * both, opening and closing costs 0.2 %, paid after 22.9 h.
 */
export function fundingCarry(legs: readonly FundingLeg[]): FundingCarry | undefined {
  const known = legs.filter((leg) => leg.intervalHours > 0);
  const sorted = [...known].sort((a, b) => rateOver(a, 1) - rateOver(b, 1));
  const [long, short] = [sorted[0], sorted.at(-1)];
  if (long === undefined || short === undefined || sorted.length < 2) return undefined;
  const perHour = rateOver(short, 1) - rateOver(long, 1);
  const fees = 2 * (long.takerPercent + short.takerPercent);
  return {
    long,
    short,
    spread_8h: perHour * 8,
    spread_per_hour: perHour,
    annualised_percent: perHour * 24 * 365 * 100,
    fees_percent: fees,
    break_even_hours: perHour <= 0 ? null : fees / 100 / perHour,
  };
}
