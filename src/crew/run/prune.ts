import type { Database } from '../../infra/duckdb/database.ts';
import type { Ms } from '../../kit/clock.ts';

const ENDED = "('completed', 'failed', 'cancelled')";

/**
 * Forgets runs that ended before `before` (UTC ms), with their tasks, and audited calls older than that. Runs that wait
 * or are under way stay, however old. Gives how many runs and calls went.
 */
export async function pruneHistory(
  db: Database,
  before: Ms,
): Promise<{ readonly runs: number; readonly calls: number }> {
  const at = Math.trunc(before) * 1000;
  const old = `SELECT run_id FROM runs WHERE status IN ${ENDED} AND finished_at < make_timestamp(${at}::BIGINT)`;
  const [, runs, calls] = await db.transaction([
    { sql: `DELETE FROM run_tasks WHERE run_id IN (${old})` },
    { sql: `DELETE FROM runs WHERE run_id IN (${old})` },
    { sql: `DELETE FROM tool_audit WHERE time < make_timestamp(${at}::BIGINT)` },
  ]);
  return { runs: runs?.changed ?? 0, calls: calls?.changed ?? 0 };
}
