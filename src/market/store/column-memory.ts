/** So much of what came back is kept, bytes; what came back first goes first. */
const MOST_KEPT_BYTES = 48 * 1024 * 1024;
/** Memory that is so many times as large as is wanted is kept for who wants more. */
const MOST_TIMES = 4;

/**
 * Memory for columns, used again once they are stored. Fresh memory is dear: the system clears each page when it is first
 * written to, and V8 collects garbage the more often, the more of it is made.
 */
export class ColumnMemory {
  #kept: ArrayBuffer[] = [];
  #bytes = 0;

  /** At least so many bytes; whatever was in them before still is, where they were used before. */
  take(bytes: number): ArrayBuffer {
    let best = -1;
    let bestBytes = bytes * MOST_TIMES;
    for (const [i, { byteLength }] of this.#kept.entries()) {
      if (byteLength < bytes || byteLength > bestBytes) continue;
      best = i;
      bestBytes = byteLength;
    }
    const [found] = best < 0 ? [] : this.#kept.splice(best, 1);
    if (found === undefined) return new ArrayBuffer(bytes);
    this.#bytes -= found.byteLength;
    return found;
  }

  /** Nobody else uses it any more. */
  give(memory: ArrayBuffer): void {
    if (memory.byteLength === 0) return;
    this.#kept.push(memory);
    this.#bytes += memory.byteLength;
    while (this.#bytes > MOST_KEPT_BYTES) this.#bytes -= this.#kept.shift()?.byteLength ?? 0;
  }
}
