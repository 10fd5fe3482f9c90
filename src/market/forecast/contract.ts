/**
 * A model of one series of equally spaced values. Forecasting is fitting and extrapolating in one call: models here are
 * cheap enough to be fitted anew at every origin.
 */
export interface ForecastModel {
  readonly name: string;
  readonly title: string;
  /** What it does, and the source of its formula. */
  readonly description: string;
  /** Fewest values that it can be fitted to. */
  readonly least: number;
  /**
   * The next `horizon` values, oldest first, in the unit of `values`. Values are finite, oldest first, at least `least`
   * of them; throws RangeError otherwise.
   */
  readonly forecast: (values: Float64Array, horizon: number) => Float64Array;
}

/** A model whose arguments are checked before its own code sees them. */
export function defineModel(model: ForecastModel): ForecastModel {
  const { name, least } = model;
  return {
    ...model,
    forecast: (values, horizon) => {
      if (!Number.isInteger(horizon) || horizon < 1)
        throw new RangeError(`horizon ${horizon} is not a positive integer`);
      if (values.length < least) throw new RangeError(`${name} needs ${least} values, got ${values.length}`);
      const odd = values.findIndex((value) => !Number.isFinite(value));
      if (odd !== -1) throw new RangeError(`value ${odd} is ${values[odd]}, not a finite number`);
      return model.forecast(values, horizon);
    },
  };
}
