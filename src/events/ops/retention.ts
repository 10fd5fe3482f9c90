import type { Database } from '../../infra/duckdb/database.ts';
import type { Clock, Ms } from '../../kit/clock.ts';
import type { OpsTable } from '../../kit/ops.ts';
import { OPS_TABLES } from './tables.ts';

/** What must stay however old it is: open matters, what is applied again after a rebuild, and what agents know. */
const KEPT: Readonly<Partial<Record<OpsTable, string>>> = {
  quality_issues: "resolution_status <> 'pending'",
  escalations: 'resolved_at IS NOT NULL',
  flow_state: 'completed_at IS NOT NULL',
  quarantines: 'released_at IS NOT NULL',
  corrections: 'reverted_at IS NOT NULL',
};
const NEVER: ReadonlySet<string> = new Set<OpsTable>(['knowledge_base', 'agent_memory', 'desk_settings', 'deletions']);

/**
 * Deletes rows older than `olderThanMs` from the operations tables, except open ones, and memories that have expired.
 * Gives the rows deleted by table.
 */
export async function pruneOps(
  db: Database,
  options: { readonly clock: Clock; readonly olderThanMs: Ms },
): Promise<Readonly<Record<string, number>>> {
  const now = options.clock.now();
  const deleted: Record<string, number> = {};
  for (const [table, { time }] of Object.entries(OPS_TABLES)) {
    if (NEVER.has(table)) continue;
    const closed = KEPT[table as OpsTable];
    const { changed } = await db.run(
      `DELETE FROM ${table} WHERE "${time}" < make_timestamp(CAST(? AS BIGINT))${closed === undefined ? '' : ` AND ${closed}`}`,
      [(now - options.olderThanMs) * 1000],
    );
    if (changed > 0) deleted[table] = changed;
  }
  const { changed } = await db.run('DELETE FROM agent_memory WHERE expires_at <= make_timestamp(CAST(? AS BIGINT))', [
    now * 1000,
  ]);
  if (changed > 0) deleted['agent_memory'] = changed;
  return deleted;
}
