import { z } from 'zod';
import type { DeskSettings, Settings } from '../../jobs/desk-settings.ts';
import {
  INTERPOLATION_RULES,
  interpolationRuleOf,
  withChange,
  withInterpolationChanges,
} from '../../jobs/rule-changes.ts';
import { quantity, reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'change_interpolation_rules',
  title: 'Change an interpolation rule',
  toolset: 'cleaning',
  category: 'database_write',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Gives one rule of interpolation another limit than market.interpolation of system.yaml, or, without a value, the configured one back. The cleaner uses it from its next fill on and after a restart. Which streams may be filled at all is not for change: trades, books, candles and tickers never are. Needs approval.',
  input: z.strictObject({
    rule: z.enum(INTERPOLATION_RULES).describe('Rule, by its key in market.interpolation'),
    value: quantity.optional().describe('The new limit, seconds; the configured one when left out'),
    reason,
  }),
  output: z.object({
    rule: z.string(),
    before: z.number().describe('In the unit of the rule'),
    after: z.number().describe('In the unit of the rule'),
    configured: z.number().describe('In the unit of the rule'),
  }),
  examples: [
    {
      title: 'Lines over one minute at most',
      input: { rule: 'price_max_gap_seconds', value: 60, reason: 'five minutes hide a move' },
    },
    { title: 'As configured', input: { rule: 'price_max_gap_seconds', reason: 'the test is over' } },
  ],
  preview: async (input, { services: { settings } }) => outcome(input.rule, settings, wanted(input, settings)),
  summary: ({ rule, before, after, configured }) =>
    `${rule}: ${before} to ${after} s${after === configured ? ', as configured' : ` (configured: ${configured} s)`}.`,
  run: async (input, { services: { settings }, clock, events, caller }) => {
    const changed = wanted(input, settings);
    const data = outcome(input.rule, settings, changed);
    await settings.set('interpolation_rules', changed, { by: caller, reason: input.reason, clock, events });
    return { data, provenance: measuredNow(clock, 'desk_settings') };
  },
});

function wanted(
  input: { readonly rule: string; readonly value?: number | undefined },
  { settings }: DeskSettings,
): Settings['interpolation_rules'] {
  return withChange(settings.interpolation_rules, input.rule, input.value);
}

/** Throws InvalidInput for a value that the configuration would refuse. */
function outcome(rule: string, settings: DeskSettings, changes: Settings['interpolation_rules']) {
  const { interpolation } = settings.configured;
  return {
    rule,
    before: interpolationRuleOf(settings.interpolation, rule),
    after: interpolationRuleOf(withInterpolationChanges(interpolation, changes), rule),
    configured: interpolationRuleOf(interpolation, rule),
  };
}
