import { z } from 'zod';
import { ROW_ACTIONS, ROW_RULES, type RowAction, type RowRule } from '../../config.ts';
import type { DeskSettings, Settings } from '../../jobs/desk-settings.ts';
import { withChange } from '../../jobs/rule-changes.ts';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

/** `usual`: what the rule itself says, where neither the configuration nor anybody else says otherwise. */
const action = z.enum([...ROW_ACTIONS, 'usual']);

export default marketTool({
  name: 'change_quarantine_policy',
  title: 'Change the quarantine policy',
  toolset: 'validation',
  category: 'database_write',
  access: 'READ_WRITE',
  effects: 'effect',
  description:
    'Decides what becomes of rows that break a rule: quarantine or reject (the cleaner moves them apart), or flag (they stay and are reported); without an action the configured policy (market.validation.row_actions) again. In force at once and after a restart; what is in quarantine stays there until released. Needs approval.',
  input: z.strictObject({
    rule: z.enum(ROW_RULES).describe('Rule that judges rows, as findings name it'),
    action: z
      .enum(ROW_ACTIONS)
      .optional()
      .describe('What becomes of rows that break the rule; as configured when left out'),
    reason,
  }),
  output: z.object({ rule: z.string(), before: action, after: action }),
  examples: [
    {
      title: 'Report, do not move',
      input: { rule: 'price_deviation_percent', action: 'flag', reason: 'a listing day: large moves are genuine' },
    },
    { title: 'As configured', input: { rule: 'price_deviation_percent', reason: 'the listing is a week old' } },
  ],
  preview: async (input, { services: { settings } }) => outcome(input, settings),
  summary: ({ rule, before, after }) => `Rows that break ${rule}: ${before} to ${after}.`,
  run: async (input, { services: { settings }, clock, events, caller }) => {
    const data = outcome(input, settings);
    await settings.set('quarantine_policy', changed(input, settings), {
      by: caller,
      reason: input.reason,
      clock,
      events,
    });
    return { data, provenance: measuredNow(clock, 'desk_settings') };
  },
});

interface Wanted {
  readonly rule: RowRule;
  readonly action?: RowAction | undefined;
}

function changed(input: Wanted, { settings }: DeskSettings): Settings['quarantine_policy'] {
  return withChange(settings.quarantine_policy, input.rule, input.action);
}

function outcome(input: Wanted, settings: DeskSettings) {
  const configured = settings.configured.validation.row_actions[input.rule];
  return {
    rule: input.rule,
    before: settings.rules.row_actions[input.rule] ?? ('usual' as const),
    after: input.action ?? configured ?? ('usual' as const),
  };
}
