import { z } from 'zod';
import { detectAnomaly } from '../../jobs/checks/statistics.ts';
import { priceOf, timeOf } from '../../jobs/row.ts';
import { recentRows } from '../../jobs/validate.ts';
import { exchange, lookbackMinutes, marketOr, symbol } from '../shared/fields.ts';
import { provenance } from '../shared/provenance.ts';
import { lookback, oneSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';

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
    price: z.number().positive().describe('Price to judge, quote units'),
    lookback_minutes: lookbackMinutes(60),
  }),
  output: z.object({
    valid: z.boolean().nullable(),
    deviation_percent: z.number().nullable(),
    z_score: z.number().nullable(),
    mean: z.number().nullable(),
    samples: z.number(),
    reason: z.string().nullable(),
  }),
  examples: [{ title: 'A Bitcoin price', input: { exchange: 'binance', symbol: 'BTCUSDT', price: 50_000 } }],
  summary: (output) =>
    output.valid === null
      ? `Undecided: ${String(output.reason)}.`
      : output.valid
        ? 'In line with history.'
        : `Not in line with history: ${String(output.reason)}.`,
  run: async (input, { services, clock }) => {
    const key = await oneSeries(services, { ...input, stream: 'trades' });
    const { from, to } = lookback(clock.now(), input.lookback_minutes);
    const rows = await recentRows(services, key, from, to);
    const history = rows.map((row) => priceOf(row, 'trades')).filter((v): v is number => v !== null);
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
      },
      provenance: provenance(clock, timeOf(rows.at(-1) ?? {}, 'trades'), 'store', { complete: decided }),
    };
  },
});
