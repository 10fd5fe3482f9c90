import type { CoverageBatch } from '../domain/coverage.ts';
import type { SeriesKey, StoredRecord, Stream } from '../domain/records.ts';
import type { TapePosition } from '../domain/tape.ts';
import { Staging, type SeriesRef, type StagedBatch } from './batch.ts';
import type { BulkIngest, IngestResult } from './contract.ts';
import type { StoreCore } from './core.ts';
import { isDeleted } from './deletion.ts';
import type { Series } from './schema.ts';

/** Records in columns, and how many were given of each stream. */
export interface StagedRecords {
  readonly batches: readonly StagedBatch[];
  readonly given: ReadonlyMap<Stream, number>;
}

/** What the store does for a bulk ingest. */
export interface BulkStore {
  ensure(keys: readonly SeriesKey[]): Promise<void>;
  ingest(staged: StagedRecords, position: TapePosition | null, coverage: CoverageBatch): Promise<IngestResult>;
}

/** Columns beyond this are committed; as much again may be on its way to the database meanwhile. */
const MOST_BYTES = 32 * 1024 * 1024;
/** Records of series that are not registered wait as they are; beyond so many a commit registers them. */
const MOST_UNREGISTERED = 5_000;

/**
 * Stages each record when it comes, so that none of them outlives its turn: millions that wait for a commit are what
 * the garbage collector would be busy with. Used inside the store's queue of writes, so that nothing it looks up changes.
 */
export class BulkWriter implements BulkIngest {
  readonly #core: StoreCore;
  readonly #store: BulkStore;
  /** Rows that each stream had in the commit before: as many are expected again. */
  readonly #expected = new Map<Stream, number>();
  #taken = nothingTaken();
  #tuned = false;

  constructor(core: StoreCore, store: BulkStore) {
    this.#core = core;
    this.#store = store;
  }

  take(record: StoredRecord): void {
    const series = this.#core.registry.find(record);
    if (series === undefined) this.#taken.unregistered.push(record);
    else this.#stage(this.#taken, record, series);
  }

  get full(): boolean {
    if (this.#taken.unregistered.length > MOST_UNREGISTERED) return true;
    let bytes = 0;
    for (const { staging } of this.#taken.stages.values()) bytes += staging.bytes;
    return bytes >= MOST_BYTES;
  }

  async commit(position: TapePosition | null, coverage: CoverageBatch): Promise<IngestResult> {
    const large = this.full;
    const taken = this.#taken;
    this.#taken = nothingTaken();
    if (taken.unregistered.length > 0) {
      await this.#store.ensure(taken.unregistered);
      // Of these series nothing else was staged, so it does not matter that they come last.
      for (const record of taken.unregistered) this.#stage(taken, record, this.#core.registry.ref(record));
    }
    if (large && !this.#tuned) {
      this.#tuned = true;
      await this.#core.db.useOneThread(true);
    }
    const given = new Map<Stream, number>();
    const batches = [...taken.stages].map(([stream, { staging, records }]) => {
      given.set(stream, records);
      this.#expected.set(stream, staging.rows);
      return staging.finish();
    });
    return this.#store.ingest({ batches, given }, position, coverage);
  }

  /** The database is as it was before. */
  async end(): Promise<void> {
    if (!this.#tuned) return;
    this.#tuned = false;
    await this.#core.db.useOneThread(false);
  }

  #stage(taken: Taken, record: StoredRecord, series: Series & SeriesRef): void {
    if (isDeleted(this.#core, record)) return;
    let stage = taken.stages.get(record.stream);
    if (stage === undefined) {
      stage = { staging: new Staging(series.table, this.#expected.get(record.stream) ?? 0), records: 0 };
      taken.stages.set(record.stream, stage);
    }
    stage.records += 1;
    stage.staging.take(record, series);
  }
}

/** What waits for a commit. */
interface Taken {
  readonly stages: Map<Stream, { readonly staging: Staging; records: number }>;
  readonly unregistered: StoredRecord[];
}

function nothingTaken(): Taken {
  return { stages: new Map(), unregistered: [] };
}
