import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { systemClock } from '../../infra/clock.ts';
import { Database } from '../../infra/duckdb/database.ts';
import { type Logger, silentLogger } from '../../kit/logger.ts';
import { errorMessage } from '../../kit/errors.ts';
import { DuckDBSaver } from '../checkpoint/saver.ts';
import { createRunStore, type RunStore } from './store.ts';

/** Runs and their checkpoints in one file: what a host in code needs so that a run outlives its process. */
export interface RunsFile extends AsyncDisposable {
  readonly checkpointer: DuckDBSaver;
  readonly store: RunStore;
}

/**
 * Opens a DuckDB file, made when it is missing, for `checkpointer` and `store` of a host; the journal in front of it is
 * the folder `<path>.journal`. One process at a time. Close it after the host. Throws Unavailable for a file that is in
 * use, Corrupt for a journal that is damaged before its end.
 */
export async function openRunsFile(options: {
  readonly path: string;
  /** Newest steps of each graph of a run that stay while it is at work. Default 200. */
  readonly keepSteps?: number | undefined;
  readonly log?: Logger | undefined;
}): Promise<RunsFile> {
  const { keepSteps = 200, log = silentLogger } = options;
  const path = resolve(options.path);
  await mkdir(dirname(path), { recursive: true });
  const db = await Database.open({ path });
  try {
    const store = await createRunStore(db);
    const checkpointer = await DuckDBSaver.open(db, {
      clock: systemClock,
      journal: `${path}.journal`,
      retention: { keep: keepSteps },
      onMoveFailed: (error) => log.error('checkpoints.move_failed', { error: errorMessage(error) }),
    });
    let closed: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await checkpointer[Symbol.asyncDispose]();
      await db.close();
    };
    return { checkpointer, store, [Symbol.asyncDispose]: () => (closed ??= close()) };
  } catch (error) {
    await db.close();
    throw error;
  }
}
