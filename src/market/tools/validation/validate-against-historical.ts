import { z } from 'zod';
import { coverageShape, showCoverage } from '../../exchanges/shared/coverage.ts';
import { detectAnomaly } from '../../jobs/checks/statistics.ts';
import { priceOf } from '../../jobs/row.ts';
import { exchange, marketOr, quantity, symbol } from '../shared/fields.ts';
import { readRecent, recentInput, recentProvenance } from '../shared/recent.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'validate_against_historical',
  title: 'Validate against history',
  toolset: 'validation',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Judges a price against the stored trades of the last minutes: distance from their mean within the rule, and z-score within the lowest anomaly step. Without enough history the answer is undecided (null), never valid by default.',
  input: z.strictObject({
    exchange,
    market: marketOr('futures'),
    symbol,
    price: quantity.positive().describe('Price to judge, quote units'),
    ...recentInput(60),
  }),
  output: z.object({
    valid: z.boolean().nullable(),
    deviation_percent: measure.percent.nullable(),
    z_score: measure.deviations.nullable(),
    mean: measure.asked.nullable(),
    samples: measure.count,
    reason: z.string().nullable(),
    coverage: coverageShape,
  }),
  examples: [{ title: 'A Bitcoin price', input: { exchange: 'binance', symbol: 'BTCUSDT', price: 50_000 } }],
  summary: (output) =>
    output.valid === null
      ? `Undecided: ${String(output.reason)}.`
      : output.valid
        ? 'In line with history.'
        : `Not in line with history: ${String(output.reason)}.`,
  run: async (input, { services }) => {
    const recent = await readRecent(services, { ...input, stream: 'trades' });
    const history = recent.rows.map((row) => priceOf(row, 'trades')).filter((v): v is number => v !== null);
    const rules = services.settings.rules;
    const verdict = detectAnomaly(input.price, history, rules);
    const { mean } = verdict;
    const deviation = mean === null || mean === 0 ? null : (Math.abs(input.price - mean) / mean) * 100;
    const far = deviation !== null && deviation > rules.price_deviation_percent;
    const strange = verdict.severity !== null;
    const decided = verdict.samples >= rules.anomaly_min_samples && (verdict.z_score !== null || far);
    return {
      data: {
        valid: decided ? !far && !strange : null,
        deviation_percent: deviation,
        z_score: verdict.z_score,
        mean,
        samples: verdict.samples,
        reason: far
          ? `${deviation.toFixed(1)} % from the mean (limit ${rules.price_deviation_percent} %)`
          : strange
            ? `z-score beyond ${rules.anomaly_z.low}`
            : verdict.reason,
        coverage: showCoverage(recent.coverage),
      },
      provenance: recentProvenance(services, recent),
    };
  },
});
