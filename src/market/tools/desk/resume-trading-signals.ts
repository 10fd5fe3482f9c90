import { z } from 'zod';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'resume_trading_signals',
  title: 'Resume trading signals',
  toolset: 'desk',
  category: 'system_config',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Lets tools give trading signals again after a pause. Refused while a critical escalation is open: resolve_escalation comes first. For people; agents of the shipped crews do not have it.',
  input: z.strictObject({ reason }),
  output: z.object({ state: z.enum(['active', 'paused']), changed: z.boolean() }),
  examples: [{ title: 'The venues are back', input: { reason: 'the venues are back and the gaps are filled' } }],
  preview: async (_input, { services }) => ({ from: services.settings.signals.state, to: 'active' }),
  summary: (output) => `Trading signals are ${output.state}${output.changed ? '' : ' already'}.`,
  run: async (input, { services, clock, events, caller }) => {
    const changed = await services.settings.resumeSignals({ by: caller, reason: input.reason, clock, events });
    return {
      data: { state: services.settings.signals.state, changed },
      provenance: measuredNow(clock, 'desk_settings'),
    };
  },
});
