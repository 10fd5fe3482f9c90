import type { Ms, Us } from '../../kit/clock.ts';

const KEPT = 128;
const EVERY = 8;

/** Receive time minus event time of the last records, one in eight. Negative when the venue's clock is ahead. */
export class Latency {
  readonly #samples = new Float64Array(KEPT);
  #count = 0;
  #seen = 0;

  note(eventTime: Us, recvTime: Us): void {
    if (this.#seen++ % EVERY !== 0) return;
    this.#samples[this.#count++ % KEPT] = recvTime - eventTime;
  }

  /** Null before the first record. */
  medianMs(): Ms | null {
    const held = this.#samples.slice(0, Math.min(this.#count, KEPT)).sort();
    const middle = held[Math.floor((held.length - 1) / 2)];
    return middle === undefined ? null : Math.round(middle) / 1000;
  }
}
