import { Worker } from 'node:worker_threads';

/**
 * The worker's short-lived objects are few, but hold memory of DuckDB that V8 does not see, until they are collected:
 * a small nursery is collected often.
 */
const YOUNG_MB = 3;

/**
 * What DuckDB's allocator is told, where nobody told it anything else: freed memory goes back to the system after half
 * a second, not ten, and two arenas serve its few threads. Read when its library loads; unknown elsewhere than on Linux.
 */
const ALLOCATOR_VARIABLE = 'DUCKDB_JE_MALLOC_CONF';
const ALLOCATOR = 'dirty_decay_ms:500,muzzy_decay_ms:0,narenas:2';

/** Threads for databases. One that was started ahead has loaded the driver by the time it is wanted. */
export class DatabaseThread {
  static readonly #ahead: Worker[] = [];

  /**
   * Starts threads for the next `count` databases of this process, which load DuckDB while the caller does other things.
   * They keep no process alive.
   */
  static startAhead(count: number): void {
    for (let i = 0; i < count; i++) {
      const worker = started();
      worker.unref();
      // What ails it shows again, with its reason, in the thread that a database then starts for itself.
      worker.on('error', () => DatabaseThread.#forget(worker));
      worker.on('exit', () => DatabaseThread.#forget(worker));
      DatabaseThread.#ahead.push(worker);
    }
  }

  /** A thread that waits for the file to open. */
  static take(): Worker {
    const worker = DatabaseThread.#ahead.shift();
    if (worker === undefined) return started();
    worker.ref();
    return worker;
  }

  static #forget(worker: Worker): void {
    const at = DatabaseThread.#ahead.indexOf(worker);
    if (at >= 0) DatabaseThread.#ahead.splice(at, 1);
  }
}

function started(): Worker {
  process.env[ALLOCATOR_VARIABLE] ??= ALLOCATOR;
  return new Worker(new URL('./worker.mjs', import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
}
