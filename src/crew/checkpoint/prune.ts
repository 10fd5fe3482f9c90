import type { Database } from '../../infra/duckdb/database.ts';
import { type LogRow, type Refs, textOf } from './log.ts';
import type { Place } from './place.ts';

/** Whether `ns` is that of a step inside the graph whose namespace is `outer`: `node:task` below the empty one. */
export function isInner(outer: string, ns: string): boolean {
  if (ns === outer || !ns.includes(':')) return false;
  return outer === '' || ns.startsWith(`${outer}|`);
}

/** Deletes the checkpoints of steps inside a place that were written before row `n`. */
export async function deleteInner(db: Database, { thread, ns }: Place, n: number): Promise<void> {
  await db.run(
    `DELETE FROM checkpoint_log WHERE thread_id = ? AND n < CAST(? AS BIGINT) AND checkpoint_ns <> ?
     AND contains(checkpoint_ns, ':') AND starts_with(checkpoint_ns, ?)`,
    [thread, n, ns, ns === '' ? '' : `${ns}|`],
  );
}

/** Namespaces of steps inside others, of all threads. */
export async function innerNamespaces(db: Database): Promise<readonly Place[]> {
  const rows = await db.all(
    "SELECT DISTINCT thread_id, checkpoint_ns FROM checkpoint_log WHERE contains(checkpoint_ns, ':')",
  );
  return rows.map((row) => ({ thread: textOf(row, 'thread_id'), ns: textOf(row, 'checkpoint_ns') }));
}

/** Of rows that are not in the table yet, those that the newest `keep` checkpoints of each namespace need. */
export function newestOf<T extends LogRow>(rows: readonly T[], keep: number): readonly T[] {
  const heads = new Map<string, T[]>();
  for (const row of rows) {
    if (row.kind !== 'checkpoint') continue;
    const key = JSON.stringify([row.thread_id, row.checkpoint_ns]);
    const known = heads.get(key);
    if (known === undefined) heads.set(key, [row]);
    else known.push(row);
  }
  const wanted = new Map<string, Set<string>>();
  for (const [key, all] of heads) {
    const ids = [...new Set(all.map((row) => row.checkpoint_id))].sort().slice(-keep);
    if (ids.length < keep) continue;
    const kept = new Set(ids);
    const refs = all.flatMap((row) => (kept.has(row.checkpoint_id) ? Object.entries(readRefs(row.refs)) : []));
    wanted.set(key, new Set([...ids, ...refs.map(([channel, [holder]]) => JSON.stringify([holder, channel]))]));
  }
  return rows.filter((row) => {
    const names = wanted.get(JSON.stringify([row.thread_id, row.checkpoint_ns]));
    if (names === undefined) return true;
    if (row.kind === 'blob') return names.has(JSON.stringify([row.checkpoint_id, row.channel]));
    return names.has(row.checkpoint_id);
  });
}

function readRefs(text: string | null): Refs {
  return text === null ? {} : (JSON.parse(text) as Refs);
}

/** Deletes all but the newest `keep` checkpoints of each namespace of a thread. Gives the number of rows deleted. */
export function pruneThread(db: Database, thread: string, keep: number): Promise<number> {
  return prune(db, thread, null, keep);
}

/** Deletes all but the newest `keep` checkpoints of one namespace. Gives the number of rows deleted. */
export function pruneNamespace(db: Database, { thread, ns }: Place, keep: number): Promise<number> {
  return prune(db, thread, ns, keep);
}

async function prune(db: Database, thread: string, only: string | null, keep: number): Promise<number> {
  const where = `thread_id = ?${only === null ? '' : ' AND checkpoint_ns = ?'}`;
  const params = only === null ? [thread] : [thread, only];
  const heads = await db.all(
    `SELECT checkpoint_ns, checkpoint_id, refs FROM checkpoint_log WHERE kind = 'checkpoint' AND ${where}
     QUALIFY dense_rank() OVER (PARTITION BY checkpoint_ns ORDER BY checkpoint_id DESC) <= ${Math.max(1, Math.floor(keep))}`,
    params,
  );
  const kept = new Set<string>();
  const blobs = new Set<string>();
  for (const head of heads) {
    const ns = textOf(head, 'checkpoint_ns');
    kept.add(JSON.stringify([ns, textOf(head, 'checkpoint_id')]));
    for (const [channel, [holder]] of Object.entries(readRefs(textOf(head, 'refs'))))
      blobs.add(JSON.stringify([ns, holder, channel]));
  }
  const rows = await db.all(
    `SELECT n, kind, checkpoint_ns, checkpoint_id, channel FROM checkpoint_log WHERE ${where}`,
    params,
  );
  const old = rows.filter((row) => {
    const ns = textOf(row, 'checkpoint_ns');
    const id = textOf(row, 'checkpoint_id');
    if (row['kind'] === 'blob') return !blobs.has(JSON.stringify([ns, id, textOf(row, 'channel')]));
    return !kept.has(JSON.stringify([ns, id]));
  });
  let deleted = 0;
  for (let i = 0; i < old.length; i += 1000) {
    const numbers = old.slice(i, i + 1000).map((row) => Number(row['n']));
    const { changed } = await db.run(`DELETE FROM checkpoint_log WHERE n IN (${numbers.join(', ')})`);
    deleted += changed;
  }
  return deleted;
}

/**
 * Writes what is live anew and folds it into the file. DuckDB gives back the space of deleted rows only when a whole
 * row group (122,880 rows) is gone, which checkpoints that are kept short never reach. Gives the characters that stay.
 */
export async function compact(db: Database): Promise<number> {
  await db.transaction([
    { sql: 'CREATE TABLE checkpoint_log_live AS SELECT * FROM checkpoint_log' },
    { sql: 'DELETE FROM checkpoint_log' },
    { sql: 'INSERT INTO checkpoint_log SELECT * FROM checkpoint_log_live ORDER BY n' },
    { sql: 'DROP TABLE checkpoint_log_live' },
  ]);
  await db.run('CHECKPOINT');
  const [row] = await db.all<{ n: number | null }>('SELECT sum(length(value))::BIGINT AS n FROM checkpoint_log');
  return row?.n ?? 0;
}
