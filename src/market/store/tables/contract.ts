import { COLUMNS } from '../../domain/columns.ts';
import type { ColumnSpec } from '../../domain/columns.ts';
import type { StoredRecord, Stream } from '../../domain/records.ts';
import type { RowHash } from '../row-hash.ts';

/** The record of a stream. */
export type RecordOf<S extends Stream> = Extract<StoredRecord, { readonly stream: S }>;

/**
 * One stream's table. `COLUMNS` of the domain says what its columns are; this says what a row's identity is and how
 * readers see it.
 *
 * - `venue_id`: the venue numbers its rows; the first record of an id stays, one that says otherwise is a rival.
 * - `slot`: one row an interval, replaced while it is open; closed beats open, else the later event time wins.
 * - `content`: records are the same when everything that the venue said is the same.
 */
export interface TableDefinition {
  readonly stream: Stream;
  readonly comment: string;
  readonly identity: 'venue_id' | 'slot' | 'content';
  /** The time that places a row in a day and bounds the search for its double. */
  readonly time: 'event_time' | 'open_time';
  /** Column that must be equal too when ids are: an id is a hash. */
  readonly exact: string;
  /** Columns that are stored, in order. */
  readonly stored: readonly ColumnSpec[];
  /** Index of each stored column in `COLUMNS[stream]`. */
  readonly sources: readonly number[];
  /** Text columns with few values: they travel as numbers. */
  readonly codes: Readonly<Record<string, readonly string[]>>;
  /** Columns whose values make two rows of one id rivals. Empty for `content`. */
  readonly said: readonly string[];
  /** Columns that the view computes: name → SQL over the stored columns; `partition` is `PARTITION BY …` or ''. */
  readonly computed: (partition: string) => Readonly<Record<string, string>>;
  /** How far before a range a computed column looks back, µs. */
  readonly lookbackUs: number;
  /** Feeds what identifies a record into the hash; null: everything that the venue said. */
  readonly key: ((record: StoredRecord, hash: RowHash) => void) | null;
  /** How the columns are written without making a row first; null: by `rowOf`, which says the same. */
  readonly direct: DirectColumns<StoredRecord> | null;
}

/** The columns of a stream that brings very many rows. */
export interface DirectColumns<R extends StoredRecord> {
  /**
   * Writes the value of each column that is staged as a number, in order; `stagedNumber` of what may be missing. Of coded
   * text -1 where it is none of the codes.
   */
  readonly numbers: (record: R, into: Float64Array) => void;
  /** The value of the one column that is staged as text; null: there is none. */
  readonly text: ((record: R) => string) | null;
}

/** A value as it is staged: NaN where there is none, infinite where it is no number at all. */
export function stagedNumber(value: number | null | undefined): number {
  if (value === null || value === undefined) return Number.NaN;
  return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value;
}

interface TableOptions<S extends Stream> {
  readonly stream: S;
  readonly comment: string;
  readonly identity: TableDefinition['identity'];
  readonly time?: TableDefinition['time'];
  readonly exact?: string;
  readonly codes?: TableDefinition['codes'];
  readonly said?: readonly string[];
  readonly computed?: TableDefinition['computed'];
  readonly lookbackUs?: number;
  readonly key?: (record: RecordOf<S>, hash: RowHash) => void;
  /** Without a `key` only where all columns are doubles: of others the numbers do not tell the row's identity. */
  readonly direct?: DirectColumns<RecordOf<S>>;
}

/** Completes and freezes a definition. */
export function defineTable<S extends Stream>(options: TableOptions<S>): TableDefinition {
  const { stream, key, direct } = options;
  const computed = options.computed ?? (() => ({}));
  const left = new Set(Object.keys(computed('')));
  const sources = COLUMNS[stream].flatMap((column, index) => (left.has(column.name) ? [] : [index]));
  const isOwn = (record: StoredRecord): record is RecordOf<S> => record.stream === stream;
  return Object.freeze({
    stream,
    comment: options.comment,
    identity: options.identity,
    time: options.time ?? 'event_time',
    exact: options.exact ?? options.time ?? 'event_time',
    stored: COLUMNS[stream].filter((column) => !left.has(column.name)),
    sources,
    codes: options.codes ?? {},
    said: options.said ?? [],
    computed,
    lookbackUs: options.lookbackUs ?? 0,
    key:
      key === undefined
        ? null
        : (record: StoredRecord, hash: RowHash) => {
            if (isOwn(record)) key(record, hash);
          },
    direct:
      direct === undefined
        ? null
        : {
            numbers: (record: StoredRecord, into: Float64Array) => {
              if (isOwn(record)) direct.numbers(record, into);
            },
            text: textOf(direct.text, isOwn),
          },
  });
}

function textOf<R extends StoredRecord>(
  text: ((record: R) => string) | null,
  isOwn: (record: StoredRecord) => record is R,
): ((record: StoredRecord) => string) | null {
  return text === null ? null : (record) => (isOwn(record) ? text(record) : '');
}
