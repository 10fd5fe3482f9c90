import type { Statement } from '../../infra/duckdb/database.ts';
import type { TapePosition } from '../domain/tape.ts';
import type { StagedBatch } from './batch.ts';
import { saidDiffers } from './days.ts';
import { isOpenCandle } from './identity.ts';
import { hotTable, rowColumnList, stagedRows } from './schema.ts';
import type { TableDefinition } from './tables/contract.ts';

/** Where a batch's rows may be held already, beside the hot table. */
export interface HeldElsewhere {
  /** Table function over the Parquet days that the batch reaches back to; null when it reaches none. */
  readonly days: string | null;
  /** Whether rows of this stream are in quarantine. */
  readonly quarantined: boolean;
}

/** The statements that store a batch, and which of them count. */
export interface IngestPlan {
  readonly statements: readonly Statement[];
  /** Index, from the plan's start, of the statement whose changes are the rows stored. */
  readonly stored: number;
  /** Index of the statement whose rows are the repeats (`series_id`, `rows`) of what was held before; null: none counts. */
  readonly repeats: number | null;
}

/** Plans one stream's share of an ingest. `offset` is the number of statements before it in the transaction. */
export function planIngest(batch: StagedBatch, held: HeldElsewhere, offset: number): IngestPlan {
  const { table } = batch;
  const range = [batch.minTime, batch.maxTime];
  const statements: Statement[] = [{ offer: { ...batch.offer, outnumbers: isDense(batch) } }];
  const slotted = table.identity === 'slot';
  // Only a closed candle makes a rival, as the one that comes or as the one that it outdoes: most commits have none.
  const settles = !slotted || batch.slots.some(({ record }) => !isOpenCandle(record));
  if (slotted && settles) statements.push({ sql: outdoneRivals(table), params: range });
  if (slotted) statements.push({ sql: deleteOutdone(table), params: range });
  const stored = statements.length;
  statements.push({ sql: insertNew(table, held), params: range });
  const unlessAllNew = { statement: offset + stored, rows: batch.firsts };
  const repeats = slotted ? null : statements.length;
  if (repeats !== null) statements.push({ sql: liveRepeats(table), params: range, unlessChanged: unlessAllNew });
  if (table.said.length > 0 && settles) {
    const never = batch.staged > batch.firsts;
    statements.push({
      sql: insertRivals(table, held),
      params: range,
      unlessChanged: never ? undefined : unlessAllNew,
    });
  }
  return { statements, stored, repeats };
}

/** The tape position reached, in the same transaction. */
export function positionStatements(position: TapePosition): Statement[] {
  return [
    { sql: 'DELETE FROM _tape_position' },
    { sql: 'INSERT INTO _tape_position VALUES (?, ?)', params: [position.segment, position.item] },
  ];
}

const RANGE = 'BETWEEN make_timestamp($1::BIGINT) AND make_timestamp($2::BIGINT)';

/** `h` holds the id of `s`. The id is a hash, so what it stands for is compared too. */
function sameRow(table: TableDefinition, held: string): string {
  return `${held}.id = s.id AND ${held}.${table.exact} = s.${table.exact}`;
}

/** Many rows of a short time: of those held, no more lie in it than a desk brings in that time. */
const DENSE_ROWS = 10_000;
const DENSE_US = 600_000_000;

function isDense({ staged, minTime, maxTime }: StagedBatch): boolean {
  return staged >= DENSE_ROWS && maxTime - minTime <= DENSE_US;
}

/** By joins: where a condition is a subquery, DuckDB first makes a table of its distinct keys. */
function insertNew(table: TableDefinition, held: HeldElsewhere): string {
  const columns = `id, series_id, ${rowColumnList(table)}`;
  const hot = `(SELECT id, series_id, ${table.exact} FROM ${hotTable(table)} WHERE ${table.time} ${RANGE})`;
  const joins = [`ANTI JOIN ${hot} h ON h.series_id = s.series_id AND ${sameRow(table, 'h')}`];
  if (held.days !== null) {
    const days = `(SELECT id, ${table.exact} FROM ${held.days} WHERE ${table.time} ${RANGE})`;
    joins.push(`ANTI JOIN ${days} d ON ${sameRow(table, 'd')}`);
  }
  const quarantined = held.quarantined ? ` AND ${notQuarantined(table)}` : '';
  return `INSERT INTO ${hotTable(table)} (${columns}) SELECT ${columns} FROM ${stagedRows(table)} ${joins.join(' ')}
    WHERE s.repeated = 0${quarantined}`;
}

/** Per series: live rows that are held from another live frame. What a backfill asked for again is not counted. */
function liveRepeats(table: TableDefinition): string {
  return `SELECT s.series_id, count(*)::INTEGER AS rows FROM ${stagedRows(table)} JOIN ${hotTable(table)} h
    ON h.${table.time} ${RANGE} AND h.series_id = s.series_id AND ${sameRow(table, 'h')}
    WHERE s.repeated = 0 AND s.origin = 'live' AND h.origin = 'live' AND h.recv_time < s.recv_time GROUP BY s.series_id`;
}

/** A record that says again what was quarantined stays out; one that says something else may come in. */
function notQuarantined(table: TableDefinition): string {
  const same = table.said.length === 0 ? '' : ` AND NOT ${saidDiffers(table, 'q', 's')}`;
  return `NOT EXISTS (SELECT 1 FROM quarantined.${table.stream} q
    WHERE q.series_id = s.series_id AND ${sameRow(table, 'q')}${same})`;
}

const BEATS = '(s.closed AND NOT h.closed OR s.closed = h.closed AND s.event_time > h.event_time)';

function outdone(table: TableDefinition): string {
  return `s.repeated = 0 AND h.${table.time} ${RANGE} AND h.series_id = s.series_id AND ${sameRow(table, 'h')} AND ${BEATS}`;
}

/** A closed row that a better one replaces says something else: it is kept aside. */
function outdoneRivals(table: TableDefinition): string {
  return rivalInsert(
    table,
    `SELECT h.*, 0 AS ord FROM ${hotTable(table)} h JOIN ${stagedRows(table)} ON ${outdone(table)}
     WHERE h.closed AND ${saidDiffers(table, 's', 'h')}`,
  );
}

function deleteOutdone(table: TableDefinition): string {
  return `DELETE FROM ${hotTable(table)} h USING ${stagedRows(table)} WHERE ${outdone(table)}`;
}

/** Records that say something else under an id that is held: kept aside, in case the one held proves wrong. */
function insertRivals(table: TableDefinition, held: HeldElsewhere): string {
  const columns = `id, ${rowColumnList(table)}`;
  const days =
    held.days === null ? '' : ` UNION ALL SELECT ${columns} FROM ${held.days} d WHERE d.${table.time} ${RANGE}`;
  const holders = `(SELECT ${columns} FROM ${hotTable(table)} WHERE ${table.time} ${RANGE}${days})`;
  const settled = table.identity === 'slot' ? 's.closed AND ' : '';
  const quarantined = held.quarantined ? ` AND ${notQuarantined(table)}` : '';
  return rivalInsert(
    table,
    `SELECT s.id, s.series_id, ${rowColumnList(table, 's.')}, s.ord FROM ${stagedRows(table)}
     JOIN ${holders} h ON ${sameRow(table, 'h')}
     WHERE ${settled}${saidDiffers(table, 's', 'h')}${quarantined}`,
  );
}

/**
 * Adds rows (with `ord`) to the rivals, each saying once, in order of arrival. Materialised, because DuckDB 1.5.6 fails
 * with an internal error where it would simplify the window over offered rows.
 */
function rivalInsert(table: TableDefinition, rows: string): string {
  const columns = `id, series_id, ${rowColumnList(table)}`;
  const said = table.said.map((name) => `"${name}"`).join(', ');
  return `INSERT INTO rival.${table.stream} (n, ${columns})
    WITH told AS MATERIALIZED (${rows})
    SELECT (SELECT coalesce(max(n), 0) FROM rival.${table.stream}) + row_number() OVER (ORDER BY ord), ${columns}
    FROM (SELECT * FROM told QUALIFY row_number() OVER (PARTITION BY id, ${said} ORDER BY ord) = 1) r
    WHERE NOT EXISTS (SELECT 1 FROM rival.${table.stream} held WHERE held.id = r.id AND NOT ${saidDiffers(table, 'held', 'r')})`;
}
