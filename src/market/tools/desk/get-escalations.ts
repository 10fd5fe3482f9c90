import { z } from 'zod';
import { SEVERITIES } from '../../jobs/contract.ts';
import { escalationShape, showEscalation } from '../shared/escalations.ts';
import { limit } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_escalations',
  aliases: ['get_streaming_alerts'],
  title: 'Escalations',
  toolset: 'desk',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Escalations, newest first: level, what raised it, which channels were told, whether somebody acknowledged or resolved it.',
  input: z.strictObject({
    open_only: z.boolean().default(true).describe('Give only escalations that are not resolved'),
    level: z.enum(SEVERITIES).optional().describe('Only this level'),
    limit: limit(50, 500),
  }),
  output: z.object({ total: measure.count, escalations: z.array(escalationShape) }),
  examples: [{ title: 'Open ones', input: {} }],
  summary: (output) => `${output.total} escalation(s).`,
  run: async (input, { services, clock }) => {
    const where = {
      ...(input.open_only ? { resolved_at: null } : {}),
      ...(input.level === undefined ? {} : { escalation_level: input.level }),
    };
    const rows = await services.ops.select('escalations', { where, limit: input.limit });
    return {
      data: { total: rows.length, escalations: rows.map(showEscalation) },
      provenance: measuredNow(clock, 'escalations'),
    };
  },
});
