import { z } from 'zod';
import type { DeskSettings, Settings } from '../../jobs/desk-settings.ts';
import { VALIDATION_RULES, validationRule, withChange, withRuleChanges } from '../../jobs/rule-changes.ts';
import { quantity, reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'modify_validation_rules',
  aliases: ['change_validation_thresholds'],
  title: 'Modify a validation rule',
  toolset: 'validation',
  category: 'database_write',
  access: 'READ_WRITE',
  effects: 'effect',
  description:
    'Gives one validation rule another limit than market.validation of system.yaml, or, without a value, the configured one back. The validator, the cleaner and the checks of arriving data use it at once and after a restart. Needs approval.',
  input: z.strictObject({
    rule: z.enum(VALIDATION_RULES).describe('Rule, by its key in market.validation; its unit is part of its name'),
    value: quantity
      .optional()
      .describe('The new limit, in the unit that the rule is named after; the configured one when left out'),
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
      title: 'Prices up to 20 % from their average',
      input: { rule: 'price_deviation_percent', value: 20, reason: 'a quiet month: half of it would be an error' },
    },
    { title: 'As configured', input: { rule: 'price_deviation_percent', reason: 'the quiet month is over' } },
  ],
  preview: async (input, { services: { settings } }) => {
    const changed = wanted(input, settings);
    settings.check('validation_rules', changed);
    return outcome(input.rule, settings, changed);
  },
  summary: ({ rule, before, after, configured }) =>
    `${rule}: ${before} to ${after}${after === configured ? ', as configured' : ` (configured: ${configured})`}.`,
  run: async (input, { services: { settings }, clock, events, caller }) => {
    const changed = wanted(input, settings);
    settings.check('validation_rules', changed);
    const data = outcome(input.rule, settings, changed);
    await settings.set('validation_rules', changed, { by: caller, reason: input.reason, clock, events });
    return { data, provenance: measuredNow(clock, 'desk_settings') };
  },
});

function wanted(
  input: { readonly rule: string; readonly value?: number | undefined },
  { settings }: DeskSettings,
): Settings['validation_rules'] {
  return withChange(settings.validation_rules, input.rule, input.value);
}

function outcome(rule: string, settings: DeskSettings, changes: Settings['validation_rules']) {
  const { validation } = settings.configured;
  return {
    rule,
    before: validationRule(withRuleChanges(validation, settings.settings.validation_rules), rule),
    after: validationRule(withRuleChanges(validation, changes), rule),
    configured: validationRule(validation, rule),
  };
}
