import { z } from 'zod';
import { measureTables } from '../../jobs/schema-health.ts';
import { measuredNow } from '../shared/provenance.ts';
import { requireTable, showTable, tableHealthShape } from '../shared/tables.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_table_health',
  title: 'Health of one table',
  toolset: 'schema',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Judges one table: healthy, empty, warning or critical by size and growth, with advice. Size is measured: its share of the file plus its finished days.',
  input: z.strictObject({
    table: z.string().min(1).max(120).describe('Isolated table, as in btcusdt_binance_futures_trades'),
  }),
  output: z.object({ health: tableHealthShape, fragmentation_percent: measure.percent }),
  examples: [{ title: 'Bitcoin trades', input: { table: 'btcusdt_binance_futures_trades' } }],
  summary: (output) => `${output.health.table} is ${output.health.status} with ${output.health.rows} rows.`,
  run: async (input, { services, clock }) => {
    await requireTable(services, input.table);
    const { tables, storage } = await measureTables(services, input.table, false);
    const [table] = tables;
    if (table === undefined) throw new Error(`store gave no statistics of ${input.table}`);
    return {
      data: { health: showTable(table), fragmentation_percent: storage.fragmentation_percent },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
