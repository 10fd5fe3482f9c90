import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Us } from '../../kit/clock.ts';
import type { SqlRow } from '../../infra/duckdb/database.ts';
import type { Stream } from '../domain/records.ts';
import type { SeriesRowsQuery, StorageReport, TableStats } from './contract.ts';
import { PARQUET_FOLDER, numberOrNull } from './core.ts';
import type { StoreCore } from './core.ts';
import { dayOf } from './days.ts';
import { literal, quoted, sqlTime } from './names.ts';
import { newestTimes } from './newest.ts';
import { hotTable, seriesSelect, shownColumns } from './schema.ts';
import type { Series } from './schema.ts';
import type { TableDefinition } from './tables/contract.ts';

const DAY_US = 86_400_000_000;

/** Rows, times and files of every series, or of one table. */
export async function tableStats(core: StoreCore, name: string | undefined): Promise<TableStats[]> {
  const wanted = name === undefined ? core.registry.all() : [core.registry.byName(name)];
  const streams = [...new Set(wanted.map((series) => series.table))];
  const one = wanted.length === 1 ? `WHERE series_id = ${wanted[0]?.id ?? 0}` : '';
  const parts = streams.map(
    (table) => `SELECT series_id, count(*) AS rows, min(event_time) AS first, max(event_time) AS last
      FROM ${hotTable(table)} ${one} GROUP BY series_id`,
  );
  const rows = parts.length === 0 ? [] : await core.db.all(parts.join(' UNION ALL '));
  const hot = new Map(rows.map((row) => [Number(row['series_id']), row]));
  return wanted
    .map((series) => seriesStats(core, series, hot.get(series.id)))
    .sort((a, b) => (a.table < b.table ? -1 : 1));
}

function seriesStats(core: StoreCore, series: Series, hot: SqlRow | undefined): TableStats {
  const files = core.days.of(series.name);
  const times = (values: readonly (Us | null)[]): Us[] => values.filter((value) => value !== null);
  const firsts = times([numberOrNull(hot?.['first']), ...files.map((file) => file.first_event_time)]);
  const lasts = times([numberOrNull(hot?.['last']), ...files.map((file) => file.last_event_time)]);
  const hotRows = numberOrNull(hot?.['rows']) ?? 0;
  return {
    table: series.name,
    series: series.key,
    rows: files.reduce((sum, file) => sum + file.rows, hotRows),
    first_event_time: firsts.length === 0 ? null : Math.min(...firsts),
    last_event_time: lasts.length === 0 ? null : Math.max(...lasts),
    hot_rows: hotRows,
    parquet_files: files.length,
    parquet_bytes: files.reduce((sum, file) => sum + file.bytes, 0),
  };
}

/** Rows of one series in [from, to) of its time column, with `row_key`. */
export async function rowsOf(core: StoreCore, query: SeriesRowsQuery): Promise<SqlRow[]> {
  const series = core.registry.get(query);
  const { time, lookbackUs } = series.table;
  const where = `${time} >= ${sqlTime(query.from - lookbackUs)} AND ${time} < ${sqlTime(query.to)}`;
  const select = seriesSelect(series.table, series.id, core.days.source(series.name), where);
  const order = query.order === 'desc' ? 'DESC' : 'ASC';
  return core.db.all(
    `SELECT *, id::VARCHAR AS row_key FROM (${select}) WHERE ${time} >= ${sqlTime(query.from)}
     ORDER BY ${time} ${order}, seq ${order} NULLS LAST, id ${order} LIMIT ?`,
    [Math.max(0, Math.floor(query.limit))],
  );
}

/** The newest row of each series of a stream. */
export async function latestRows(core: StoreCore, stream: Stream, symbol: string | undefined): Promise<SqlRow[]> {
  const table = core.registry.table(stream);
  const wanted = core.registry
    .all()
    .filter((series) => series.key.stream === stream && (symbol === undefined || series.key.symbol === symbol));
  if (wanted.length === 0) return [];
  const times = new Map(await newestTimes(core, table, table.time, wanted));
  // A late row of a finished day is hot and is not the newest.
  for (const { id, name } of wanted) {
    const last = core.days.of(name).at(-1);
    if (last !== undefined && dayOf(last.day) * DAY_US > (times.get(id) ?? 0) - DAY_US) times.delete(id);
  }
  const together = table.lookbackUs === 0 ? wanted.filter((series) => times.has(series.id)) : [];
  const parts = wanted
    .filter((series) => !together.includes(series))
    .flatMap((series) => newestRow(core, series, times.get(series.id)) ?? []);
  if (together.length > 0) parts.push(newestHotRows(table, together, times));
  return parts.length === 0 ? [] : core.db.all(parts.join(' UNION ALL '));
}

/** One pass over the hot rows for all series that need nothing else. */
function newestHotRows(table: TableDefinition, wanted: readonly Series[], times: ReadonlyMap<number, Us>): string {
  const known = wanted.map((s) => {
    const { exchange, market, symbol } = s.key;
    const texts = [s.name, exchange, market, symbol].map(literal).join(', ');
    return `(${s.id}, ${sqlTime(times.get(s.id) ?? 0)}, ${texts})`;
  });
  const oldest = Math.min(...wanted.map((s) => times.get(s.id) ?? 0));
  return `(SELECT "table", exchange, market, symbol, ${shownColumns(table, '')}, id::VARCHAR AS row_key
    FROM ${hotTable(table)} hot_rows
    JOIN (VALUES ${known.join(', ')}) known(series_id, newest, "table", exchange, market, symbol)
      ON hot_rows.series_id = known.series_id AND hot_rows.${table.time} = known.newest
    WHERE hot_rows.${table.time} >= ${sqlTime(oldest)}
    QUALIFY row_number() OVER (PARTITION BY known.series_id ORDER BY seq DESC NULLS LAST, id DESC) = 1)`;
}

/** The newest row of a series that looks back, or whose rows are all in finished days; null when it has none. */
function newestRow(core: StoreCore, series: Series, hot: Us | undefined): string | null {
  const { table, key } = series;
  const last = core.days.of(series.name).at(-1);
  const from = hot ?? (last === undefined ? null : dayOf(last.day) * DAY_US);
  if (from === null) return null;
  const where = `${table.time} >= ${sqlTime(from - table.lookbackUs)}`;
  return `(SELECT ${literal(series.name)} AS "table", ${literal(key.exchange)} AS exchange, ${literal(key.market)} AS market,
    ${literal(key.symbol)} AS symbol, *, id::VARCHAR AS row_key
    FROM (${seriesSelect(table, series.id, core.days.source(series.name), where)})
    ORDER BY ${quoted(table.time)} DESC, seq DESC NULLS LAST, id DESC LIMIT 1)`;
}

/** What the disk and the file say, measured now. */
export async function storageReport(core: StoreCore): Promise<StorageReport> {
  const { db, dataDir } = core;
  const [disk, databaseBytes, walBytes, parquetBytes, tapeBytes, archiveBytes, elsewhere, blocks] = await Promise.all([
    statfs(dataDir),
    sizeOf(db.path),
    sizeOf(`${db.path}.wal`),
    folderBytes(join(dataDir, PARQUET_FOLDER)),
    folderBytes(join(dataDir, 'tape')),
    folderBytes(core.archiveDir),
    onAnotherDisk(core.archiveDir, dataDir),
    db.all(
      'SELECT used_blocks, free_blocks, total_blocks FROM pragma_database_size() WHERE database_name = current_database()',
    ),
  ]);
  const used = Number(blocks[0]?.['used_blocks'] ?? 0);
  const free = Number(blocks[0]?.['free_blocks'] ?? 0);
  return {
    database_bytes: databaseBytes,
    wal_bytes: walBytes,
    parquet_bytes: parquetBytes,
    tape_bytes: tapeBytes,
    archive_bytes: archiveBytes,
    archive_elsewhere: elsewhere,
    disk_free_bytes: disk.bavail * disk.bsize,
    disk_total_bytes: disk.blocks * disk.bsize,
    used_blocks: used,
    free_blocks: free,
    fragmentation_percent: used + free === 0 ? 0 : (free / (used + free)) * 100,
    measured_at: core.clock.now() * 1000,
  };
}

/** False for a folder that is not there yet. */
async function onAnotherDisk(folder: string, dataDir: string): Promise<boolean> {
  try {
    return (await stat(folder)).dev !== (await stat(dataDir)).dev;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Bytes of a file; 0 when there is none. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

async function folderBytes(folder: string): Promise<number> {
  let entries;
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
  const sizes = await Promise.all(
    entries.map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? folderBytes(path) : sizeOf(path);
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Whether an error of the file system says that there is no such thing. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
