import { z } from 'zod';
import type { SeriesKey } from '../../domain/records.ts';
import { viewName } from '../../domain/records.ts';
import { measure } from '../../domain/measure.ts';
import { coverageShape, showCoverage } from '../../exchanges/shared/coverage.ts';
import { models } from '../../forecast/catalogue.generated.ts';
import type { Interval, PriceForecast } from '../../forecast/price-forecast.ts';
import { MINUTE_US } from '../../jobs/forecasts/closes.ts';
import type { MarketServices } from '../../services.ts';
import { usedCoverage } from '../shared/coverage.ts';
import { exchange, isoTime, marketOr } from '../shared/fields.ts';
import { pastInput } from '../shared/past-fields.ts';
import { isoOfMs, isoOfUs, provenance } from '../shared/provenance.ts';
import { oneSeries } from '../shared/series.ts';
import { signalTool } from '../shared/tool.ts';

const NAMES = models.map((model) => model.name);

const interval = z.object({ lower: measure.price, upper: measure.price }).nullable();

export default signalTool({
  name: 'get_stream_forecast',
  title: 'Forecast of a stream',
  toolset: 'streaming',
  category: 'forecasting',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Where the one-minute closes of a collected series may go in the next minutes: the forecast that the desk made last, or one made now where that is old, or another model or horizon is asked for. The model is the one of least error on the last stored minutes, of naive, drift, exponential_smoothing and theta; skill says how much less it erred than the last price does (0: no better). Intervals come from those errors. Needs 60 finished minutes in a row.',
  input: z.strictObject({
    symbol: pastInput.symbol,
    exchange: exchange.default('binance').describe('Venue, as in binance (default binance)'),
    market_type: marketOr('futures'),
    model: z
      .enum(NAMES as [string, ...string[]])
      .optional()
      .describe('The one model to use; the one that errs least when left out'),
    horizon_minutes: z
      .number()
      .int()
      .min(1)
      .max(120)
      .optional()
      .describe('How far, minutes, 1 to 120; market.forecasts.horizon_minutes (24) when left out'),
    min_coverage: pastInput.min_coverage,
  }),
  output: z.object({
    table: z.string(),
    model: z.string(),
    made_at: isoTime.describe('When it was made; null: now'),
    origin: isoTime.describe('End of the last candle that was used'),
    current_price: measure.price,
    horizon_minutes: measure.minutes,
    forecast_price: measure.price,
    predicted_change_percent: measure.percent,
    direction: z.enum(['up', 'down', 'flat']),
    steps: z.array(z.object({ time: isoTime, price: measure.price, interval_80: interval, interval_95: interval })),
    backtest: z.object({
      closes: measure.count,
      origins: measure.count,
      error_percent: measure.percent.describe('Mean absolute error of the model over all lead times, percent'),
      naive_error_percent: measure.percent.nullable().describe('The same of the last price; null: it was not tried'),
      skill: measure.fraction.nullable().describe('1 - error ÷ naive error; 0: no better than the last price'),
      models: z.array(z.object({ model: z.string(), error_percent: measure.percent })),
    }),
    coverage: coverageShape,
  }),
  examples: [
    { title: 'Bitcoin on Binance futures', input: {} },
    {
      title: 'Ten minutes by theta',
      input: { symbol: 'BTCUSDT', model: 'theta', horizon_minutes: 10 },
    },
  ],
  summary: (o) =>
    `${o.table}: ${o.current_price} to ${o.forecast_price.toPrecision(8)} in ${o.horizon_minutes} min by ${o.model} (${o.predicted_change_percent.toFixed(3)} %), skill ${o.backtest.skill?.toFixed(3) ?? 'not known'}.`,
  run: async (input, { services, clock }) => {
    const { exchange: venue, market_type: market, symbol, model, horizon_minutes: horizon } = input;
    const key = await oneSeries(services, { exchange: venue, market, symbol, stream: 'candles' });
    const { forecast, madeAt } = await lastOrNow(services, key, { model, horizon, now: clock.now() });
    const stretch = { from: forecast.origin - forecast.values * forecast.stepUs, to: forecast.origin };
    const coverage = await usedCoverage(services, key, stretch, input.min_coverage);
    return {
      data: { table: viewName(key), made_at: isoOfMs(madeAt), ...shown(forecast), coverage: showCoverage(coverage) },
      provenance: provenance(clock, forecast.origin, viewName(key), {
        complete: coverage.complete,
        notes: ['a forecast: the interval of 95 % is what past errors make expect, not a bound'],
      }),
    };
  },
});

/** The desk's own forecast where it is what is asked for and no later candle has ended long since; else one made now. */
async function lastOrNow(
  { forecasts, config }: Pick<MarketServices, 'forecasts' | 'config'>,
  key: SeriesKey,
  asked: { readonly model: string | undefined; readonly horizon: number | undefined; readonly now: number },
): Promise<{ readonly forecast: PriceForecast; readonly madeAt: number | null }> {
  const { interval_seconds: every, horizon_minutes: usual } = config.forecasts;
  const horizon = asked.horizon ?? usual;
  const { last = null, madeAt = null } = forecasts.of(key) ?? {};
  const young = last !== null && asked.now * 1000 - last.origin < every * 1e6 + 2 * MINUTE_US;
  if (young && asked.model === undefined && last.steps.length === horizon) return { forecast: last, madeAt };
  return { forecast: await forecasts.now(key, { model: asked.model, horizon }), madeAt: null };
}

function shown({ model, origin, price, values, steps, backtest }: PriceForecast) {
  const end = steps.at(-1)?.price ?? price;
  const change = (end / price - 1) * 100;
  const errorOf = (name: string): number | null => backtest.find((tried) => tried.model === name)?.errorPercent ?? null;
  const [error, naive] = [errorOf(model) ?? NaN, errorOf('naive')];
  return {
    model,
    origin: isoOfUs(origin),
    current_price: price,
    horizon_minutes: steps.length,
    forecast_price: end,
    predicted_change_percent: change,
    direction: change > 0 ? ('up' as const) : change < 0 ? ('down' as const) : ('flat' as const),
    steps: steps.map((step) => ({
      time: isoOfUs(step.time),
      price: step.price,
      interval_80: bounds(step.interval80),
      interval_95: bounds(step.interval95),
    })),
    backtest: {
      closes: values,
      origins: backtest[0]?.origins ?? 0,
      error_percent: error,
      naive_error_percent: naive,
      skill: naive === null || naive === 0 ? null : 1 - error / naive,
      models: backtest.map((tried) => ({ model: tried.model, error_percent: tried.errorPercent })),
    },
  };
}

const bounds = (found: Interval | null) => (found === null ? null : { lower: found.lower, upper: found.upper });
