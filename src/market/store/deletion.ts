import type { Statement } from '../../infra/duckdb/database.ts';
import type { Us } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import type { CoverageInterval } from '../domain/coverage.ts';
import { paint } from '../domain/coverage.ts';
import type { SeriesKey, StoredRecord } from '../domain/records.ts';
import { dayNumber } from './identity.ts';
import type { Deletion, DeletionRequest } from './contract.ts';
import { runAll } from './core.ts';
import type { StoreCore } from './core.ts';
import { addStretch } from './deleted.ts';
import { dayOf } from './days.ts';
import type { DayFile } from './days.ts';
import { sqlTime } from './names.ts';
import { hotTable, seriesSelect } from './schema.ts';
import type { Series } from './schema.ts';
import { afterThaw, thaw } from './thaw.ts';

const DAY_US = 86_400_000_000;

/**
 * Deletes the rows of a stretch: raw ones (hot, finished days, rivals) and their cleaned and normalised copies. What is
 * in quarantine stays there; it cannot come back. Idempotent by id: a repeat gives the counts of the first time.
 */
export async function deleteRows(core: StoreCore, request: DeletionRequest): Promise<Deletion> {
  const { db } = core;
  const [known] = await db.all('SELECT rows, copies FROM _deletions WHERE deletion_id = ?', [request.id]);
  if (known !== undefined) return { rows: Number(known['rows']), copies: Number(known['copies']) };
  const series = core.registry.get(request);
  const { table } = series;
  const where = rangeOf(table.time, request);
  const touched = core.days
    .of(series.name)
    .filter(({ day }) => dayOf(day) >= dayNumber(request.from) && dayOf(day) <= dayNumber(request.to - 1));
  const counts = await countDeleted(core, request);
  const thawed = thaw(core, series, touched);
  const own = `series_id = ${series.id} AND`;
  await runAll(db, [
    ...thawed.statements,
    `DELETE FROM ${hotTable(table)} WHERE ${own} ${where}`,
    ...(table.said.length === 0 ? [] : [`DELETE FROM rival.${table.stream} WHERE ${own} ${where}`]),
    `DELETE FROM derived.cleaned_${table.stream} WHERE ${own} ${rangeOf('event_time', request)}`,
    `DELETE FROM derived.normalized_${table.stream} WHERE ${own} ${msRange(request)}`,
    record(core, series, request, counts),
  ]);
  await afterThaw(core, thawed);
  addStretch(core.deletions, series.id, { id: request.id, from: request.from, to: request.to });
  return counts;
}

/** Deletes again what a day that came back holds of deleted stretches. Gives the rows deleted. */
export async function deleteAgain(core: StoreCore, series: Series, file: DayFile): Promise<number> {
  const { table } = series;
  const outside = outsideDeleted(core, series, table.time);
  const start = dayOf(file.day) * DAY_US;
  const touched = (core.deletions.get(series.id) ?? []).some(({ from, to }) => from < start + DAY_US && to > start);
  if (!touched) return 0;
  const thawed = thaw(core, series, [file]);
  const deleted = `DELETE FROM ${hotTable(table)} WHERE series_id = ${series.id} AND NOT (${outside})`;
  const results = await runAll(core.db, [...thawed.statements, deleted]);
  await afterThaw(core, thawed);
  return results.at(-1)?.changed ?? 0;
}

/** What `deleteRows` would delete. Throws InvalidInput for a stretch that is not one, NotFound. */
export async function countDeleted(
  core: StoreCore,
  request: SeriesKey & { readonly from: Us; readonly to: Us },
): Promise<Deletion> {
  const series = core.registry.get(request);
  const { table } = series;
  const raw = seriesSelect(table, series.id, core.days.source(series.name), rangeOf(table.time, request));
  const own = `series_id = ${series.id} AND`;
  const [row] = await core.db.all(
    `SELECT (SELECT count(*) FROM (${raw})) AS rows,
       (SELECT count(*) FROM derived.cleaned_${table.stream} WHERE ${own} ${rangeOf('event_time', request)}) +
       (SELECT count(*) FROM derived.normalized_${table.stream} WHERE ${own} ${msRange(request)}) AS copies`,
  );
  return { rows: Number(row?.['rows'] ?? 0), copies: Number(row?.['copies'] ?? 0) };
}

/** The records without those of deleted stretches. */
export function withoutDeleted(core: StoreCore, records: readonly StoredRecord[]): readonly StoredRecord[] {
  return core.deletions.size === 0 ? records : records.filter((record) => !isDeleted(core, record));
}

/** Whether a record lies in a stretch that was deleted. */
export function isDeleted(core: StoreCore, record: StoredRecord): boolean {
  if (core.deletions.size === 0) return false;
  const series = core.registry.find(record);
  const stretches = series === undefined ? undefined : core.deletions.get(series.id);
  const time = record.stream === 'candles' ? record.open_time : record.event_time;
  return stretches?.some(({ from, to }) => time >= from && time < to) === true;
}

/** SQL condition on a time column that no deleted stretch of the series holds. */
export function outsideDeleted(core: StoreCore, series: Series, column: string): string {
  const stretches = core.deletions.get(series.id) ?? [];
  return stretches.map((stretch) => `NOT (${rangeOf(column, stretch)})`).join(' AND ') || 'true';
}

/** The intervals of the ledger with deleted stretches as what they are: missing, on purpose. */
export function withDeletedStretches(
  core: StoreCore,
  series: Series,
  intervals: readonly CoverageInterval[],
): readonly CoverageInterval[] {
  const stretches = core.deletions.get(series.id) ?? [];
  return stretches.reduce<readonly CoverageInterval[]>(
    (held, { id, from, to }) => paint(held, { from, to, state: 'missing', reason: `deleted by ${id}`, mode: 'set' }),
    intervals,
  );
}

function record(core: StoreCore, series: Series, request: DeletionRequest, counts: Deletion): Statement {
  return {
    sql: `INSERT INTO _deletions VALUES (?, ?, ${sqlTime(request.from)}, ${sqlTime(request.to)}, ?, ?,
      ${sqlTime(core.clock.now() * 1000)})`,
    params: [request.id, series.id, counts.rows, counts.copies],
  };
}

function rangeOf(column: string, { from, to }: { readonly from: Us; readonly to: Us }): string {
  checkRange(from, to);
  return `${column} >= ${sqlTime(from)} AND ${column} < ${sqlTime(to)}`;
}

/** Rows of normalised copies have milliseconds, cut off. */
function msRange({ from, to }: { readonly from: Us; readonly to: Us }): string {
  return `timestamp_ms >= ${Math.floor(from / 1000)} AND timestamp_ms < ${Math.ceil(to / 1000)}`;
}

function checkRange(from: Us, to: Us): void {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from >= to)
    throw new InvalidInput(`[${from}, ${to}) is not a range of UTC µs`);
}
