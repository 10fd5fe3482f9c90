import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Us } from '../../kit/clock.ts';
import { AppError, Corrupt } from '../../kit/errors.ts';
import { WORK_FOLDER, numberOrNull } from './core.ts';
import type { Queue, StoreCore } from './core.ts';
import { dayText } from './days.ts';
import type { DayFile } from './days.ts';
import { syncPath, takeIntoForce, within } from './in-force.ts';
import type { Summary, Written } from './in-force.ts';
import { literal } from './names.ts';
import { sizeOf } from './reports.ts';
import { FORMAT_VERSION, ROW_COLUMNS, hotTable, readDays, rowColumnList, rowValueList } from './schema.ts';
import type { Series } from './schema.ts';
import type { TableDefinition } from './tables/contract.ts';

const DAY_US = 86_400_000_000;

/** Values that are sorted at a time at most: what sorts more takes all memory there is, and leaves writes none. */
const MOST_VALUES = 8_000_000;
/** Small groups, since each series is read out of every gathered file. */
const GATHERED_GROUP = 8_192;
const MOST_LOG_BYTES = 16 * 1024 * 1024;

/**
 * One day of a stream into a file each series. The rows are read twice, however many series there are: once for what
 * they add up to, and once into files of them all, a stretch of time each and sorted by series, from which each series'
 * own is made. All this goes on beside the writes; these wait only while the files take the place of the rows. A series
 * whose day was written to meanwhile keeps its rows.
 */
export async function freezeDay(
  core: StoreCore,
  writes: Queue,
  wanted: { readonly table: TableDefinition; readonly day: number; readonly signal: AbortSignal },
): Promise<readonly { readonly series: Series; readonly file: DayFile }[]> {
  const { table, day, signal } = wanted;
  const folder = join(core.dataDir, WORK_FOLDER, `${table.stream}-${dayText(day)}`);
  await mkdir(folder, { recursive: true });
  // In the queue, so that no write is half done when the watch begins.
  await writes.run(() => Promise.resolve(core.changedDays.watch()));
  try {
    const gathered = await gather(core, writes, { table, day, folder, signal });
    const written: Written[] = [];
    for (const [id, summary] of gathered.summaries) {
      const series = core.registry.byId(id);
      if (series === undefined || core.changedDays.has(id, day)) continue;
      const work = join(folder, `${series.name}.parquet`);
      const one = await writeSeriesDay(core, { series, day, files: gathered.files, summary, work, signal });
      if (one !== null) written.push(one);
      await foldLog(core, writes);
    }
    return await takeIntoForce(core, writes, { table, day, written });
  } finally {
    core.changedDays.end();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Gathered {
  readonly files: readonly string[];
  /** By series: what its hot rows of the day add up to, read from the hot table. */
  readonly summaries: ReadonlyMap<number, Summary>;
}

/** The hot rows of a day in files of their own, outside what readers see. */
async function gather(
  core: StoreCore,
  writes: Queue,
  { table, day, folder, signal }: Parameters<typeof freezeDay>[2] & { readonly folder: string },
): Promise<Gathered> {
  const [from, to] = [day * DAY_US, (day + 1) * DAY_US];
  const [count] = await core.db.all(
    `SELECT count(*) AS n FROM ${hotTable(table)} WHERE ${within(table, from, to)}`,
    undefined,
    signal,
  );
  const values = Number(count?.['n'] ?? 0) * (table.stored.length + ROW_COLUMNS.length);
  const step = Math.ceil(DAY_US / Math.max(1, Math.ceil(values / MOST_VALUES)));
  const files: string[] = [];
  const sums = new Map<number, Summary>();
  for (let at = from; at < to; at += step) {
    const hot = `SELECT series_id, id, ${rowValueList(table)} FROM ${hotTable(table)}
      WHERE ${within(table, at, Math.min(at + step, to))}`;
    const file = join(folder, `${files.length}.gathered.parquet`);
    for (const [id, summary] of await summaries(core, table, hot, signal))
      sums.set(id, together(summary, sums.get(id)));
    await core.db.all(
      `COPY (SELECT * FROM (${hot}) ORDER BY series_id, ${table.time}, seq NULLS LAST, id)
       TO ${literal(file)} (FORMAT parquet, ROW_GROUP_SIZE ${GATHERED_GROUP})`,
      undefined,
      signal,
    );
    files.push(file);
    await foldLog(core, writes);
  }
  return { files, summaries: sums };
}

/**
 * Writes end up in the log, and in memory, until it is folded in, which DuckDB does by itself only while nothing is read.
 */
async function foldLog(core: StoreCore, writes: Queue): Promise<void> {
  if ((await sizeOf(`${core.db.path}.wal`)) < MOST_LOG_BYTES) return;
  try {
    await writes.run(() => core.db.run('CHECKPOINT'));
  } catch (error) {
    // Somebody else reads just now; then after the next step.
    if (!(error instanceof AppError) || !error.message.includes('Cannot CHECKPOINT')) throw error;
  }
}

/** By series: row count and an order-free checksum over every column. */
async function summaries(
  core: StoreCore,
  table: TableDefinition,
  source: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, Summary>> {
  const rows = await core.db.all(
    `SELECT series_id, count(*) AS rows, coalesce(sum(hash(id, ${rowColumnList(table)})::HUGEINT), 0)::VARCHAR AS checksum,
       min(event_time) AS first, max(event_time) AS last FROM (${source}) GROUP BY series_id`,
    undefined,
    signal,
  );
  return new Map(
    rows.map((row) => [
      Number(row['series_id']),
      {
        rows: Number(row['rows']),
        checksum: String(row['checksum']),
        first_event_time: numberOrNull(row['first']),
        last_event_time: numberOrNull(row['last']),
      },
    ]),
  );
}

/** Null when its day changed before it was read. */
async function writeSeriesDay(
  core: StoreCore,
  wanted: {
    readonly series: Series;
    readonly day: number;
    readonly files: readonly string[];
    readonly summary: Summary;
    readonly work: string;
    readonly signal: AbortSignal;
  },
): Promise<Written | null> {
  const { series, day, files, work, signal } = wanted;
  const { table } = series;
  const old = core.days.get(series.name, dayText(day));
  const summary = together(wanted.summary, old);
  const columns = `id, ${rowColumnList(table)}`;
  const own = `SELECT ${columns} FROM read_parquet([${files.map(literal).join(', ')}]) WHERE series_id = ${series.id}`;
  const rows =
    old === undefined ? own : `${own} UNION ALL SELECT ${columns} FROM ${readDays([old.file], core.dataDir)}`;
  try {
    await writeDay(core, { series, day, rows, summary, path: work, signal });
  } catch (error) {
    // The file that the day had was replaced.
    if (core.changedDays.has(series.id, day)) return null;
    throw error;
  }
  const source = `SELECT ${series.id} AS series_id, ${columns} FROM read_parquet(${literal(work)})`;
  const found = (await summaries(core, table, source, signal)).get(series.id);
  if (core.changedDays.has(series.id, day)) return null;
  if (found?.rows !== summary.rows || found.checksum !== summary.checksum)
    throw new Corrupt(
      `day ${dayText(day)} of ${series.name} did not reach its file whole: the rows stay where they are`,
    );
  await syncPath(work);
  return { series, old, work, bytes: (await stat(work)).size, summary };
}

/** What two sets of rows add up to. */
function together(one: Summary, other: Summary | undefined): Summary {
  if (other === undefined) return one;
  const times = (values: readonly (Us | null)[]): Us[] => values.filter((value) => value !== null);
  const firsts = times([one.first_event_time, other.first_event_time]);
  const lasts = times([one.last_event_time, other.last_event_time]);
  return {
    rows: one.rows + other.rows,
    checksum: String(BigInt(one.checksum) + BigInt(other.checksum)),
    first_event_time: firsts.length === 0 ? null : Math.min(...firsts),
    last_event_time: lasts.length === 0 ? null : Math.max(...lasts),
  };
}

async function writeDay(
  core: StoreCore,
  file: {
    readonly series: Series;
    readonly day: number;
    readonly rows: string;
    readonly summary: Summary;
    readonly path: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { key, table } = file.series;
  const facts = {
    format: String(FORMAT_VERSION),
    exchange: key.exchange,
    market: key.market,
    symbol: key.symbol,
    stream: key.stream,
    day: dayText(file.day),
    rows: String(file.summary.rows),
    checksum: file.summary.checksum,
  };
  const metadata = Object.entries(facts).map(([name, value]) => `${name}: ${literal(value)}`);
  await core.db.all(
    `COPY (SELECT ${literal(key.exchange)} AS exchange, ${literal(key.market)} AS market, ${literal(key.symbol)} AS symbol, *
       FROM (${file.rows}) ORDER BY ${table.time}, seq NULLS LAST, id)
     TO ${literal(file.path)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {${metadata.join(', ')}})`,
    undefined,
    file.signal,
  );
}
