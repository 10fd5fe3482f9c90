import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import { z } from 'zod';
import type { Clock } from '../../kit/clock.ts';
import { errorMessage, InvalidInput, Unavailable, Unsupported } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CheckpointStore } from './store.ts';

const PACKAGE = '@langchain/langgraph-checkpoint-postgres';

/** The part of the package that is used; it is an optional peer, so its types may be absent. */
interface Package {
  readonly PostgresSaver: {
    fromConnString(url: string, options: { readonly schema: string }): Saver;
  };
}
type Saver = BaseCheckpointSaver & { setup(): Promise<void>; end(): Promise<void> };
interface Pool {
  query(
    sql: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: readonly unknown[]; readonly rowCount: number | null }>;
  on(event: 'error', heard: (error: Error) => void): unknown;
}

const Threads = z.array(z.object({ thread_id: z.string() }));

/**
 * LangGraph's own PostgreSQL saver, in a schema of its own, with the retention that it has not. Throws Unsupported
 * without its package, InvalidInput for what is no address, Unavailable when the server cannot be used. No error or log
 * line holds the address, which may hold a password.
 */
export async function openPostgresCheckpoints(options: {
  /** `postgresql://user:password@host:5432/database` */
  readonly url: string;
  readonly schema: string;
  /** Newest checkpoints of each namespace that `trim` leaves. */
  readonly keep: number;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<CheckpointStore> {
  const { url, schema, keep, clock, log } = options;
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url))
    throw new InvalidInput('the address of the PostgreSQL server is not postgresql://user:password@host:port/database');
  const { PostgresSaver } = await loadPackage();
  const saver = PostgresSaver.fromConnString(url, { schema });
  const pool = poolOf(saver);
  // Without a listener a connection that breaks while it is idle would end the process; the next query opens another.
  pool.on('error', (error) => log.warn('checkpoints.connection_lost', { error: error.message }));
  try {
    await saver.setup();
  } catch (error) {
    await saver.end();
    // The cause is left out: errors of addresses hold the address.
    throw new Unavailable(`the PostgreSQL server of the checkpoints cannot be used: ${errorMessage(error)}`);
  }
  const sql = statements(`"${schema}"`);
  const prune = async (threads: readonly string[] | null, newest: number): Promise<void> => {
    for (const statement of [sql.deleteOld, sql.deleteWrites, sql.deleteBlobs]) {
      await pool.query(statement, statement === sql.deleteOld ? [threads, newest] : [threads]);
    }
  };
  let closed: Promise<void> | undefined;
  return {
    saver,
    idleThreads: async (forMs) => {
      const before = new Date(clock.now() - forMs).toISOString();
      return Threads.parse((await pool.query(sql.idle, [before])).rows).map((row) => row.thread_id);
    },
    prune: (threads, newest = 1) => prune(threads, newest),
    trim: () => prune(null, keep),
    [Symbol.asyncDispose]: () => (closed ??= saver.end()),
  };
}

/** `$1` is a list of threads; null: all. A blob stays while any checkpoint that is left has its version. */
function statements(schema: string) {
  const chosen = (alias: string): string => `($1::text[] IS NULL OR ${alias}.thread_id = ANY($1::text[]))`;
  return {
    idle: `SELECT thread_id FROM ${schema}.checkpoints GROUP BY thread_id
      HAVING max(checkpoint->>'ts') < $1 ORDER BY thread_id`,
    deleteOld: `DELETE FROM ${schema}.checkpoints c USING (
        SELECT c.thread_id, c.checkpoint_ns, c.checkpoint_id,
          row_number() OVER (PARTITION BY c.thread_id, c.checkpoint_ns ORDER BY c.checkpoint_id DESC) AS place
        FROM ${schema}.checkpoints c WHERE ${chosen('c')}) o
      WHERE o.place > $2 AND c.thread_id = o.thread_id AND c.checkpoint_ns = o.checkpoint_ns
        AND c.checkpoint_id = o.checkpoint_id`,
    deleteWrites: `DELETE FROM ${schema}.checkpoint_writes w WHERE ${chosen('w')} AND NOT EXISTS (
      SELECT 1 FROM ${schema}.checkpoints c WHERE c.thread_id = w.thread_id AND c.checkpoint_ns = w.checkpoint_ns
        AND c.checkpoint_id = w.checkpoint_id)`,
    deleteBlobs: `DELETE FROM ${schema}.checkpoint_blobs b WHERE ${chosen('b')} AND NOT EXISTS (
      SELECT 1 FROM ${schema}.checkpoints c, jsonb_each_text(c.checkpoint->'channel_versions') v
      WHERE c.thread_id = b.thread_id AND c.checkpoint_ns = b.checkpoint_ns AND v.key = b.channel AND v.value = b.version)`,
  } as const;
}

async function loadPackage(): Promise<Package> {
  try {
    return (await import(/* @vite-ignore */ PACKAGE)) as Package;
  } catch (error) {
    throw new Unsupported(`checkpoints in PostgreSQL need the package ${PACKAGE}: npm install ${PACKAGE}`, {
      cause: error,
    });
  }
}

/** The saver keeps its pool to itself, and has no method for what is deleted here. */
function poolOf(saver: Saver): Pool {
  const pool: unknown = Reflect.get(saver, 'pool');
  if (!isPool(pool)) throw new Unsupported(`this version of ${PACKAGE} is not known: 1.0.5 is`);
  return pool;
}

function isPool(value: unknown): value is Pool {
  return typeof value === 'object' && value !== null && 'query' in value && 'on' in value;
}
