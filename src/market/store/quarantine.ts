import type { Statement } from '../../infra/duckdb/database.ts';
import { InvalidInput } from '../../kit/errors.ts';
import type { QuarantineRequest } from './contract.ts';
import { dayNumber } from './identity.ts';
import { runAll } from './core.ts';
import type { StoreCore } from './core.ts';
import { dayOf, saidDiffers } from './days.ts';
import type { DayFile } from './days.ts';
import { outsideDeleted } from './deletion.ts';
import { literal, sqlTime } from './names.ts';
import { hotTable, readDays, rowColumnList } from './schema.ts';
import type { Series } from './schema.ts';
import type { TableDefinition } from './tables/contract.ts';
import { afterThaw, thaw } from './thaw.ts';

/** Moves rows to quarantine; the rival that a moved row kept out, if there is one, takes its place. Gives rows moved. */
export async function quarantineRows(core: StoreCore, request: QuarantineRequest): Promise<number> {
  const { db, registry } = core;
  const known = await db.all('SELECT rows FROM _quarantines WHERE quarantine_id = ?', [request.id]);
  if (known[0] !== undefined) return Number(known[0]['rows']);
  const series = registry.get(request);
  const { table } = series;
  const where = condition(table, request);
  const touched: DayFile[] = [];
  for (const file of core.days.of(series.name)) {
    if (dayOf(file.day) < dayNumber(request.from) || dayOf(file.day) > dayNumber(request.to - 1)) continue;
    const found = await db.all(`SELECT 1 FROM ${readDays([file.file], core.dataDir)} WHERE ${where} LIMIT 1`);
    if (found.length > 0) touched.push(file);
  }
  const thawed = thaw(core, series, touched);
  const own = `series_id = ${series.id} AND ${where}`;
  const columns = `id, series_id, ${rowColumnList(table)}`;
  const statements: (string | Statement)[] = [
    ...thawed.statements,
    {
      sql: `INSERT INTO quarantined.${table.stream} (quarantine_id, ${columns})
        SELECT $1, ${columns} FROM ${hotTable(table)} WHERE ${own}`,
      params: [request.id],
    },
    `DELETE FROM ${hotTable(table)} WHERE ${own}`,
    ...(table.said.length === 0 ? [] : promoteRivals(table, request.id)),
  ];
  const counted = await db.all(`SELECT count(*) AS rows FROM (${allRows(core, series, where)})`);
  const rows = Number(counted[0]?.['rows'] ?? 0);
  if (rows === 0) return 0;
  statements.push({
    sql: `INSERT INTO _quarantines VALUES (?, ?, ?, ${sqlTime(request.from)}, ${sqlTime(request.to)}, ?, ${sqlTime(core.clock.now() * 1000)})`,
    params: [request.id, series.name, request.reason, rows],
  });
  await runAll(db, statements);
  await afterThaw(core, thawed);
  core.quarantined.set(table.stream, (core.quarantined.get(table.stream) ?? 0) + rows);
  return rows;
}

/**
 * Puts the rows of a quarantine back where they were, but not into a stretch that was deleted since. Gives how many were
 * held apart; 0 when there is no such quarantine.
 */
export async function releaseRows(core: StoreCore, id: string): Promise<number> {
  const { db } = core;
  const known = await db.all('SELECT table_name, rows FROM _quarantines WHERE quarantine_id = ?', [id]);
  if (known[0] === undefined) return 0;
  const series = core.registry.byName(String(known[0]['table_name']));
  const { table } = series;
  const days = await db.all(
    `SELECT DISTINCT strftime(${table.time}, '%Y-%m-%d') AS day FROM quarantined.${table.stream} WHERE quarantine_id = ?`,
    [id],
  );
  const touched = days.flatMap((row) => core.days.get(series.name, String(row['day'])) ?? []);
  const thawed = thaw(core, series, touched);
  const columns = `id, series_id, ${rowColumnList(table)}`;
  const back = `(SELECT * FROM quarantined.${table.stream} WHERE quarantine_id = ${literal(id)})`;
  await runAll(db, [
    ...thawed.statements,
    ...(table.said.length === 0 ? [] : displaceHolders(table, back)),
    `INSERT INTO ${hotTable(table)} (${columns}) SELECT ${columns} FROM ${back} q
       WHERE ${outsideDeleted(core, series, `q.${table.time}`)} AND NOT EXISTS (SELECT 1 FROM ${hotTable(table)} h WHERE h.id = q.id AND h.series_id = q.series_id)`,
    { sql: `DELETE FROM quarantined.${table.stream} WHERE quarantine_id = ?`, params: [id] },
    { sql: 'DELETE FROM _quarantines WHERE quarantine_id = ?', params: [id] },
  ]);
  await afterThaw(core, thawed);
  const rows = Number(known[0]['rows']);
  core.quarantined.set(table.stream, Math.max(0, (core.quarantined.get(table.stream) ?? 0) - rows));
  return rows;
}

function allRows(core: StoreCore, series: Series, where: string): string {
  const hot = `SELECT id FROM ${hotTable(series.table)} WHERE series_id = ${series.id} AND ${where}`;
  const days = core.days.source(series.name);
  return days === null ? hot : `${hot} UNION ALL SELECT id FROM ${days} WHERE ${where}`;
}

function condition(table: TableDefinition, request: QuarantineRequest): string {
  if (!Number.isSafeInteger(request.from) || !Number.isSafeInteger(request.to) || request.from >= request.to)
    throw new InvalidInput(`quarantine ${request.id}: [${request.from}, ${request.to}) is not a range of UTC µs`);
  const range = `${table.time} >= ${sqlTime(request.from)} AND ${table.time} < ${sqlTime(request.to)}`;
  if (request.keys === null) return range;
  if (request.keys.length === 0) return 'false';
  for (const key of request.keys) {
    if (!/^\d{1,16}$/.test(key)) throw new InvalidInput(`'${key.slice(0, 40)}' is not a row_key of ${table.stream}`);
  }
  return `${range} AND id IN (${request.keys.join(', ')})`;
}

function promoteRivals(table: TableDefinition, id: string): string[] {
  const columns = `id, series_id, ${rowColumnList(table)}`;
  const order = table.identity === 'slot' ? 'event_time DESC, n' : 'recv_time, n';
  return [
    `INSERT INTO ${hotTable(table)} (${columns}) SELECT ${columns} FROM rival.${table.stream} r
       WHERE EXISTS (SELECT 1 FROM quarantined.${table.stream} q WHERE q.quarantine_id = ${literal(id)} AND q.id = r.id)
         AND NOT EXISTS (SELECT 1 FROM quarantined.${table.stream} q WHERE q.id = r.id AND NOT ${saidDiffers(table, 'q', 'r')})
       QUALIFY row_number() OVER (PARTITION BY id ORDER BY ${order}) = 1`,
    `DELETE FROM rival.${table.stream} r USING ${hotTable(table)} h
       WHERE h.id = r.id AND h.series_id = r.series_id AND NOT ${saidDiffers(table, 'h', 'r')}
         AND EXISTS (SELECT 1 FROM quarantined.${table.stream} q WHERE q.quarantine_id = ${literal(id)} AND q.id = r.id)`,
  ];
}

/**
 * Of a released row and the one that took its place, the first to come stays (of candles, the better); the other is a
 * rival again.
 */
function displaceHolders(table: TableDefinition, back: string): string[] {
  const columns = `id, series_id, ${rowColumnList(table)}`;
  const stays =
    table.identity === 'slot'
      ? '(h.closed AND NOT q.closed OR h.closed = q.closed AND h.event_time > q.event_time)'
      : '(h.recv_time < q.recv_time)';
  const same = 'q.id = h.id AND q.series_id = h.series_id';
  const displaced = `FROM ${hotTable(table)} h WHERE EXISTS (SELECT 1 FROM ${back} q WHERE ${same} AND NOT ${stays})`;
  const kept = `FROM ${back} q WHERE EXISTS (SELECT 1 FROM ${hotTable(table)} h WHERE ${same} AND ${stays})`;
  const insert = (rows: string): string => `INSERT INTO rival.${table.stream} (n, ${columns})
    SELECT (SELECT coalesce(max(n), 0) FROM rival.${table.stream}) + row_number() OVER (ORDER BY recv_time, id), ${columns} ${rows}`;
  return [insert(kept), insert(displaced), `DELETE ${displaced}`];
}
