/**
 * Days of series that writes have touched since somebody began to watch. What is copied beside the writes is taken into
 * force only where nothing came between. Noted within the store's queue of writes.
 */
export class ChangedDays {
  /** Null: nobody watches. */
  #seen: Set<string> | null = null;
  #anywhere = false;

  watch(): void {
    this.#seen = new Set();
    this.#anywhere = false;
  }

  /** Days are whole days since 1970. */
  note(seriesId: number, days: Iterable<number>): void {
    if (this.#seen === null) return;
    for (const day of days) this.#seen.add(`${seriesId} ${day}`);
  }

  /** A change that can be anywhere. */
  noteAll(): void {
    this.#anywhere = true;
  }

  has(seriesId: number, day: number): boolean {
    return this.#anywhere || this.#seen?.has(`${seriesId} ${day}`) === true;
  }

  end(): void {
    this.#seen = null;
  }
}
