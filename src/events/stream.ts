import type { Clock } from '../kit/clock.ts';
import { InvalidInput, Stale } from '../kit/errors.ts';
import type { AnyEvent } from '../kit/event.ts';
import type { EventBus } from './bus.ts';
import { matcher } from './filter.ts';
import type { EventJournal } from './journal.ts';
import { queryEvents } from './query.ts';
import { isWithin, itemOf, type StreamChannel, type StreamItem, textItem, type TextPiece } from '../kit/stream-item.ts';
import { TextQueue } from './text-queue.ts';

export interface StreamQuery {
  /** Number of the last item that the reader has; 0: from the first that is kept. Default: only what comes. */
  readonly after?: number | undefined;
  /** A run: its items, and those of runs that it started. Default: of all, and of none. */
  readonly run?: string | undefined;
  /** Default: all of them. */
  readonly channels?: readonly StreamChannel[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Newest events held in memory, so that readers who keep up ask the database nothing. */
const RECENT = 2000;
const PAGE = 500;

/**
 * Everything that happens, as one stream for any number of readers. Numbered items come from the journal once they are
 * durable, in order and each once: a reader that comes back with the number of its last one misses nothing and gets
 * nothing twice, in this process or the next. Readers pull: for one that is slow nothing waits in memory, its place is
 * in the journal. Pieces of text are live alone: they come between the numbered items, and not again.
 */
export class EventStream implements Disposable {
  readonly #bus: EventBus;
  readonly #journal: EventJournal;
  readonly #clock: Clock;
  readonly #readers = new Map<symbol, { readonly query: StreamQuery; readonly text: TextQueue }>();
  #recent: AnyEvent[] = [];
  #pieces = 0;

  constructor(bus: EventBus, journal: EventJournal, clock: Clock) {
    this.#bus = bus;
    this.#journal = journal;
    this.#clock = clock;
    bus.on('*', this.#heard);
  }

  [Symbol.dispose](): void {
    this.#bus.off('*', this.#heard);
  }

  /** Readers now. */
  get readers(): number {
    return this.#readers.size;
  }

  /** Whether anybody reads the text of a run: else its models need not stream. */
  wantsText(run: string): boolean {
    return [...this.#readers.values()].some(
      ({ query }) => hasText(query) && (query.run === undefined || isWithin(run, query.run)),
    );
  }

  /** Hands a piece of text to those who read now. */
  tell(piece: TextPiece): void {
    const at = { seq: this.#journal.lastSeq, n: ++this.#pieces, time: this.#clock.now() };
    const item = textItem(piece, at);
    for (const { query, text } of this.#readers.values())
      if (hasText(query) && (query.run === undefined || isWithin(piece.run_id, query.run))) text.push(item);
  }

  /**
   * Begins to read. Throws InvalidInput for a number beyond the newest event, Stale when events after it are no longer
   * kept. The iteration ends when the signal aborts or the journal closes.
   */
  async open(query: StreamQuery = {}): Promise<AsyncGenerator<StreamItem, void, undefined>> {
    const journal = this.#journal;
    const { after = journal.committedSeq } = query;
    if (!Number.isInteger(after) || after < 0 || after > journal.lastSeq)
      throw new InvalidInput(`there is no event ${after}: they are numbered from 1 to ${journal.lastSeq}`);
    const inMemory = after === journal.lastSeq || (this.#recent[0]?.seq ?? Infinity) <= after + 1;
    if (after > 0 && !inMemory) await this.#checkKept(after);
    return this.#read(query, after);
  }

  async *#read(query: StreamQuery, after: number): AsyncGenerator<StreamItem, void, undefined> {
    const journal = this.#journal;
    const key = Symbol('reader');
    const text = new TextQueue();
    this.#readers.set(key, { query, text });
    let cursor = after;
    try {
      for (;;) {
        // In this order: what closes the journal has moved the mark before.
        const { ended } = journal;
        const upTo = journal.committedSeq;
        const page = upTo > cursor ? await this.#page(query, cursor, upTo) : { events: [], reached: cursor };
        for (const event of page.events) {
          if (query.signal?.aborted === true) return;
          yield* text.upTo(event.seq - 1);
          if (query.channels === undefined || query.channels.includes(itemOf(event).channel)) yield itemOf(event);
        }
        cursor = page.reached;
        yield* text.upTo(cursor);
        if (query.signal?.aborted === true) return;
        if (cursor < journal.committedSeq) continue;
        if (ended) return;
        await this.#next(text, cursor, query.signal);
      }
    } finally {
      this.#readers.delete(key);
    }
  }

  /** Durable events after a number: from memory when all of them are there, else from the database. */
  async #page(
    { run }: StreamQuery,
    after: number,
    upTo: number,
  ): Promise<{ readonly events: readonly AnyEvent[]; readonly reached: number }> {
    const first = this.#recent[0]?.seq ?? Infinity;
    if (first <= after + 1) {
      const events = this.#recent.slice(after + 1 - first, upTo + 1 - first);
      return { events: run === undefined ? events : events.filter(matcher({ run })), reached: upTo };
    }
    const filter = { afterSeq: after, limit: PAGE, ...(run === undefined ? {} : { run }) };
    const events = (await queryEvents(this.#journal.database, filter)) as readonly AnyEvent[];
    const last = events.at(-1)?.seq ?? upTo;
    return { events, reached: events.length === PAGE ? last : Math.max(last, upTo) };
  }

  async #checkKept(after: number): Promise<void> {
    const [first] = await queryEvents(this.#journal.database, { limit: 1 });
    const kept = first?.seq ?? this.#journal.committedSeq + 1;
    if (after + 1 < kept)
      throw new Stale(`events ${after + 1} to ${kept - 1} are no longer kept; read on after ${kept - 1}`, {
        details: { first_kept: kept },
      });
  }

  /** Resolves when there is something new for a reader that has read up to `cursor`. */
  #next(text: TextQueue, cursor: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        stop();
        text.onPush = undefined;
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const stop = this.#journal.onCommit(done);
      text.onPush = (seq) => {
        if (seq <= cursor) done();
      };
      signal?.addEventListener('abort', done, { once: true });
      if (signal?.aborted === true || this.#journal.ended || this.#journal.committedSeq > cursor || text.has(cursor))
        done();
    });
  }

  readonly #heard = (event: AnyEvent): void => {
    this.#recent.push(event);
    if (this.#recent.length > 2 * RECENT) this.#recent = this.#recent.slice(-RECENT);
  };
}

function hasText({ channels }: StreamQuery): boolean {
  return channels === undefined || channels.includes('text');
}
