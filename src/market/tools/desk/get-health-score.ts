import { z } from 'zod';
import { deskMetrics } from '../../jobs/metrics.ts';
import { lookbackMinutes } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_health_score',
  title: 'Health score',
  toolset: 'desk',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Health of the desk, 0 to 100, and what takes points off: venues not connected (up to 30), rows that fail validation (up to 20), pending escalations (up to 20), critical escalations that are open or younger than a day (up to 15), failed actions (up to 15).',
  input: z.strictObject({ lookback_minutes: lookbackMinutes(1440) }),
  output: z.object({
    score: measure.score,
    penalties: z.object({
      connections: measure.points,
      validation: measure.points,
      pending_escalations: measure.points,
      criticals: measure.points,
      errors: measure.points,
    }),
    exchanges_connected: measure.count,
    exchanges_total: measure.count,
    pass_rate: measure.percent.nullable(),
    pending_escalations: measure.count,
  }),
  examples: [{ title: 'Last day', input: {} }],
  summary: (output) => `Health ${output.score} of 100.`,
  run: async (input, { services, clock }) => {
    const metrics = await deskMetrics(services, clock.now() - input.lookback_minutes * 60_000);
    return {
      data: {
        ...metrics.performance.health,
        exchanges_connected: metrics.streaming.exchanges_connected,
        exchanges_total: metrics.streaming.exchanges_total,
        pass_rate: metrics.data_quality.pass_rate,
        pending_escalations: metrics.escalations.pending,
      },
      provenance: measuredNow(clock, 'operations'),
    };
  },
});
