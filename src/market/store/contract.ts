import type { Us } from '../../kit/clock.ts';
import type { QueryResult, SqlRow } from '../../infra/duckdb/database.ts';
import type { CarriedSeries, Coverage, CoverageBatch } from '../domain/coverage.ts';
import type { Market, SeriesKey, StoredRecord, Stream } from '../domain/records.ts';
import type { TapePosition } from '../domain/tape.ts';

/** What one ingest did, a row a table touched. */
export interface IngestResult {
  readonly tables: readonly {
    readonly stream: Stream;
    readonly rows: number;
    /** Records that gave no row: held already, or twice in the batch. */
    readonly duplicates: number;
    /** Those of them that the venue itself sent again, per venue market. */
    readonly repeats: readonly { readonly exchange: string; readonly market: Market; readonly rows: number }[];
    /** Records that cannot be a row: no valid time, a required value missing, a number that is not finite. */
    readonly rejected: number;
    readonly firstEventTime: Us | null;
    readonly lastEventTime: Us | null;
  }[];
}

export interface TableStats {
  readonly table: string;
  readonly series: SeriesKey | null;
  readonly rows: number;
  readonly first_event_time: Us | null;
  readonly last_event_time: Us | null;
  readonly hot_rows: number;
  readonly parquet_files: number;
  readonly parquet_bytes: number;
}

export interface StorageReport {
  readonly database_bytes: number;
  readonly wal_bytes: number;
  readonly parquet_bytes: number;
  readonly tape_bytes: number;
  /** Archived days, wherever the archive lies. */
  readonly archive_bytes: number;
  /** Whether the archive lies on another disk than the data folder, whose space it does not take then. */
  readonly archive_elsewhere: boolean;
  readonly disk_free_bytes: number;
  readonly disk_total_bytes: number;
  readonly used_blocks: number;
  readonly free_blocks: number;
  /** Free blocks ÷ all blocks of the database file, percent. */
  readonly fragmentation_percent: number;
  readonly measured_at: Us;
}

export interface CompactionReport {
  readonly days_written: readonly {
    readonly table: string;
    readonly day: string;
    readonly rows: number;
    readonly bytes: number;
  }[];
  readonly rewritten: boolean;
  readonly bytes_before: number;
  readonly bytes_after: number;
  readonly reason: string;
}

/** A quarantine: rows of one series in [from, to), or single keys, held apart until released. */
export interface QuarantineRequest extends SeriesKey {
  readonly id: string;
  readonly reason: string;
  /** Row keys as `seriesRows` gives them; null: all rows of the interval. */
  readonly keys: readonly string[] | null;
  readonly from: Us;
  readonly to: Us;
}

/** A stretch of a series, [from, to), to be deleted for good. */
export interface DeletionRequest extends SeriesKey {
  readonly id: string;
  readonly from: Us;
  readonly to: Us;
}

/** Rows that a deletion took (or would take): what a venue said, and its cleaned and normalised copies. */
export interface Deletion {
  readonly rows: number;
  readonly copies: number;
}

export interface SeriesRowsQuery extends SeriesKey {
  readonly from: Us;
  readonly to: Us;
  readonly limit: number;
  readonly order?: 'asc' | 'desc' | undefined;
}

/**
 * What rows of some series add up to, worked out inside the database so that no row leaves it. The SQL is the caller's
 * own, over the columns that the stream stores, `series_id` and `id`.
 */
export interface AggregateQuery {
  /** Series of one stream. */
  readonly series: readonly SeriesKey[];
  /** [from, to) of the stream's time column. */
  readonly from: Us;
  readonly to: Us;
  /** Computed for each row first: name → SQL. `OVER in_series` is the rows of its series, oldest first. */
  readonly each?: Readonly<Record<string, string>> | undefined;
  /** One result a series and a value of these; without it one a series. Name → SQL. */
  readonly by?: Readonly<Record<string, string>> | undefined;
  /** Name → aggregate. */
  readonly select: Readonly<Record<string, string>>;
}

/** One result of an aggregation. */
export interface Aggregate {
  readonly series: SeriesKey;
  readonly values: SqlRow;
}

/** An index on the hot rows of a stream. */
export interface StoreIndex {
  readonly name: string;
  readonly stream: Stream;
  readonly columns: readonly string[];
}

/** Finished days older than `days` whole days before `now`, into `folder` (relative to the data folder, or absolute). */
export interface ArchiveRequest {
  readonly now: Us;
  readonly days: number;
  readonly folder: string;
}

export interface ArchiveReport {
  /** Absolute. */
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
  readonly rows: number;
  /** `2026-01-31`; null when nothing was moved. */
  readonly first_day: string | null;
  readonly last_day: string | null;
}

/** Archived days `from` to `to` inclusive (`2026-01-31`), of one table or of all. */
export interface RestoreRequest {
  readonly folder: string;
  readonly table?: string | undefined;
  readonly from: string;
  readonly to: string;
}

export interface RestoreReport {
  readonly files: number;
  readonly bytes: number;
  readonly rows: number;
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

/** Timeframes that candles are aggregated to. */
export const TIMEFRAMES = ['1m', '5m', '15m', '1h', '4h', '1d'] as const;
export type Timeframe = (typeof TIMEFRAMES)[number];

/** One moment of the database, to be copied beside the writes, and the finished days that belong to it. */
export interface StoreSnapshot extends AsyncDisposable {
  /** Name in the data folder, and the file itself, which is of that moment only within `copyDatabase`. */
  readonly database: { readonly name: string; readonly path: string };
  /** Finished days: name in the data folder → file with that content, gone when the snapshot is disposed. */
  readonly files: ReadonlyMap<string, string>;
  /**
   * Has the database file copied, once and soon: the log grows meanwhile, and compactions wait. `check` is to be awaited
   * now and then on the way. It throws, as this does, Unavailable when the bytes are not of the moment any more, or the
   * database is being closed, or it takes too long.
   */
  copyDatabase<T>(copy: (path: string, check: () => Promise<void>) => Promise<T>): Promise<T>;
}

/** Where records of a bulk ingest go. */
export interface BulkIngest {
  take(record: StoredRecord): void;
  /** Enough was taken: the next commit is due, or memory grows beyond its bound. */
  readonly full: boolean;
  /**
   * As `ingest`, of what was taken since the last commit; more may be taken meanwhile. One at a time. Several share a
   * transaction: readers see them, and a kill leaves them, when it ends, with `bulk` itself at the latest.
   */
  commit(position: TapePosition | null, coverage: CoverageBatch): Promise<IngestResult>;
}

/** The market database: `data/streaming_data.duckdb` and its Parquet days. One owner; everything goes through here. */
export interface MarketStore extends AsyncDisposable {
  /** Stores in one transaction, with the steps of the ledger and the tape position reached; records held are dropped. */
  ingest(
    records: readonly StoredRecord[],
    position: TapePosition | null,
    coverage?: CoverageBatch,
  ): Promise<IngestResult>;
  /**
   * Ingest of very many records, as replay does it: the same rows with less processor time. Other writes wait until
   * `work` has ended, reads go on. What was taken and not committed by then is not stored.
   */
  bulk<T>(work: (bulk: BulkIngest) => Promise<T>): Promise<T>;
  /** What is known of a series in [from, to), UTC µs: live, backfilled, sampled, interpolated, missing. Throws NotFound. */
  coverage(query: SeriesKey & { readonly from: Us; readonly to: Us }): Promise<Coverage>;
  /** What is known of every series, to be kept when the tape that told it is deleted. */
  carried(): Promise<readonly CarriedSeries[]>;
  /** Finishes what is under way and closes the file. Idempotent. */
  close(): Promise<void>;
  /** The tape position up to which everything is stored. */
  position(): Promise<TapePosition | null>;
  /** Creates the isolated views of these series (empty until rows come). */
  ensureSeries(keys: readonly SeriesKey[]): Promise<void>;
  /** The series known, with or without rows. */
  series(): Promise<readonly SeriesKey[]>;
  stats(table?: string): Promise<readonly TableStats[]>;
  /** When each series that has rows had its last event; reads less than `stats`. */
  lastEventTimes(): Promise<readonly { readonly series: SeriesKey; readonly last: Us }[]>;
  /** Rows of one series, with `row_key` (text that identifies the row for quarantine). Times are UTC µs. */
  seriesRows(query: SeriesRowsQuery): Promise<readonly SqlRow[]>;
  /** One result a series that has rows (and a value of `by`), in no order. Throws NotFound, InvalidInput for mixed streams. */
  aggregates(query: AggregateQuery): Promise<readonly Aggregate[]>;
  /** Newest row of each series of a stream, for freshness and cross-venue comparison. */
  latest(stream: Stream, symbol?: string): Promise<readonly SqlRow[]>;
  /** Our own parameterised SQL; identifiers in it are the caller's duty. */
  read<T = SqlRow>(
    sql: string,
    params?: readonly (string | number | boolean | null)[],
    signal?: AbortSignal,
  ): Promise<T[]>;
  /** A user's read-only SQL. */
  query(
    sql: string,
    limits: { readonly maxRows: number; readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<QueryResult>;
  /** Moves rows to `quarantine`; they leave the isolated view. Gives how many. Idempotent by id. */
  quarantine(request: QuarantineRequest): Promise<number>;
  /** Puts the rows of a quarantine back. */
  release(id: string): Promise<number>;
  /** Deletes a stretch: its rows and copies go, and none of it is taken in again. Idempotent by id. Throws NotFound. */
  delete(request: DeletionRequest): Promise<Deletion>;
  /** What `delete` would take. Throws NotFound, InvalidInput. */
  deletable(request: SeriesKey & { readonly from: Us; readonly to: Us }): Promise<Deletion>;
  /** Stretches of a series that were deleted. Throws NotFound. */
  deleted(key: SeriesKey): Promise<readonly { readonly id: string; readonly from: Us; readonly to: Us }[]>;
  /**
   * Writes to `{view}_cleaned`: interpolated, de-duplicated or corrected rows, marked by `method`. Never touches raw rows. `filled`: they
   * fill what is missing there by rule, and the ledger says so until the cleaned copy is dropped.
   */
  writeCleaned(key: SeriesKey, rows: readonly CleanedRow[], filled?: FilledStretch): Promise<number>;
  /** Takes the version of a raw row out of `{view}_cleaned`. Gives how many rows that were. */
  removeCleaned(key: SeriesKey, rowKey: string): Promise<number>;
  /** Writes `{view}_normalized`: UTC, canonical symbols, base units, 8 decimals. Gives rows written. */
  writeNormalized(key: SeriesKey, from: Us, to: Us): Promise<number>;
  /** Writes `{symbol}_{exchange}_{market}_candles_{tf}` from 1m candles: OHLCV, VWAP, counts. Gives rows written. */
  aggregate(key: SeriesKey, target: Timeframe, from: Us, to: Us): Promise<number>;
  storage(): Promise<StorageReport>;
  /** Holds one moment of the database and its finished days, while writes go on. Waits for compactions. Dispose it after use. */
  snapshot(id: string): Promise<StoreSnapshot>;
  /** ANALYZE. */
  analyze(): Promise<void>;
  /** Finished days to Parquet, and the file rewritten when `minimumGain` (0–1) of it would come back. */
  compact(options: { readonly now: Us; readonly minimumGain: number }): Promise<CompactionReport>;
  indexes(): Promise<readonly StoreIndex[]>;
  /** An index on `series_id` and these columns of a stream's hot rows. Throws InvalidInput for an unknown column. */
  createIndex(stream: Stream, columns: readonly string[]): Promise<StoreIndex & { readonly created: boolean }>;
  /** Throws NotFound. */
  dropIndex(name: string): Promise<void>;
  /** Rows of a derived table (`…_cleaned`, `…_normalized`, bars). Throws Unsupported for raw tables, NotFound. */
  derivedRows(table: string): Promise<number>;
  /** Deletes a derived table; its rows can be written again. Throws as `derivedRows`. Gives the rows deleted. */
  dropDerived(table: string): Promise<number>;
  /** Makes all views anew from their definitions. Gives how many. */
  rebuildViews(): Promise<number>;
  /** What `archive` would move. */
  archivable(
    request: Pick<ArchiveRequest, 'now' | 'days'>,
  ): Promise<{ readonly files: number; readonly bytes: number }>;
  /** Moves finished days out of the database's folder, verified; they leave the views until they are restored. */
  archive(request: ArchiveRequest): Promise<ArchiveReport>;
  /** Brings archived days back; a day that has rows already is skipped and named. */
  restore(request: RestoreRequest): Promise<RestoreReport>;
  /** Deletes days older than the policy, and tells so once; gives what was deleted. */
  retain(options: {
    readonly now: Us;
    readonly days: number;
    /** Why it was asked for, in words; told with what was deleted. */
    readonly why?: string | undefined;
  }): Promise<{ readonly files: number; readonly bytes: number; readonly rows: number }>;
}

/** [from, to), UTC µs, of which what is missing was filled by rule. */
export interface FilledStretch {
  readonly from: Us;
  readonly to: Us;
  /** How, as in `linear`. */
  readonly strategy: string;
}

export interface CleanedRow {
  readonly event_time: Us;
  /** The raw row that it is a version of; a raw row has one version at most. Null or left out: no venue said it. */
  readonly row_key?: string | null | undefined;
  /** `interpolated_linear`, `forward_fill`, `deduplicated` … */
  readonly method: string;
  /** Column → value, in the columns of the stream. */
  readonly values: Readonly<Record<string, number | string | boolean | null>>;
}

export interface MarketFilter {
  readonly exchange?: string | undefined;
  readonly market?: Market | undefined;
  readonly symbol?: string | undefined;
}
