import type { SqlRow } from '../../infra/duckdb/database.ts';
import type { CarriedSeries, CoverageInterval } from '../domain/coverage.ts';
import type { StoreCore } from './core.ts';
import { intervalOf } from './coverage.ts';
import { dayText } from './days.ts';
import { hotTable } from './schema.ts';

const DAY_US = 86_400_000_000;

/** The ledger of every series as it was collected, where each stands, and the days that have rows beside their files. */
export async function carriedSeries(core: StoreCore): Promise<readonly CarriedSeries[]> {
  const [rows, headRows, open] = await Promise.all([
    core.db.all('SELECT series_id, from_time, to_time, state, reason FROM _coverage ORDER BY series_id, from_time'),
    core.db.all('SELECT series_id, known_to, reason FROM _coverage_heads'),
    openDays(core),
  ]);
  const intervals = bySeries(rows);
  const heads = new Map(headRows.map((row) => [Number(row['series_id']), row]));
  return core.registry.all().flatMap((series) => {
    const head = heads.get(series.id);
    const own: CoverageInterval[] = (intervals.get(series.id) ?? []).map(intervalOf);
    if (head === undefined && own.length === 0) return [];
    const reason = head?.['reason'];
    const carried: CarriedSeries = {
      ...series.key,
      intervals: own,
      head:
        head === undefined
          ? null
          : { knownTo: Number(head['known_to']), reason: typeof reason === 'string' ? reason : null },
      openDays: (open.get(series.id) ?? []).map((day) => ({
        day,
        file: core.days.get(series.name, day)?.file ?? null,
      })),
    };
    return [carried];
  });
}

/** Days with rows in the hot tables, a series. */
async function openDays(core: StoreCore): Promise<ReadonlyMap<number, readonly string[]>> {
  const tables = [...new Set(core.registry.all().map((series) => series.table))];
  if (tables.length === 0) return new Map();
  const parts = tables.map(
    (table) => `SELECT DISTINCT series_id, epoch_us(${table.time}) // ${DAY_US} AS day FROM ${hotTable(table)}`,
  );
  const rows = await core.db.all(`SELECT * FROM (${parts.join(' UNION ALL ')}) ORDER BY series_id, day`);
  return new Map([...bySeries(rows)].map(([id, own]) => [id, own.map((row) => dayText(Number(row['day'])))]));
}

function bySeries(rows: readonly SqlRow[]): ReadonlyMap<number, readonly SqlRow[]> {
  const grouped = new Map<number, SqlRow[]>();
  for (const row of rows) {
    const id = Number(row['series_id']);
    const own = grouped.get(id);
    if (own === undefined) grouped.set(id, [row]);
    else own.push(row);
  }
  return grouped;
}
