import type { OfferedColumn } from '../../infra/duckdb/database.ts';
import type { ColumnSpec, ColumnType } from '../domain/columns.ts';
import type { SeriesKey } from '../domain/records.ts';
import { literal, quoted } from './names.ts';
import type { TableDefinition } from './tables/contract.ts';

/** Version of the market database's tables and of the Parquet days. */
export const FORMAT_VERSION = 2;

const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  double: 'DOUBLE',
  bigint: 'BIGINT',
  integer: 'INTEGER',
  varchar: 'VARCHAR',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
};

/** Columns that every stored row has before those of its stream. */
export const ROW_COLUMNS = ['event_time', 'recv_time', 'seq', 'origin'] as const;

/** How a column of numbers is offered. */
type OfferedType =
  | { readonly type: Exclude<OfferedColumn['type'], 'code' | 'varchar'> }
  | { readonly type: 'code'; readonly codes: readonly string[] };

/** Staged columns before those of the stream, all numbers. */
export const STAGED_COLUMNS = [
  'id',
  'series_id',
  'event_time',
  'recv_time',
  'seq',
  'origin',
  'ord',
  'repeated',
] as const;

const ORIGINS = ['live', 'backfill'] as const;

/**
 * Text with few values, by column: the tables hold it as an ENUM, which DuckDB packs and logs for half of what text
 * takes. Readers see text, and tables of older databases hold text.
 */
function codedColumns(table: TableDefinition): Readonly<Record<string, readonly string[]>> {
  return { origin: ORIGINS, ...table.codes };
}

function enumOf(values: readonly string[]): string {
  return `ENUM(${values.map(literal).join(', ')})`;
}

/** Number of an origin in a staged batch. */
export function originCode(origin: (typeof ORIGINS)[number]): number {
  // As `ORIGINS` has them: to look for a text in a list costs as much as to write ten numbers.
  return origin === 'live' ? 0 : 1;
}

/** Stored columns that are staged as numbers, in order; the rest are text. */
export function numericColumns(table: TableDefinition): readonly number[] {
  return table.stored.flatMap((column, index) => (isText(table, column) ? [] : [index]));
}

/** Stored columns that are staged as text, in order. */
export function textColumns(table: TableDefinition): readonly number[] {
  return table.stored.flatMap((column, index) => (isText(table, column) ? [index] : []));
}

function isText(table: TableDefinition, column: ColumnSpec): boolean {
  return column.type === 'varchar' && table.codes[column.name] === undefined;
}

/** `hot.trades`: the table that writers append to. */
export function hotTable(table: TableDefinition): string {
  return `hot.${table.stream}`;
}

/** Row columns and the stream's, comma-separated: what hot tables, quarantine and Parquet days share, beside `id`. */
export function rowColumnList(table: TableDefinition, prefix = ''): string {
  return [...ROW_COLUMNS, ...table.stored.map((column) => quoted(column.name))]
    .map((name) => `${prefix}${name}`)
    .join(', ');
}

/** The same of a hot table, in the types that readers and day files know. */
export function rowValueList(table: TableDefinition): string {
  const coded = codedColumns(table);
  return [...ROW_COLUMNS, ...table.stored.map((column) => column.name)]
    .map((name) => (coded[name] === undefined ? quoted(name) : `${quoted(name)}::VARCHAR AS ${quoted(name)}`))
    .join(', ');
}

/** Statements that make a new database's tables. */
export function createStatements(tables: readonly TableDefinition[]): string[] {
  return [
    'CREATE TABLE _format (version INTEGER NOT NULL, created_at TIMESTAMP NOT NULL, views VARCHAR NOT NULL)',
    'CREATE TABLE _tape_position (segment BIGINT NOT NULL, item BIGINT NOT NULL)',
    `CREATE TABLE _table_registry (series_id INTEGER NOT NULL, table_name VARCHAR PRIMARY KEY, symbol VARCHAR NOT NULL,
       exchange VARCHAR NOT NULL, market_type VARCHAR NOT NULL, stream_type VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL)`,
    `CREATE TABLE _days (table_name VARCHAR NOT NULL, day VARCHAR NOT NULL, file VARCHAR NOT NULL, rows BIGINT NOT NULL,
       bytes BIGINT NOT NULL, checksum VARCHAR NOT NULL, first_event_time TIMESTAMP, last_event_time TIMESTAMP)`,
    `CREATE TABLE _quarantines (quarantine_id VARCHAR PRIMARY KEY, table_name VARCHAR NOT NULL, reason VARCHAR NOT NULL,
       from_time TIMESTAMP NOT NULL, to_time TIMESTAMP NOT NULL, rows BIGINT NOT NULL, quarantined_at TIMESTAMP NOT NULL)`,
    'CREATE SCHEMA hot',
    'CREATE SCHEMA quarantined',
    'CREATE SCHEMA rival',
    ...tables.flatMap(tableStatements),
    quarantineView(tables),
  ];
}

function tableStatements(table: TableDefinition): string[] {
  const coded = codedColumns(table);
  const typeOf = (column: ColumnSpec): string => {
    const codes = coded[column.name];
    return codes === undefined ? SQL_TYPES[column.type] : enumOf(codes);
  };
  const row = [
    'id BIGINT NOT NULL',
    'series_id INTEGER NOT NULL',
    'event_time TIMESTAMP NOT NULL',
    'recv_time TIMESTAMP NOT NULL',
    'seq BIGINT',
    `origin ${enumOf(ORIGINS)} NOT NULL`,
    ...table.stored.map((c) => `${quoted(c.name)} ${typeOf(c)}${c.nullable ? '' : ' NOT NULL'}`),
  ].join(', ');
  const comments = table.stored
    .filter((column) => column.unit !== '')
    .map((c) => `COMMENT ON COLUMN ${hotTable(table)}.${quoted(c.name)} IS ${literal(c.unit)}`);
  return [
    `CREATE TABLE ${hotTable(table)} (${row})`,
    `COMMENT ON TABLE ${hotTable(table)} IS ${literal(table.comment)}`,
    ...comments,
    `CREATE TABLE quarantined.${table.stream} (quarantine_id VARCHAR NOT NULL, ${row})`,
    ...(table.said.length === 0 ? [] : [`CREATE TABLE rival.${table.stream} (n BIGINT NOT NULL, ${row})`]),
  ];
}

/** One list of everything held apart, for people: the row as JSON. */
function quarantineView(tables: readonly TableDefinition[]): string {
  const parts = tables.map(
    (table) => `SELECT quarantine_id, series_id, id, event_time, to_json(q) AS row FROM quarantined.${table.stream} q`,
  );
  return `CREATE VIEW quarantine AS
    SELECT rows.quarantine_id, info.table_name, rows.id, rows.event_time, info.reason, info.quarantined_at, rows.row
    FROM (${parts.join(' UNION ALL ')}) rows JOIN _quarantines info USING (quarantine_id)`;
}

/** How each of the staged columns is offered to the database. */
export const STAGED_TYPES: Readonly<Record<(typeof STAGED_COLUMNS)[number], OfferedType>> = {
  id: { type: 'bigint' },
  series_id: { type: 'integer' },
  event_time: { type: 'timestamp' },
  recv_time: { type: 'timestamp' },
  seq: { type: 'bigint' },
  origin: { type: 'code', codes: ORIGINS },
  ord: { type: 'double' },
  repeated: { type: 'double' },
};

/** The same of a stored column that is staged as a number. */
export function offeredType(table: TableDefinition, { name, type }: Pick<ColumnSpec, 'name' | 'type'>): OfferedType {
  const codes = table.codes[name];
  if (codes !== undefined) return { type: 'code', codes };
  if (type === 'varchar')
    throw new Error(`${table.stream}.${name} is text without codes: it is not staged as a number`);
  return { type };
}

/** The staged rows as they are offered, in the types of the hot table, with `ord` and `repeated`: a subquery named `s`. */
export function stagedRows(table: TableDefinition): string {
  const columns = table.stored.map((column) => {
    const name = quoted(column.name);
    // Text is offered as numbers where it is written as numbers are.
    return isText(table, column) ? `x.${name}::VARCHAR AS ${name}` : `x.${name}`;
  });
  const own = STAGED_COLUMNS.map((name) => `x.${name}`);
  return `(SELECT ${[...own, ...columns].join(', ')} FROM offered(${literal(table.stream)}) x) s`;
}

/** `read_parquet(…)` of day files, whose paths are relative to the data folder that the session names. */
export function readDays(files: readonly string[], dataDir: string): string {
  const list = files.map(literal).join(', ');
  return `read_parquet(list_transform([${list}], lambda file: coalesce(getvariable('market_data'), ${literal(dataDir)}) || '/' || file))`;
}

/** What readers of one series see; `where` narrows the rows before columns are computed over them. */
export function seriesSelect(table: TableDefinition, seriesId: number, days: string | null, where = 'true'): string {
  const columns = `id, ${rowColumnList(table)}`;
  const hot = `SELECT id, ${rowValueList(table)} FROM ${hotTable(table)} WHERE series_id = ${seriesId} AND ${where}`;
  const rows = days === null ? hot : `${hot} UNION ALL SELECT ${columns} FROM ${days} WHERE ${where}`;
  return `SELECT ${shownColumns(table, '')} FROM (${rows})`;
}

/** What readers of a whole stream see: every series, with its exchange, market and symbol. */
export function streamSelect(table: TableDefinition, days: string | null): string {
  const columns = `id, ${rowColumnList(table)}`;
  const hot = `SELECT exchange, market_type AS market, symbol, id, ${rowValueList(table)}
    FROM ${hotTable(table)} JOIN _table_registry USING (series_id)`;
  const rows = days === null ? hot : `${hot} UNION ALL SELECT exchange, market, symbol, ${columns} FROM ${days}`;
  return `SELECT exchange, market, symbol, ${shownColumns(table, 'PARTITION BY exchange, market, symbol')} FROM (${rows})`;
}

/** The columns of a view, in order; `partition` is what computed columns are computed within. */
export function shownColumns(table: TableDefinition, partition: string): string {
  const computed = table.computed(partition);
  return [
    'id',
    ...(table.time === 'event_time' ? ['event_time AS "timestamp"'] : []),
    ...table.stored.map((column) => quoted(column.name)),
    ...Object.entries(computed).map(([name, sql]) => `${sql} AS ${quoted(name)}`),
    ...ROW_COLUMNS,
  ].join(', ');
}

/** `CREATE OR REPLACE VIEW` of a series. */
export function seriesView(name: string, table: TableDefinition, seriesId: number, days: string | null): string {
  return `CREATE OR REPLACE VIEW ${quoted(name)} AS ${seriesSelect(table, seriesId, days)}`;
}

/** `CREATE OR REPLACE VIEW` of a stream. */
export function streamView(table: TableDefinition, days: string | null): string {
  return `CREATE OR REPLACE VIEW ${quoted(table.stream)} AS ${streamSelect(table, days)}`;
}

/** A series as its day files and reports describe it. */
export interface Series {
  readonly id: number;
  readonly name: string;
  readonly key: SeriesKey;
  readonly table: TableDefinition;
}
