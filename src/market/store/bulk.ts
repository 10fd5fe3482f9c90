import type { CoverageBatch } from '../domain/coverage.ts';
import type { StoredRecord, Stream } from '../domain/records.ts';
import type { TapePosition } from '../domain/tape.ts';
import { Staging, type SeriesRef } from './batch.ts';
import { ColumnMemory } from './column-memory.ts';
import type { BulkIngest, IngestResult } from './contract.ts';
import type { StoreCore } from './core.ts';
import { isDeleted } from './deletion.ts';
import { JoinedIngests, type BulkStore } from './joined.ts';
import type { Series } from './schema.ts';

/** Columns beyond this go to the database; as much again may be on its way there meanwhile. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Records of series that are not registered wait as they are; beyond so many a commit registers them. */
const MOST_UNREGISTERED = 5_000;
/** Room for some more rows than before, in steps: memory that comes back then serves again. */
const MORE_ROWS = 1.1;
const CAPACITY_STEP = 4096;

/**
 * Stages each record when it comes, so that none of them outlives its turn: millions that wait for a commit are what
 * the garbage collector would be busy with. Used inside the store's queue of writes, so that nothing it looks up changes.
 */
export class BulkWriter implements BulkIngest {
  readonly #core: StoreCore;
  readonly #joined: JoinedIngests;
  readonly #memory = new ColumnMemory();
  /** Rows that each stream had in the commit before: as many are expected again. */
  readonly #expected = new Map<Stream, number>();
  /** The series met last, by stream and symbol. */
  readonly #met = new Map<Stream, Map<string, Series & SeriesRef>>();
  #taken = nothingTaken();
  #tuned = false;

  constructor(core: StoreCore, store: BulkStore) {
    this.#core = core;
    this.#joined = new JoinedIngests(core, store, (memory) => this.#memory.give(memory));
  }

  take(record: StoredRecord): void {
    const series = this.#seriesOf(record);
    if (series === undefined) this.#taken.unregistered.push(record);
    else this.#stage(this.#taken, record, series);
  }

  /** As the registry says: most records are of a series whose symbol had none of another market in its stream before. */
  #seriesOf(record: StoredRecord): (Series & SeriesRef) | undefined {
    const { stream, symbol } = record;
    let met = this.#met.get(stream);
    if (met === undefined) this.#met.set(stream, (met = new Map<string, Series & SeriesRef>()));
    const held = met.get(symbol);
    if (held?.key.exchange === record.exchange && held.key.market === record.market) return held;
    const series = this.#core.registry.find(record);
    if (series !== undefined) met.set(symbol, series);
    return series;
  }

  get full(): boolean {
    if (this.#taken.unregistered.length > MOST_UNREGISTERED) return true;
    return bytesOf(this.#taken) >= MOST_BYTES;
  }

  async commit(position: TapePosition | null, coverage: CoverageBatch): Promise<IngestResult> {
    const large = this.full;
    const taken = this.#taken;
    this.#taken = nothingTaken();
    if (taken.unregistered.length > 0) {
      await this.#joined.ensure(taken.unregistered);
      // Of these series nothing else was staged, so it does not matter that they come last.
      for (const record of taken.unregistered) this.#stage(taken, record, this.#core.registry.ref(record));
    }
    if (large && !this.#tuned) {
      this.#tuned = true;
      await this.#core.db.useOneThread(true);
    }
    const bytes = bytesOf(taken);
    const given = new Map<Stream, number>();
    const batches = [...taken.stages].map(([stream, { staging, records }]) => {
      given.set(stream, records);
      this.#expected.set(stream, staging.rows);
      return staging.finish();
    });
    return this.#joined.add({ batches, given }, position, coverage, bytes);
  }

  /** All commits are on disk, and the database's threads are as they were before. */
  async end(): Promise<void> {
    try {
      await this.#joined.commit();
    } finally {
      if (this.#tuned) await this.#core.db.useOneThread(false);
      this.#tuned = false;
    }
  }

  #stage(taken: Taken, record: StoredRecord, series: Series & SeriesRef): void {
    if (isDeleted(this.#core, record)) return;
    let stage = taken.stages.get(record.stream);
    if (stage === undefined) {
      const expected = this.#expected.get(record.stream) ?? 0;
      const capacity = Math.ceil((expected * MORE_ROWS) / CAPACITY_STEP) * CAPACITY_STEP;
      stage = { staging: new Staging(series.table, capacity, this.#memory), records: 0 };
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

function bytesOf({ stages }: Taken): number {
  let bytes = 0;
  for (const { staging } of stages.values()) bytes += staging.bytes;
  return bytes;
}

function nothingTaken(): Taken {
  return { stages: new Map(), unregistered: [] };
}
