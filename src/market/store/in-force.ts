import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Us } from '../../kit/clock.ts';
import { errorMessage } from '../../kit/errors.ts';
import { PARQUET_FOLDER, runAll } from './core.ts';
import type { Queue, StoreCore } from './core.ts';
import { dayText } from './days.ts';
import type { DayFile } from './days.ts';
import { NO_LEFT_OVERS, addLeftOvers } from './left-overs.ts';
import { literal, sqlTime } from './names.ts';
import { hotTable, streamView } from './schema.ts';
import type { Series } from './schema.ts';
import type { TableDefinition } from './tables/contract.ts';

const DAY_US = 86_400_000_000;

/** What the rows of a series and day add up to. */
export interface Summary {
  readonly rows: number;
  readonly checksum: string;
  readonly first_event_time: Us | null;
  readonly last_event_time: Us | null;
}

/** A series' file of a day before it has its place: it lies at `work`. `old` is the file that the day had before. */
export interface Written {
  readonly series: Series;
  readonly old: DayFile | undefined;
  readonly work: string;
  readonly bytes: number;
  readonly summary: Summary;
}

/** The same at its place. */
interface Placed {
  readonly series: Series;
  readonly old: DayFile | undefined;
  readonly file: DayFile;
}

interface OfDay<T> {
  readonly table: TableDefinition;
  readonly day: number;
  readonly written: readonly T[];
}

/**
 * Puts the files of a day at their places, beside the writes, and then into force, within them, in the place of the hot
 * rows. The database is told of the files first: what a kill leaves of them is removed unread when it is opened next.
 */
export async function takeIntoForce(core: StoreCore, writes: Queue, taken: OfDay<Written>): Promise<readonly Placed[]> {
  const { table, day, written } = taken;
  if (written.length === 0) return [];
  const placed = written.map(({ series, old, bytes, summary }): Placed => {
    const file = nextFile(series, dayText(day), old);
    return { series, old, file: { day: dayText(day), file, bytes, ...summary } };
  });
  await writes.run(() => runAll(core.db, [addLeftOvers(placed.map(({ file }) => file.file))]));
  try {
    for (const [i, { file }] of placed.entries()) await place(written[i]?.work ?? '', join(core.dataDir, file.file));
    return await writes.run(() => replaceRows(core, { table, day, written: placed }));
  } finally {
    await removeLeft(core, writes, placed);
  }
}

async function place(work: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await rename(work, target);
  await syncPath(dirname(target));
}

/**
 * The files of series whose day nobody has written to, in the place of their hot rows and of their files before. All in one
 * transaction: series lie side by side, so some at a time leave every group of rows half deleted, and to fold that in took
 * 1.4 and 3.2 s in between, where all at once took 0.5 (6 million rows of 72 series).
 */
async function replaceRows(core: StoreCore, taken: OfDay<Placed>): Promise<readonly Placed[]> {
  const { table, day } = taken;
  const unchanged = taken.written.filter(({ series }) => !core.changedDays.has(series.id, day));
  if (unchanged.length === 0) return [];
  const days = core.days.copy();
  for (const { series, file } of unchanged) days.add(series.name, table.stream, file);
  const ids = unchanged.map(({ series }) => series.id).join(', ');
  const old = unchanged.flatMap((one) => (one.old === undefined ? [] : [one.old.file]));
  try {
    await runAll(core.db, [
      `DELETE FROM ${hotTable(table)} WHERE ${within(table, day * DAY_US, (day + 1) * DAY_US)} AND series_id IN (${ids})`,
      ...unchanged.flatMap(({ series, file }) => [
        `DELETE FROM _days WHERE table_name = ${literal(series.name)} AND day = ${literal(file.day)}`,
        dayInsert(series.name, file),
        ...days.viewStatements(series).slice(0, 1),
      ]),
      streamView(table, days.streamSource(table.stream)),
      ...(old.length === 0 ? [] : [addLeftOvers(old)]),
    ]);
  } catch (error) {
    // A commit can fail after it was written, in what follows it: all files are in force then.
    const held = await core.db.all('SELECT file FROM _days WHERE file = ?', [unchanged[0]?.file.file ?? '']);
    if (held.length === 0) throw error;
    core.log.warn('store.commit_failed_late', { reason: errorMessage(error) });
  }
  core.days = days;
  return unchanged;
}

/** Removes what is not in force of the new files and of those before. What cannot be removed is when it is opened next. */
async function removeLeft(core: StoreCore, writes: Queue, placed: readonly Placed[]): Promise<void> {
  try {
    await writes.run(async () => {
      for (const { series, old, file } of placed) {
        const inForce = core.days.get(series.name, file.day)?.file;
        for (const one of [old, file]) {
          if (one !== undefined && one.file !== inForce) await rm(join(core.dataDir, one.file), { force: true });
        }
      }
      await core.db.run(NO_LEFT_OVERS);
    });
  } catch (error) {
    core.log.warn('store.left_overs_kept', { reason: errorMessage(error) });
  }
}

/** Of a stream, in [from, to) of its time column. */
export function within(table: TableDefinition, from: Us, to: Us): string {
  return `${table.time} >= ${sqlTime(from)} AND ${table.time} < ${sqlTime(to)}`;
}

/** `parquet/trades/btcusdt_binance_futures_trades/2026-01-31.2.parquet`: a later file of a day has a higher number. */
export function nextFile(series: Series, day: string, old: DayFile | undefined): string {
  const version = old === undefined ? 1 : Number(/\.(\d+)\.parquet$/.exec(old.file)?.[1] ?? 0) + 1;
  return join(PARQUET_FOLDER, series.key.stream, series.name, `${day}.${version}.parquet`);
}

/** The row of `_days` that takes a file into force. */
export function dayInsert(name: string, file: DayFile): string {
  const time = (value: Us | null): string => (value === null ? 'NULL' : sqlTime(value));
  return `INSERT INTO _days VALUES (${literal(name)}, ${literal(file.day)}, ${literal(file.file)}, ${file.rows}, ${file.bytes},
    ${literal(file.checksum)}, ${time(file.first_event_time)}, ${time(file.last_event_time)})`;
}

/** Waits until a file, or the names in a folder, are on disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
