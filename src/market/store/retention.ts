import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Us } from '../../kit/clock.ts';
import { dayNumber } from './identity.ts';
import { runAll } from './core.ts';
import type { StoreCore } from './core.ts';
import { dayOf } from './days.ts';
import type { DayFile } from './days.ts';
import { MarksPlan } from './marks.ts';
import { literal, sqlTime } from './names.ts';
import { hotTable } from './schema.ts';
import type { Series } from './schema.ts';

const DAY_US = 86_400_000_000;

/**
 * Deletes what is older than `days` whole days: files, and rows that are still hot. The ledger goes on telling what was
 * collected, as pruned.
 */
export async function retainDays(
  core: StoreCore,
  options: { readonly now: Us; readonly days: number; readonly why?: string | undefined },
): Promise<{ readonly files: number; readonly bytes: number; readonly rows: number }> {
  const oldest = dayNumber(options.now) - options.days;
  const days = core.days.copy();
  const gone: { readonly series: Series; readonly file: DayFile }[] = [];
  for (const series of core.registry.all()) {
    for (const file of core.days.of(series.name)) {
      if (dayOf(file.day) >= oldest) continue;
      days.remove(series.name, file.day);
      gone.push({ series, file });
    }
  }
  const tables = [...new Set(core.registry.all().map((series) => series.table))];
  const deletes = tables.map(
    (table) => `DELETE FROM ${hotTable(table)} WHERE ${table.time} < ${sqlTime(oldest * DAY_US)}`,
  );
  const views = new Set(gone.flatMap(({ series }) => days.viewStatements(series)));
  const forget = gone.map(
    ({ series, file }) => `DELETE FROM _days WHERE table_name = ${literal(series.name)} AND day = ${literal(file.day)}`,
  );
  const marks = new MarksPlan(core);
  const reason = `older than the ${options.days} days that are kept`;
  // Also of series whose ledger tells nothing: else a file that a kill leaves would be taken in again.
  const concerned = new Set([...(await toldBefore(core, oldest * DAY_US)), ...gone.map(({ series }) => series.id)]);
  for (const id of concerned) marks.add(id, { from: 0, to: oldest * DAY_US, state: 'pruned', reason });
  const results = await runAll(core.db, [...deletes, ...forget, ...views, ...marks.statements()]);
  core.days = days;
  marks.done();
  for (const { file } of gone) await rm(join(core.dataDir, file.file), { force: true });
  const hotRows = results.slice(0, deletes.length).reduce((sum, result) => sum + result.changed, 0);
  const pruned = {
    files: gone.length,
    bytes: gone.reduce((sum, { file }) => sum + file.bytes, 0),
    rows: gone.reduce((sum, { file }) => sum + file.rows, hotRows),
  };
  if (pruned.rows > 0)
    core.events.emit('storage.pruned', {
      what: 'market days',
      files: pruned.files,
      bytes: pruned.bytes,
      reason: `${pruned.rows} rows older than ${options.days} days${options.why === undefined ? '' : `: ${options.why}`}`,
    });
  return pruned;
}

/** Series of which the ledger tells something before a time. */
async function toldBefore(core: StoreCore, time: Us): Promise<readonly number[]> {
  const rows = await core.db.all(`SELECT DISTINCT series_id FROM _coverage WHERE from_time < ${sqlTime(time)}`);
  return rows.map((row) => Number(row['series_id']));
}
