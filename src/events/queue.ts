import type { AnyEvent } from '../kit/event.ts';

/** First in, first out, without moving what remains. */
class Lane {
  #items: AnyEvent[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(event: AnyEvent): void {
    this.#items.push(event);
  }

  shift(): AnyEvent | undefined {
    const event = this.#items[this.#head];
    if (event === undefined) return undefined;
    this.#head += 1;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }
}

/** A bounded queue of events: the most urgent first, among equals the oldest first. */
export class EventQueue {
  readonly capacity: number;
  readonly #lanes = Array.from({ length: 10 }, () => new Lane());
  #size = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size >= this.capacity;
  }

  push(event: AnyEvent): void {
    this.#lanes[event.priority - 1]?.push(event);
    this.#size += 1;
  }

  take(): AnyEvent | undefined {
    for (let lane = 9; lane >= 0; lane--) {
      const event = this.#lanes[lane]?.shift();
      if (event !== undefined) {
        this.#size -= 1;
        return event;
      }
    }
    return undefined;
  }

  /** Takes out the oldest event of the lowest priority below or at `priority`; undefined when all are more urgent. */
  dropLowest(priority: number): AnyEvent | undefined {
    for (let lane = 0; lane < priority; lane++) {
      const event = this.#lanes[lane]?.shift();
      if (event !== undefined) {
        this.#size -= 1;
        return event;
      }
    }
    return undefined;
  }
}
