import type { Database } from '../../infra/duckdb/database.ts';
import type { Ms } from '../../kit/clock.ts';

const ENDED = "('completed', 'failed', 'cancelled')";

/**
 * Forgets runs that ended before `before` (UTC ms), with their tasks. Runs that wait or are under way stay, however old.
 * Gives how many went.
 */
export async function pruneRuns(db: Database, before: Ms): Promise<number> {
  const at = Math.trunc(before) * 1000;
  const old = `SELECT run_id FROM runs WHERE status IN ${ENDED} AND finished_at < make_timestamp(${at}::BIGINT)`;
  const [, runs] = await db.transaction([
    { sql: `DELETE FROM run_tasks WHERE run_id IN (${old})` },
    { sql: `DELETE FROM runs WHERE run_id IN (${old})` },
  ]);
  return runs?.changed ?? 0;
}
