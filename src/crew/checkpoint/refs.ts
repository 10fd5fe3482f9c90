import type { Database } from '../../infra/duckdb/database.ts';
import { type Refs, textOf } from './log.ts';
import type { Place } from './place.ts';
import type { CheckpointRows } from './rows.ts';

const REMEMBERED = 1000;

/** Where the channel values of recent checkpoints are; others are looked up. */
export class RefCache {
  readonly #db: Database;
  readonly #rows: CheckpointRows;
  readonly #known = new Map<string, { readonly thread: string; readonly refs: Refs }>();

  constructor(db: Database, rows: CheckpointRows) {
    this.#db = db;
    this.#rows = rows;
  }

  remember(place: Place, id: string, refs: Refs): void {
    const key = keyOf(place, id);
    this.#known.delete(key);
    this.#known.set(key, { thread: place.thread, refs });
    if (this.#known.size <= REMEMBERED) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  forget(thread: string): void {
    for (const [key, entry] of this.#known) if (entry.thread === thread) this.#known.delete(key);
  }

  /** The references of the checkpoints, the first one's first. An id that nothing knows has none. */
  async of(place: Place, ids: readonly string[]): Promise<Refs> {
    let all: Refs = {};
    for (const [i, id] of ids.entries()) {
      if (id === '') continue;
      const known = this.#known.get(keyOf(place, id))?.refs;
      // A checkpoint is put under its own id once, as a rule: only the parent is worth a query.
      const refs = known ?? (i === 0 ? {} : await this.#load(place, id));
      all = { ...refs, ...all };
    }
    return all;
  }

  /** The checkpoint that holds this version of the channel, the newest when there are several (a fork). */
  async find(place: Place, channel: string, version: string): Promise<string | undefined> {
    await this.#rows.ready(place);
    const [row] = await this.#db.all(
      `SELECT checkpoint_id FROM checkpoint_log WHERE kind = 'blob' AND thread_id = ? AND checkpoint_ns = ?
       AND channel = ? AND version = ? ORDER BY n DESC LIMIT 1`,
      [place.thread, place.ns, channel, version],
    );
    return row === undefined ? undefined : textOf(row, 'checkpoint_id');
  }

  async #load(place: Place, id: string): Promise<Refs> {
    await this.#rows.ready(place);
    const [row] = await this.#db.all(
      `SELECT refs FROM checkpoint_log WHERE kind = 'checkpoint' AND thread_id = ? AND checkpoint_ns = ?
       AND checkpoint_id = ? ORDER BY n DESC LIMIT 1`,
      [place.thread, place.ns, id],
    );
    const refs = row === undefined ? {} : (JSON.parse(textOf(row, 'refs')) as Refs);
    this.remember(place, id, refs);
    return refs;
  }
}

function keyOf(place: Place, id: string): string {
  return JSON.stringify([place.thread, place.ns, id]);
}
