import { z } from 'zod';
import { groupBy } from '../../exchanges/shared/kinds/statistics.ts';
import { latest } from '../shared/history.ts';
import { isoOfUs, measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_database_statistics',
  title: 'What the database holds',
  toolset: 'history',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'What the market database holds: tables, rows, first and last event time by venue market and by stream, size of the database, Parquet, tape and archive in bytes, and free disk. Use list_available_tables for the tables themselves, get_coverage for how whole they are.',
  input: z.strictObject({}),
  output: z.object({
    tables: measure.count,
    rows: measure.count,
    first: z.string().nullable(),
    last: z.string().nullable(),
    by_market: z.array(
      z.object({ market: z.string(), tables: measure.count, rows: measure.count, last: z.string().nullable() }),
    ),
    by_stream: z.array(
      z.object({ stream: z.string(), tables: measure.count, rows: measure.count, last: z.string().nullable() }),
    ),
    bytes: z.object({
      database: measure.bytes,
      write_ahead_log: measure.bytes,
      parquet: measure.bytes,
      tape: measure.bytes,
      archive: measure.bytes,
      disk_free: measure.bytes,
    }),
  }),
  examples: [{ title: 'Now', input: {} }],
  summary: (output) => `${output.rows} rows in ${output.tables} tables, ${output.bytes.database} bytes of database.`,
  run: async (_input, { services, clock }) => {
    const [stats, storage] = await Promise.all([services.store.stats(), services.store.storage()]);
    const group = (name: 'market' | 'stream') =>
      [
        ...groupBy(
          stats.filter((s) => s.series !== null),
          (s) =>
            name === 'stream' ? (s.series?.stream ?? '') : `${s.series?.exchange ?? ''}_${s.series?.market ?? ''}`,
        ),
      ].map(([key, own]) => ({
        key,
        tables: own.length,
        rows: own.reduce((sum, s) => sum + s.rows, 0),
        last: isoOfUs(latest(own.map((s) => s.last_event_time))),
      }));
    const firsts = stats.flatMap((s) => s.first_event_time ?? []);
    return {
      data: {
        tables: stats.length,
        rows: stats.reduce((sum, s) => sum + s.rows, 0),
        first: isoOfUs(firsts.length === 0 ? null : Math.min(...firsts)),
        last: isoOfUs(latest(stats.map((s) => s.last_event_time))),
        by_market: group('market').map(({ key, ...rest }) => ({ market: key, ...rest })),
        by_stream: group('stream').map(({ key, ...rest }) => ({ stream: key, ...rest })),
        bytes: {
          database: storage.database_bytes,
          write_ahead_log: storage.wal_bytes,
          parquet: storage.parquet_bytes,
          tape: storage.tape_bytes,
          archive: storage.archive_bytes,
          disk_free: storage.disk_free_bytes,
        },
      },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
