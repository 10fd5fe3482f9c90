import { AppendLog } from '../../infra/append-log.ts';
import type { Database } from '../../infra/duckdb/database.ts';
import { GroupWriter } from '../../infra/duckdb/group-writer.ts';
import type { Clock, Timer } from '../../kit/clock.ts';
import { CHECKPOINT_SQL, lastNumber, type LogRow, type NumberedRow, readRecord, toColumns, toRecord } from './log.ts';
import type { Place } from './place.ts';
import { compact, deleteInner, innerNamespaces, isInner, newestOf, pruneNamespace } from './prune.ts';

/** How much of a thread stays while it is written. */
export interface CheckpointRetention {
  /** Newest checkpoints of each namespace that stay; the older ones go while the thread is written. */
  readonly keep: number;
}

export interface RowsOptions {
  readonly clock: Clock;
  /** Folder of the journal that stands before the table; none: each commit is the table's. */
  readonly journal?: string | undefined;
  readonly retention?: CheckpointRetention | undefined;
  /** Told when moving rows from the journal into the table failed; it is tried again. */
  readonly onMoveFailed?: ((error: unknown) => void) | undefined;
}

/** Rows move from the journal into the table after this time, or when there are so many characters of them. */
const MOVE_AFTER_MS = 500;
const MOVE_AT_CHARACTERS = 4_000_000;
/** Beyond this writers wait until rows have moved. */
const MOST_CHARACTERS = 16_000_000;
/** Rows deleted by retention give their space back when so much was written since, or as much as is live. */
const COMPACT_AT_CHARACTERS = 8_000_000;
/** Of a row besides its value, roughly. */
const ROW_CHARACTERS = 300;

/**
 * The rows of `checkpoint_log` on their way to the disk. With a journal a row is durable once it stands there (one
 * `fdatasync` for all that wait) and moves into the table later, many at a time; what was superseded by then never
 * goes there. Without one each group is a commit of the table.
 */
export class CheckpointRows {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #writer: GroupWriter;
  readonly #journal: AppendLog | undefined;
  readonly #retention: CheckpointRetention | undefined;
  readonly #onMoveFailed: (error: unknown) => void;
  /** In the journal, or on the way there, and not in the table. */
  #unmoved: NumberedRow[] = [];
  #characters = 0;
  readonly #unmovedAt = new Map<string, number>();
  /** Checkpoints put since the last trim, by thread and namespace. */
  readonly #puts = new Map<string, Map<string, number>>();
  /** Places whose inner steps before row `n` are done with. */
  #finished: { readonly place: Place; readonly n: number }[] = [];
  #crowded = new Map<string, Place>();
  /** Characters that went into the table since it was compacted, and that were live then. */
  #written = 0;
  #live = 0;
  #moving: Promise<void> | undefined;
  #timer: Timer | undefined;
  #next: number;

  private constructor(db: Database, options: RowsOptions, journal: AppendLog | undefined, next: number) {
    this.#db = db;
    this.#clock = options.clock;
    this.#writer = new GroupWriter(db);
    this.#journal = journal;
    this.#retention = options.retention;
    this.#onMoveFailed = options.onMoveFailed ?? (() => undefined);
    this.#next = next;
  }

  /** Creates the table when it is missing, and moves what an earlier process left in the journal. */
  static async open(db: Database, options: RowsOptions): Promise<CheckpointRows> {
    for (const sql of CHECKPOINT_SQL) await db.run(sql);
    const last = await lastNumber(db);
    if (options.journal === undefined) return new CheckpointRows(db, options, undefined, last + 1);
    const { log, recovered } = await AppendLog.open(options.journal);
    const left = recovered.records.flatMap(readRecord).filter((row) => row.n > last);
    if (left.length > 0) await db.append(appendOf(left));
    await log.drop(Number.MAX_SAFE_INTEGER);
    const rows = new CheckpointRows(db, options, log, (left.at(-1)?.n ?? last) + 1);
    for (const { thread, ns } of await innerNamespaces(db)) rows.#putsOf(thread).set(ns, 0);
    return rows;
  }

  /** Commits made so far: of the journal when there is one, else of the table. */
  get commits(): number {
    return this.#journal?.syncs ?? this.#writer.commits;
  }

  /** Resolves when the rows are durable, all or none of them. */
  async append(rows: readonly LogRow[]): Promise<void> {
    if (rows.length === 0) return;
    const time = this.#clock.now() * 1000;
    const numbered = rows.map((row): NumberedRow => Object.assign({ n: this.#next++, time }, row));
    if (this.#journal === undefined) {
      await this.#writer.write([{ append: appendOf(numbered) }]);
      this.#written += charactersOf(numbered);
      this.#superseded(numbered);
      if (this.#finished.length + this.#crowded.size > 0) this.#moveSoon(MOVE_AFTER_MS);
      return;
    }
    const record = toRecord(numbered);
    this.#add(numbered);
    try {
      await this.#journal.append(record);
    } catch (error) {
      this.#remove(numbered);
      throw error;
    }
    this.#superseded(numbered);
    if (this.#characters > MOST_CHARACTERS) await this.move();
    else if (this.#characters > MOVE_AT_CHARACTERS) this.#moveSoon(0);
    else this.#moveSoon(MOVE_AFTER_MS);
  }

  /** Resolves when the table holds everything of the place (or, without one, everything) that was appended before. */
  async ready(place?: Place): Promise<void> {
    if (this.#journal === undefined) return this.#writer.flush();
    if (!this.#isUnmoved(place)) return;
    await this.#moving?.catch(() => undefined);
    if (this.#isUnmoved(place)) await this.move();
  }

  /** Deletes all of a thread, what was appended before included. */
  async deleteThread(thread: string): Promise<void> {
    await this.move();
    this.#puts.delete(thread);
    await this.#writer.write([{ sql: 'DELETE FROM checkpoint_log WHERE thread_id = ?', params: [thread] }]);
  }

  /** Moves what stands in the journal into the table and forgets what retention allows. */
  async move(): Promise<void> {
    if (this.#journal === undefined) {
      await this.#writer.flush();
      return this.#forget();
    }
    // A move that is under way may have begun before what the caller waits for was appended.
    await this.#moving?.catch(() => undefined);
    this.#moving ??= this.#move(this.#journal).finally(() => (this.#moving = undefined));
    await this.#moving;
  }

  /** Moves everything and closes the journal. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    if (this.#journal === undefined) return this.#writer.flush();
    await this.#journal.settled();
    if (this.#unmoved.length > 0) await this.move();
    this.#timer?.cancel();
    await this.#journal[Symbol.asyncDispose]();
  }

  async #move(journal: AppendLog): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const taken = this.#unmoved.length;
    const closed = await journal.rotate();
    const rows = this.#unmoved.slice(0, taken);
    const live = this.#stillWanted(rows);
    if (live.length > 0) await this.#db.append(appendOf(live));
    this.#written += charactersOf(live);
    this.#unmoved.splice(0, rows.length);
    this.#count(rows, -1);
    await journal.drop(closed);
    await this.#forget();
  }

  /** Rows that are not superseded already. */
  #stillWanted(rows: readonly NumberedRow[]): readonly NumberedRow[] {
    const finished = new Map<string, { readonly place: Place; readonly n: number }[]>();
    for (const entry of this.#finished) {
      const known = finished.get(entry.place.thread);
      if (known === undefined) finished.set(entry.place.thread, [entry]);
      else known.push(entry);
    }
    const open = rows.filter(
      (row) =>
        !(finished.get(row.thread_id) ?? []).some(({ place, n }) => row.n < n && isInner(place.ns, row.checkpoint_ns)),
    );
    return this.#retention === undefined ? open : newestOf(open, this.#retention.keep);
  }

  /** Deletes from the table what retention no longer keeps. */
  async #forget(): Promise<void> {
    const finished = this.#finished;
    const crowded = [...this.#crowded.values()];
    this.#finished = [];
    this.#crowded = new Map();
    for (const { place, n } of finished) await deleteInner(this.#db, place, n);
    for (const place of crowded) await pruneNamespace(this.#db, place, this.#retention?.keep ?? 1);
    if (this.#retention === undefined || this.#written < Math.max(COMPACT_AT_CHARACTERS, this.#live)) return;
    this.#written = 0;
    this.#live = await compact(this.#db);
  }

  /** Notes what new checkpoints make superfluous: steps inside of those that led to them, and the oldest of their own. */
  #superseded(rows: readonly NumberedRow[]): void {
    if (this.#retention === undefined) return;
    for (const row of rows) {
      if (row.kind !== 'checkpoint') continue;
      const place = { thread: row.thread_id, ns: row.checkpoint_ns };
      const puts = this.#putsOf(place.thread);
      const inner = [...puts.keys()].filter((ns) => isInner(place.ns, ns));
      for (const ns of inner) puts.delete(ns);
      if (inner.length > 0) this.#finished.push({ place, n: row.n });
      const count = (puts.get(place.ns) ?? 0) + 1;
      const crowded = count >= this.#retention.keep;
      puts.set(place.ns, crowded ? 0 : count);
      if (crowded) this.#crowded.set(keyOf(place), place);
    }
  }

  #putsOf(thread: string): Map<string, number> {
    const known = this.#puts.get(thread);
    if (known !== undefined) return known;
    const made = new Map<string, number>();
    this.#puts.set(thread, made);
    return made;
  }

  #isUnmoved(place: Place | undefined): boolean {
    return place === undefined ? this.#unmoved.length > 0 : this.#unmovedAt.has(keyOf(place));
  }

  #moveSoon(ms: number): void {
    if (ms === 0) this.#timer?.cancel();
    else if (this.#timer !== undefined) return;
    this.#timer = this.#clock.schedule(ms, () => {
      this.#timer = undefined;
      this.move().catch((error: unknown) => {
        this.#onMoveFailed(error);
        this.#moveSoon(10 * MOVE_AFTER_MS);
      });
    });
  }

  #add(rows: readonly NumberedRow[]): void {
    this.#unmoved.push(...rows);
    this.#count(rows, 1);
  }

  #remove(rows: readonly NumberedRow[]): void {
    const gone = new Set(rows);
    this.#unmoved = this.#unmoved.filter((row) => !gone.has(row));
    this.#count(rows, -1);
  }

  #count(rows: readonly NumberedRow[], by: 1 | -1): void {
    this.#characters += by * charactersOf(rows);
    for (const row of rows) {
      const key = keyOf({ thread: row.thread_id, ns: row.checkpoint_ns });
      const count = (this.#unmovedAt.get(key) ?? 0) + by;
      if (count === 0) this.#unmovedAt.delete(key);
      else this.#unmovedAt.set(key, count);
    }
  }
}

function appendOf(rows: readonly NumberedRow[]) {
  return { table: 'checkpoint_log', rows: rows.length, columns: toColumns(rows) };
}

function charactersOf(rows: readonly NumberedRow[]): number {
  return rows.reduce((sum, row) => sum + row.value.length + ROW_CHARACTERS, 0);
}

const keyOf = ({ thread, ns }: Place): string => `${thread}\u0000${ns}`;
