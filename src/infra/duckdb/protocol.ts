/** What the main thread and the worker that owns a DuckDB file say to each other. */

export type SqlValue = string | number | bigint | boolean | null | undefined;

/**
 * Rows as columns, in the table's column order. NaN, null and undefined become NULL; TIMESTAMP takes UTC µs.
 * `Float64Array` columns are copied whole, which is several times faster. `table` may be `schema.table`.
 */
export interface AppendBatch {
  readonly table: string;
  readonly rows: number;
  readonly columns: readonly ArrayLike<unknown>[];
}

/**
 * Values of `type`: numbers (NaN becomes NULL; all but those of `double` are safe integers, of `timestamp` UTC µs, of
 * `boolean` 0 and 1, of `code` places in `codes`, which SQL sees as an ENUM), or text.
 */
export type OfferedColumn =
  | {
      readonly name: string;
      readonly type: 'double' | 'bigint' | 'integer' | 'timestamp' | 'boolean';
      readonly values: Float64Array;
    }
  | { readonly name: string; readonly type: 'code'; readonly codes: readonly string[]; readonly values: Float64Array }
  | { readonly name: string; readonly type: 'varchar'; readonly values: readonly (string | null)[] };

/**
 * Rows that later statements of the same transaction read as `offered('name')`, as often as they like. The memory of the
 * numbers is handed over (the arrays are empty afterwards).
 */
export interface OfferedRows {
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly OfferedColumn[];
  /** What they are joined with has fewer rows, whatever DuckDB reckons: that is what it then makes a hash table of. */
  readonly outnumbers?: boolean | undefined;
}

/** `unlessChanged`: left out when that earlier statement of the transaction changed exactly so many rows. */
export type Statement =
  | {
      readonly sql: string;
      readonly params?: readonly SqlValue[] | undefined;
      readonly unlessChanged?: { readonly statement: number; readonly rows: number } | undefined;
    }
  | { readonly append: AppendBatch }
  | { readonly offer: OfferedRows };

/** The first message to the worker: the file, and how it is opened. */
export interface Opening {
  readonly path: string;
  readonly readers: number;
  /** DuckDB's own settings. */
  readonly options: Readonly<Record<string, string>>;
  /** The limit of what does not fit in `memory_limit`, as DuckDB takes it. */
  readonly mostMemory: string;
  /** With a slash at the end. */
  readonly folders: readonly string[];
  readonly onConnect: readonly string[];
  /** Shared: [0] is not 0 when the process ends, [1] while offered rows may be read. */
  readonly offering: Int32Array;
}

export type Request = { readonly id: number } & (
  | { readonly op: 'write'; readonly statement: Statement }
  | {
      readonly op: 'transaction';
      readonly statements: readonly Statement[];
      /** It was left open by the request before. */
      readonly continues: boolean;
      readonly staysOpen: boolean;
      /** The answer brings the memory of what was offered. */
      readonly givesBack: boolean;
    }
  | { readonly op: 'rollback' }
  | { readonly op: 'memory'; readonly more: boolean }
  | { readonly op: 'rewrite'; readonly target: string }
  | { readonly op: 'read'; readonly sql: string; readonly params: readonly SqlValue[] | undefined }
  | { readonly op: 'query'; readonly sql: string; readonly maxRows: number }
  | { readonly op: 'cancel'; readonly target: number }
  | { readonly op: 'close' }
);

/** `id` 0 reports the opening. Of a transaction the value is its results and the memory that it gives back. */
export type Reply = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string };
