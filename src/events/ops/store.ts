import type { Database, SqlRow, SqlValue } from '../../infra/duckdb/database.ts';
import { GroupWriter } from '../../infra/duckdb/group-writer.ts';
import type { Clock } from '../../kit/clock.ts';
import { InvalidInput, NotFound } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { OpsRows, OpsSelect, OpsStore, OpsStored, OpsTable } from '../../kit/ops.ts';
import { OpenIssues } from './open-issues.ts';
import { columnNames } from './schema.ts';
import { type Column, columnsOf, OPS_TABLE_NAMES, OPS_TABLES } from './tables.ts';

const FIRST_BLOCK = 16;
const LARGEST_BLOCK = 1024;
const DEFAULT_LIMIT = 1000;

/** An operations store that can be waited for. */
export interface OpsStoreHandle extends OpsStore {
  /** Resolves when everything written so far is durable or has failed for its writer. */
  flush(): Promise<void>;
}

/**
 * Typed access to the operations tables. Writes of one turn share a commit and resolve when durable; reads see all
 * writes before them. A quality issue whose fingerprint is still open is counted on, and `insert` gives the id of the
 * first one. `select` gives 1000 rows unless told otherwise. Throws InvalidInput for an unknown table or column and for
 * a value that does not fit, NotFound when an update finds no row.
 */
export function createOpsStore(db: Database, clock: Clock): OpsStoreHandle {
  const writer = new GroupWriter(db);
  const layout = new TableLayout(db);
  const issues = new OpenIssues(db, writer);

  const append = async <T extends OpsTable>(table: T, row: OpsRows[T]): Promise<number> => {
    const values = encodeRow(table, row);
    const [columns, id] = await Promise.all([layout.columns(table), layout.nextId(table)]);
    const all: Readonly<Record<string, unknown>> = { ...values, id, created_at: clock.now() * 1000 };
    await writer.write([{ append: { table, rows: 1, columns: columns.map((name) => [all[name] ?? null]) } }]);
    return id;
  };

  return {
    async insert(table, row) {
      ensureTable(table);
      if (table !== 'quality_issues') return append(table, row);
      const issue = row as OpsRows['quality_issues'];
      encodeRow('quality_issues', issue);
      return issues.add(issue, () => append('quality_issues', issue));
    },

    async update(table, id, changes) {
      ensureTable(table);
      await writer.flush();
      const encoded = Object.entries(encodeChanges(table, changes));
      if (encoded.length === 0) return;
      const [found] = await db.all(`SELECT * FROM ${table} WHERE id = CAST(? AS BIGINT)`, [id]);
      if (found === undefined) throw new NotFound(`${table} has no row ${id}`);
      const sets = encoded.map(([name]) => `"${name}" = ${placeholder(columnsOf(table)[name])}`);
      const params = [...encoded.map(([, value]) => value), id];
      await writer.write([{ sql: `UPDATE ${table} SET ${sets.join(', ')} WHERE id = CAST(? AS BIGINT)`, params }]);
      const { resolution_status: status } = changes as Partial<OpsRows['quality_issues']>;
      if (table === 'quality_issues' && status !== undefined)
        await issues.changed(id, status, String(found['fingerprint']));
    },

    async select<T extends OpsTable>(table: T, query: OpsSelect<T> = {}) {
      ensureTable(table);
      await writer.flush();
      const { where, params } = conditions(table, query);
      const limit = Math.max(0, Math.floor(query.limit ?? DEFAULT_LIMIT));
      const order = query.order === 'asc' ? 'ASC' : 'DESC';
      const rows = await db.all(`SELECT * FROM ${table}${where} ORDER BY id ${order} LIMIT ${limit}`, params);
      return rows.map((row) => decodeRow(table, row) as unknown as OpsStored<T>);
    },

    async count(table, query = {}) {
      ensureTable(table);
      await writer.flush();
      const { where, params } = conditions(table, query);
      const [row] = await db.all<{ n: number }>(`SELECT count(*) AS n FROM ${table}${where}`, params);
      return row?.n ?? 0;
    },

    flush: () => writer.flush(),
  };
}

/** Column order of the file, and ids reserved from each table's sequence, in blocks that grow with use. */
class TableLayout {
  readonly #db: Database;
  readonly #columns = new Map<OpsTable, Promise<readonly string[]>>();
  readonly #ids = new Map<OpsTable, number[]>();
  readonly #reserving = new Map<OpsTable, Promise<void>>();
  readonly #blocks = new Map<OpsTable, number>();

  constructor(db: Database) {
    this.#db = db;
  }

  columns(table: OpsTable): Promise<readonly string[]> {
    const known = this.#columns.get(table) ?? columnNames(this.#db, table);
    this.#columns.set(table, known);
    return known;
  }

  async nextId(table: OpsTable): Promise<number> {
    for (;;) {
      const id = this.#ids.get(table)?.shift();
      if (id !== undefined) return id;
      const reserving = this.#reserving.get(table) ?? this.#reserve(table);
      this.#reserving.set(table, reserving);
      await reserving;
    }
  }

  async #reserve(table: OpsTable): Promise<void> {
    try {
      const block = this.#blocks.get(table) ?? FIRST_BLOCK;
      const { rows } = await this.#db.run(`SELECT nextval('${table}_id') AS id FROM range(${block})`);
      this.#blocks.set(table, Math.min(LARGEST_BLOCK, block * 2));
      this.#ids.set(
        table,
        rows.map((row) => Number(row['id'])),
      );
    } finally {
      this.#reserving.delete(table);
    }
  }
}

function ensureTable(table: string): void {
  if (!Object.hasOwn(OPS_TABLES, table))
    throw new InvalidInput(`there is no operations table '${table}'${didYouMean(table, OPS_TABLE_NAMES)}`);
}

function columnOf(table: OpsTable, name: string): Column {
  const columns = columnsOf(table);
  const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
  if (column === undefined)
    throw new InvalidInput(`${table} has no column '${name}'${didYouMean(name, Object.keys(columns))}`);
  return column;
}

function encodeRow(table: OpsTable, row: object): Record<string, SqlValue> {
  const given = encodeChanges(table, row);
  for (const [name, { required }] of Object.entries(columnsOf(table))) {
    if (required && (given[name] === undefined || given[name] === null))
      throw new InvalidInput(`${table}.${name} must have a value`);
  }
  return given;
}

function encodeChanges(table: OpsTable, changes: object): Record<string, SqlValue> {
  const encoded: Record<string, SqlValue> = {};
  for (const [name, value] of Object.entries(changes as Record<string, unknown>)) {
    if (value !== undefined) encoded[name] = encode(`${table}.${name}`, columnOf(table, name), value);
  }
  return encoded;
}

function encode(where: string, { kind, required }: Column, value: unknown): SqlValue {
  if (value === null) {
    if (required) throw new InvalidInput(`${where} must have a value`);
    return null;
  }
  if (kind === 'json') return JSON.stringify(value);
  if (kind === 'text' && typeof value === 'string') return value;
  if (kind === 'boolean' && typeof value === 'boolean') return value;
  if (kind === 'number' && typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (kind === 'integer' && typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (kind === 'time' && typeof value === 'number' && Number.isFinite(value)) return Math.round(value * 1000);
  throw new InvalidInput(`${where} takes ${kind === 'time' ? 'UTC ms' : kind}, not ${JSON.stringify(value)}`);
}

function placeholder(column: Column | undefined): string {
  if (column?.kind === 'time') return 'make_timestamp(CAST(? AS BIGINT))';
  return column?.kind === 'integer' ? 'CAST(? AS BIGINT)' : '?';
}

function conditions<T extends OpsTable>(
  table: T,
  query: OpsSelect<T>,
): { readonly where: string; readonly params: SqlValue[] } {
  const parts: string[] = [];
  const params: SqlValue[] = [];
  for (const [name, value] of Object.entries(query.where ?? {}) as [string, SqlValue][]) {
    if (value === undefined) continue;
    const column: Column = name === 'id' ? { kind: 'integer', required: true } : columnOf(table, name);
    if (value === null) {
      parts.push(`"${name}" IS NULL`);
      continue;
    }
    parts.push(`"${name}" = ${placeholder(column)}`);
    params.push(encode(`${table}.${name}`, column, value));
  }
  if (query.since !== undefined) {
    parts.push(`"${OPS_TABLES[table].time}" >= make_timestamp(CAST(? AS BIGINT))`);
    params.push(query.since * 1000);
  }
  return { where: parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`, params };
}

/** A row of the file as its type has it: the file's columns were written by `encodeRow`. */
function decodeRow(table: OpsTable, row: SqlRow): Record<string, unknown> {
  const decoded: Record<string, unknown> = { id: row['id'], created_at: Number(row['created_at']) / 1000 };
  for (const [name, { kind }] of Object.entries(columnsOf(table))) {
    const value = row[name];
    if (value === null || value === undefined) decoded[name] = null;
    else if (kind === 'time') decoded[name] = Number(value) / 1000;
    else decoded[name] = kind === 'json' && typeof value === 'string' ? JSON.parse(value) : value;
  }
  return decoded;
}
