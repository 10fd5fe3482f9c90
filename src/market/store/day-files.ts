import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { errorMessage } from '../../kit/errors.ts';
import { MARKETS, STREAMS } from '../domain/records.ts';
import { dayInsert } from './compaction.ts';
import { PARQUET_FOLDER, numberOrNull, runAll } from './core.ts';
import type { StoreCore } from './core.ts';
import type { DayFile, Days } from './days.ts';
import { literal } from './names.ts';
import { FORMAT_VERSION, streamView } from './schema.ts';
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

/** The days in force are those of `_days`: files it does not name are left-overs, files that are gone are reported. */
export async function reconcileDays(core: StoreCore): Promise<Days> {
  const days = core.days.copy();
  const named = new Set<string>();
  const lost: { readonly series: Series; readonly file: DayFile }[] = [];
  for (const name of core.days.names()) {
    for (const file of core.days.of(name)) {
      const path = core.days.path(file);
      if (existsSync(path)) named.add(path);
      else {
        lost.push({ series: core.registry.byName(name), file });
        days.remove(name, file.day);
      }
    }
  }
  for (const path of await parquetFiles(core)) if (!named.has(path)) await rm(path, { force: true });
  if (lost.length === 0) return days;
  const rows = lost.reduce((sum, { file }) => sum + file.rows, 0);
  core.log.error('store.days_lost', { files: lost.map(({ file }) => file.file), rows });
  core.events.emit('system.recovered', {
    what: 'finished days',
    action: 'taken out of the views: their files are gone',
    lost: `${rows} rows of ${lost.length} files`,
    details: { files: lost.map(({ file }) => file.file) },
  });
  await runAll(core.db, [
    ...lost.map(
      ({ series, file }) =>
        `DELETE FROM _days WHERE table_name = ${literal(series.name)} AND day = ${literal(file.day)}`,
    ),
    ...new Set(lost.flatMap(({ series }) => days.viewStatements(series))),
  ]);
  return days;
}

async function parquetFiles(core: StoreCore): Promise<string[]> {
  const folder = join(core.dataDir, PARQUET_FOLDER);
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && DAY_FILE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
