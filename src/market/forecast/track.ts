import type { Us } from '../../kit/clock.ts';
import type { PriceForecast } from './price-forecast.ts';

/** What came of a forecast. Errors are of logarithms, percent. */
export interface Outcome {
  readonly model: string;
  readonly origin: Us;
  /** Lead times whose close is known, of those forecast. */
  readonly known: number;
  readonly asked: number;
  readonly errorPercent: number;
  /** The same of the last price at the origin. */
  readonly naiveErrorPercent: number;
  /** Steps that have an interval of 95 %, and those whose close lay in it. */
  readonly judged: number;
  readonly inside: number;
}

/** The outcome, from closes by the end of their candle (UTC µs). Null where not one close is known. */
export function outcomeOf(forecast: PriceForecast, closes: ReadonlyMap<Us, number>): Outcome | null {
  let [known, error, naive, judged, inside] = [0, 0, 0, 0, 0];
  for (const step of forecast.steps) {
    const close = closes.get(step.time);
    if (close === undefined) continue;
    known++;
    error += Math.abs(Math.log(close / step.price));
    naive += Math.abs(Math.log(close / forecast.price));
    if (step.interval95 === null) continue;
    judged++;
    if (close >= step.interval95.lower && close <= step.interval95.upper) inside++;
  }
  if (known === 0) return null;
  return {
    model: forecast.model,
    origin: forecast.origin,
    known,
    asked: forecast.steps.length,
    errorPercent: (100 * error) / known,
    naiveErrorPercent: (100 * naive) / known,
    judged,
    inside,
  };
}

/** Outcomes taken together; null figures where there are none. */
export interface TrackRecord {
  readonly scored: number;
  readonly errorPercent: number | null;
  readonly naiveErrorPercent: number | null;
  /** Share of closes that lay in the interval of 95 %. */
  readonly insideShare: number | null;
}

export function recordOf(outcomes: readonly Outcome[]): TrackRecord {
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, o) => total + of(o), 0);
  const [scored, judged] = [outcomes.length, sum((o) => o.judged)];
  return {
    scored,
    errorPercent: scored === 0 ? null : sum((o) => o.errorPercent) / scored,
    naiveErrorPercent: scored === 0 ? null : sum((o) => o.naiveErrorPercent) / scored,
    insideShare: judged === 0 ? null : sum((o) => o.inside) / judged,
  };
}

export interface Drift {
  readonly state: 'drift' | 'stable' | 'too_few';
  /** Mean error of the newest outcomes ÷ of those before them; null with too few, or where those before erred nothing. */
  readonly ratio: number | null;
}

/** Newest outcomes that are compared, and fewest before them. */
export const DRIFT_WINDOW = 10;
const DRIFT_RATIO = 1.5;

/** Drift is where the newest ten forecasts erred more than 1.5 times as much as those before, which are at least ten. */
export function driftOf(outcomes: readonly Outcome[]): Drift {
  const before = recordOf(outcomes.slice(0, -DRIFT_WINDOW));
  const newest = recordOf(outcomes.slice(-DRIFT_WINDOW));
  if (before.scored < DRIFT_WINDOW || before.errorPercent === null || newest.errorPercent === null) {
    return { state: 'too_few', ratio: null };
  }
  const drifted = newest.errorPercent > DRIFT_RATIO * before.errorPercent;
  return {
    state: drifted ? 'drift' : 'stable',
    ratio: before.errorPercent === 0 ? null : newest.errorPercent / before.errorPercent,
  };
}
