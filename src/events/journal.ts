import type { Database } from '../infra/duckdb/database.ts';
import type { Clock, Ms, Timer } from '../kit/clock.ts';
import { errorMessage, Unavailable } from '../kit/errors.ts';
import type { AnyEvent, EventEnvelope } from '../kit/event.ts';
import type { Logger } from '../kit/logger.ts';
import type { EventFilter } from './filter.ts';
import { SeqMark } from './mark.ts';
import { pruneEvents, type PruneOptions } from './prune.ts';
import { queryEvents } from './query.ts';

export const EVENT_TABLES_SQL: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS events (
     id VARCHAR NOT NULL, seq BIGINT NOT NULL, type VARCHAR NOT NULL, time TIMESTAMP NOT NULL, source VARCHAR NOT NULL,
     priority INTEGER NOT NULL, correlation_id VARCHAR, data JSON NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS event_cursors (
     name VARCHAR NOT NULL, seq BIGINT NOT NULL, updated_at TIMESTAMP NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS event_dead_letters (
     name VARCHAR NOT NULL, seq BIGINT NOT NULL, error VARCHAR NOT NULL, failed_at TIMESTAMP NOT NULL)`,
];

const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 30_000;
const PAGE = 500;

export interface JournalOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Longest wait of an event for its commit. Default 100 ms. */
  readonly batchMs?: Ms | undefined;
  /** Events that make a commit at once. Default 500. */
  readonly batchEvents?: number | undefined;
  /** Events that may wait in memory (a commit that fails is repeated); beyond it emitting is refused. Default 50,000. */
  readonly maxPending?: number | undefined;
}

export interface FollowOptions {
  /** Default: only what comes. */
  readonly afterSeq?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told how far it has read whenever nothing is left to give. */
  readonly onCaughtUp?: ((seq: number) => void) | undefined;
}

interface Pending {
  readonly event: AnyEvent;
  readonly data: string;
}

interface Waiter {
  readonly seq: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * The table `events`: every event, numbered 1, 2, 3 … without holes, also over restarts and after `kill -9`.
 * Commits come in batches and in order. It never drops: what cannot be committed (disk full) stays in memory and is
 * tried again; when `maxPending` events wait, `append` refuses with Unavailable and the emitter knows at once.
 */
export class EventJournal implements AsyncDisposable {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #batchMs: number;
  readonly #batchEvents: number;
  readonly #maxPending: number;
  #pending: Pending[] = [];
  #lastSeq: number;
  #committedSeq: number;
  #timer: Timer | undefined;
  #committing: Promise<void> | undefined;
  #failures = 0;
  #waiters: Waiter[] = [];
  #closed: Promise<void> | undefined;
  #ended = false;
  readonly #mark: SeqMark | null;
  readonly #listeners = new Set<() => void>();

  private constructor(db: Database, lastSeq: number, options: JournalOptions) {
    this.#db = db;
    this.#mark = db.path === ':memory:' ? null : new SeqMark(db.path);
    this.#clock = options.clock;
    this.#log = options.log;
    this.#batchMs = options.batchMs ?? 100;
    this.#batchEvents = options.batchEvents ?? 500;
    this.#maxPending = options.maxPending ?? 50_000;
    this.#lastSeq = lastSeq;
    this.#committedSeq = lastSeq;
  }

  /** Creates the tables when they are missing and continues the numbering. */
  static async open(db: Database, options: JournalOptions): Promise<EventJournal> {
    for (const sql of EVENT_TABLES_SQL) await db.run(sql);
    const lastSeq = await highestSeq(db);
    // Numbers that a crash or a restored copy gave back will mean other events: no cursor may stand beyond them.
    await db.run('UPDATE event_cursors SET seq = CAST(? AS BIGINT) WHERE seq > CAST(? AS BIGINT)', [lastSeq, lastSeq]);
    return new EventJournal(db, lastSeq, options);
  }

  get database(): Database {
    return this.#db;
  }

  /** Number of the newest event taken, durable or not. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Number of the newest durable event. */
  get committedSeq(): number {
    return this.#committedSeq;
  }

  /** Events that wait for their commit. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Whether the last commit failed: events wait and are tried again. */
  get failing(): boolean {
    return this.#failures > 0;
  }

  /** Whether it is closed: nothing will be committed any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Throws Unavailable when closed or full. Call before numbering an event. */
  ensureRoom(): void {
    if (this.#closed !== undefined) throw new Unavailable('the event journal is closed');
    if (this.#pending.length >= this.#maxPending) {
      throw new Unavailable(
        `the event journal holds ${this.#pending.length} events that it cannot commit; free disk space, then try again`,
      );
    }
  }

  /** Takes the event `lastSeq + 1`, its payload as JSON text. */
  append(event: AnyEvent, data: string): void {
    this.#lastSeq = event.seq;
    this.#pending.push({ event, data });
    if (this.#pending.length >= this.#batchEvents && this.#failures === 0) this.#commitNow();
    else this.#timer ??= this.#clock.schedule(this.#delay(), () => this.#commitNow(), { keepAlive: true });
  }

  /**
   * Resolves when every event up to `seq` (default: the newest) is durable. Rejects with Unavailable when a commit
   * fails meanwhile; the events stay and are tried again.
   */
  acknowledged(seq: number = this.#lastSeq): Promise<void> {
    if (seq <= this.#committedSeq) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ seq, resolve, reject });
      this.#commitNow();
    });
  }

  /** Calls `listener` after each commit, until the returned function is called. */
  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Durable events after `afterSeq` in order, then those that come, until aborted or closed.
   * What it gives has a number that will never mean another event.
   */
  async *follow(filter: EventFilter = {}, options: FollowOptions = {}): AsyncGenerator<EventEnvelope, void, undefined> {
    const aborted = (): boolean => options.signal?.aborted === true;
    let cursor = options.afterSeq ?? this.#committedSeq;
    while (!aborted()) {
      const upTo = this.#committedSeq;
      const page = upTo > cursor ? await queryEvents(this.#db, { ...filter, afterSeq: cursor, limit: PAGE }) : [];
      for (const event of page) {
        if (aborted()) return;
        cursor = event.seq;
        yield event;
      }
      if (page.length === PAGE) continue;
      cursor = Math.max(cursor, upTo);
      options.onCaughtUp?.(cursor);
      if (this.#ended && this.#committedSeq <= cursor) return;
      if (this.#committedSeq === upTo) await this.#nextCommit(options.signal);
    }
  }

  /** Resolves when `seq` is durable, however often a commit fails before, or when the journal is closed. */
  async committed(seq: number): Promise<void> {
    if (seq > this.#committedSeq) this.#commitNow();
    while (seq > this.#committedSeq && !this.#ended) await this.#nextCommit(undefined);
  }

  /** Deletes old events, see `pruneEvents`; the newest always stays, so the numbering goes on. */
  async prune(options: PruneOptions): Promise<{ readonly rows: number }> {
    await this.acknowledged();
    return pruneEvents(this.#db, this.#clock.now(), this.#committedSeq, options);
  }

  /** Commits what waits, then refuses more. Throws Unavailable, with the number lost, when the last commit fails. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    try {
      await this.acknowledged();
    } catch (error) {
      throw new Unavailable(`${this.#pending.length} events could not be written to the journal`, { cause: error });
    } finally {
      this.#timer?.cancel();
      this.#timer = undefined;
      this.#ended = true;
      this.#mark?.close();
      this.#notify();
    }
  }

  #delay(): number {
    if (this.#failures === 0) return this.#batchMs;
    return Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** (this.#failures - 1));
  }

  #commitNow(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#committing ??= this.#commit().finally(() => {
      this.#committing = undefined;
      // What a close could not write stays unwritten: nobody waits for it, and a timer would hold the process.
      if (this.#pending.length === 0 || this.#ended) return;
      if (this.#failures === 0 && (this.#waiters.length > 0 || this.#pending.length >= this.#batchEvents))
        this.#commitNow();
      else this.#timer ??= this.#clock.schedule(this.#delay(), () => this.#commitNow(), { keepAlive: true });
    });
  }

  async #commit(): Promise<void> {
    try {
      if (this.#failures > 0) await this.#forgetCommitted();
      const batch = this.#pending.slice(0, 5000);
      if (batch.length > 0) await this.#db.append({ table: 'events', rows: batch.length, columns: columnsOf(batch) });
      this.#advance(batch.at(-1)?.event.seq ?? this.#committedSeq);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#log.error('events.journal_commit_failed', { error: errorMessage(error), pending: this.#pending.length });
      const failed = this.#waiters;
      this.#waiters = [];
      for (const waiter of failed) {
        waiter.reject(new Unavailable(`events are not durable yet: ${errorMessage(error)}`, { cause: error }));
      }
    }
  }

  /** A commit may have happened although its answer did not come: what the file has is not written again. */
  async #forgetCommitted(): Promise<void> {
    const seq = await highestSeq(this.#db);
    if (seq > this.#committedSeq) this.#advance(seq);
  }

  #advance(seq: number): void {
    this.#committedSeq = seq;
    this.#writeMark(seq);
    let done = 0;
    while (done < this.#pending.length && (this.#pending[done]?.event.seq ?? Infinity) <= seq) done += 1;
    this.#pending.splice(0, done);
    const waiting = this.#waiters;
    this.#waiters = waiting.filter((w) => w.seq > seq);
    for (const waiter of waiting) if (waiter.seq <= seq) waiter.resolve();
    this.#notify();
  }

  /** The mark only helps to notice damage: without it the journal goes on. */
  #writeMark(seq: number): void {
    try {
      this.#mark?.write(seq);
    } catch (error) {
      this.#log.warn('events.mark_not_written', { seq, error: errorMessage(error) });
    }
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #nextCommit(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        stop();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const stop = this.onCommit(done);
      signal?.addEventListener('abort', done, { once: true });
      if (signal?.aborted === true || this.#ended) done();
    });
  }
}

async function highestSeq(db: Database): Promise<number> {
  const [row] = await db.all<{ seq: number | null }>('SELECT max(seq) AS seq FROM events');
  return row?.seq ?? 0;
}

function columnsOf(batch: readonly Pending[]): unknown[][] {
  return [
    batch.map((p) => p.event.id),
    batch.map((p) => p.event.seq),
    batch.map((p) => p.event.type),
    batch.map((p) => p.event.time * 1000),
    batch.map((p) => p.event.source),
    batch.map((p) => p.event.priority),
    batch.map((p) => p.event.correlation_id),
    batch.map((p) => p.data),
  ];
}
