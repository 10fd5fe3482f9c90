import { z } from 'zod';
import { openEscalation } from '../shared/escalations.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'acknowledge_escalation',
  title: 'Acknowledge an escalation',
  toolset: 'desk',
  category: 'system_config',
  access: 'READ_WRITE',
  effects: 'ops',
  description: 'Records that somebody has seen an open escalation and is on it. It stays open until it is resolved.',
  input: z.strictObject({
    escalation_id: z.number().int().positive().describe('Id of the escalation, as get_escalations gives it'),
    by: z.string().min(1).max(100).describe('Who has seen it'),
  }),
  output: z.object({ escalation_id: measure.id, acknowledged_by: z.string() }),
  examples: [{ title: 'Seen', input: { escalation_id: 1, by: 'on call' } }],
  summary: (output) => `Escalation ${output.escalation_id} is acknowledged by ${output.acknowledged_by}.`,
  run: async (input, { services, clock }) => {
    const row = await openEscalation(services, input.escalation_id);
    await services.ops.update('escalations', row.id, { acknowledged_at: clock.now(), acknowledged_by: input.by });
    return {
      data: { escalation_id: row.id, acknowledged_by: input.by },
      provenance: measuredNow(clock, 'escalations'),
    };
  },
});
