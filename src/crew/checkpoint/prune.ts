import type { Database } from '../../infra/duckdb/database.ts';
import { type Refs, textOf } from './log.ts';

/** Deletes all but the newest `keep` checkpoints of each namespace of a thread. Gives the number of rows deleted. */
export async function pruneThread(db: Database, thread: string, keep: number): Promise<number> {
  const heads = await db.all(
    `SELECT checkpoint_ns, checkpoint_id, refs FROM checkpoint_log WHERE kind = 'checkpoint' AND thread_id = ?
     QUALIFY dense_rank() OVER (PARTITION BY checkpoint_ns ORDER BY checkpoint_id DESC) <= ${Math.floor(keep)}`,
    [thread],
  );
  const kept = new Set<string>();
  const blobs = new Set<string>();
  for (const head of heads) {
    const ns = textOf(head, 'checkpoint_ns');
    kept.add(JSON.stringify([ns, textOf(head, 'checkpoint_id')]));
    for (const [channel, [holder]] of Object.entries(JSON.parse(textOf(head, 'refs')) as Refs))
      blobs.add(JSON.stringify([ns, holder, channel]));
  }
  const rows = await db.all(
    'SELECT n, kind, checkpoint_ns, checkpoint_id, channel FROM checkpoint_log WHERE thread_id = ?',
    [thread],
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
