import { z } from 'zod';
import { COMMUNICATION_PATTERNS, sendMessage } from '../../jobs/messages.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'send_crew_message',
  title: 'Message another agent',
  toolset: 'desk',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'ops',
  description:
    'Hands something over to another agent by one of the agreed patterns (new data, anomaly, missing data, capacity, connection restored). Logged and emitted; the agent concerned acts on it.',
  input: z.strictObject({
    pattern: z.enum(COMMUNICATION_PATTERNS).describe('What happened'),
    details: z.record(z.string(), z.unknown()).default({}).describe('What the other agent needs to know, as JSON'),
  }),
  output: z.object({ message_id: measure.id, from: z.string(), to: z.string(), action: z.string() }),
  examples: [{ title: 'Rows are missing', input: { pattern: 'missing_data_found', details: { gaps: 2 } } }],
  summary: (output) => `${output.from} asks ${output.to} for ${output.action}.`,
  run: async (input, { services, clock, agentId, caller }) => {
    const sent = await sendMessage(services, agentId ?? caller, input.pattern, input.details);
    return { data: sent, provenance: measuredNow(clock, 'communication_log') };
  },
});
