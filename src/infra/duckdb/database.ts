import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { Conflict, Corrupt, DeadlineExceeded, InvalidInput, PermissionDenied, Unavailable } from '../../kit/errors.ts';
import { abortAfter } from '../clock.ts';
import { saysDamaged } from './damage.ts';
import type { AppendBatch, Opening, Reply, Request, SqlValue, Statement } from './protocol.ts';
import { DatabaseThread } from './thread.ts';

export type { AppendBatch, OfferedColumn, OfferedRows, SqlValue, Statement } from './protocol.ts';

/** One result row: column name → value. BIGINT is a number when safe (else bigint); TIMESTAMP is UTC µs as a number. */
export type SqlRow = Readonly<Record<string, unknown>>;

export interface StatementResult {
  readonly rows: readonly SqlRow[];
  readonly changed: number;
}

/** Answer to a user's query: JSON values, times as ISO text. `truncated` when there was more than was asked for. */
export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly SqlRow[];
  readonly truncated: boolean;
}

export interface DatabaseOptions {
  /** File path, or `:memory:`. */
  readonly path: string;
  readonly readOnly?: boolean | undefined;
  /** What DuckDB may keep in memory; what is larger works on disk. Default 256. */
  readonly memoryMb?: number | undefined;
  /** For a statement that does not fit even so, until it has ended. Default: no more than `memoryMb`. */
  readonly mostMemoryMb?: number | undefined;
  /** The log that is folded into the file, MB: rows stay in memory until then. Default 16. */
  readonly checkpointMb?: number | undefined;
  /** DuckDB's own threads. Default 2, on one or two cores 1. */
  readonly threads?: number | undefined;
  /** Connections for concurrent reading. Default 2. */
  readonly readers?: number | undefined;
  /** Folders that SQL may read and write (Parquet days). Everything else outside the file is closed to SQL. */
  readonly folders?: readonly string[] | undefined;
  /** Our own statements, run on every connection when it opens (`SET VARIABLE …`). */
  readonly onConnect?: readonly string[] | undefined;
  /** Told at closing when the log could not be folded into the file (full disk); the next opening reads it from there. */
  readonly onCheckpointFailed?: ((reason: string) => void) | undefined;
}

const DEFAULT_MEMORY_MB = 256;
const DEFAULT_CHECKPOINT_MB = 16;
/**
 * With a second thread the one that asked spins while the other works. Measured on two cores, rows inserted 4,300 and
 * 20,000 at a time took a third less processor time with one thread and no longer by the clock.
 */
const DEFAULT_THREADS = availableParallelism() > 2 ? 2 : 1;

/** Longest that the end of the process waits for a transaction to be broken off. */
const OFFER_END_MS = 2_000;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A DuckDB file owned by one worker thread. Writes are serialised; reads run beside them and see the last commit.
 * Opening the same path twice in a process is refused here, because DuckDB would silently ruin the file.
 */
export class Database implements AsyncDisposable {
  static readonly #open = new Set<string>();
  static readonly #offerings = new Set<Int32Array>();

  readonly path: string;
  /** Opened for reading only: tables cannot be made, and need not be. */
  readonly readOnly: boolean;
  readonly #worker: Worker;
  readonly #threads: number;
  readonly #checkpointMb: number;
  readonly #onCheckpointFailed: ((reason: string) => void) | undefined;
  readonly #waiting = new Map<number, Waiting>();
  readonly #offering = new Int32Array(new SharedArrayBuffer(8));
  #nextId = 1;
  /** The last request left its transaction open. */
  #inParts = false;
  #closed: Promise<void> | undefined;
  #dead: Error | undefined;

  private constructor(options: DatabaseOptions, worker: Worker) {
    const { path } = options;
    this.path = path;
    this.readOnly = options.readOnly === true;
    this.#threads = options.threads ?? DEFAULT_THREADS;
    this.#checkpointMb = options.checkpointMb ?? DEFAULT_CHECKPOINT_MB;
    this.#onCheckpointFailed = options.onCheckpointFailed;
    this.#worker = worker;
    worker.on('message', (reply: Reply) => this.#settle(reply));
    worker.on('error', (error) =>
      this.#fail(new Unavailable(`the thread of database ${path} died: ${error.message}`, { cause: error })),
    );
    worker.on('exit', () => this.#fail(new Unavailable(`database ${path} is closed`)));
  }

  /** Throws Conflict when another process or this one has the file, Corrupt when DuckDB cannot read it, Unavailable else. */
  static async open(options: DatabaseOptions): Promise<Database> {
    const { path, memoryMb = DEFAULT_MEMORY_MB } = options;
    const inMemory = path === ':memory:';
    if (!inMemory && Database.#open.has(path)) throw new Conflict(`database ${path} is already open in this process`);
    if (!inMemory) Database.#open.add(path);
    const worker = DatabaseThread.take();
    const database = new Database(options, worker);
    if (Database.#offerings.size === 0) process.on('exit', Database.#endOffers);
    Database.#offerings.add(database.#offering);
    worker.postMessage({
      path,
      readers: options.readers ?? 2,
      options: duckdbOptions(options),
      mostMemory: `${Math.max(memoryMb, options.mostMemoryMb ?? 0)}MB`,
      folders: (options.folders ?? []).map((f) => (f.endsWith('/') ? f : `${f}/`)),
      onConnect: options.onConnect ?? [],
      offering: database.#offering,
    } satisfies Opening);
    try {
      await new Promise<void>((resolve, reject) => database.#waiting.set(0, { resolve, reject }));
      return database;
    } catch (error) {
      Database.#open.delete(path);
      database.#forgetOffers();
      await worker.terminate();
      throw openError(path, error as Error);
    }
  }

  /** Runs one statement on the writing connection. */
  async run(sql: string, params?: readonly SqlValue[]): Promise<StatementResult> {
    return this.#request<StatementResult>({ op: 'write', statement: params === undefined ? { sql } : { sql, params } });
  }

  /** Appends rows without a transaction of their own beyond the append itself. */
  async append(batch: AppendBatch): Promise<void> {
    await this.#request({ op: 'write', statement: { append: batch } });
  }

  /** All or nothing, with the parts before it if there are any. Results in order. */
  transaction(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    return this.#transaction(statements, false);
  }

  /**
   * Part of a transaction that the next `transaction` ends: nobody sees it before, and a kill leaves nothing of it. All
   * other writes are refused meanwhile. A part that fails takes back those before it. `onMemory` is given the memory of
   * the numbers that were offered, to be used again.
   */
  transactionPart(
    statements: readonly Statement[],
    onMemory?: (memory: ArrayBuffer) => void,
  ): Promise<readonly StatementResult[]> {
    return this.#transaction(statements, true, onMemory);
  }

  async #transaction(
    statements: readonly Statement[],
    staysOpen: boolean,
    onMemory?: (memory: ArrayBuffer) => void,
  ): Promise<readonly StatementResult[]> {
    const continues = this.#inParts;
    this.#inParts = false;
    const { results, memory } = await this.#request<{
      readonly results: readonly StatementResult[];
      readonly memory: readonly ArrayBuffer[];
    }>({ op: 'transaction', statements, continues, staysOpen, givesBack: onMemory !== undefined });
    this.#inParts = staysOpen;
    if (onMemory !== undefined) memory.forEach(onMemory);
    return results;
  }

  /** Takes back what parts of a transaction did; does nothing when there is none. */
  async rollback(): Promise<void> {
    this.#inParts = false;
    await this.#request({ op: 'rollback' });
  }

  /**
   * Copies what is live to `target` (inside one of `folders`) and puts it in the place of the file, giving disk back.
   * Writes wait meanwhile, reads go on until the swap. A kill at any moment leaves the old file or the new one.
   */
  async rewrite(target: string): Promise<{ readonly bytesBefore: number; readonly bytesAfter: number }> {
    return this.#request({ op: 'rewrite', target });
  }

  /**
   * With the larger memory limit, for what works long beside the writes: what takes the usual one whole leaves them none.
   */
  async withMoreMemory<T>(work: () => Promise<T>): Promise<T> {
    await this.#request({ op: 'memory', more: true });
    try {
      return await work();
    } finally {
      if (this.#closed === undefined && this.#dead === undefined) await this.#request({ op: 'memory', more: false });
    }
  }

  /**
   * For large commits one after another, or back: with one thread DuckDB takes less processor time a row than with
   * several that wait for each other.
   */
  async useOneThread(alone: boolean): Promise<void> {
    await this.run(`SET threads = ${alone ? 1 : this.#threads}`);
  }

  /**
   * No commit folds the log into the file by itself, or again. Between two folds DuckDB writes to blocks of the file that
   * were free at the first, and to no other: what the file held then can be copied meanwhile.
   */
  async keepLog(kept: boolean): Promise<void> {
    await this.run(`SET GLOBAL checkpoint_threshold = '${kept ? '1TB' : `${this.#checkpointMb}MB`}'`);
  }

  /** Reads on a reader connection. For our own SQL: parameters only, identifiers vetted by the caller. */
  async all<T = SqlRow>(sql: string, params?: readonly SqlValue[], signal?: AbortSignal): Promise<T[]> {
    const result = await this.#request<{ rows: T[] }>({ op: 'read', sql, params }, signal);
    return result.rows;
  }

  /**
   * A user's own SQL: a single read statement. Throws PermissionDenied for anything else, DeadlineExceeded after
   * `timeoutMs`, InvalidInput with DuckDB's message for an error in the statement.
   */
  async query(
    sql: string,
    limits: { readonly maxRows: number; readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<QueryResult> {
    if (sql.trim() === '') throw new InvalidInput('the query is empty: write one SELECT');
    using deadline = abortAfter(limits.timeoutMs, limits.signal);
    try {
      return await this.#request<QueryResult>({ op: 'query', sql, maxRows: limits.maxRows }, deadline.signal);
    } catch (error) {
      if (deadline.isLate())
        throw new DeadlineExceeded(`the query ran longer than ${limits.timeoutMs} ms; narrow it, or allow more time`);
      const message = error instanceof Error ? error.message : String(error);
      if (message.includes('REFUSED: ')) throw new PermissionDenied(message.slice(message.indexOf('REFUSED: ') + 9));
      if (message.includes('Permission Error')) throw new PermissionDenied(message, { cause: error });
      if (message.includes('Out of Memory Error')) throw new InvalidInput(tooLarge(message), { cause: error });
      if (error instanceof Unavailable && !message.includes('is closed'))
        throw new InvalidInput(message, { cause: error });
      throw error;
    }
  }

  /** Finishes what is queued, checkpoints, closes the file and ends the thread. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    try {
      const unfolded = this.#dead === undefined ? await this.#send<string | undefined>({ op: 'close' }) : undefined;
      if (unfolded !== undefined) this.#onCheckpointFailed?.(unfolded);
    } finally {
      this.#forgetOffers();
      await this.#worker.terminate();
      Database.#open.delete(this.path);
    }
  }

  /** A thread that ends while DuckDB calls it for rows takes the process down: such transactions are broken off first. */
  static readonly #endOffers = (): void => {
    for (const offering of Database.#offerings) {
      Atomics.store(offering, 0, 1);
      Atomics.wait(offering, 1, 1, OFFER_END_MS);
    }
  };

  #forgetOffers(): void {
    Database.#offerings.delete(this.#offering);
    if (Database.#offerings.size === 0) process.off('exit', Database.#endOffers);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #request<T>(body: RequestBody, signal?: AbortSignal): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(new Unavailable(`database ${this.path} is closed`));
    return this.#send<T>(body, signal);
  }

  #send<T>(body: RequestBody, signal?: AbortSignal): Promise<T> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => {
        this.#worker.postMessage({ id: this.#nextId++, op: 'cancel', target: id } satisfies Request);
        this.#waiting.delete(id);
        reject(signal?.reason as Error);
      };
      const done = (): void => signal?.removeEventListener('abort', onAbort);
      this.#waiting.set(id, {
        resolve: (value: never) => (done(), resolve(value)),
        reject: (error) => (done(), reject(error)),
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#worker.postMessage({ id, ...body }, moved(body));
    });
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting.reject(new Unavailable(`${this.path}: ${reply.error}`));
    else waiting.resolve(reply.value as never);
  }

  #fail(error: Error): void {
    this.#dead ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#dead);
    this.#waiting.clear();
  }
}

type RequestBody = Request extends infer R ? (R extends { id: number } ? Omit<R, 'id'> : never) : never;

/** The memory that goes over to the worker instead of being copied. */
function moved(body: RequestBody): ArrayBuffer[] {
  const statements = body.op === 'transaction' ? body.statements : body.op === 'write' ? [body.statement] : [];
  const buffers = new Set<ArrayBuffer>();
  for (const statement of statements) {
    if (!('offer' in statement)) continue;
    for (const { values } of statement.offer.columns) {
      if (values instanceof Float64Array && values.buffer instanceof ArrayBuffer) buffers.add(values.buffer);
    }
  }
  return [...buffers];
}

/**
 * A column of a table that is written to holds a block in memory, and so does its list of nulls: at DuckDB's own 256 KB
 * that was 82 MB for the tables of the desk. Beside its limit DuckDB keeps notes of every block of a column: at 16 KB they
 * grew by 4 MB a million rows, at 64 KB by less than 1, and files are less than half as large. For new files.
 */
const BLOCK_BYTES = 65_536;

function duckdbOptions(options: DatabaseOptions): Record<string, string> {
  return {
    access_mode: options.readOnly === true ? 'READ_ONLY' : 'AUTOMATIC',
    memory_limit: `${options.memoryMb ?? DEFAULT_MEMORY_MB}MB`,
    threads: String(options.threads ?? DEFAULT_THREADS),
    default_block_size: String(BLOCK_BYTES),
    checkpoint_threshold: `${options.checkpointMb ?? DEFAULT_CHECKPOINT_MB}MB`,
    // Memory that a large query has freed goes back to the system soon, not when the next one happens to come by.
    allocator_background_threads: 'true',
    allocator_flush_threshold: '8MB',
    allocator_bulk_deallocation_flush_threshold: '16MB',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  };
}

/** DuckDB's own remedies are settings that a reader cannot change. */
function tooLarge(message: string): string {
  const [first] = message.split('\n');
  return `the query needs more memory than the database may use, although what can be is on disk; narrow it, or let the database use more (${first ?? ''})`;
}

function openError(path: string, error: Error): Error {
  const { message } = error;
  if (/could not set lock|conflicting lock/i.test(message.replaceAll(path, '')))
    return new Conflict(`database ${path} is in use by another process: ${message}`, { cause: error });
  if (saysDamaged(message, path)) return new Corrupt(`database ${path} cannot be read: ${message}`, { cause: error });
  return new Unavailable(`database ${path} cannot be opened: ${message}`, { cause: error });
}
