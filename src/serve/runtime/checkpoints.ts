import { openPostgresCheckpoints } from '../../crew/checkpoint/postgres.ts';
import { DuckDBSaver } from '../../crew/checkpoint/saver.ts';
import type { CheckpointStore } from '../../crew/checkpoint/store.ts';
import type { SystemConfig } from '../../crew/config/system-schema.ts';
import type { Database } from '../../infra/duckdb/database.ts';
import type { Clock } from '../../kit/clock.ts';
import { errorMessage, InvalidInput } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';

/**
 * Opens the checkpoints where `checkpoints` in system.yaml has them. Throws InvalidInput when the variable it names is
 * not set, and as `openPostgresCheckpoints` does.
 */
export async function openCheckpoints(options: {
  readonly system: Pick<SystemConfig, 'checkpoints' | 'runs'>;
  readonly db: Database;
  readonly journal: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<CheckpointStore> {
  const { system, db, journal, env, clock, log } = options;
  const { keep_steps: keep } = system.runs;
  const { postgres } = system.checkpoints;
  if (postgres !== null) {
    const url = env[postgres.url_env];
    if (url === undefined || url === '')
      throw new InvalidInput(`checkpoints.postgres.url_env names ${postgres.url_env}, which is not set`);
    return openPostgresCheckpoints({ url, schema: postgres.schema, keep, clock, log });
  }
  const saver = await DuckDBSaver.open(db, {
    clock,
    journal,
    retention: { keep },
    onMoveFailed: (error) => log.error('checkpoints.move_failed', { error: errorMessage(error) }),
  });
  return {
    saver,
    idleThreads: (forMs) => saver.idleThreads(forMs),
    prune: (threads, newest) => saver.prune(threads, newest),
    trim: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => saver[Symbol.asyncDispose](),
  };
}
