import { InvalidInput } from '../kit/errors.ts';
import type { AnyEvent, EventEnvelope } from '../kit/event.ts';
import { type EventFilter, matcher } from './filter.ts';
import type { EventJournal } from './journal.ts';
import { queryEvents } from './query.ts';
import { EventQueue } from './queue.ts';

/**
 * What happens to an event that finds the queue full. `drop_lowest`: the oldest event of the lowest priority goes,
 * the new one included in the comparison. `drop_new`: the new one goes. `wait`: it waits in the journal and is read
 * from there when there is room, so nothing is lost.
 */
export type WhenFull = 'drop_lowest' | 'drop_new' | 'wait';

export interface SubscribeOptions {
  /** Events held at most. Default 1000. */
  readonly capacity?: number | undefined;
  /** Default `drop_lowest`. */
  readonly onFull?: WhenFull | undefined;
}

/** A reader's own queue. Iterate it once; `close` ends the iteration after what is queued. */
export class Subscription implements AsyncIterable<EventEnvelope>, AsyncDisposable {
  readonly #accepts: (event: AnyEvent) => boolean;
  readonly #filter: EventFilter;
  readonly #queue: EventQueue;
  readonly #onFull: WhenFull;
  readonly #journal: EventJournal | undefined;
  readonly #onClose: (subscription: Subscription) => void;
  #wake: (() => void) | undefined;
  #idle: (() => void)[] = [];
  #closed = false;
  #reading = false;
  #dropped = 0;
  #delivered = 0;
  /** With `wait`: read up to here from the journal, and events up to `#left` are still only there. */
  #cursor = 0;
  #left = 0;

  constructor(
    filter: EventFilter,
    options: SubscribeOptions,
    journal: EventJournal | undefined,
    onClose: (subscription: Subscription) => void,
  ) {
    const capacity = options.capacity ?? 1000;
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new InvalidInput(`a queue's capacity is a whole number from 1, not ${capacity}`);
    if (options.onFull === 'wait' && journal === undefined)
      throw new InvalidInput("onFull 'wait' needs a bus with a journal: what waits, waits there");
    this.#accepts = matcher(filter);
    this.#filter = filter;
    this.#queue = new EventQueue(capacity);
    this.#onFull = options.onFull ?? 'drop_lowest';
    this.#journal = journal;
    this.#onClose = onClose;
  }

  /** Events queued now. */
  get size(): number {
    return this.#queue.size;
  }

  /** Events lost because the queue was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Events handed to the reader. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Called by the bus for every event, in order. */
  offer(event: AnyEvent): void {
    if (this.#closed || !this.#accepts(event)) return;
    if (this.#left > 0) this.#left = event.seq;
    else if (!this.#queue.full) this.#queue.push(event);
    else this.#overflow(event);
    this.#wake?.();
  }

  #overflow(event: AnyEvent): void {
    if (this.#onFull === 'wait') {
      this.#cursor = event.seq - 1;
      this.#left = event.seq;
      return;
    }
    this.#dropped += 1;
    if (this.#onFull === 'drop_lowest' && this.#queue.dropLowest(event.priority) !== undefined) this.#queue.push(event);
  }

  /** Resolves when the reader has taken everything offered so far. At once when nobody has begun to read. */
  handedOver(): Promise<void> {
    if (!this.#reading || this.#closed || (this.#queue.size === 0 && this.#left === 0)) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** No further events; the iteration ends when the queue is empty. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose(this);
    this.#wake?.();
    this.#settleIdle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EventEnvelope, void, undefined> {
    if (this.#reading) throw new InvalidInput('a subscription has one reader; subscribe again for a second');
    this.#reading = true;
    try {
      for (;;) {
        const event = this.#queue.take();
        if (event !== undefined) {
          this.#delivered += 1;
          yield event;
        } else if (this.#left > 0) await this.#catchUp();
        else {
          this.#settleIdle();
          if (this.#closed) return;
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = undefined;
        }
      }
    } finally {
      this.#reading = false;
      this.close();
    }
  }

  /** Fills the empty queue from the journal; when nothing is left there, events come directly again. */
  async #catchUp(): Promise<void> {
    const journal = this.#journal;
    if (journal === undefined) return;
    const upTo = this.#left;
    await journal.committed(upTo);
    const limit = this.#queue.capacity;
    const page = await queryEvents(journal.database, { ...this.#filter, afterSeq: this.#cursor, limit });
    for (const event of page) this.#queue.push(event as AnyEvent);
    const last = page.at(-1)?.seq ?? upTo;
    this.#cursor = page.length < limit ? Math.max(last, upTo) : last;
    if (this.#cursor >= this.#left) this.#left = 0;
  }

  #settleIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
