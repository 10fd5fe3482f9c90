import { join } from 'node:path';
import type { Us } from '../../kit/clock.ts';
import { dayNumber } from './identity.ts';
import type { CompactionReport } from './contract.ts';
import { WORK_FOLDER } from './core.ts';
import type { Queue, StoreCore } from './core.ts';
import { freezeDay } from './freeze.ts';
import { sqlTime } from './names.ts';
import { storageReport } from './reports.ts';
import { hotTable } from './schema.ts';
import type { TableDefinition } from './tables/contract.ts';

const DAY_US = 86_400_000_000;

/** A day that is written to while it is copied is tried again so often, then left to the next compaction. */
const MOST_ROUNDS = 3;

/**
 * Finished UTC days of every series into one Parquet file each, then the database file rewritten when enough of it
 * would come back. A file is complete, verified and on disk before the transaction that takes its rows out of the hot
 * table; a kill at any point leaves either the rows or the file in force. Writes of others go on meanwhile. One at a time.
 */
export async function compactStore(
  core: StoreCore,
  writes: Queue,
  options: { readonly now: Us; readonly minimumGain: number; readonly signal: AbortSignal },
): Promise<CompactionReport> {
  const { signal } = options;
  const before = await storageReport(core);
  const today = dayNumber(options.now);
  const written: { table: string; day: string; rows: number; bytes: number }[] = [];
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    const finished = await finishedDays(core, today, signal);
    for (const { table, day } of finished) {
      const frozen = await core.db.withMoreMemory(() => freezeDay(core, writes, { table, day, signal }));
      for (const { series, file } of frozen)
        written.push({ table: series.name, day: file.day, rows: file.rows, bytes: file.bytes });
    }
    if (finished.length === 0) break;
  }
  const { rewritten, reason } = await writes.run(() => rewriteIfWorth(core, options.minimumGain));
  const after = await storageReport(core);
  const total = (report: typeof before): number => report.database_bytes + report.wal_bytes + report.parquet_bytes;
  const report = { days_written: written, rewritten, bytes_before: total(before), bytes_after: total(after), reason };
  core.events.emit('storage.compacted', {
    database: core.db.path,
    bytes_before: report.bytes_before,
    bytes_after: report.bytes_after,
    files_written: written.length,
  });
  return report;
}

/** Days before today of which a stream has hot rows, oldest first. */
async function finishedDays(
  core: StoreCore,
  today: number,
  signal: AbortSignal,
): Promise<{ readonly table: TableDefinition; readonly day: number }[]> {
  const found: { readonly table: TableDefinition; readonly day: number }[] = [];
  for (const table of new Set(core.registry.all().map((series) => series.table))) {
    const days = await core.db.all(
      `SELECT DISTINCT epoch_us(${table.time}) // ${DAY_US} AS day FROM ${hotTable(table)}
       WHERE ${table.time} < ${sqlTime(today * DAY_US)}`,
      undefined,
      signal,
    );
    found.push(...days.map((row) => ({ table, day: Number(row['day']) })));
  }
  return found.sort((a, b) => a.day - b.day);
}

async function rewriteIfWorth(
  core: StoreCore,
  minimumGain: number,
): Promise<{ readonly rewritten: boolean; readonly reason: string }> {
  await core.db.run('CHECKPOINT');
  const { fragmentation_percent: free } = await storageReport(core);
  const share = `${free.toFixed(1)} % of the file is free`;
  if (free / 100 < minimumGain || free === 0)
    return {
      rewritten: false,
      reason: `${share}: less than the ${(minimumGain * 100).toFixed(0)} % that a rewrite must give back`,
    };
  const { bytesBefore, bytesAfter } = await core.db.rewrite(join(core.dataDir, WORK_FOLDER, 'rewritten.duckdb'));
  return { rewritten: true, reason: `${share}: rewritten from ${bytesBefore} to ${bytesAfter} bytes` };
}
