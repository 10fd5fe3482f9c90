import { z } from 'zod';
import type { Database, SqlValue, Statement } from '../../infra/duckdb/database.ts';
import { jsonText, jsonValue, microseconds, msOf } from '../ops-values.ts';
import {
  type Memory,
  MEMORY_KINDS,
  type MemoryChange,
  type MemoryStorage,
  type Receipt,
  type Trace,
} from './contract.ts';

const TABLES = [
  `CREATE TABLE IF NOT EXISTS memories (
    id VARCHAR NOT NULL, tenant VARCHAR NOT NULL, scope VARCHAR NOT NULL, kind VARCHAR NOT NULL, key VARCHAR,
    content VARCHAR NOT NULL, value VARCHAR, entity VARCHAR, importance DOUBLE NOT NULL, crew VARCHAR, agent VARCHAR,
    task VARCHAR, run VARCHAR, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL, expires_at TIMESTAMP,
    recalled_at TIMESTAMP, recalls BIGINT NOT NULL, outside VARCHAR)`,
  // A file of before this was kept: whose words its memories hold is not known.
  'ALTER TABLE memories ADD COLUMN IF NOT EXISTS outside VARCHAR',
  `CREATE TABLE IF NOT EXISTS memory_consolidations (
    id VARCHAR NOT NULL, tenant VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL, outcome VARCHAR NOT NULL,
    kept VARCHAR NOT NULL, other_id VARCHAR NOT NULL, other VARCHAR NOT NULL, similarity DOUBLE NOT NULL,
    undone_at TIMESTAMP, undone_by VARCHAR)`,
  `CREATE TABLE IF NOT EXISTS memory_receipts (
    number BIGINT NOT NULL, id VARCHAR NOT NULL, tenant VARCHAR NOT NULL, receipt VARCHAR NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS text_vectors (
    embedder VARCHAR NOT NULL, digest VARCHAR NOT NULL, vector VARCHAR NOT NULL)`,
];
const OWN = ['memories', 'memory_consolidations', 'memory_receipts', 'text_vectors'];

const memoryRow = z.object({
  id: z.string(),
  tenant: z.string(),
  scope: z.string(),
  kind: z.enum(MEMORY_KINDS),
  key: z.string().nullable(),
  content: z.string(),
  value: jsonValue,
  entity: z.string().nullable(),
  importance: z.number(),
  crew: z.string().nullable(),
  agent: z.string().nullable(),
  task: z.string().nullable(),
  run: z.string().nullable(),
  created_at: msOf,
  updated_at: msOf,
  expires_at: msOf.nullable(),
  recalled_at: msOf.nullable(),
  recalls: z.number(),
  outside: jsonValue.pipe(z.array(z.string()).nullable()),
});

const consolidationRow = z.object({
  id: z.string(),
  tenant: z.string(),
  made_at: msOf,
  outcome: z.enum(['duplicate', 'merged']),
  kept: z.string(),
  other: z.string(),
  similarity: z.number(),
  undone_at: msOf.nullable(),
  undone_by: z.string().nullable(),
});

const AT = 'make_timestamp(?::BIGINT)';
/** Whether a column's value is in a JSON list of texts. */
const isIn = (column: string): string => `list_contains(from_json(?, '["VARCHAR"]'), ${column})`;

/** Keeps memories in the ops database; creates its tables when they are missing. */
export async function openDuckDbStorage(db: Database): Promise<MemoryStorage> {
  if (!db.readOnly) for (const sql of TABLES) await db.run(sql);
  return {
    async tenants() {
      const rows = await db.all<{ tenant: string }>('SELECT DISTINCT tenant FROM memories ORDER BY tenant');
      return rows.map((row) => row.tenant);
    },
    async load(tenant) {
      const rows = await db.all('SELECT * FROM memories WHERE tenant = ? ORDER BY created_at, id', [tenant]);
      return rows.map((row) => asMemory(memoryRow.parse(row)));
    },
    async write(change) {
      await db.transaction(statementsOf(change));
    },
    async consolidations(tenant, limit) {
      const rows = await db.all(
        'SELECT * FROM memory_consolidations WHERE tenant = ? ORDER BY made_at DESC, id DESC LIMIT ?',
        [tenant, limit],
      );
      return rows.map((row) => {
        const { made_at: at, ...parsed } = consolidationRow.parse(row);
        // Written by `statementsOf` alone, so its shape is a memory's.
        return { ...parsed, at, other: JSON.parse(parsed.other) as Memory };
      });
    },
    async receipts() {
      const rows = await db.all<{ receipt: string }>('SELECT receipt FROM memory_receipts ORDER BY number');
      return rows.map((row) => JSON.parse(row.receipt) as Receipt);
    },
    async count(ids) {
      const list = JSON.stringify(ids);
      const [row] = await db.all<{ n: number }>(
        `SELECT (SELECT count(*) FROM memories WHERE ${isIn('id')}) +
          (SELECT count(*) FROM memory_consolidations WHERE ${isIn('kept')} OR ${isIn('other_id')}) AS n`,
        [list, list, list],
      );
      return row?.n ?? 0;
    },
    traces: (texts) => tracesOf(db, texts),
    async vectors(embedder, digests) {
      const rows = await db.all<{ digest: string; vector: string }>(
        `SELECT digest, vector FROM text_vectors WHERE embedder = ? AND ${isIn('digest')}`,
        [embedder, JSON.stringify(digests)],
      );
      return new Map(rows.map(({ digest, vector }) => [digest, decodeVector(vector)]));
    },
    async keepVectors(embedder, vectors) {
      const digests = [...vectors.keys()];
      await db.transaction([
        {
          sql: `DELETE FROM text_vectors WHERE embedder = ? AND ${isIn('digest')}`,
          params: [embedder, JSON.stringify(digests)],
        },
        ...[...vectors].map(([digest, vector]) => ({
          sql: 'INSERT INTO text_vectors VALUES (?, ?, ?)',
          params: [embedder, digest, encodeVector(vector)],
        })),
      ]);
    },
  };
}

function statementsOf({
  put = [],
  delete: gone = [],
  consolidation,
  erase,
  receipt,
}: MemoryChange): readonly Statement[] {
  const statements: Statement[] = [];
  const ids = [...gone, ...put.map((memory) => memory.id)];
  if (ids.length > 0)
    statements.push({ sql: `DELETE FROM memories WHERE ${isIn('id')}`, params: [JSON.stringify(ids)] });
  for (const memory of put) {
    statements.push({
      sql: `INSERT INTO memories VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${AT}, ${AT}, ${AT}, ${AT}, ?, ?)`,
      params: memoryParams(memory),
    });
  }
  if (consolidation !== undefined) {
    const { id, tenant, at, outcome, kept, other, similarity, undone_at, undone_by } = consolidation;
    statements.push(
      { sql: 'DELETE FROM memory_consolidations WHERE id = ?', params: [id] },
      {
        sql: `INSERT INTO memory_consolidations VALUES (?, ?, ${AT}, ?, ?, ?, ?, ?, ${AT}, ?)`,
        params: [
          id,
          tenant,
          microseconds(at),
          outcome,
          kept,
          other.id,
          JSON.stringify(other),
          similarity,
          microseconds(undone_at),
          undone_by,
        ],
      },
    );
  }
  if (erase !== undefined) {
    const list = JSON.stringify(erase.ids);
    statements.push(
      {
        sql: `DELETE FROM memory_consolidations WHERE ${isIn('kept')} OR ${isIn('other_id')}`,
        params: [list, list],
      },
      { sql: `DELETE FROM text_vectors WHERE ${isIn('digest')}`, params: [JSON.stringify(erase.digests)] },
    );
  }
  if (receipt !== undefined) {
    statements.push({
      sql: 'INSERT INTO memory_receipts VALUES ((SELECT coalesce(max(number), 0) + 1 FROM memory_receipts), ?, ?, ?)',
      params: [receipt.id, receipt.tenant, JSON.stringify(receipt)],
    });
  }
  return statements;
}

function memoryParams(m: Memory): readonly SqlValue[] {
  const { crew, agent, task, run } = m.written_by;
  return [
    m.id,
    m.tenant,
    m.scope,
    m.kind,
    m.key,
    m.content,
    jsonText(m.value),
    m.entity,
    m.importance,
    crew,
    agent,
    task,
    run,
    microseconds(m.created_at),
    microseconds(m.updated_at),
    microseconds(m.expires_at),
    microseconds(m.recalled_at),
    m.recalls,
    jsonText(m.outside),
  ];
}

function asMemory({ crew, agent, task, run, ...row }: z.output<typeof memoryRow>): Memory {
  return { ...row, written_by: { crew, agent, task, run } };
}

/** Looks for texts in every text column of the database that is not memory's own. */
async function tracesOf(db: Database, texts: readonly string[]): Promise<readonly Trace[]> {
  if (texts.length === 0) return [];
  const columns = await db.all<{ table_name: string; column_name: string }>(
    `SELECT table_name, column_name FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = 'main' AND data_type IN ('VARCHAR', 'JSON')
       AND table_name IN (SELECT table_name FROM duckdb_tables() WHERE database_name = current_database())
       AND NOT ${isIn('table_name')}
     ORDER BY table_name, column_index`,
    [JSON.stringify(OWN)],
  );
  // In a JSON column a text stands as JSON writes it.
  const sought = JSON.stringify([...new Set(texts.flatMap((text) => [text, JSON.stringify(text).slice(1, -1)]))]);
  const found: Trace[] = [];
  for (const { table_name: table, column_name: column } of columns) {
    const name = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    const [row] = await db.all<{ n: number }>(
      `SELECT count(*) AS n FROM ${name(table)} WHERE EXISTS (
         SELECT 1 FROM (SELECT unnest(from_json(?, '["VARCHAR"]')) AS t) WHERE contains(${name(column)}::VARCHAR, t))`,
      [sought],
    );
    const rows = row?.n ?? 0;
    if (rows > 0) found.push({ table, column, rows });
  }
  return found;
}

function encodeVector(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}

function decodeVector(text: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new Float32Array(bytes.buffer, 0, bytes.byteLength / 4);
}
