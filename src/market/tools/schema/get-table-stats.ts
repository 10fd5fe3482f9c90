import { z } from 'zod';
import { NotFound } from '../../../kit/errors.ts';
import { didYouMean } from '../../../kit/nearest.ts';
import { isoTime, limit } from '../shared/fields.ts';
import { isoOfUs, provenance } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_table_stats',
  title: 'Table statistics',
  toolset: 'schema',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Rows, first and last event time, rows still in the database file and finished days as Parquet, of one table or of all, largest first.',
  input: z.strictObject({
    table: z
      .string()
      .min(1)
      .max(120)
      .optional()
      .describe('Isolated table, as in btcusdt_binance_futures_trades; all when left out'),
    limit: limit(50, 1000),
  }),
  output: z.object({
    total_tables: measure.count,
    total_rows: measure.count,
    tables: z.array(
      z.object({
        table: z.string(),
        rows: measure.count,
        first_event_time: isoTime,
        last_event_time: isoTime,
        hot_rows: measure.count,
        parquet_files: measure.count,
        parquet_bytes: measure.bytes,
      }),
    ),
  }),
  examples: [{ title: 'The largest', input: { limit: 10 } }],
  summary: (output) => `${output.total_rows} rows in ${output.total_tables} tables.`,
  run: async (input, { services, clock }) => {
    const all = await services.store.stats();
    const wanted = input.table === undefined ? all : all.filter((s) => s.table === input.table);
    if (input.table !== undefined && wanted.length === 0) {
      const near = didYouMean(
        input.table,
        all.map((s) => s.table),
      );
      throw new NotFound(`there is no table '${input.table}'${near}; list_available_tables gives all ${all.length}`);
    }
    const sorted = [...wanted].sort((a, b) => b.rows - a.rows);
    const newest = wanted.reduce<number | null>((last, s) => Math.max(last ?? 0, s.last_event_time ?? 0) || last, null);
    return {
      data: {
        total_tables: wanted.length,
        total_rows: wanted.reduce((sum, s) => sum + s.rows, 0),
        tables: sorted.slice(0, input.limit).map((s) => ({
          table: s.table,
          rows: s.rows,
          first_event_time: isoOfUs(s.first_event_time),
          last_event_time: isoOfUs(s.last_event_time),
          hot_rows: s.hot_rows,
          parquet_files: s.parquet_files,
          parquet_bytes: s.parquet_bytes,
        })),
      },
      provenance: provenance(clock, newest, 'store', { complete: true }),
    };
  },
});
