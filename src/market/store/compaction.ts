import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Us } from '../../kit/clock.ts';
import { Corrupt } from '../../kit/errors.ts';
import { dayNumber } from './identity.ts';
import type { CompactionReport } from './contract.ts';
import { PARQUET_FOLDER, WORK_FOLDER, numberOrNull, runAll } from './core.ts';
import type { Queue, StoreCore } from './core.ts';
import { dayText } from './days.ts';
import type { DayFile } from './days.ts';
import { literal, sqlTime } from './names.ts';
import { storageReport } from './reports.ts';
import { FORMAT_VERSION, hotTable, readDays, rowColumnList, rowValueList } from './schema.ts';
import type { Series } from './schema.ts';
import type { TableDefinition } from './tables/contract.ts';

const DAY_US = 86_400_000_000;

/**
 * Finished UTC days of every series into one Parquet file each, then the database file rewritten when enough of it
 * would come back. A file is complete, verified and on disk before the transaction that takes its rows out of the hot
 * table; a kill at any point leaves either the rows or the file in force. Writes of others go in between the days.
 */
export async function compactStore(
  core: StoreCore,
  writes: Queue,
  options: { readonly now: Us; readonly minimumGain: number },
): Promise<CompactionReport> {
  const before = await storageReport(core);
  const today = dayNumber(options.now);
  const written: { table: string; day: string; rows: number; bytes: number }[] = [];
  for (const { series, day } of await finishedDays(core, today)) {
    const file = await writes.run(() => freeze(core, series, day));
    if (file !== null) written.push({ table: series.name, day: file.day, rows: file.rows, bytes: file.bytes });
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

async function finishedDays(core: StoreCore, today: number): Promise<{ series: Series; day: number }[]> {
  const end = sqlTime(today * DAY_US);
  const tables = [...new Set(core.registry.all().map((series) => series.table))];
  if (tables.length === 0) return [];
  const parts = tables.map(
    (table) =>
      `SELECT DISTINCT series_id, epoch_us(${table.time}) // ${DAY_US} AS day FROM ${hotTable(table)} WHERE ${table.time} < ${end}`,
  );
  const rows = await core.db.all(`SELECT * FROM (${parts.join(' UNION ALL ')}) ORDER BY day, series_id`);
  return rows.flatMap((row) => {
    const series = core.registry.byId(Number(row['series_id']));
    return series === undefined ? [] : [{ series, day: Number(row['day']) }];
  });
}

/** One day of one series into its file. Null when its rows went elsewhere meanwhile. */
async function freeze(core: StoreCore, series: Series, day: number): Promise<DayFile | null> {
  const { table } = series;
  const old = core.days.get(series.name, dayText(day));
  const on = `series_id = ${series.id} AND ${table.time} >= ${sqlTime(day * DAY_US)} AND ${table.time} < ${sqlTime((day + 1) * DAY_US)}`;
  const columns = `id, ${rowColumnList(table)}`;
  const hot = `SELECT id, ${rowValueList(table)} FROM ${hotTable(table)} WHERE ${on}`;
  const rows =
    old === undefined ? hot : `${hot} UNION ALL SELECT ${columns} FROM ${readDays([old.file], core.dataDir)}`;
  if ((await core.db.all(`SELECT 1 FROM ${hotTable(table)} WHERE ${on} LIMIT 1`)).length === 0) return null;
  const wanted = await summary(core, table, `(${rows})`);
  const work = join(core.dataDir, WORK_FOLDER, `${series.name}-${dayText(day)}.parquet`);
  await writeDay(core, series, day, rows, wanted, work);
  const written = await summary(core, table, `read_parquet(${literal(work)})`);
  if (written.rows !== wanted.rows || written.checksum !== wanted.checksum) {
    await rm(work, { force: true });
    throw new Corrupt(
      `day ${dayText(day)} of ${series.name} did not reach its file whole: the rows stay where they are`,
    );
  }
  const file = nextFile(series, dayText(day), old);
  const place = join(core.dataDir, file);
  await mkdir(dirname(place), { recursive: true });
  await syncPath(work);
  await rename(work, place);
  await syncPath(dirname(place));
  const frozen: DayFile = { day: dayText(day), file, bytes: (await stat(place)).size, ...wanted };
  await takeIntoForce(core, series, frozen, on);
  if (old !== undefined) await rm(join(core.dataDir, old.file), { force: true });
  return frozen;
}

interface Summary {
  readonly rows: number;
  readonly checksum: string;
  readonly first_event_time: Us | null;
  readonly last_event_time: Us | null;
}

/** Row count and an order-free checksum over every column. */
async function summary(core: StoreCore, table: TableDefinition, source: string): Promise<Summary> {
  const [row] = await core.db.all(
    `SELECT count(*) AS rows, coalesce(sum(hash(id, ${rowColumnList(table)})::HUGEINT), 0)::VARCHAR AS checksum,
       min(event_time) AS first, max(event_time) AS last FROM ${source}`,
  );
  return {
    rows: Number(row?.['rows'] ?? 0),
    checksum: String(row?.['checksum']),
    first_event_time: numberOrNull(row?.['first']),
    last_event_time: numberOrNull(row?.['last']),
  };
}

async function writeDay(
  core: StoreCore,
  series: Series,
  day: number,
  rows: string,
  wanted: Summary,
  path: string,
): Promise<void> {
  const { key, table } = series;
  const facts = {
    format: String(FORMAT_VERSION),
    exchange: key.exchange,
    market: key.market,
    symbol: key.symbol,
    stream: key.stream,
    day: dayText(day),
    rows: String(wanted.rows),
    checksum: wanted.checksum,
  };
  const metadata = Object.entries(facts).map(([name, value]) => `${name}: ${literal(value)}`);
  await core.db.run(
    `COPY (SELECT ${literal(key.exchange)} AS exchange, ${literal(key.market)} AS market, ${literal(key.symbol)} AS symbol, *
       FROM (${rows}) ORDER BY ${table.time}, seq NULLS LAST, id)
     TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {${metadata.join(', ')}})`,
  );
}

/** `parquet/trades/btcusdt_binance_futures_trades/2026-01-31.2.parquet`: a later file of a day has a higher number. */
export function nextFile(series: Series, day: string, old: DayFile | undefined): string {
  const version = old === undefined ? 1 : Number(/\.(\d+)\.parquet$/.exec(old.file)?.[1] ?? 0) + 1;
  return join(PARQUET_FOLDER, series.key.stream, series.name, `${day}.${version}.parquet`);
}

async function takeIntoForce(core: StoreCore, series: Series, frozen: DayFile, on: string): Promise<void> {
  const days = core.days.copy();
  days.add(series.name, series.key.stream, frozen);
  await runAll(core.db, [
    `DELETE FROM ${hotTable(series.table)} WHERE ${on}`,
    `DELETE FROM _days WHERE table_name = ${literal(series.name)} AND day = ${literal(frozen.day)}`,
    dayInsert(series.name, frozen),
    ...days.viewStatements(series),
  ]);
  core.days = days;
}

/** The row of `_days` that takes a file into force. */
export function dayInsert(name: string, file: DayFile): string {
  const time = (value: Us | null): string => (value === null ? 'NULL' : sqlTime(value));
  return `INSERT INTO _days VALUES (${literal(name)}, ${literal(file.day)}, ${literal(file.file)}, ${file.rows}, ${file.bytes},
    ${literal(file.checksum)}, ${time(file.first_event_time)}, ${time(file.last_event_time)})`;
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

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
