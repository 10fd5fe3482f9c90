import { z } from 'zod';
import { optimizeStore } from '../../jobs/optimize.ts';
import { minimumGain, optimisationShape, optimisationSummary } from '../shared/optimisation.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'vacuum_tables',
  aliases: ['vacuum_table', 'trigger_table_vacuum'],
  title: 'Give space back',
  toolset: 'schema',
  category: 'system_config',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Gives free space of the market database back to the disk: moves finished days to Parquet and rewrites the file when enough comes back (a plain VACUUM returns nothing on DuckDB). The bytes recovered are measured.',
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
      analyse: false,
    };
  },
  summary: optimisationSummary,
  run: async (input, { services, clock }) => ({
    data: await optimizeStore(services, {
      minimumGain: input.minimum_gain ?? services.config.storage.compact_minimum_gain,
      analyse: false,
    }),
    provenance: measuredNow(clock, 'store'),
  }),
});
