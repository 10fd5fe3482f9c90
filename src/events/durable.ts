import type { Database } from '../infra/duckdb/database.ts';
import { type Clock, type Ms, sleep } from '../kit/clock.ts';
import { errorMessage } from '../kit/errors.ts';
import type { EventEnvelope } from '../kit/event.ts';
import type { Logger } from '../kit/logger.ts';
import type { EventFilter } from './filter.ts';
import type { EventJournal } from './journal.ts';

export interface DurableOptions {
  /** Where a subscriber without a cursor begins: with the first event of the journal, or with what comes. Default `start`. */
  readonly from?: 'start' | 'now' | undefined;
  /** Tries of one event before it is set aside in `event_dead_letters`. Default 5. */
  readonly maxAttempts?: number | undefined;
  /** Events handled between two writings of the cursor: as many may come again after a crash. Default 50. */
  readonly cursorEvery?: number | undefined;
}

interface Parts {
  readonly journal: EventJournal;
  readonly clock: Clock;
  readonly log: Logger;
}

const RETRY_FIRST_MS: Ms = 200;
const RETRY_LAST_MS: Ms = 30_000;

/**
 * A subscriber that survives crashes: it gets every durable event that fits at least once, in order, and continues
 * from its cursor. A handler that fails is tried again with growing pauses; after `maxAttempts` the event is set aside
 * in `event_dead_letters`, logged, and the next one follows.
 */
export class DurableSubscriber implements AsyncDisposable {
  readonly name: string;
  readonly #parts: Parts;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #cursor = 0;
  #handled = 0;
  #deadLetters = 0;

  constructor(
    name: string,
    filter: EventFilter,
    handler: (event: EventEnvelope) => void | Promise<void>,
    parts: Parts,
    options: DurableOptions = {},
  ) {
    this.name = name;
    this.#parts = parts;
    this.#done = this.#run(filter, handler, options);
  }

  /** Number of the newest event that needs no repeat. */
  get cursor(): number {
    return this.#cursor;
  }

  get handled(): number {
    return this.#handled;
  }

  /** Events set aside by this subscriber since it began. */
  get deadLetters(): number {
    return this.#deadLetters;
  }

  /** Lets the handler finish its event, writes the cursor and ends. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Goes on after a database that failed for a while, from where it was. */
  async #run(
    filter: EventFilter,
    handler: (event: EventEnvelope) => void | Promise<void>,
    options: DurableOptions,
  ): Promise<void> {
    const { clock, log, journal } = this.#parts;
    const first = options.from === 'now' ? journal.lastSeq : 0;
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      const before = this.#handled;
      try {
        await this.#consume(filter, handler, options, first);
        return;
      } catch (error) {
        if (this.#handled > before) failures = 0;
        log.error('events.durable_failed', { name: this.name, error: errorMessage(error), cursor: this.#cursor });
        const pause = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** failures);
        if (!(await slept(clock, pause, this.#stop.signal))) return;
      }
    }
  }

  async #consume(
    filter: EventFilter,
    handler: (event: EventEnvelope) => void | Promise<void>,
    options: DurableOptions,
    first: number,
  ): Promise<void> {
    const { journal, clock } = this.#parts;
    const db = journal.database;
    const signal = this.#stop.signal;
    let saved = await loadCursor(db, this.name, first, clock.now());
    this.#cursor = Math.max(this.#cursor, saved);
    const save = async (): Promise<void> => {
      if (this.#cursor === saved) return;
      await saveCursor(db, this.name, this.#cursor, clock.now());
      saved = this.#cursor;
    };
    const onCaughtUp = (seq: number): void => void (this.#cursor = seq);
    let unsaved = 0;
    try {
      for await (const event of journal.follow(filter, { afterSeq: this.#cursor, signal, onCaughtUp })) {
        if (!(await this.#handle(event, handler, options.maxAttempts ?? 5))) break;
        this.#cursor = event.seq;
        unsaved += 1;
        if (unsaved < (options.cursorEvery ?? 50) && event.seq < journal.committedSeq) continue;
        await save();
        unsaved = 0;
      }
    } finally {
      await save();
    }
  }

  /** False when told to stop before the event was handled. */
  async #handle(
    event: EventEnvelope,
    handler: (event: EventEnvelope) => void | Promise<void>,
    maxAttempts: number,
  ): Promise<boolean> {
    const { clock, log, journal } = this.#parts;
    for (let attempt = 1; ; attempt++) {
      try {
        await handler(event);
        this.#handled += 1;
        return true;
      } catch (error) {
        const fields = { name: this.name, seq: event.seq, type: event.type, attempt, error: errorMessage(error) };
        if (attempt >= maxAttempts) {
          log.error('events.dead_letter', fields);
          this.#deadLetters += 1;
          await journal.database.run(
            'INSERT INTO event_dead_letters VALUES (?, CAST(? AS BIGINT), ?, make_timestamp(CAST(? AS BIGINT)))',
            [this.name, event.seq, errorMessage(error), clock.now() * 1000],
          );
          return true;
        }
        log.warn('events.durable_handler_failed', fields);
        const pause = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** (attempt - 1));
        if (!(await slept(clock, pause, this.#stop.signal))) return false;
      }
    }
  }
}

async function slept(clock: Clock, ms: Ms, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(clock, ms, signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

async function loadCursor(db: Database, name: string, first: number, now: Ms): Promise<number> {
  const [row] = await db.all<{ seq: number }>('SELECT max(seq) AS seq FROM event_cursors WHERE name = ?', [name]);
  if (typeof row?.seq === 'number') return row.seq;
  await db.run('INSERT INTO event_cursors VALUES (?, CAST(? AS BIGINT), make_timestamp(CAST(? AS BIGINT)))', [
    name,
    first,
    now * 1000,
  ]);
  return first;
}

async function saveCursor(db: Database, name: string, seq: number, now: Ms): Promise<void> {
  await db.run(
    'UPDATE event_cursors SET seq = CAST(? AS BIGINT), updated_at = make_timestamp(CAST(? AS BIGINT)) WHERE name = ?',
    [seq, now * 1000, name],
  );
}
