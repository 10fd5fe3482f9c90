import { z } from 'zod';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'drop_table',
  title: 'Drop a derived table',
  toolset: 'schema',
  category: 'system_config',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Deletes a derived table: a cleaned or normalised copy, or the bars of a timeframe. Needs approval, although its rows can be written again from the raw ones. Raw tables are refused: what a venue said is set apart (quarantine_data), moved (archive_data) or ages out (apply_retention), never dropped.',
  input: z.strictObject({
    table: z.string().min(1).max(140).describe('Derived table, as in btcusdt_binance_futures_trades_cleaned'),
    reason,
  }),
  output: z.object({ table: z.string(), rows_deleted: measure.count }),
  examples: [
    {
      title: 'Normalised copies',
      input: { table: 'btcusdt_binance_futures_trades_normalized', reason: 'nobody reads them' },
    },
  ],
  preview: async (input, { services }) => ({ table: input.table, rows: await services.store.derivedRows(input.table) }),
  summary: (output) => `${output.table} dropped with ${output.rows_deleted} rows.`,
  run: async (input, { services, clock }) => ({
    data: { table: input.table, rows_deleted: await services.store.dropDerived(input.table) },
    provenance: measuredNow(clock, 'store'),
  }),
});
