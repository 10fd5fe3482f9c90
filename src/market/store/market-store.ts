import { writeFile } from 'node:fs/promises';
import { saysDamaged } from '../../infra/duckdb/damage.ts';
import type { Database, QueryResult, SqlRow } from '../../infra/duckdb/database.ts';
import type { Us } from '../../kit/clock.ts';
import { AppError, Corrupt, Unavailable, Unsupported, errorMessage } from '../../kit/errors.ts';
import type { CarriedSeries, Coverage, CoverageBatch } from '../domain/coverage.ts';
import type { SeriesKey, StoredRecord, Stream } from '../domain/records.ts';
import type { TapePosition } from '../domain/tape.ts';
import { stageBatch, Turns } from './batch.ts';
import type { StagedBatch } from './batch.ts';
import { BulkWriter } from './bulk.ts';
import { compactStore } from './compaction.ts';
import { archivable, archiveDays, restoreDays } from './archive.ts';
import { aggregatesOf } from './aggregates.ts';
import type {
  Aggregate,
  AggregateQuery,
  ArchiveReport,
  ArchiveRequest,
  BulkIngest,
  CleanedRow,
  FilledStretch,
  CompactionReport,
  Deletion,
  DeletionRequest,
  IngestResult,
  MarketStore,
  QuarantineRequest,
  RestoreReport,
  RestoreRequest,
  SeriesRowsQuery,
  StorageReport,
  StoreIndex,
  StoreSnapshot,
  TableStats,
  Timeframe,
} from './contract.ts';
import { coverageOf } from './coverage.ts';
import { carriedSeries } from './carried.ts';
import { snapshot } from './copy.ts';
import { Queue } from './core.ts';
import type { StoreCore } from './core.ts';
import { findDamage } from './damage.ts';
import { countDeleted, deleteRows, withoutDeleted } from './deletion.ts';
import { aggregateCandles, removeCleanedRow, writeCleanedRows, writeNormalizedRows } from './derived.ts';
import { createIndex, derivedRows, dropDerived, dropIndex, listIndexes, rebuildViews } from './maintenance.ts';
import { quarantineRows, releaseRows } from './quarantine.ts';
import { lastEventTimes } from './newest.ts';
import { latestRows, rowsOf, storageReport, tableStats } from './reports.ts';
import { storeBatches } from './store-batches.ts';
import { retainDays } from './retention.ts';

/** The store over an open database. Made by `openMarketStore`. */
export class DuckMarketStore implements MarketStore {
  readonly #core: StoreCore;
  readonly #readOnly: boolean;
  readonly #writes = new Queue();
  readonly #compactions = new Queue();
  readonly #ending = new AbortController();
  #closing = false;

  constructor(core: StoreCore, readOnly: boolean) {
    this.#core = core;
    this.#readOnly = readOnly;
  }

  ingest(
    records: readonly StoredRecord[],
    position: TapePosition | null,
    coverage: CoverageBatch = { changes: [], heads: [] },
  ): Promise<IngestResult> {
    return this.#write(async () => {
      await this.#ensure(records);
      const byStream = grouped(withoutDeleted(this.#core, records));
      const { registry } = this.#core;
      const batches: StagedBatch[] = [];
      const turns = new Turns();
      for (const [stream, own] of byStream)
        batches.push(await stageBatch(registry.table(stream), own, (record) => registry.ref(record), turns));
      const given = new Map([...byStream].map(([stream, own]) => [stream, own.length]));
      await this.#ensure([...coverage.changes, ...coverage.heads]);
      return storeBatches(this.#core, { batches, given }, position, coverage);
    });
  }

  bulk<T>(work: (bulk: BulkIngest) => Promise<T>): Promise<T> {
    return this.#write(async () => {
      const bulk = new BulkWriter(this.#core, {
        ensure: (keys) => this.#ensure(keys),
        closing: () => this.#closing,
      });
      let result: T;
      try {
        result = await work(bulk);
      } catch (error) {
        // What was committed before the failure is kept if that can be done; the failure is what is told.
        await bulk.end().catch((late: unknown) => {
          this.#core.log.error('store.bulk_not_ended', { reason: errorMessage(late) });
        });
        throw error;
      }
      await bulk.end();
      return result;
    });
  }

  async position(): Promise<TapePosition | null> {
    const [row] = await this.read('SELECT segment, item FROM _tape_position');
    return row === undefined ? null : { segment: Number(row['segment']), item: Number(row['item']) };
  }

  ensureSeries(keys: readonly SeriesKey[]): Promise<void> {
    return this.#write(() => this.#ensure(keys));
  }

  async #ensure(keys: readonly SeriesKey[]): Promise<void> {
    const { registry } = this.#core;
    const unknown = keys.filter((key) => registry.find(key) === undefined);
    if (unknown.length === 0) return;
    const missing = this.#core.registry.missing(unknown, this.#core.clock.now());
    if (missing === null) return;
    await this.#core.db.transaction(missing.statements);
    missing.commit();
  }

  async series(): Promise<readonly SeriesKey[]> {
    return this.#core.registry.all().map((series) => series.key);
  }

  coverage(query: SeriesKey & { readonly from: Us; readonly to: Us }): Promise<Coverage> {
    return this.#noticing(() => coverageOf(this.#core, query));
  }

  carried(): Promise<readonly CarriedSeries[]> {
    return this.#write(() => carriedSeries(this.#core));
  }

  stats(table?: string): Promise<readonly TableStats[]> {
    return this.#noticing(() => tableStats(this.#core, table));
  }

  lastEventTimes(): Promise<readonly { readonly series: SeriesKey; readonly last: Us }[]> {
    return this.#noticing(() => again(() => lastEventTimes(this.#core)));
  }

  seriesRows(query: SeriesRowsQuery): Promise<readonly SqlRow[]> {
    return this.#noticing(() => again(() => rowsOf(this.#core, query)));
  }

  aggregates(query: AggregateQuery): Promise<readonly Aggregate[]> {
    return this.#noticing(() => again(() => aggregatesOf(this.#core, query)));
  }

  latest(stream: Stream, symbol?: string): Promise<readonly SqlRow[]> {
    return this.#noticing(() => again(() => latestRows(this.#core, stream, symbol)));
  }

  read<T = SqlRow>(
    sql: string,
    params?: readonly (string | number | boolean | null)[],
    signal?: AbortSignal,
  ): Promise<T[]> {
    return this.#noticing(() => again(() => this.#core.db.all<T>(sql, params, signal)));
  }

  query(sql: string, limits: Parameters<Database['query']>[1]): Promise<QueryResult> {
    return this.#noticing(() => again(() => this.#core.db.query(sql, limits)));
  }

  quarantine(request: QuarantineRequest): Promise<number> {
    return this.#change(() => quarantineRows(this.#core, request));
  }

  release(id: string): Promise<number> {
    return this.#change(() => releaseRows(this.#core, id));
  }

  delete(request: DeletionRequest): Promise<Deletion> {
    return this.#change(() => deleteRows(this.#core, request));
  }

  deletable(request: Omit<DeletionRequest, 'id'>): Promise<Deletion> {
    return this.#noticing(() => again(() => countDeleted(this.#core, request)));
  }

  async deleted(key: SeriesKey): Promise<readonly { readonly id: string; readonly from: Us; readonly to: Us }[]> {
    return this.#core.deletions.get(this.#core.registry.get(key).id) ?? [];
  }

  writeCleaned(key: SeriesKey, rows: readonly CleanedRow[], filled?: FilledStretch): Promise<number> {
    return this.#write(() => writeCleanedRows(this.#core, key, rows, filled));
  }

  removeCleaned(key: SeriesKey, rowKey: string): Promise<number> {
    return this.#write(() => removeCleanedRow(this.#core, key, rowKey));
  }

  writeNormalized(key: SeriesKey, from: Us, to: Us): Promise<number> {
    return this.#write(() => writeNormalizedRows(this.#core, key, from, to));
  }

  aggregate(key: SeriesKey, target: Timeframe, from: Us, to: Us): Promise<number> {
    return this.#write(() => aggregateCandles(this.#core, key, target, from, to));
  }

  storage(): Promise<StorageReport> {
    return storageReport(this.#core);
  }

  async snapshot(id: string): Promise<StoreSnapshot> {
    this.#refuseReadOnly();
    const release = await this.#compactions.take();
    const { signal } = this.#ending;
    return this.#noticing(() => snapshot(this.#core, this.#writes, { id, signal, release }));
  }

  analyze(): Promise<void> {
    return this.#write(async () => {
      await this.#core.db.run('ANALYZE');
    });
  }

  async compact(options: { readonly now: Us; readonly minimumGain: number }): Promise<CompactionReport> {
    this.#refuseReadOnly();
    const { signal } = this.#ending;
    return this.#compactions.run(() =>
      this.#noticing(() => compactStore(this.#core, this.#writes, { ...options, signal })),
    );
  }

  retain(options: {
    readonly now: Us;
    readonly days: number;
  }): Promise<{ readonly files: number; readonly bytes: number; readonly rows: number }> {
    return this.#change(() => retainDays(this.#core, options));
  }

  indexes(): Promise<readonly StoreIndex[]> {
    return this.#noticing(() => listIndexes(this.#core));
  }

  createIndex(stream: Stream, columns: readonly string[]): Promise<StoreIndex & { readonly created: boolean }> {
    return this.#write(() => createIndex(this.#core, stream, columns));
  }

  dropIndex(name: string): Promise<void> {
    return this.#write(() => dropIndex(this.#core, name));
  }

  derivedRows(table: string): Promise<number> {
    return this.#noticing(() => derivedRows(this.#core, table));
  }

  dropDerived(table: string): Promise<number> {
    return this.#write(() => dropDerived(this.#core, table));
  }

  rebuildViews(): Promise<number> {
    return this.#write(() => rebuildViews(this.#core));
  }

  async archivable(
    request: Pick<ArchiveRequest, 'now' | 'days'>,
  ): Promise<{ readonly files: number; readonly bytes: number }> {
    const found = archivable(this.#core, request);
    return { files: found.length, bytes: found.reduce((sum, { file }) => sum + file.bytes, 0) };
  }

  archive(request: ArchiveRequest): Promise<ArchiveReport> {
    return this.#change(() => archiveDays(this.#core, request));
  }

  restore(request: RestoreRequest): Promise<RestoreReport> {
    return this.#change(() => restoreDays(this.#core, request));
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#ending.abort(new Unavailable(`database ${this.#core.db.path} is being closed`));
    await this.#writes.run(() => this.#core.db.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A write that can touch any day. */
  #change<T>(work: () => Promise<T>): Promise<T> {
    return this.#write(() => {
      this.#core.changedDays.noteAll();
      return work();
    });
  }

  async #write<T>(work: () => Promise<T>): Promise<T> {
    this.#refuseReadOnly();
    return this.#writes.run(() => this.#noticing(work));
  }

  /**
   * DuckDB finds damage of a block when it reads it. What sounds like damage is confirmed by reading everything (a
   * user's statement can say anything); then it is Corrupt, and the next start sets the file aside.
   */
  async #noticing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { db, log } = this.#core;
      if (!(error instanceof AppError) || !saysDamaged(error.message, db.path)) throw error;
      const damage = await findDamage(db);
      if (damage === null) throw error;
      if (!this.#readOnly) await writeFile(`${db.path}.suspect`, damage);
      log.error('store.damage_found', { database: db.path, reason: damage });
      throw new Corrupt(`database ${db.path} is damaged: restart, and it is rebuilt from the tape (${damage})`, {
        cause: error,
      });
    }
  }

  #refuseReadOnly(): void {
    if (this.#readOnly)
      throw new Unsupported('the market database is open for reading only: ask the running controller');
  }
}

/** A day's file can be replaced between the planning of a read and its reading: then it is planned once more. */
async function again<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof AppError && /No files found that match|Cannot open file/.test(error.message)) return read();
    throw error;
  }
}

function grouped(records: readonly StoredRecord[]): ReadonlyMap<Stream, readonly StoredRecord[]> {
  const groups = new Map<Stream, StoredRecord[]>();
  for (const record of records) {
    const group = groups.get(record.stream);
    if (group === undefined) groups.set(record.stream, [record]);
    else group.push(record);
  }
  return groups;
}
