const SCRATCH_WORDS = 2;

/**
 * A 53-bit hash of numbers and text: two independent murmur3 lanes. It gives rows their `id`: the same record has the
 * same id in every database that is built from the same tape, and JSON can carry it.
 */
export class RowHash {
  readonly #float = new Float64Array(1);
  readonly #words = new Uint32Array(this.#float.buffer, 0, SCRATCH_WORDS);
  #a = 0;
  #b = 0;

  /** Begins a new hash, from `seed` (two 32-bit words). */
  start(seedA: number, seedB: number): void {
    this.#a = seedA | 0;
    this.#b = seedB | 0;
  }

  /** Adds a value; null differs from every number and text, 1 from '1' and from true. */
  add(value: number | string | boolean | null): void {
    if (typeof value === 'number') this.#addNumber(value);
    else if (typeof value === 'string') this.#addText(value);
    else this.#addWord(value === null ? 0x6e756c6c : value ? 0x74727565 : 0x66616c73);
  }

  /** The hash as a non-negative safe integer. */
  end(): number {
    const a = finish(this.#a ^ Math.imul(this.#b, 0x9e3779b1));
    const b = finish(this.#b ^ Math.imul(this.#a, 0x85ebca77));
    return (b >>> 11) * 4294967296 + (a >>> 0);
  }

  /** Both lanes, as seeds for further hashes. */
  seeds(): readonly [number, number] {
    return [finish(this.#a), finish(this.#b)];
  }

  #addNumber(value: number): void {
    // -0 and 0 are one price.
    this.#float[0] = value === 0 ? 0 : value;
    this.#addWord(this.#words[0] ?? 0);
    this.#addWord(this.#words[1] ?? 0);
  }

  #addText(value: string): void {
    for (let i = 0; i < value.length; i++) this.#addWord(value.charCodeAt(i));
    this.#addWord(value.length ^ 0x74787400);
  }

  #addWord(word: number): void {
    let a = Math.imul(word, 0xcc9e2d51);
    a = Math.imul((a << 15) | (a >>> 17), 0x1b873593);
    a ^= this.#a;
    this.#a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0;
    let b = Math.imul(word, 0x239b961b);
    b = Math.imul((b << 16) | (b >>> 16), 0xab0e9789);
    b ^= this.#b;
    this.#b = (Math.imul((b << 17) | (b >>> 15), 5) + 0x561ccd1b) | 0;
  }
}

function finish(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
