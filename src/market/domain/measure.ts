import { z } from 'zod';

/**
 * Numbers of outputs by what they measure: the unit is part of the schema, so that a model, a person and a program read
 * the same. Example: `{ bid: measure.price.nullable(), spread_bps: measure.basisPoints.nullable() }`. What a field needs
 * to say beside its unit, it says itself: `measure.size.describe('Largest trade, base units')`.
 */
export const measure = {
  price: of('Price, quote currency'),
  /** Strikes too. */
  underlying: of('Price, currency that the underlying is quoted in'),
  priceDifference: of('Difference of two prices, quote currency'),
  /** Of coins and contracts; a contract's size is converted before it gets here. */
  size: of('Size, base units'),
  contracts: of('Contracts'),
  value: of('Value, quote currency'),
  /** Of options' underlyings, insurance funds, open interest that a venue tells in dollars. */
  usd: of('USD'),
  percent: of('Percent'),
  percentYear: of('Percent a year'),
  basisPoints: of('Basis points'),
  /** 0.01 is one percent. */
  fraction: of('Fraction, 1 is all'),
  fundingRate: of('Fraction per funding interval; positive: longs pay'),
  fundingRate8h: of('Fraction per 8 hours; positive: longs pay'),
  ratio: of('Ratio'),
  leverage: of('Times the margin'),
  /** In the unit that a field `unit` beside it or around it names. */
  named: of('In the unit that the field unit names'),
  /** Of the field, column or metric that the call names: its unit is that one's. */
  asked: of('In the unit of the field asked for'),
  /** Standard deviations. */
  deviations: of('Standard deviations from the mean'),
  milliseconds: of('Milliseconds'),
  seconds: of('Seconds'),
  minutes: of('Minutes'),
  hours: of('Hours'),
  days: of('Days'),
  bytes: of('Bytes'),
  bytesPerDay: of('Bytes a day'),
  rowsPerDay: of('Rows a day'),
  perMinute: of('Count a minute'),
  /** Requests in the weight that the venue counts them with. */
  weight: of('Request weight of the venue'),
  score: of('Score, 0 to 100'),
  points: of('Points of the score, 0 to 100'),
  count: of('Count'),
  id: of('Identifier'),
  /** Of a venue's book: greater is later, no other meaning. */
  sequence: of('Sequence number of the venue'),
} as const;

/** Greeks of an option as venues tell them. */
export const greek = {
  delta: of('Change of the option for one unit of the underlying, ratio'),
  gamma: of('Change of delta for one unit of the underlying, ratio per unit of its currency'),
  vega: of('Change of the option for one percentage point of volatility, currency of the strike'),
  theta: of('Change of the option in one day, currency of the strike'),
  rho: of('Change of the option for one percentage point of interest, currency of the strike'),
} as const;

function of(unit: string): z.ZodNumber {
  return z.number().describe(unit);
}
