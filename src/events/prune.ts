import type { Database } from '../infra/duckdb/database.ts';
import type { Ms } from '../kit/clock.ts';

export interface PruneOptions {
  readonly olderThanMs?: Ms | undefined;
  readonly keepRows?: number | undefined;
}

const CURSOR_ALIVE_MS: Ms = 7 * 86_400_000;

/**
 * Deletes events older than `olderThanMs` and all but the newest `keepRows`, never the event `last`. What a durable
 * subscriber has not had yet stays while its cursor moved within the last 7 days. Gives the number of rows deleted.
 */
export async function pruneEvents(
  db: Database,
  now: Ms,
  last: number,
  options: PruneOptions,
): Promise<{ readonly rows: number }> {
  const byRows = options.keepRows === undefined ? 0 : last - options.keepRows + 1;
  const byAge = options.olderThanMs === undefined ? 0 : ((await firstYoung(db, now, options.olderThanMs)) ?? last);
  const needed = (await firstNeeded(db, now)) ?? last;
  const before = Math.min(Math.max(byRows, byAge), needed, last);
  if (before <= 1) return { rows: 0 };
  const { changed } = await db.run('DELETE FROM events WHERE seq < CAST(? AS BIGINT)', [before]);
  return { rows: changed };
}

/**
 * Number of the first event younger than `ms`, null when there is none. Only what comes before all young ones is old,
 * and times after now do not count as young: a clock that jumped back or forth must not take the journal with it.
 */
async function firstYoung(db: Database, now: Ms, ms: Ms): Promise<number | null> {
  const [row] = await db.all<{ seq: number | null }>(
    `SELECT min(seq) AS seq FROM events
     WHERE time >= make_timestamp(CAST(? AS BIGINT)) AND time <= make_timestamp(CAST(? AS BIGINT))`,
    [(now - ms) * 1000, now * 1000],
  );
  return row?.seq ?? null;
}

/** Number of the first event that a living durable subscriber still needs, null when there is no such subscriber. */
async function firstNeeded(db: Database, now: Ms): Promise<number | null> {
  const [row] = await db.all<{ seq: number | null }>(
    'SELECT min(seq) + 1 AS seq FROM event_cursors WHERE updated_at >= make_timestamp(CAST(? AS BIGINT))',
    [(now - CURSOR_ALIVE_MS) * 1000],
  );
  return row?.seq ?? null;
}
