import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { errorMessage } from '../../kit/errors.ts';
import { MARKETS, STREAMS } from '../domain/records.ts';
import { dayInsert } from './in-force.ts';
import { PARQUET_FOLDER, numberOrNull, runAll } from './core.ts';
import type { StoreCore } from './core.ts';
import type { DayFile, Days } from './days.ts';
import { MarksPlan, dayStretch } from './marks.ts';
import { outsideDeleted } from './deletion.ts';
import { literal, sqlTime } from './names.ts';
import { FORMAT_VERSION, hotTable, readDays, rowColumnList, streamView } from './schema.ts';
import type { Series } from './schema.ts';

const DAY_FILE = /^\d{4}-\d{2}-\d{2}\.\d+\.parquet$/;

const facts = z.object({
  format: z.literal(String(FORMAT_VERSION)),
  exchange: z.string(),
  market: z.enum(MARKETS),
  symbol: z.string(),
  stream: z.enum(STREAMS),
  day: z.string().regex(/^\d{4}-\d{2}-\d{2}$/),
  rows: z.string(),
  checksum: z.string(),
});

/** A new database takes over the finished days that lie in the Parquet folder. Files that cannot be read are left and reported. */
export async function adoptDays(core: StoreCore): Promise<Days> {
  const newest = new Map<string, string>();
  const olderFiles: string[] = [];
  for (const path of await parquetFiles(core)) {
    const match = /^(.*)\.(\d+)\.parquet$/.exec(path);
    if (match === null) continue;
    const held = newest.get(match[1] ?? '');
    const version = (text: string): number => Number(/\.(\d+)\.parquet$/.exec(text)?.[1] ?? 0);
    if (held !== undefined && version(held) > version(path)) olderFiles.push(path);
    else {
      if (held !== undefined) olderFiles.push(held);
      newest.set(match[1] ?? '', path);
    }
  }
  const days = core.days.copy();
  const adopted: { readonly series: Series; readonly file: DayFile }[] = [];
  for (const path of newest.values()) {
    try {
      adopted.push(await readFacts(core, path));
    } catch (error) {
      core.log.warn('store.day_not_adopted', { file: path, reason: errorMessage(error) });
    }
  }
  for (const { series, file } of adopted) days.add(series.name, series.key.stream, file);
  const touched = new Map(adopted.map(({ series }) => [series.name, series]));
  await runAll(core.db, [
    ...adopted.map(({ series, file }) => dayInsert(series.name, file)),
    ...[...touched.values()].flatMap((series) => days.viewStatements(series).slice(0, 1)),
    ...[...new Set([...touched.values()].map((series) => series.table))].map((table) =>
      streamView(table, days.streamSource(table.stream)),
    ),
  ]);
  for (const path of olderFiles) await rm(path, { force: true });
  if (adopted.length > 0) core.log.info('store.days_adopted', { files: adopted.length });
  return days;
}

/** What a day's file says of itself; its series is registered when it is new. Throws when it does not hold what it says. */
export async function readFacts(core: StoreCore, path: string): Promise<{ series: Series; file: DayFile }> {
  const rows = await core.db.all(
    `SELECT decode(key) AS name, decode(value) AS value FROM parquet_kv_metadata(${literal(path)})`,
  );
  const known = facts.parse(Object.fromEntries(rows.map((row) => [String(row['name']), String(row['value'])])));
  const [times] = await core.db.all(
    `SELECT count(*) AS rows, min(event_time) AS first, max(event_time) AS last FROM read_parquet(${literal(path)})`,
  );
  if (Number(times?.['rows']) !== Number(known.rows))
    throw new Error(`it holds ${String(times?.['rows'])} rows, not ${known.rows}`);
  const missing = core.registry.missing([known], core.clock.now());
  if (missing !== null) {
    await core.db.transaction(missing.statements);
    missing.commit();
  }
  return {
    series: core.registry.get(known),
    file: {
      day: known.day,
      file: relative(core.dataDir, path),
      rows: Number(known.rows),
      bytes: (await stat(path)).size,
      checksum: known.checksum,
      first_event_time: numberOrNull(times?.['first']),
      last_event_time: numberOrNull(times?.['last']),
    },
  };
}

/**
 * The days in force are those of `_days`. Files that are gone are reported, and told as pruned; what other files hold
 * beside is taken in, unless it was deleted or archived on purpose.
 */
export async function reconcileDays(core: StoreCore): Promise<Days> {
  const days = core.days.copy();
  const lost: Found[] = [];
  for (const name of core.days.names()) {
    for (const file of core.days.of(name)) {
      if (existsSync(core.days.path(file))) continue;
      lost.push({ series: core.registry.byName(name), file });
      days.remove(name, file.day);
    }
  }
  core.days = days;
  const found = await takeInStrays(core);
  const gone = lost.filter(({ series, file }) => core.days.get(series.name, file.day) === undefined);
  if (lost.length > 0) await forgetLost(core, lost, gone);
  if (found > 0) core.log.warn('store.days_taken_in', { rows: found });
  return core.days;
}

interface Found {
  readonly series: Series;
  readonly file: DayFile;
}

/** Files that `_days` does not name: what a kill left behind, or what another copy of the database wrote. Rows gained. */
async function takeInStrays(core: StoreCore): Promise<number> {
  const named = new Set(core.days.names().flatMap((name) => core.days.of(name).map((file) => core.days.path(file))));
  let rows = 0;
  const left: DayFile[] = [];
  for (const path of await parquetFiles(core)) {
    if (named.has(path)) continue;
    try {
      const found = await readFacts(core, path);
      if (isGoneOnPurpose(core, found) && !core.days.get(found.series.name, found.file.day)) left.push(found.file);
      rows += await takeInStray(core, found, path);
    } catch (error) {
      core.log.warn('store.day_not_adopted', { file: path, reason: errorMessage(error) });
    }
  }
  if (left.length > 0) tellLeft(core, left);
  return rows;
}

/** The kill may have come before it was told that these days went. */
function tellLeft(core: StoreCore, left: readonly DayFile[]): void {
  const sum = (of: (file: DayFile) => number): number => left.reduce((total, file) => total + of(file), 0);
  core.events.emit('storage.pruned', {
    what: 'market days',
    files: left.length,
    bytes: sum((file) => file.bytes),
    reason: `${sum((file) => file.rows)} rows of days that were deleted or archived: a kill had left their files`,
    details: { files: left.map(({ file }) => file) },
  });
}

/** A day whose rows were deleted by age or archived. */
function isGoneOnPurpose(core: StoreCore, { series, file }: Found): boolean {
  const { from, to } = dayStretch(file.day);
  const marks = core.marks.get(series.id) ?? [];
  return marks.some((m) => m.state === 'pruned' && m.from <= from && m.to >= to);
}

async function takeInStray(core: StoreCore, found: Found, path: string): Promise<number> {
  const { series, file } = found;
  const { table } = series;
  const { from, to } = dayStretch(file.day);
  const own = core.days.get(series.name, file.day);
  const on = `series_id = ${series.id} AND ${table.time} >= ${sqlTime(from)} AND ${table.time} < ${sqlTime(to)}`;
  const held = [
    `SELECT id FROM ${hotTable(table)} WHERE ${on}`,
    `SELECT id FROM quarantined.${table.stream} WHERE ${on}`,
    ...(own === undefined ? [] : [`SELECT id FROM ${readDays([own.file], core.dataDir)}`]),
  ].join(' UNION ALL ');
  const unknown = `FROM ${readDays([file.file], core.dataDir)} WHERE id NOT IN (${held})
    AND ${outsideDeleted(core, series, table.time)}`;
  const [count] = isGoneOnPurpose(core, found) ? [] : await core.db.all(`SELECT count(*) AS n ${unknown}`);
  const rows = Number(count?.['n'] ?? 0);
  if (rows === file.rows && rows > 0 && own === undefined) {
    const days = core.days.copy();
    days.add(series.name, series.key.stream, file);
    await runAll(core.db, [
      `DELETE FROM _days WHERE table_name = ${literal(series.name)} AND day = ${literal(file.day)}`,
      dayInsert(series.name, file),
      ...days.viewStatements(series),
    ]);
    core.days = days;
    return rows;
  }
  const columns = rowColumnList(table);
  if (rows > 0) {
    await core.db.run(
      `INSERT INTO ${hotTable(table)} (id, series_id, ${columns}) SELECT id, ${series.id}, ${columns} ${unknown}`,
    );
  }
  await rm(path, { force: true });
  return rows;
}

async function forgetLost(core: StoreCore, lost: readonly Found[], gone: readonly Found[]): Promise<void> {
  const rows = gone.reduce((sum, { file }) => sum + file.rows, 0);
  const files = gone.map(({ file }) => file.file);
  if (gone.length > 0) {
    core.log.error('store.days_lost', { files, rows });
    core.events.emit('system.recovered', {
      what: 'finished days',
      action: 'taken out of the views: their files are gone',
      lost: `${rows} rows of ${gone.length} files`,
      details: { files },
    });
  }
  const marks = new MarksPlan(core);
  for (const { series, file } of gone)
    marks.add(series.id, { ...dayStretch(file.day), state: 'pruned', reason: "its day's file is gone" });
  await runAll(core.db, [
    ...lost.map(
      ({ series, file }) =>
        `DELETE FROM _days WHERE table_name = ${literal(series.name)} AND file = ${literal(file.file)}`,
    ),
    ...new Set(lost.flatMap(({ series }) => core.days.viewStatements(series))),
    ...marks.statements(),
  ]);
  marks.done();
}

async function parquetFiles(core: StoreCore): Promise<string[]> {
  const folder = join(core.dataDir, PARQUET_FOLDER);
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && DAY_FILE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
