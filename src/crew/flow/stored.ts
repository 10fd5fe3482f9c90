import type { Database } from '../../infra/duckdb/database.ts';
import type { FlowDocument } from './document.ts';
import { type FlowStore, readFlowDocument } from './store.ts';

const TABLE = `CREATE TABLE IF NOT EXISTS flow_runs (
  run_id VARCHAR PRIMARY KEY, flow VARCHAR NOT NULL, status VARCHAR NOT NULL, started_at VARCHAR NOT NULL,
  document VARCHAR NOT NULL)`;

/** Keeps runs of flows in a file, one row a run. Creates the table when missing. */
export async function openFlowStore(db: Database): Promise<FlowStore> {
  if (!db.readOnly) await db.run(TABLE);
  const read = async (sql: string, params: readonly (string | number)[]): Promise<readonly FlowDocument[]> => {
    const rows = await db.all<{ document: string }>(`SELECT document FROM flow_runs ${sql}`, params);
    return rows.flatMap(({ document }) => readFlowDocument(JSON.parse(document)) ?? []);
  };
  return {
    async save(document) {
      const { run_id: id, flow, status, started_at: startedAt } = document;
      await db.run(
        `INSERT INTO flow_runs VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (run_id) DO UPDATE SET status = excluded.status, document = excluded.document`,
        [id, flow, status, startedAt, JSON.stringify(document)],
      );
    },
    get: async (runId) => (await read('WHERE run_id = ?', [runId]))[0] ?? null,
    list: (limit = 50) => read('ORDER BY started_at DESC, run_id DESC LIMIT ?', [limit]),
  };
}
