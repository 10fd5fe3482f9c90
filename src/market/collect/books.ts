import { z } from 'zod';
import type { Us } from '../../kit/clock.ts';
import { MARKETS, type BookProof, type BookRecord } from '../domain/records.ts';
import type { BookRule } from '../exchanges/contract.ts';
import { plainBook } from '../exchanges/shared/fast/records.ts';
import { OrderBook } from './book.ts';

/** Why a book is not valid: nothing came yet, a change is missing, its sides cross, its checksum is not the venue's. */
export type BookState = 'waiting' | 'valid' | Spoilt;
type Spoilt = 'gap' | 'crossed' | 'mismatch';

export interface BookProblem {
  readonly symbol: string;
  /**
   * `book_bridge`: a snapshot that is older than the changes that wait for it; nothing was lost, another is needed.
   * `book_out_of_order`: a change whose absence broke the book came after the one that told of it. Told once a break.
   */
  readonly kind: 'book_sequence' | 'book_bridge' | 'crossed_book' | 'book_checksum' | 'book_out_of_order';
  /** Last sequence held and the sequence that did not fit; null where the venue has none. */
  readonly lastSeq: number | null;
  readonly nextSeq: number | null;
  readonly lastEventTime: Us | null;
  readonly nextEventTime: Us;
}

/** One symbol's book on one connection. Levels are to be read only while `state` is `valid`. */
export interface TrackedBook {
  readonly symbol: string;
  state: BookState;
  readonly levels: OrderBook;
  lastSeq: number | null;
  fromSnapshot: boolean;
  eventTime: Us;
  recvTime: Us;
  /** Changes that wait for the REST snapshot they continue. */
  buffer: BookRecord[];
  /** The sequence that told of the break, until a change before it comes late; null when there is none to wait for. */
  brokenBy: number | null;
}

/** More waiting changes than this and the oldest go: the snapshot will then not bridge and is asked for again. */
const MAX_BUFFERED = 20_000;

const levels = z.array(z.tuple([z.number(), z.number()]));
const texts = { bids: z.array(z.string()), asks: z.array(z.string()) };
const bookRecord = z.object({
  stream: z.literal('book'),
  exchange: z.string(),
  market: z.enum(MARKETS),
  symbol: z.string(),
  event_time: z.number(),
  recv_time: z.number(),
  seq: z.number().nullable(),
  origin: z.enum(['live', 'backfill']),
  kind: z.enum(['snapshot', 'delta']),
  bids: levels,
  asks: levels,
  first_seq: z.number().nullable(),
  prev_seq: z.number().nullable(),
  proof: z.object({ checksum: z.number().nullable(), ...texts }).optional(),
});
export const bookStateSchema = z.object({
  symbol: z.string(),
  state: z.enum(['waiting', 'valid', 'gap', 'crossed', 'mismatch']),
  bids: levels,
  asks: levels,
  texts: z.object(texts).optional(),
  lastSeq: z.number().nullable(),
  fromSnapshot: z.boolean(),
  eventTime: z.number(),
  recvTime: z.number(),
  buffer: z.array(bookRecord),
  brokenBy: z.number().nullable().default(null),
});
export type BookStateData = z.output<typeof bookStateSchema>;

/** The books of one connection, kept by its venue's sequence rule. A stale one stays stale until a snapshot bridges. */
export class BookSet {
  readonly #rule: BookRule;
  readonly #onProblem: (problem: BookProblem) => void;
  readonly #books = new Map<string, TrackedBook>();
  /** True for polled books: snapshots alone, each replaces the last. */
  readonly #polled: boolean;

  constructor(options: {
    readonly rule: BookRule;
    readonly polled: boolean;
    readonly onProblem: (problem: BookProblem) => void;
  }) {
    this.#rule = options.rule;
    this.#polled = options.polled;
    this.#onProblem = options.onProblem;
  }

  get(symbol: string): TrackedBook | undefined {
    return this.#books.get(symbol);
  }

  all(): IterableIterator<TrackedBook> {
    return this.#books.values();
  }

  /** Takes a change. Gives the book when it is valid and was changed, else undefined. */
  apply(change: BookRecord): TrackedBook | undefined {
    const book = this.#books.get(change.symbol) ?? this.#create(change.symbol);
    if (change.kind === 'snapshot') return this.#snapshot(book, change);
    if (book.state === 'valid') return this.#delta(book, change);
    if (isLate(book, change)) {
      this.#tell(book, 'book_out_of_order', change);
      book.brokenBy = null;
    }
    if (this.#rule.snapshot === 'rest') this.#keep(book, change);
    return undefined;
  }

  state(): BookStateData[] {
    return [...this.#books.values()].map((book) => ({
      symbol: book.symbol,
      state: book.state,
      bids: book.levels.bids().map(([price, quantity]) => [price, quantity]),
      asks: book.levels.asks().map(([price, quantity]) => [price, quantity]),
      ...(this.#rule.checksum === undefined ? {} : { texts: mutable(book.levels.texts(Number.POSITIVE_INFINITY)) }),
      lastSeq: book.lastSeq,
      fromSnapshot: book.fromSnapshot,
      eventTime: book.eventTime,
      recvTime: book.recvTime,
      brokenBy: book.brokenBy,
      buffer: book.buffer.map((change) => ({
        ...plainBook(change),
        bids: change.bids.map(([price, quantity]) => [price, quantity]),
        asks: change.asks.map(([price, quantity]) => [price, quantity]),
        proof: change.proof === undefined ? undefined : { ...change.proof, ...mutable(change.proof) },
      })),
    }));
  }

  restore(states: readonly BookStateData[]): void {
    this.#books.clear();
    for (const state of states) {
      const book = this.#create(state.symbol);
      book.levels.apply(state.bids, state.asks, state.texts);
      book.state = state.state;
      book.lastSeq = state.lastSeq;
      book.fromSnapshot = state.fromSnapshot;
      book.eventTime = state.eventTime;
      book.recvTime = state.recvTime;
      book.buffer = state.buffer;
      book.brokenBy = state.brokenBy;
    }
  }

  #create(symbol: string): TrackedBook {
    const book: TrackedBook = {
      symbol,
      state: 'waiting',
      levels: new OrderBook({ texts: this.#rule.checksum !== undefined }),
      lastSeq: null,
      fromSnapshot: false,
      eventTime: 0,
      recvTime: 0,
      buffer: [],
      brokenBy: null,
    };
    this.#books.set(symbol, book);
    return book;
  }

  #keep(book: TrackedBook, change: BookRecord): void {
    book.buffer.push(change);
    if (book.buffer.length > MAX_BUFFERED) book.buffer.splice(0, MAX_BUFFERED / 2);
  }

  #snapshot(book: TrackedBook, change: BookRecord): TrackedBook | undefined {
    // A second answer to the same question must not set a book back that has gone on since.
    if (this.#rule.snapshot === 'rest' && !this.#polled && book.state === 'valid') return undefined;
    book.levels.clear();
    this.#set(book, change);
    book.lastSeq = change.seq;
    book.fromSnapshot = true;
    book.state = 'valid';
    book.brokenBy = null;
    book.eventTime = change.event_time;
    book.recvTime = change.recv_time;
    const flaw = this.#flaw(book, change);
    if (flaw !== undefined) {
      this.#spoil(book, flaw, change);
      return undefined;
    }
    const waiting = book.buffer;
    book.buffer = [];
    for (const [index, next] of waiting.entries()) {
      this.#delta(book, next);
      if (isValid(book)) continue;
      // The change that did not fit is in the buffer already; those after it wait as well.
      for (const later of waiting.slice(index + 1)) this.#keep(book, later);
      return undefined;
    }
    return book;
  }

  #delta(book: TrackedBook, change: BookRecord): TrackedBook | undefined {
    const verdict = this.#rule.next({ lastSeq: book.lastSeq, fromSnapshot: book.fromSnapshot }, change);
    if (verdict === 'skip') return undefined;
    if (verdict === 'gap') {
      this.#spoil(book, 'gap', change);
      if (this.#rule.snapshot === 'rest') this.#keep(book, change);
      return undefined;
    }
    this.#set(book, change);
    book.lastSeq = change.seq ?? book.lastSeq;
    book.fromSnapshot = false;
    const flaw = this.#flaw(book, change);
    if (flaw !== undefined) {
      this.#spoil(book, flaw, change);
      return undefined;
    }
    book.eventTime = change.event_time;
    book.recvTime = change.recv_time;
    return book;
  }

  #set(book: TrackedBook, change: BookRecord): void {
    const { checksum, keep } = this.#rule;
    const texts = checksum === undefined ? undefined : change.proof;
    if (change.flat !== undefined) book.levels.applyFlat(change.flat, texts);
    else book.levels.apply(change.bids, change.asks, texts);
    if (keep !== undefined) book.levels.truncate(keep);
  }

  /** What shows that the levels held cannot be the venue's. */
  #flaw(book: TrackedBook, { proof }: BookRecord): 'crossed' | 'mismatch' | undefined {
    const { checksum } = this.#rule;
    if (checksum !== undefined && proof !== undefined && proof.checksum !== null) {
      const { bids, asks } = book.levels.texts(checksum.depth);
      if (checksum.of(bids, asks) !== proof.checksum) return 'mismatch';
    }
    return book.levels.crossed ? 'crossed' : undefined;
  }

  #spoil(book: TrackedBook, state: Spoilt, change: BookRecord): void {
    book.state = state;
    const unbridged = state === 'gap' && book.fromSnapshot && this.#rule.snapshot === 'rest';
    book.brokenBy = state === 'gap' && !unbridged ? change.seq : null;
    this.#tell(book, unbridged ? 'book_bridge' : KIND_OF[state], change);
  }

  #tell(book: TrackedBook, kind: BookProblem['kind'], change: BookRecord): void {
    this.#onProblem({
      symbol: book.symbol,
      kind,
      lastSeq: book.lastSeq,
      nextSeq: change.first_seq ?? change.seq,
      lastEventTime: book.eventTime === 0 ? null : book.eventTime,
      nextEventTime: change.event_time,
    });
  }
}

const KIND_OF = { gap: 'book_sequence', crossed: 'crossed_book', mismatch: 'book_checksum' } as const;

/** A change that the break made us miss: after what the book holds, before what told of the break. */
function isLate({ state, brokenBy, lastSeq }: TrackedBook, { seq }: BookRecord): boolean {
  return state === 'gap' && brokenBy !== null && lastSeq !== null && seq !== null && seq > lastSeq && seq < brokenBy;
}

function mutable(texts: Pick<BookProof, 'bids' | 'asks'>): { bids: string[]; asks: string[] } {
  return { bids: [...texts.bids], asks: [...texts.asks] };
}

// A call, because the compiler does not see that applying a change may spoil the book.
function isValid(book: TrackedBook): boolean {
  return book.state === 'valid';
}
