/** One piece of work that waits for its turn. */
export interface QueuedWork {
  /** 1 is the most urgent. */
  readonly priority: number;
  /** Work of one key runs one at a time; a piece whose key is busy lets others pass. */
  readonly key?: string | undefined;
  readonly run: () => Promise<void>;
  /** Told when it is pushed out of a full queue. */
  readonly dropped: () => void;
}

/**
 * Runs work by priority, then first in first out, at most `concurrency` at a time. When `limit` pieces wait, the least
 * urgent of all (the newest of these) is dropped and told so.
 */
export class WorkQueue {
  readonly #concurrency: number;
  readonly #limit: number;
  readonly #waiting: QueuedWork[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #busy = new Set<string>();
  #closed = false;

  constructor(options: { readonly concurrency: number; readonly limit: number }) {
    this.#concurrency = options.concurrency;
    this.#limit = options.limit;
  }

  /** Pieces that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  add(work: QueuedWork): void {
    if (this.#closed) {
      work.dropped();
      return;
    }
    const at = this.#waiting.findIndex((w) => w.priority > work.priority);
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, work);
    this.#start();
    if (this.#waiting.length > this.#limit) this.#waiting.pop()?.dropped();
  }

  /** Resolves when nothing waits and nothing runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Drops what waits and resolves when what runs has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const work of this.#waiting.splice(0)) work.dropped();
    await this.idle();
  }

  #start(): void {
    while (this.#running.size < this.#concurrency) {
      const at = this.#waiting.findIndex((w) => w.key === undefined || !this.#busy.has(w.key));
      const [work] = at < 0 ? [] : this.#waiting.splice(at, 1);
      if (work === undefined) return;
      const { key } = work;
      if (key !== undefined) this.#busy.add(key);
      const done = work.run().finally(() => {
        this.#running.delete(done);
        if (key !== undefined) this.#busy.delete(key);
        this.#start();
      });
      this.#running.add(done);
    }
  }
}
