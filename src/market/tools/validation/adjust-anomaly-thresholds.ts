import { z } from 'zod';
import type { AnomalyThresholds, DeskSettings } from '../../jobs/desk-settings.ts';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

const step = (name: string) =>
  z
    .number()
    .positive()
    .max(1000)
    .optional()
    .describe(`z-score from which an anomaly is ${name}, standard deviations; as it is when left out`);
const shape = z.object({ low: measure.deviations, medium: measure.deviations, high: measure.deviations });

export default marketTool({
  name: 'adjust_anomaly_thresholds',
  aliases: ['adjust_anomaly_thresholds_within_bounds'],
  title: 'Adjust anomaly thresholds',
  toolset: 'validation',
  category: 'database_write',
  access: 'READ_WRITE',
  effects: 'effect',
  description:
    'Moves the z-scores at which anomalies are low, medium or high, within the bounds around those of the rules (market.validation.anomaly_adjust_percent). Holds over restarts until changed again. What lies beyond, and other rules, takes modify_validation_rules.',
  input: z.strictObject({ low: step('low'), medium: step('medium'), high: step('high'), reason }),
  output: z.object({
    before: shape,
    after: shape,
    bounds: z.record(z.string(), z.record(z.string(), measure.deviations)),
  }),
  examples: [{ title: 'Less nervous', input: { high: 5, reason: 'a volatile day: high fires on genuine moves' } }],
  preview: async (input, { services: { settings } }) => {
    const after = wanted(input, settings);
    settings.checkThresholds(after);
    return { before: settings.rules.anomaly_z, after };
  },
  summary: ({ after }) =>
    `Anomalies are low beyond ${after.low}, medium beyond ${after.medium}, high beyond ${after.high}.`,
  run: async (input, { services: { settings }, clock, events, caller }) => {
    const before = settings.rules.anomaly_z;
    const after = wanted(input, settings);
    await settings.adjustThresholds(after, { by: caller, reason: input.reason, clock, events });
    return { data: { before, after, bounds: { ...settings.bounds } }, provenance: measuredNow(clock, 'desk_settings') };
  },
});

function wanted(
  input: { readonly [S in keyof AnomalyThresholds]?: number | undefined },
  settings: DeskSettings,
): AnomalyThresholds {
  const now = settings.rules.anomaly_z;
  return { low: input.low ?? now.low, medium: input.medium ?? now.medium, high: input.high ?? now.high };
}
