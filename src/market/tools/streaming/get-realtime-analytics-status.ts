import { z } from 'zod';
import { measure } from '../../domain/measure.ts';
import { viewName } from '../../domain/records.ts';
import type { SeriesForecasts } from '../../jobs/forecasts/stream-forecasts.ts';
import { isoTime } from '../shared/fields.ts';
import { isoOfMs, isoOfUs, measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'get_realtime_analytics_status',
  title: 'Running forecasts',
  toolset: 'streaming',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'The forecasts that the desk makes of its live series of candles: how often, how many, by which models, what they erred beside the last price once their minutes were over, how many closes lay in their 95 % intervals, which have drifted (the newest ten erred over 1.5 times as much as those before), and why a series has none. Since the start of the desk.',
  input: z.strictObject({}),
  output: z.object({
    running: z.boolean(),
    since: isoTime,
    forecast_interval_seconds: measure.seconds,
    drift_check_interval_seconds: measure.seconds,
    horizon_minutes: measure.minutes,
    last_drift_check: isoTime,
    drift_checks: measure.count,
    forecasts: measure.count,
    scored: measure.count,
    drifted: measure.count,
    model_usage: z.record(z.string(), measure.count).describe('Series whose newest forecast is by the model'),
    series: z.array(
      z.object({
        table: z.string(),
        state: z.enum(['forecast', 'waiting']),
        model: z.string().nullable(),
        closes: measure.count.nullable(),
        made_at: isoTime,
        origin: isoTime,
        forecasts: measure.count,
        open: measure.count,
        scored: measure.count,
        error_percent: measure.percent.nullable(),
        naive_error_percent: measure.percent.nullable(),
        inside_95_share: measure.fraction.nullable(),
        drift: z.enum(['drift', 'stable', 'too_few']),
        drift_ratio: measure.ratio.nullable(),
        reason: z.string().nullable(),
      }),
    ),
  }),
  examples: [{ title: 'Now', input: {} }],
  summary: (o) =>
    `${o.running ? 'Running' : 'Not running'}: ${o.forecasts} forecast(s) of ${o.series.length} series, ${o.scored} scored, ${o.drifted} drifted.`,
  run: async (_input, { services: { forecasts, config }, clock }) => {
    const all = forecasts.all();
    const series = all.map(row);
    const usage: Record<string, number> = {};
    for (const { model } of series) if (model !== null) usage[model] = (usage[model] ?? 0) + 1;
    return {
      data: {
        running: forecasts.startedAt !== null,
        since: isoOfMs(forecasts.startedAt),
        forecast_interval_seconds: config.forecasts.interval_seconds,
        drift_check_interval_seconds: config.forecasts.drift_check_seconds,
        horizon_minutes: config.forecasts.horizon_minutes,
        last_drift_check: isoOfMs(forecasts.driftCheckedAt),
        drift_checks: forecasts.driftChecks,
        forecasts: all.reduce((sum, s) => sum + s.made, 0),
        scored: all.reduce((sum, s) => sum + s.record.scored, 0),
        drifted: all.filter((s) => s.drift.state === 'drift').length,
        model_usage: usage,
        series,
      },
      provenance: measuredNow(clock, 'forecasts'),
    };
  },
});

function row({ key, last, madeAt, made, open, record, drift, problem }: SeriesForecasts) {
  return {
    table: viewName(key),
    state: problem === null && last !== null ? ('forecast' as const) : ('waiting' as const),
    model: last?.model ?? null,
    closes: last?.values ?? null,
    made_at: isoOfMs(madeAt),
    origin: isoOfUs(last?.origin ?? null),
    forecasts: made,
    open,
    scored: record.scored,
    error_percent: record.errorPercent,
    naive_error_percent: record.naiveErrorPercent,
    inside_95_share: record.insideShare,
    drift: drift.state,
    drift_ratio: drift.ratio,
    reason: problem,
  };
}
