import { z } from 'zod';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'pause_trading_signals',
  title: 'Pause trading signals',
  toolset: 'desk',
  category: 'system_config',
  access: 'READ_WRITE',
  effects: 'ops',
  description:
    'Pauses trading signals: every tool whose answer may be traded on refuses until resume_trading_signals. Collecting, queries and repairs go on. A critical escalation does the same by itself; the state outlives a restart.',
  input: z.strictObject({ reason }),
  output: z.object({ state: z.enum(['active', 'paused']), changed: z.boolean() }),
  examples: [{ title: 'By hand', input: { reason: 'two venues disagree and nobody knows which is right' } }],
  summary: (output) => `Trading signals are ${output.state}${output.changed ? '' : ' already'}.`,
  run: async (input, { services, clock, events, caller }) => {
    const changed = await services.settings.pauseSignals({ by: caller, reason: input.reason, clock, events });
    return {
      data: { state: services.settings.signals.state, changed },
      provenance: measuredNow(clock, 'desk_settings'),
    };
  },
});
