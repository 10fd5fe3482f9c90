import { z } from 'zod';
import { coverageShape, showCoverage } from '../../exchanges/shared/coverage.ts';
import { detectAnomaly } from '../../jobs/checks/statistics.ts';
import { timeOf, valueOf } from '../../jobs/row.ts';
import { quantity, series } from '../shared/fields.ts';
import { provenance } from '../shared/provenance.ts';
import { readRecent, recentInput, recentProvenance } from '../shared/recent.ts';
import { oneSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'detect_anomaly',
  title: 'Score an anomaly',
  toolset: 'validation',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'z-score of a value against its history: low beyond 3, medium beyond 3.5, high beyond 4 population standard deviations by default. History is given, or the stored rows before the newest one; the value is given, or the newest row. Too little or constant history gives no score and says so.',
  input: z.strictObject({
    ...series,
    current_value: quantity
      .optional()
      .describe('Value to judge, in the unit of the stream; the newest stored one when left out'),
    historical_values: z
      .array(quantity)
      .max(10_000)
      .optional()
      .describe('History to judge against, oldest first; the stored rows of the look-back when left out'),
    ...recentInput(60),
  }),
  output: z.object({
    is_anomaly: z.boolean().nullable(),
    z_score: measure.deviations.nullable(),
    severity: z.string().nullable(),
    value: measure.asked.nullable(),
    mean: measure.asked.nullable(),
    std: measure.asked.nullable(),
    samples: measure.count,
    expected_low: measure.asked.nullable(),
    expected_high: measure.asked.nullable(),
    reason: z.string().nullable(),
    coverage: coverageShape.nullable().describe('Null when only values that were given are judged'),
  }),
  examples: [
    {
      title: 'Is the newest open interest unusual?',
      input: { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'open_interest' },
    },
  ],
  summary: (output) =>
    output.z_score === null
      ? `No score: ${String(output.reason)}.`
      : `z = ${output.z_score.toFixed(2)} (${output.severity ?? 'normal'}).`,
  run: async (input, { services, clock }) => {
    const key = await oneSeries(services, input);
    const stored = input.historical_values === undefined || input.current_value === undefined;
    const recent = stored ? await readRecent(services, { ...input, ...key }) : null;
    const points = (recent?.rows ?? []).flatMap((row) => {
      const value = valueOf(row, key.stream);
      return value === null ? [] : [{ value, time: timeOf(row, key.stream) }];
    });
    const newest = points.at(-1);
    const current = input.current_value ?? newest?.value ?? null;
    const before = input.current_value === undefined ? points.slice(0, -1) : points;
    const history = input.historical_values ?? before.map((p) => p.value);
    const at =
      recent === null
        ? provenance(clock, null, 'values given', { complete: true })
        : recentProvenance(services, recent);
    const coverage = recent === null ? null : showCoverage(recent.coverage);
    if (current === null) {
      return {
        data: {
          is_anomaly: null,
          z_score: null,
          severity: null,
          value: null,
          mean: null,
          std: null,
          samples: history.length,
          expected_low: null,
          expected_high: null,
          reason: 'no value is stored in the look-back',
          coverage,
        },
        provenance: at,
      };
    }
    const rules = services.settings.rules;
    const verdict = detectAnomaly(current, history, rules);
    const reach = verdict.population_std === null ? null : verdict.population_std * rules.anomaly_z.low;
    const known = verdict.mean !== null && reach !== null && verdict.z_score !== null;
    return {
      data: {
        is_anomaly: verdict.z_score === null ? null : verdict.severity !== null,
        z_score: verdict.z_score,
        severity: verdict.severity,
        value: current,
        mean: verdict.mean,
        std: verdict.population_std,
        samples: verdict.samples,
        expected_low: known ? verdict.mean - reach : null,
        expected_high: known ? verdict.mean + reach : null,
        reason: verdict.reason,
        coverage,
      },
      provenance: at,
    };
  },
});
