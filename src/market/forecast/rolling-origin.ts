import type { ForecastModel } from './contract.ts';

/** Errors that a model would have made on the end of a series. */
export interface Errors {
  readonly model: ForecastModel;
  /** Lead time − 1 → absolute errors, one an origin whose outcome is known, unsorted. */
  readonly byLead: readonly Float64Array[];
  /** Mean absolute error over all lead times and origins, unit of the values. */
  readonly mae: number;
}

/**
 * Forecasts from each of the last `origins` places whose next value is known, with what lay before it alone, and their
 * absolute errors (rolling origin, refitted each time; Tashman 2000). The longest lead time has `origins` − `horizon` + 1.
 * Throws RangeError where fewer values than the model needs lie before the first origin.
 */
export function rollingErrors(
  model: ForecastModel,
  values: Float64Array,
  { horizon, origins }: { readonly horizon: number; readonly origins: number },
): Errors {
  const n = values.length;
  const first = n - origins;
  if (first < model.least) throw new RangeError(`${model.name}: ${n} values are too few for ${origins} origins`);
  const byLead: number[][] = Array.from({ length: horizon }, () => []);
  let [sum, count] = [0, 0];
  for (let origin = first; origin < n; origin++) {
    const leads = Math.min(horizon, n - origin);
    const told = model.forecast(values.subarray(0, origin), leads);
    for (let lead = 0; lead < leads; lead++) {
      const error = Math.abs((values[origin + lead] ?? NaN) - (told[lead] ?? NaN));
      byLead[lead]?.push(error);
      sum += error;
      count++;
    }
  }
  return { model, byLead: byLead.map((errors) => Float64Array.from(errors)), mae: sum / count };
}

/** The one of least mean absolute error; of equals, the model that needs fewest values. */
export function leastErrors(all: readonly Errors[]): Errors {
  const simplest = [...all].sort((a, b) => a.model.least - b.model.least);
  return simplest.reduce((best, errors) => (errors.mae < best.mae ? errors : best));
}
