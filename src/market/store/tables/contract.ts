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
}

/** Completes and freezes a definition. */
export function defineTable<S extends Stream>(options: TableOptions<S>): TableDefinition {
  const { stream, key } = options;
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
  });
}
