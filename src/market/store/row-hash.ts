const SCRATCH_WORDS = 2;
const NULL_WORD = 0x6e756c6c;

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
    else this.#addWord(value === null ? NULL_WORD : value ? 0x74727565 : 0x66616c73);
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

  /** Adds those of some numbers of which `counts` is 1, NaN as null. `words`: the same memory. */
  addNumbers(numbers: Float64Array, words: Uint32Array, counts: Uint8Array): void {
    let [a, b] = [this.#a, this.#b];
    for (let i = 0; i < numbers.length; i++) {
      if (counts[i] !== 1) continue;
      const value = numbers[i] ?? Number.NaN;
      let first = 0;
      let second = 0;
      if (value !== 0) {
        first = words[2 * i] ?? 0;
        second = words[2 * i + 1] ?? 0;
      }
      if (Number.isNaN(value)) first = NULL_WORD;
      a = mixedA(a, first);
      b = mixedB(b, first);
      if (Number.isNaN(value)) continue;
      a = mixedA(a, second);
      b = mixedB(b, second);
    }
    this.#a = a;
    this.#b = b;
  }

  #addNumber(value: number): void {
    // -0 and 0 are one price.
    this.#float[0] = value === 0 ? 0 : value;
    this.#addWord(this.#words[0] ?? 0);
    this.#addWord(this.#words[1] ?? 0);
  }

  #addText(value: string): void {
    let [a, b] = [this.#a, this.#b];
    for (let i = 0; i < value.length; i++) {
      const word = value.charCodeAt(i);
      a = mixedA(a, word);
      b = mixedB(b, word);
    }
    this.#a = a;
    this.#b = b;
    this.#addWord(value.length ^ 0x74787400);
  }

  #addWord(word: number): void {
    this.#a = mixedA(this.#a, word);
    this.#b = mixedB(this.#b, word);
  }
}

function mixedA(state: number, word: number): number {
  let a = Math.imul(word, 0xcc9e2d51);
  a = Math.imul((a << 15) | (a >>> 17), 0x1b873593);
  a ^= state;
  return (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0;
}

function mixedB(state: number, word: number): number {
  let b = Math.imul(word, 0x239b961b);
  b = Math.imul((b << 16) | (b >>> 16), 0xab0e9789);
  b ^= state;
  return (Math.imul((b << 17) | (b >>> 15), 5) + 0x561ccd1b) | 0;
}

function finish(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
