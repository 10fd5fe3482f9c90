import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Corrupt, InvalidInput, Unavailable, errorMessage } from '../../kit/errors.ts';
import { dayNumber } from './identity.ts';
import { dayInsert, nextFile } from './in-force.ts';
import type { ArchiveReport, ArchiveRequest, RestoreReport, RestoreRequest } from './contract.ts';
import { PARQUET_FOLDER, runAll } from './core.ts';
import type { StoreCore } from './core.ts';
import { deleteAgain } from './deletion.ts';
import { readFacts } from './day-files.ts';
import { dayOf } from './days.ts';
import type { DayFile } from './days.ts';
import { MarksPlan, dayStretch } from './marks.ts';
import { literal, sqlTime } from './names.ts';
import { isMissing } from './reports.ts';
import { hotTable } from './schema.ts';
import type { Series } from './schema.ts';

const DAY_US = 86_400_000_000;
const ARCHIVED = /^(\d{4}-\d{2}-\d{2})\.\d+\.parquet$/;

/** Finished days that are older than `days` whole days, oldest first. */
export function archivable(core: StoreCore, { now, days }: Pick<ArchiveRequest, 'now' | 'days'>): readonly Entry[] {
  const oldest = dayNumber(now) - days;
  return core.registry
    .all()
    .flatMap((series) => core.days.of(series.name).map((file) => ({ series, file })))
    .filter(({ file }) => dayOf(file.day) < oldest)
    .sort((a, b) => (a.file.day < b.file.day ? -1 : 1));
}

interface Entry {
  readonly series: Series;
  readonly file: DayFile;
}

/**
 * Moves finished days to the archive folder: each is copied, compared byte for byte by its hash and on disk before one
 * transaction takes them out of the views; then the originals go. A kill at any point leaves each day in force or whole
 * in the archive. Retention does not reach the archive.
 */
export async function archiveDays(core: StoreCore, request: ArchiveRequest): Promise<ArchiveReport> {
  const moving = archivable(core, request);
  const folder = resolve(core.dataDir, request.folder);
  for (const { file } of moving) await copyVerified(core.days.path(file), placeOf(folder, file));
  const days = core.days.copy();
  for (const { series, file } of moving) days.remove(series.name, file.day);
  const views = new Set(moving.flatMap(({ series }) => days.viewStatements(series)));
  const forget = moving.map(
    ({ series, file }) => `DELETE FROM _days WHERE table_name = ${literal(series.name)} AND day = ${literal(file.day)}`,
  );
  const marks = new MarksPlan(core);
  const reason = 'archived: restore_archived_data brings it back';
  for (const { series, file } of moving) marks.add(series.id, { ...dayStretch(file.day), state: 'pruned', reason });
  if (moving.length > 0) await runAll(core.db, [...forget, ...views, ...marks.statements()]);
  core.days = days;
  marks.done();
  for (const { file } of moving) await rm(join(core.dataDir, file.file), { force: true });
  return {
    folder,
    files: moving.length,
    bytes: moving.reduce((sum, { file }) => sum + file.bytes, 0),
    rows: moving.reduce((sum, { file }) => sum + file.rows, 0),
    first_day: moving[0]?.file.day ?? null,
    last_day: moving.at(-1)?.file.day ?? null,
  };
}

/**
 * Brings archived days back into the views. A day that has rows already is left in the archive and named, since what
 * is there may be the same rows.
 */
export async function restoreDays(core: StoreCore, request: RestoreRequest): Promise<RestoreReport> {
  const skipped: { file: string; reason: string }[] = [];
  const restored: Entry[] = [];
  const folder = resolve(core.dataDir, request.folder);
  for (const archived of await archivedFiles({ ...request, folder })) {
    const series = core.registry.all().find((one) => one.name === archived.table);
    if (series === undefined) skipped.push({ file: archived.path, reason: `${archived.table} is not known` });
    else if (await hasRows(core, series, archived.day))
      skipped.push({ file: archived.path, reason: 'the day has rows in the database' });
    else {
      const target = join(core.dataDir, nextFile(series, archived.day, undefined));
      await copyVerified(archived.path, target);
      const { file } = await checked(core, archived.path, target);
      await putIntoForce(core, series, file);
      const gone = await deleteAgain(core, series, file);
      await rm(archived.path, { force: true });
      restored.push({ series, file: { ...file, rows: file.rows - gone } });
    }
  }
  return {
    files: restored.length,
    bytes: restored.reduce((sum, { file }) => sum + file.bytes, 0),
    rows: restored.reduce((sum, { file }) => sum + file.rows, 0),
    skipped,
  };
}

async function checked(core: StoreCore, archived: string, target: string): Promise<Entry> {
  try {
    return await readFacts(core, target);
  } catch (error) {
    await rm(target, { force: true });
    throw new Corrupt(`${archived} is damaged and stays in the archive: ${errorMessage(error)}`, { cause: error });
  }
}

async function putIntoForce(core: StoreCore, series: Series, file: DayFile): Promise<void> {
  const days = core.days.copy();
  days.add(series.name, series.key.stream, file);
  const marks = new MarksPlan(core);
  marks.cut(series.id, 'pruned', dayStretch(file.day));
  await runAll(core.db, [dayInsert(series.name, file), ...days.viewStatements(series), ...marks.statements()]);
  core.days = days;
  marks.done();
}

async function hasRows(core: StoreCore, series: Series, day: string): Promise<boolean> {
  if (core.days.get(series.name, day) !== undefined) return true;
  const from = dayOf(day) * DAY_US;
  const { time } = series.table;
  const rows = await core.db.all(
    `SELECT 1 FROM ${hotTable(series.table)} WHERE series_id = ${series.id} AND ${time} >= ${sqlTime(from)}
       AND ${time} < ${sqlTime(from + DAY_US)} LIMIT 1`,
  );
  return rows.length > 0;
}

interface Archived {
  readonly table: string;
  readonly day: string;
  readonly path: string;
}

async function archivedFiles({ folder, table, from, to }: RestoreRequest): Promise<readonly Archived[]> {
  let entries;
  try {
    entries = await readdir(folder, { withFileTypes: true, recursive: true });
  } catch (error) {
    if (isMissing(error)) throw new InvalidInput(`nothing was archived yet: there is no folder ${folder}`);
    throw error;
  }
  return entries
    .filter((entry) => entry.isFile() && ARCHIVED.test(entry.name))
    .map((entry) => ({
      table: entry.parentPath.split(/[/\\]/).at(-1) ?? '',
      day: ARCHIVED.exec(entry.name)?.[1] ?? '',
      path: join(entry.parentPath, entry.name),
    }))
    .filter((a) => (table === undefined || a.table === table) && a.day >= from && a.day <= to)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** `archive/trades/btcusdt_binance_futures_trades/2026-01-31.1.parquet`. */
function placeOf(folder: string, file: DayFile): string {
  return join(folder, file.file.slice(PARQUET_FOLDER.length + 1));
}

/** Copies to a name of its own, compares, and renames; the source stays. Throws Unavailable, Corrupt. */
async function copyVerified(source: string, target: string): Promise<void> {
  const partial = `${target}.partial`;
  try {
    await mkdir(dirname(target), { recursive: true });
    await copyFile(source, partial);
    const handle = await open(partial, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(partial, { force: true });
    throw new Unavailable(`${target} cannot be written: ${errorMessage(error)}`, { cause: error });
  }
  if ((await sha256(source)) !== (await sha256(partial))) {
    await rm(partial, { force: true });
    throw new Corrupt(`the copy of ${source} is not equal to it: the original stays where it is`);
  }
  await rename(partial, target);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
