import type { Us } from '../../kit/clock.ts';
import { conformalWidth } from './conformal.ts';
import type { ForecastModel } from './contract.ts';
import { leastErrors, rollingErrors, type Errors } from './rolling-origin.ts';

/** A forecast of the closes of the next candles of one series. */
export interface PriceForecast {
  readonly model: string;
  /** End of the last candle used, UTC µs. */
  readonly origin: Us;
  readonly stepUs: number;
  /** Close of the last candle used. */
  readonly price: number;
  /** Closes used. */
  readonly values: number;
  readonly steps: readonly ForecastStep[];
  readonly backtest: readonly ModelErrors[];
}

/** Bounds are null where too few errors are known of the lead time. */
export interface ForecastStep {
  /** End of the candle that is forecast, UTC µs. */
  readonly time: Us;
  readonly price: number;
  readonly interval80: Interval | null;
  readonly interval95: Interval | null;
}

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/** What a model would have erred on the end of the series used. */
export interface ModelErrors {
  readonly model: string;
  /** Mean absolute error of the logarithm of the price, over all lead times, percent. */
  readonly errorPercent: number;
  readonly origins: number;
}

/** Fewest closes that a forecast is made of: 19 outcomes of the longest lead time would want more, shorter ones have them. */
export const LEAST_CLOSES = 60;
/** Most closes that are looked at, six hours of minutes: each model is fitted anew at each origin, on the calling thread. */
export const MOST_CLOSES = 360;
const MOST_ORIGINS = 100;
/** Part of the closes that the first origin must be fitted to. */
const FITTED = 0.5;

/**
 * Forecast of the next `horizon` closes, made on their logarithms, by the model that erred least from the last origins
 * (or by the only one given), with intervals from its errors at each lead time. Closes are positive, oldest first, without a
 * hole. Throws RangeError below 60 of them.
 */
export function forecastCloses(
  closes: readonly number[],
  at: {
    readonly origin: Us;
    readonly stepUs: number;
    readonly horizon: number;
    readonly models: readonly ForecastModel[];
  },
): PriceForecast {
  const { origin, stepUs, horizon, models } = at;
  if (closes.length < LEAST_CLOSES) throw new RangeError(`${closes.length} closes, ${LEAST_CLOSES} are needed`);
  const values = Float64Array.from(closes.slice(-MOST_CLOSES), Math.log);
  const origins = Math.min(MOST_ORIGINS + horizon - 1, Math.floor(values.length * FITTED));
  const tried = models.map((model) => rollingErrors(model, values, { horizon, origins }));
  const best = leastErrors(tried);
  const told = best.model.forecast(values, horizon);
  return {
    model: best.model.name,
    origin,
    stepUs,
    price: closes.at(-1) ?? NaN,
    values: values.length,
    steps: Array.from(told, (value, i) => ({
      time: origin + (i + 1) * stepUs,
      price: Math.exp(value),
      interval80: interval(value, best, i, 0.8),
      interval95: interval(value, best, i, 0.95),
    })),
    backtest: tried.map(({ model, mae }) => ({ model: model.name, errorPercent: 100 * mae, origins })),
  };
}

function interval(value: number, { byLead }: Errors, lead: number, level: number): Interval | null {
  const width = conformalWidth(byLead[lead] ?? new Float64Array(), level);
  return width === null ? null : { lower: Math.exp(value - width), upper: Math.exp(value + width) };
}
