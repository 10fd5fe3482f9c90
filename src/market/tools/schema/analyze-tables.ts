import { z } from 'zod';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'analyze_tables',
  aliases: ['trigger_table_analyze'],
  title: 'Refresh planner statistics',
  toolset: 'schema',
  category: 'system_config',
  access: 'WRITE',
  effects: 'effect',
  description: 'Runs ANALYZE on the market database, so that the planner knows the present distribution of values.',
  input: z.strictObject({}),
  output: z.object({ analysed: z.boolean(), duration_ms: measure.milliseconds }),
  examples: [{ title: 'Now', input: {} }],
  timeoutMs: 120_000,
  preview: async () => ({ analyse: 'streaming_data' }),
  summary: (output) => `Analysed in ${output.duration_ms.toFixed(0)} ms.`,
  run: async (_input, { services, clock }) => {
    const start = clock.monotonicMs();
    await services.store.analyze();
    return {
      data: { analysed: true, duration_ms: clock.monotonicMs() - start },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
