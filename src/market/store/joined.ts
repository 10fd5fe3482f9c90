import { Unavailable } from '../../kit/errors.ts';
import type { CoverageBatch } from '../domain/coverage.ts';
import type { SeriesKey } from '../domain/records.ts';
import type { TapePosition } from '../domain/tape.ts';
import type { IngestResult } from './contract.ts';
import type { StoreCore } from './core.ts';
import { inOrder, planCoverage } from './coverage.ts';
import { positionStatements } from './ingest.ts';
import { planBatches, reportTables, tablesOf, type StagedRecords } from './store-batches.ts';
import { afterThaw } from './thaw.ts';

/** What the store does for ingests that share a transaction. */
export interface BulkStore {
  /** Registers series, in a transaction of its own. */
  ensure(keys: readonly SeriesKey[]): Promise<void>;
  /** The store is being closed: nothing more is let in. */
  closing(): boolean;
}

/**
 * Columns of rows that one transaction takes at most. Where a transaction ends, a group of 122,880 rows of each table ends
 * with it, and the smaller the groups, the more is logged and written again by the next checkpoint. What a kill takes
 * back is replayed in seconds.
 */
const MOST_BYTES = 128 * 1024 * 1024;
/** Steps of the ledger that wait for the end of a transaction at most. */
const MOST_CHANGES = 10_000;

/** Ingests that share transactions. Each is run at once; with `commit` they are stored, ledger and position as well. */
export class JoinedIngests {
  readonly #core: StoreCore;
  readonly #store: BulkStore;
  readonly #onMemory: (memory: ArrayBuffer) => void;
  #bytes = 0;
  #position: TapePosition | null = null;
  #coverage: CoverageBatch = { changes: [], heads: [] };
  #tables: IngestResult['tables'][number][] = [];
  #parts = 0;

  /** `onMemory` is given the memory of columns that were read. */
  constructor(core: StoreCore, store: BulkStore, onMemory: (memory: ArrayBuffer) => void) {
    this.#core = core;
    this.#store = store;
    this.#onMemory = onMemory;
  }

  /** Series are registered in a transaction of their own, so the one that is open ends before. */
  async ensure(keys: readonly SeriesKey[]): Promise<void> {
    const unknown = keys.filter((key) => this.#core.registry.find(key) === undefined);
    if (unknown.length === 0) return;
    await this.commit();
    await this.#store.ensure(unknown);
  }

  /** A failure takes back what was not committed. */
  async add(
    staged: StagedRecords,
    position: TapePosition | null,
    coverage: CoverageBatch,
    bytes: number,
  ): Promise<IngestResult> {
    const core = this.#core;
    if (this.#store.closing()) throw new Unavailable(`database ${core.db.path} is being closed`);
    await this.ensure([...coverage.changes, ...coverage.heads]);
    let plan = await planBatches(core, staged.batches);
    const thaws = plan.thawed.files.length > 0;
    if (thaws && this.#parts > 0) {
      await this.commit();
      plan = await planBatches(core, staged.batches);
    }
    const results =
      plan.statements.length === 0
        ? []
        : await this.#run(() => core.db.transactionPart(plan.statements, this.#onMemory));
    const tables = tablesOf(core, staged, plan, results);
    this.#parts += 1;
    this.#tables.push(...tables);
    this.#coverage = inOrder(this.#coverage, coverage);
    if (position !== null) this.#position = position;
    this.#bytes += bytes;
    if (thaws || this.#bytes >= MOST_BYTES || this.#coverage.changes.length >= MOST_CHANGES) await this.commit();
    // The days are in force as soon as the transaction is.
    if (thaws) await afterThaw(core, plan.thawed);
    return { tables };
  }

  async commit(): Promise<void> {
    if (this.#parts === 0) return;
    const core = this.#core;
    const [tables, position, coverage] = [this.#tables, this.#position, this.#coverage];
    await this.#run(async () => {
      const ledger = await planCoverage(core, coverage);
      await core.db.transaction([...ledger.statements, ...(position === null ? [] : positionStatements(position))]);
      ledger.done();
    });
    this.#forget();
    reportTables(core, tables);
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#forget();
      // Where even this fails the database is gone, and the first error says why.
      await this.#core.db.rollback().catch(() => undefined);
      throw error;
    }
  }

  #forget(): void {
    this.#bytes = 0;
    this.#position = null;
    this.#coverage = { changes: [], heads: [] };
    this.#tables = [];
    this.#parts = 0;
  }
}
