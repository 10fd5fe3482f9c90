// @ts-check
/**
 * The items of a block while they are gathered: the memory that the thread that receives fills and the tape's thread
 * reads. Plain JavaScript, so that the latter can load it unbuilt.
 */

/** Item: kind u8, connection u16, receive time f64, length u32, then that many bytes of UTF-8. */
export const ITEM_HEADER_BYTES = 15;
export const KIND = /** @type {const} */ ({ connection: 0, frame: 1, rest: 2, connected: 3, disconnected: 4, note: 5 });

/** The memory begins with two Int32: so many bytes of items may be read; 1 when no more will come. */
export const SHOWN = 0;
export const WHOLE = 1;
export const GATHERED_AT = 16;

/** The thread works, waits for whatever comes, or lets a block gather that is to be written at a time it knows. */
export const THREAD = /** @type {const} */ ({ awake: 0, idle: 1, gathering: 2 });
/** A block of this size does not wait: larger ones pack little better. */
export const WORTHY_BYTES = 32 * 1024;
/** As much is waited for, where it comes soon; a smaller block is hardly worth the packing. */
export const LEAST_BYTES = 8 * 1024;

/**
 * @typedef {object} Part A block to be written: the items that were shown since the part before.
 * @property {Uint8Array} raw
 * @property {number} items
 * @property {number} firstItem
 * @property {number} firstRecvTime
 * @property {number} lastRecvTime
 */

/** Reads the items of one memory in parts, each of which names its connections itself, as a block does. */
export class GatheredReader {
  #state;
  #bytes;
  #view;
  #taken = 0;
  #nextItem;
  /** Where each connection is defined, by its number: start and end. @type {(readonly [number, number])[]} */
  #defined = [];

  /** @param {SharedArrayBuffer} memory @param {number} firstItem Ordinal of the first item within the segment. */
  constructor(memory, firstItem) {
    this.#state = new Int32Array(memory, 0, 2);
    this.#bytes = new Uint8Array(memory, GATHERED_AT);
    this.#view = new DataView(memory, GATHERED_AT);
    this.#nextItem = firstItem;
  }

  /** Bytes shown and not taken. */
  get waiting() {
    return Atomics.load(this.#state, SHOWN) - this.#taken;
  }

  /** Whether nothing is left and nothing will come. */
  get over() {
    // In this order: what is shown changes no more once the block is whole.
    return this.whole && this.waiting === 0;
  }

  /** Whether no more will be shown. */
  get whole() {
    return Atomics.load(this.#state, WHOLE) === 1;
  }

  /** All that is shown and was not taken. @returns {{ part: Part, bytes: number }} */
  take() {
    const [from, to] = [this.#taken, Atomics.load(this.#state, SHOWN)];
    /** @type {Set<number>} */
    const own = new Set();
    /** @type {Set<number>} */
    const foreign = new Set();
    const part = { items: 0, firstItem: this.#nextItem, firstRecvTime: 0, lastRecvTime: 0 };
    for (let at = from; at < to; ) {
      const connection = this.#view.getUint16(at + 1, true);
      const end = at + ITEM_HEADER_BYTES + this.#view.getUint32(at + 11, true);
      if (this.#bytes[at] === KIND.connection) {
        this.#defined[connection] = [at, end];
        own.add(connection);
      } else {
        part.lastRecvTime = this.#view.getFloat64(at + 3, true);
        if (part.items === 0) part.firstRecvTime = part.lastRecvTime;
        part.items += 1;
        if (!own.has(connection)) foreign.add(connection);
      }
      at = end;
    }
    this.#taken = to;
    this.#nextItem += part.items;
    return { part: { ...part, raw: this.#raw(foreign, from, to) }, bytes: to - from };
  }

  /** @param {Set<number>} foreign Connections that were defined in an earlier part. @param {number} from @param {number} to */
  #raw(foreign, from, to) {
    const items = this.#bytes.subarray(from, to);
    if (foreign.size === 0) return items;
    const parts = [...foreign].map((number) => this.#bytes.subarray(...(this.#defined[number] ?? [0, 0])));
    return Buffer.concat([...parts, items]);
  }
}
