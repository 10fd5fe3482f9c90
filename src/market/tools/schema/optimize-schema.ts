import { z } from 'zod';
import { optimizeStore } from '../../jobs/optimize.ts';
import { minimumGain, optimisationShape, optimisationSummary } from '../shared/optimisation.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'optimize_schema',
  title: 'Optimise the database',
  toolset: 'schema',
  category: 'system_config',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Refreshes the statistics of the planner, moves finished days of all tables to Parquet, and rewrites the database file when that gives back enough. The bytes recovered are measured. What the daily optimisation runs.',
  input: z.strictObject({ minimum_gain: minimumGain }),
  output: optimisationShape,
  examples: [{ title: 'As configured', input: {} }],
  timeoutMs: 600_000,
  preview: async (input, { services }) => {
    const storage = await services.store.storage();
    const gain = input.minimum_gain ?? services.config.storage.compact_minimum_gain;
    return {
      database_bytes: storage.database_bytes,
      fragmentation_percent: storage.fragmentation_percent,
      rewrite: storage.fragmentation_percent / 100 >= gain,
      analyse: true,
    };
  },
  summary: optimisationSummary,
  run: async (input, { services, clock }) => ({
    data: await optimizeStore(services, {
      minimumGain: input.minimum_gain ?? services.config.storage.compact_minimum_gain,
      analyse: true,
    }),
    provenance: measuredNow(clock, 'store'),
  }),
});
