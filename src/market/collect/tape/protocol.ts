import type { Us } from '../../../kit/clock.ts';

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

/** Shared memory by which the writer sees, in the middle of a turn, how far its thread is. */
export interface TapeProgress {
  /** [0]: jobs done, counted modulo 2^32. */
  readonly done: Int32Array;
  /** [0]: bytes written; one thread writes it, an aligned double is read whole. */
  readonly bytes: Float64Array;
}

export interface TapeOpening {
  /** Forces what was written through to the disk before `tell` is answered. */
  readonly sync: boolean;
  /** Whether each block written is told. */
  readonly traced: boolean;
  readonly progress: TapeProgress;
}

/** Done in order. The memory of a block is the thread's until the job is counted as done. */
export type TapeJob =
  | { readonly kind: 'open'; readonly path: string; readonly header: Uint8Array }
  | {
      readonly kind: 'block';
      readonly memory: SharedArrayBuffer;
      /** Length of the block's items in the memory. */
      readonly bytes: number;
      readonly segment: number;
      readonly items: number;
      readonly firstItem: number;
      readonly firstRecvTime: Us;
      readonly lastRecvTime: Us;
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
