// What a load is measured with, in memory that is all taken at the start: a measure must not grow where growth is asked.
import { readFileSync } from 'node:fs';
import { getHeapSpaceStatistics } from 'node:v8';

const MOST_MS = 60_000;
const MOST_BLOCKS = 1_500_000;
const MOST_ITEMS = 2 ** 32;

/** Waits in whole ms; those beyond a minute count as a minute. */
export class Waits {
  readonly #counts = new Float64Array(MOST_MS + 1).fill(0);
  #count = 0;

  add(ms: number): void {
    const at = Math.min(MOST_MS, Math.max(0, Math.round(ms)));
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#count += 1;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
  }

  /** `p50 2, p99 14, longest 31 ms`. */
  get text(): string {
    return `p50 ${this.#below(0.5)}, p99 ${this.#below(0.99)}, longest ${this.#below(1)} ms of ${this.#count.toLocaleString('en')}`;
  }

  /** The least wait that so large a share of all does not exceed. */
  #below(share: number): number {
    const wanted = Math.max(1, Math.ceil(this.#count * share));
    let seen = 0;
    for (let ms = 0; ms <= MOST_MS; ms++) {
      seen += this.#counts[ms] ?? 0;
      if (seen >= wanted) return ms;
    }
    return Number.NaN;
  }
}

/** When each block of the tape was written, UTC ms, by segment and first item. */
export class BlockTimes {
  readonly #keys = new Float64Array(MOST_BLOCKS).fill(0);
  readonly #times = new Float64Array(MOST_BLOCKS).fill(0);
  #count = 0;

  readonly add = (block: { readonly segment: number; readonly firstItem: number; readonly at: number }): void => {
    if (this.#count === MOST_BLOCKS) throw new Error(`more than ${MOST_BLOCKS} blocks`);
    this.#keys[this.#count] = keyOf(block);
    this.#times[this.#count++] = block.at;
  };

  /** For the time after the load: this takes memory. */
  lookUp(): (block: { readonly segment: number; readonly firstItem: number }) => number | undefined {
    const held = new Map<number, number>();
    for (let i = 0; i < this.#count; i++) held.set(this.#keys[i] ?? 0, this.#times[i] ?? 0);
    return (block) => held.get(keyOf(block));
  }
}

function keyOf({ segment, firstItem }: { readonly segment: number; readonly firstItem: number }): number {
  return segment * MOST_ITEMS + firstItem;
}

/** This process's memory by kind, given what DuckDB holds by its own account. */
export function memoryText(duckdbBytes: number): string {
  const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
  const files = Number(/RssFile:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? Number.NaN) * 1024;
  const parts = [rss, files, heapUsed, heapTotal, young, external, arrayBuffers, duckdbBytes];
  const [all, code, used, kept, nursery, outside, buffers, database, beyond] = [
    ...parts,
    rss - files - heapTotal - external - duckdbBytes,
  ].map((bytes) => Math.round(bytes / 1e6));
  return `${all}; ${code}; ${used} of ${kept} (${nursery} of them young); ${outside}, ${buffers}; ${database}; ${beyond}`;
}

/** What `memoryText` gives, in its order. */
export const MEMORY_PARTS =
  'resident; of it code from files; main heap used and kept; beside the heap, of it buffers; DuckDB; all else';
