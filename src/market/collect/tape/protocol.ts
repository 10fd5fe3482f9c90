import type { Ms } from '../../../kit/clock.ts';

/** What the tape's writer and the thread that writes its files say to each other. */

/** What is written to; tests give one that fails. */
export interface SegmentFile {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): { readonly bytesWritten: number } | Promise<{ readonly bytesWritten: number }>;
  datasync(): void | Promise<void>;
  close(): void | Promise<void>;
}

/**
 * Shared memory by which writer and thread see, in the middle of a turn, how far the other is. Of the doubles one thread
 * alone writes each, and an aligned double is read whole.
 */
export interface TapeProgress {
  /** [0]: jobs done, counted modulo 2^32. */
  readonly done: Int32Array;
  /** [0]: bytes of the files written. */
  readonly bytes: Float64Array;
  /** [0]: items written; [1]: their bytes before packing. */
  readonly items: Float64Array;
  /** [0]: what the thread waits for, one of `THREAD`. */
  readonly thread: Int32Array;
}

export interface TapeOpening {
  /** Longest time that the thread lets items gather. */
  readonly flushMs: Ms;
  /** Forces what was written through to the disk before `tell` is answered. */
  readonly sync: boolean;
  /** Whether each block written is told. */
  readonly traced: boolean;
  readonly progress: TapeProgress;
}

/**
 * Done in order. A gathering is handed over with its first item, read in parts as it grows (`block-items.mjs`), and the
 * thread's until the job is counted as done.
 */
export type TapeJob =
  | { readonly kind: 'open'; readonly path: string; readonly header: Uint8Array }
  | {
      readonly kind: 'gathering';
      readonly memory: SharedArrayBuffer;
      readonly segment: number;
      readonly firstItem: number;
    }
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }
  | { readonly kind: 'close' }
  | { readonly kind: 'tell'; readonly n: number };

/** `retry` tries again what failed; `end` closes the file and the thread. */
export type TapeOrder = TapeJob | { readonly kind: 'retry' } | { readonly kind: 'end' };

export type TapeWord =
  | { readonly kind: 'reached'; readonly n: number }
  | { readonly kind: 'failed'; readonly message: string }
  /** What had failed is written. */
  | { readonly kind: 'recovered' }
  | { readonly kind: 'written'; readonly segment: number; readonly firstItem: number; readonly at: number };

/** Payloads to be unpacked, one after another; into `memory` where it is large enough. */
export interface PackedBlocks {
  readonly bytes: Uint8Array;
  readonly memory: ArrayBuffer | null;
  readonly blocks: readonly { readonly payloadBytes: number; readonly rawBytes: number }[];
}

/** What they unpack to, one after another, each in its `rawBytes`, and why those that failed did. */
export interface UnpackedBlocks {
  readonly raw: Uint8Array<ArrayBuffer>;
  readonly failures: readonly (string | null)[];
}
