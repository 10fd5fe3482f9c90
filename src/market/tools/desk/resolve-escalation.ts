import { z } from 'zod';
import { openEscalation } from '../shared/escalations.ts';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'resolve_escalation',
  title: 'Resolve an escalation',
  toolset: 'desk',
  category: 'system_config',
  access: 'READ_WRITE',
  effects: 'ops',
  description:
    'Closes one escalation by its id, with what was done. It no longer counts as pending in the health score.',
  input: z.strictObject({
    escalation_id: z.number().int().positive().describe('Id of the escalation, as get_escalations gives it'),
    by: z.string().min(1).max(100).describe('Who resolved it'),
    notes: reason,
  }),
  output: z.object({ escalation_id: measure.id, resolved_by: z.string() }),
  examples: [{ title: 'Done', input: { escalation_id: 1, by: 'on call', notes: 'the venue is back' } }],
  summary: (output) => `Escalation ${output.escalation_id} is resolved by ${output.resolved_by}.`,
  run: async (input, { services, clock, events }) => {
    const row = await openEscalation(services, input.escalation_id);
    await services.ops.update('escalations', row.id, { resolved_at: clock.now(), resolution_notes: input.notes });
    events.emit('escalation.resolved', { escalation_id: String(row.id), resolved_by: input.by, notes: input.notes });
    return {
      data: { escalation_id: row.id, resolved_by: input.by },
      provenance: measuredNow(clock, 'escalations'),
    };
  },
});
