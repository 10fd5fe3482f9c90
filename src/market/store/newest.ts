import type { Us } from '../../kit/clock.ts';
import { numberOrNull } from './core.ts';
import type { StoreCore } from './core.ts';
import { sqlTime } from './names.ts';
import { hotTable } from './schema.ts';
import type { Series } from './schema.ts';
import type { TableDefinition } from './tables/contract.ts';

/** How far back from the newest row the series are looked for first, and then those that were not found. */
const STRETCHES_US: readonly Us[] = [60_000_000, 900_000_000, 14_400_000_000];

/**
 * The newest time of each series' hot rows, by series id; nothing of those that have none. Looked for from the newest
 * row backwards: rows lie by time, so that of a large table only the end is read, unless a series has been silent.
 */
export async function newestTimes(
  core: StoreCore,
  table: TableDefinition,
  column: 'event_time' | TableDefinition['time'],
  wanted: readonly Series[],
): Promise<ReadonlyMap<number, Us>> {
  const found = new Map<number, Us>();
  const [last] = await core.db.all(`SELECT ${column} AS t FROM ${hotTable(table)} ORDER BY ${column} DESC LIMIT 1`);
  const newest = numberOrNull(last?.['t']);
  if (newest === null) return found;
  let to: Us | null = null;
  for (const from of [...STRETCHES_US.map((stretch) => newest - stretch), null]) {
    const left = wanted.filter(({ id }) => !found.has(id));
    if (left.length === 0) break;
    const within = [
      `series_id IN (${left.map(({ id }) => id).join(', ')})`,
      ...(from === null ? [] : [`${column} >= ${sqlTime(from)}`]),
      ...(to === null ? [] : [`${column} < ${sqlTime(to)}`]),
    ].join(' AND ');
    const rows = await core.db.all(
      `SELECT series_id, max(${column}) AS newest FROM ${hotTable(table)} WHERE ${within} GROUP BY series_id`,
    );
    for (const row of rows) found.set(Number(row['series_id']), Number(row['newest']));
    to = from;
  }
  return found;
}

/** When each series had its last event, of hot rows and finished days; those that have rows. */
export async function lastEventTimes(
  core: StoreCore,
): Promise<{ readonly series: Series['key']; readonly last: Us }[]> {
  const all = core.registry.all();
  const hot = new Map<number, Us>();
  for (const table of new Set(all.map((series) => series.table))) {
    const own = all.filter((series) => series.table === table);
    for (const [id, time] of await newestTimes(core, table, 'event_time', own)) hot.set(id, time);
  }
  return all.flatMap(({ id, name, key }) => {
    const times = [hot.get(id) ?? null, ...core.days.of(name).map((file) => file.last_event_time)];
    const known = times.filter((time) => time !== null);
    return known.length === 0 ? [] : [{ series: key, last: Math.max(...known) }];
  });
}
