import { z } from 'zod';
import { beyondRetention, capacity, measureTables, storageByStream } from '../../jobs/schema-health.ts';
import { isoTime } from '../shared/fields.ts';
import { isoOfUs, measuredNow } from '../shared/provenance.ts';
import { showTable, tableHealthShape } from '../shared/tables.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'check_capacity',
  title: 'Check capacity',
  toolset: 'schema',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Measures the disk: bytes of database, log, finished days, tape and archive (when it is on the same disk) against the allowed storage and the free disk, days until full at the present growth, tables with rows older than the retention, the ten largest and five fastest growing tables, and bytes by venue, market and stream: finished days as they are, running days by the mean row of the database file, and a day at the rate seen so far. `crew storage` adds the tape.',
  input: z.strictObject({}),
  output: z.object({
    level: z.enum(['ok', 'warning', 'critical']),
    used_bytes: measure.bytes,
    limit_bytes: measure.bytes,
    used_percent: measure.percent,
    database_bytes: measure.bytes,
    parquet_bytes: measure.bytes,
    tape_bytes: measure.bytes,
    archive_bytes: measure.bytes,
    archive_elsewhere: z.boolean(),
    disk_free_bytes: measure.bytes,
    disk_total_bytes: measure.bytes,
    days_to_full: measure.days.nullable(),
    retention_days: measure.days,
    tables_beyond_retention: measure.count,
    oldest_time: isoTime,
    largest: z.array(tableHealthShape),
    fastest: z.array(tableHealthShape),
    by_stream: z.array(
      z.object({
        exchange: z.string(),
        market: z.string(),
        stream: z.string(),
        tables: measure.count,
        rows: measure.count,
        bytes: measure.bytes.nullable(),
        observed_seconds: measure.seconds,
        bytes_per_day: measure.bytesPerDay.nullable(),
      }),
    ),
  }),
  examples: [{ title: 'Now', input: {} }],
  summary: (output) =>
    `${(output.used_bytes / 1e6).toFixed(1)} MB of ${(output.limit_bytes / 1e9).toFixed(1)} GB used (${output.used_percent.toFixed(2)} %): ${output.level}.`,
  run: async (_input, { services, clock }) => {
    const { tables, stats, storage } = await measureTables(services, undefined, false);
    const retention = services.config.storage.retention_days;
    const beyond = beyondRetention(stats, clock.now() * 1000, retention);
    const report = capacity(storage, tables, services.config);
    return {
      data: {
        level: report.level,
        used_bytes: report.used_bytes,
        limit_bytes: report.limit_bytes,
        used_percent: report.used_percent,
        database_bytes: storage.database_bytes,
        parquet_bytes: storage.parquet_bytes,
        tape_bytes: storage.tape_bytes,
        archive_bytes: storage.archive_bytes,
        archive_elsewhere: storage.archive_elsewhere,
        disk_free_bytes: storage.disk_free_bytes,
        disk_total_bytes: storage.disk_total_bytes,
        days_to_full: report.days_to_full,
        retention_days: retention,
        tables_beyond_retention: beyond.tables,
        oldest_time: isoOfUs(beyond.oldest),
        largest: report.largest.map(showTable),
        fastest: report.fastest.map(showTable),
        by_stream: [...storageByStream(stats, storage)],
      },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
