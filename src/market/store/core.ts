import type { Database, Statement, StatementResult } from '../../infra/duckdb/database.ts';
import type { Clock } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import type { Logger } from '../../kit/logger.ts';
import type { CoverageInterval, CoverageMark } from '../domain/coverage.ts';
import type { ChangedDays } from './changed-days.ts';
import type { Days } from './days.ts';
import type { Deletions } from './deleted.ts';
import type { Registry } from './registry.ts';

/** Marks beside the completeness ledger, by series id. */
export type Marks = Map<number, readonly CoverageMark[]>;

/** What the parts of the store share. `days` is replaced, never changed, when a transaction has moved days. */
export interface StoreCore {
  readonly db: Database;
  readonly dataDir: string;
  /** Where archived days go; absolute. */
  readonly archiveDir: string;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  /** Rows in quarantine, a stream. */
  readonly quarantined: Map<string, number>;
  days: Days;
  /** Stretches that were deleted and stay out. */
  readonly deletions: Deletions;
  /** Newest interval of each series in the completeness ledger, as written last. */
  readonly coverageTails: Map<number, CoverageInterval>;
  /** What became of rows that the ledger tells of. */
  readonly marks: Marks;
  /** Days that writes have touched, for what goes on beside them. */
  readonly changedDays: ChangedDays;
}

/** Name of the folder, inside the data folder, that holds the finished days. */
export const PARQUET_FOLDER = 'parquet';

/** Folder of our own for files in the making. */
export const WORK_FOLDER = 'compaction';

/** One after another: the work given to it never overlaps. */
export class Queue {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#tail.then(work, work);
    this.#tail = next.then(
      () => undefined,
      () => undefined,
    );
    return next;
  }

  /** Waits for its turn and keeps it until what it gives is called. */
  take(): Promise<() => void> {
    return new Promise((resolve) => void this.run(() => new Promise<void>((release) => resolve(release))));
  }
}

/** Runs SQL texts as one transaction. */
export function runAll(db: Database, statements: readonly (string | Statement)[]): Promise<readonly StatementResult[]> {
  return db.transaction(
    statements.map((statement) => (typeof statement === 'string' ? { sql: statement } : statement)),
  );
}

/** A cell as a number; null stays null. */
export function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
