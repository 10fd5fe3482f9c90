import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { dayNumber } from './identity.ts';
import type { StagedBatch } from './batch.ts';

import type { StoreCore } from './core.ts';
import { dayText } from './days.ts';
import type { DayFile, Days } from './days.ts';
import { literal, sqlTime } from './names.ts';
import { hotTable, readDays, rowColumnList } from './schema.ts';
import type { Series } from './schema.ts';

/** Finished days that are brought back into the hot table because something in them changes. */
export interface Thawed {
  /** To run first in the transaction of the change. */
  readonly statements: readonly string[];
  /** The days in force after it. */
  readonly days: Days;
  /** Files that are out of force after it. */
  readonly files: readonly DayFile[];
}

/** Plans to bring days of a series back, on top of what was planned before. */
export function thaw(core: StoreCore, series: Series, files: readonly DayFile[], before?: Thawed): Thawed {
  const start = before ?? { statements: [], days: core.days, files: [] };
  if (files.length === 0) return start;
  const days = start.days.copy();
  for (const file of files) days.remove(series.name, file.day);
  const columns = rowColumnList(series.table);
  const statements = files.flatMap((file) => [
    `INSERT INTO ${hotTable(series.table)} (id, series_id, ${columns})
       SELECT id, ${series.id}, ${columns} FROM ${readDays([file.file], core.dataDir)}`,
    `DELETE FROM _days WHERE table_name = ${literal(series.name)} AND day = ${literal(file.day)}`,
  ]);
  return {
    statements: [...start.statements, ...statements, ...days.viewStatements(series)],
    days,
    files: [...start.files, ...files],
  };
}

/** After the transaction: the days in force are the new ones, and the files that fell out of force go. */
export async function afterThaw(core: StoreCore, thawed: Thawed): Promise<void> {
  core.days = thawed.days;
  for (const file of thawed.files) await rm(join(core.dataDir, file.file), { force: true });
}

/**
 * Candles of a finished day that a batch replaces, or says something else about: their days are brought back.
 * Candles that only come again, or that are new, leave the days as they are.
 */
export async function thawReplaced(core: StoreCore, batch: StagedBatch, before: Thawed): Promise<Thawed> {
  if (batch.slots.length === 0) return before;
  let thawed = before;
  for (const [seriesId, own] of batch.days) {
    const series = core.registry.byId(seriesId);
    if (series === undefined) continue;
    const files = [...own].flatMap((day) => thawed.days.get(series.name, dayText(day)) ?? []);
    if (files.length === 0) continue;
    const changed = await changedDays(core, series, batch, files);
    thawed = thaw(
      core,
      series,
      files.filter((file) => changed.has(file.day)),
      thawed,
    );
  }
  return thawed;
}

async function changedDays(
  core: StoreCore,
  series: Series,
  batch: StagedBatch,
  files: readonly DayFile[],
): Promise<ReadonlySet<string>> {
  const { table } = series;
  const held = await core.db.all(
    `SELECT id, closed, event_time, ${table.said.map((name) => `"${name}"`).join(', ')}
     FROM ${readDays(
       files.map(({ file }) => file),
       core.dataDir,
     )}
     WHERE ${table.time} BETWEEN ${sqlTime(batch.minTime)} AND ${sqlTime(batch.maxTime)}`,
  );
  const rows = new Map(held.map((row) => [Number(row['id']), row]));
  const changed = new Set<string>();
  for (const { id, record, time, seriesId } of batch.slots) {
    const row = rows.get(id);
    if (row === undefined || seriesId !== series.id) continue;
    const heldClosed = row['closed'] === true;
    const newer = record.closed === heldClosed && record.event_time > Number(row['event_time']);
    const differs = table.said.some((name) => Object.entries(record).some(([k, v]) => k === name && v !== row[name]));
    if ((record.closed && !heldClosed) || newer || (record.closed && differs)) changed.add(dayText(dayNumber(time)));
  }
  return changed;
}
