import { z } from 'zod';
import type { Clock } from '../../kit/clock.ts';
import { Conflict, NotFound } from '../../kit/errors.ts';
import type { EffectLedger, LedgerEntry } from '../../kit/invoke.ts';
import { provenanceSchema } from '../../kit/provenance.ts';
import type { Database } from '../../infra/duckdb/database.ts';
import { jsonText, jsonValue, microseconds, msOf } from '../ops-values.ts';

/** An effect that was begun and whose outcome nobody knows. Times are UTC ms. */
export interface UnknownEffect {
  readonly key: string;
  readonly tool: string;
  readonly args_hash: string;
  readonly run_id: string | null;
  readonly begun_at: number;
}

/** The ledger in the ops database (`effect_ledger`). */
export interface StoredLedger extends EffectLedger {
  /** Effects that a person has to look at, oldest first; those at work in this process are not among them. */
  unknown(): Promise<readonly UnknownEffect[]>;
  /**
   * A person says what became of an unknown effect: `done` answers later calls with no data, `void` lets it run again.
   * Throws NotFound for a key that is not unknown, Conflict for one at work.
   */
  settle(key: string, outcome: 'done' | 'void', decidedBy: string): Promise<void>;
  /** Forgets finished intents older than this (UTC ms); gives how many. Unknown ones stay. */
  prune(before: number): Promise<number>;
}

const TABLE = `CREATE TABLE IF NOT EXISTS effect_ledger (
  key VARCHAR PRIMARY KEY, tool VARCHAR NOT NULL, args_hash VARCHAR NOT NULL, run_id VARCHAR, state VARCHAR NOT NULL,
  begun_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, settled_by VARCHAR, result VARCHAR)`;

const storedSchema = z.object({
  state: z.enum(['begun', 'done', 'void']),
  result: jsonValue.pipe(z.object({ data: z.unknown(), provenance: provenanceSchema }).nullable()),
});
const unknownSchema = z.object({
  key: z.string(),
  tool: z.string(),
  args_hash: z.string(),
  run_id: z.string().nullable(),
  begun_at: msOf,
});

/** Creates the table when missing. One process owns the database, so what it has at work is known in memory. */
export async function openLedger(options: { readonly db: Database; readonly clock: Clock }): Promise<StoredLedger> {
  const { db, clock } = options;
  if (!db.readOnly) await db.run(TABLE);
  const atWork = new Set<string>();
  const now = (): number => microseconds(clock.now());

  const claim = async (key: string, call: Parameters<EffectLedger['begin']>[1]): Promise<LedgerEntry> => {
    const [row] = await db.all('SELECT state, result FROM effect_ledger WHERE key = ?', [key]);
    if (row !== undefined) {
      const { state, result } = storedSchema.parse(row);
      if (state === 'begun') return { state: 'unknown' };
      if (state === 'done' && result !== null) return { state: 'done', result };
    }
    await db.run(
      `INSERT INTO effect_ledger VALUES (?, ?, ?, ?, 'begun', make_timestamp(?::BIGINT), NULL, NULL, NULL)
       ON CONFLICT (key) DO UPDATE SET state = 'begun', begun_at = excluded.begun_at, finished_at = NULL, result = NULL`,
      [key, call.tool, call.argsHash, call.runId, now()],
    );
    return { state: 'new' };
  };

  const close = (key: string, state: 'done' | 'void', result: unknown, by: string | null): Promise<unknown> =>
    db.run(
      'UPDATE effect_ledger SET state = ?, finished_at = make_timestamp(?::BIGINT), settled_by = ?, result = ? WHERE key = ?',
      [state, now(), by, jsonText(result), key],
    );

  return {
    async begin(key, call) {
      if (atWork.has(key)) return { state: 'running' };
      atWork.add(key);
      try {
        const entry = await claim(key, call);
        if (entry.state !== 'new') atWork.delete(key);
        return entry;
      } catch (error) {
        atWork.delete(key);
        throw error;
      }
    },
    async finish(key, result) {
      try {
        await close(key, result === null ? 'void' : 'done', result, null);
      } finally {
        atWork.delete(key);
      }
    },
    leave: (key) => void atWork.delete(key),
    async unknown() {
      const rows = await db.all(
        "SELECT key, tool, args_hash, run_id, begun_at FROM effect_ledger WHERE state = 'begun' ORDER BY begun_at, key",
      );
      return rows.map((row) => unknownSchema.parse(row)).filter((row) => !atWork.has(row.key));
    },
    async settle(key, outcome, decidedBy) {
      if (atWork.has(key)) throw new Conflict(`effect ${key} is at work; wait for its result`);
      const [row] = await db.all("SELECT key FROM effect_ledger WHERE key = ? AND state = 'begun'", [key]);
      if (row === undefined) throw new NotFound(`no effect of unknown outcome has the key '${key}'`);
      const note = `settled by ${decidedBy}: it had taken effect`;
      const result = { data: null, provenance: { as_of: null, source: note, complete: false, stale_ms: null } };
      await close(key, outcome, outcome === 'done' ? result : null, decidedBy);
    },
    async prune(before) {
      const { changed } = await db.run(
        "DELETE FROM effect_ledger WHERE state <> 'begun' AND begun_at < make_timestamp(?::BIGINT)",
        [microseconds(before)],
      );
      return changed;
    },
  };
}
