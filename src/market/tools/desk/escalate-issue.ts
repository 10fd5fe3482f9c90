import { z } from 'zod';
import { SEVERITIES } from '../../jobs/contract.ts';
import { raiseEscalation } from '../../jobs/escalation.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'escalate_issue',
  title: 'Escalate to people',
  toolset: 'desk',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'ops',
  description:
    'Tells people of something that the crew cannot mend: writes an escalation and notifies the channels of its level (low: log; higher levels also e-mail, Slack, webhook or pager as configured). Says which channels are not configured. The same open trigger is not raised twice.',
  input: z.strictObject({
    level: z.enum(SEVERITIES).describe('How grave it is'),
    trigger: z.string().min(3).max(100).describe('Short stable name of what raised it, as in exchange_down:bybit'),
    description: z.string().min(5).max(1000).describe('What is wrong, in a sentence or two'),
    value: z.string().max(200).default('').describe('Measured value that raised it'),
    threshold: z.string().max(200).default('').describe('Threshold that it crossed'),
    exchanges: z.array(z.string()).max(50).default([]).describe('Venues concerned'),
    symbols: z.array(z.string()).max(200).default([]).describe('Symbols concerned'),
    recommended_actions: z.array(z.string()).max(20).default([]).describe('What a person should do, most urgent first'),
  }),
  output: z.object({
    escalation_id: measure.id,
    is_new: z.boolean(),
    channels_told: z.array(z.string()),
    channels_missing: z.array(z.object({ channel: z.string(), reason: z.string() })),
  }),
  examples: [
    {
      title: 'A venue stays down',
      input: {
        level: 'high',
        trigger: 'exchange_down:bybit',
        description: 'Bybit spot does not answer for 15 minutes',
      },
    },
  ],
  summary: (output) =>
    output.is_new
      ? `Escalation ${output.escalation_id}; told: ${output.channels_told.join(', ') || 'nobody'}.`
      : `Escalation ${output.escalation_id} is open already.`,
  run: async (input, { services, clock, signal }) => {
    const { symbols, ...condition } = input;
    const raised = await raiseEscalation(services, condition, signal, symbols);
    return {
      data: {
        escalation_id: raised.id,
        is_new: raised.is_new,
        channels_told: [...raised.channels_sent],
        channels_missing: raised.channels_missing.map((m) => ({ ...m })),
      },
      provenance: measuredNow(clock, 'escalations'),
    };
  },
});
