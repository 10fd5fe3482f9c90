import { mkdir } from 'node:fs/promises';
import { Unavailable, errorMessage } from '../../../kit/errors.ts';
import type { Clock, Ms, Timer, Us } from '../../../kit/clock.ts';
import type { Logger } from '../../../kit/logger.ts';
import type { TapeItem, TapePosition } from '../../domain/tape.ts';
import { WORTHY_BYTES } from './block-items.mjs';
import { tapeOnThisThread, tapeThread, type TapeCarrier } from './carrier.ts';
import { encodeSegmentHeader, segmentPath } from './format.ts';
import { BlockBuilder, encodeFooter } from './items.ts';
import type { SegmentFile, TapeJob, TapeProgress, TapeWord } from './protocol.ts';
import { cutTornTail, segmentsOf, type TornTail } from './segments.ts';

export type { SegmentFile } from './protocol.ts';

export interface TapeWriterOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** A segment ends when its items reach this size before compression … */
  readonly segmentBytes: number;
  /** … or span this time. */
  readonly segmentMs: Ms;
  /** Longest time that an item waits for others before it is handed over to be written; less when many come. */
  readonly flushMs: Ms;
  /** Forces each flush through to the disk (a power cut then loses nothing flushed); a kill never does. Default false. */
  readonly fsync?: boolean | undefined;
  /** Beyond this many unwritten bytes `append` refuses; `pressure` is 1 there. Default 256 MiB. */
  readonly maxUnwrittenBytes?: number | undefined;
  /** The first segment gets at least this number. */
  readonly firstSegment?: number | undefined;
  /** Items that a new segment begins with, so that reading can begin there; given the first item's receive time. */
  readonly segmentStart?: ((recvTime: Us) => readonly TapeItem[]) | undefined;
  readonly onSegment?: ((segment: number) => void) | undefined;
  readonly onError?: ((error: Unavailable) => void) | undefined;
  /** Files of the caller's, which are then written on this thread. */
  readonly openFile?: ((path: string) => Promise<SegmentFile>) | undefined;
  /** Told when each block was written, UTC ms, by the segment and its first item. */
  readonly onWritten?:
    | ((block: { readonly segment: number; readonly firstItem: number; readonly at: Ms }) => void)
    | undefined;
}

interface Waiter {
  readonly n: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const BLOCK_BYTES = 128 * 1024;
/** Where nothing takes what gathers by itself: while so few jobs are under way a worthy block is handed over. */
const FEW_JOBS = 3;
const RETRY_MS = 500;

/**
 * Appends items to segments. `append` copies and returns at once; a thread of its own packs and writes, in order, and
 * takes what has gathered by itself, however long the turn of the thread that appends is. When the disk fails nothing is
 * dropped: items wait in memory up to the bound and are tried again.
 */
export class TapeWriter implements AsyncDisposable {
  readonly folder: string;
  /** What was cut from the last segment at opening; undefined when it was whole. */
  readonly tornTail: TornTail | undefined;
  readonly #options: TapeWriterOptions;
  readonly #block = new BlockBuilder(BLOCK_BYTES + 64 * 1024);
  readonly #progress: TapeProgress = {
    done: new Int32Array(new SharedArrayBuffer(4)),
    bytes: new Float64Array(new SharedArrayBuffer(8)),
    items: new Float64Array(new SharedArrayBuffer(16)),
    thread: new Int32Array(new SharedArrayBuffer(4)),
  };
  readonly #carrier: TapeCarrier;
  /** The memory, where there is one, of the jobs handed over and not known to be done, in order, and how many were. */
  #pending: (SharedArrayBuffer | undefined)[] = [];
  #settled = 0;
  #waiters: Waiter[] = [];
  #flushes = 0;
  #segment: number;
  #segmentItems = 0;
  #segmentRaw = 0;
  #segmentStarted: Us | undefined;
  #timer: Timer | undefined;
  #retry: Timer | undefined;
  /** Appended since the start. */
  #items = 0;
  #bytes = 0;
  #error: Unavailable | undefined;
  #dead = false;
  #lastRecvTime: Us = 0;
  #closed = false;

  private constructor(options: TapeWriterOptions, segment: number, tornTail: TornTail | undefined) {
    this.#options = options;
    this.folder = options.folder;
    this.#segment = segment;
    this.tornTail = tornTail;
    const { openFile, fsync, flushMs, onWritten } = options;
    const opening = { flushMs, sync: fsync === true, traced: onWritten !== undefined, progress: this.#progress };
    const hear = (word: TapeWord): void => this.#hear(word);
    this.#carrier =
      openFile === undefined
        ? tapeThread(opening, hear, (reason) => this.#die(reason))
        : tapeOnThisThread(opening, openFile, hear);
    this.#carrier.hold(false);
  }

  /** Cuts a torn tail left by a crash and begins a new segment. Throws Unavailable when the folder cannot be written. */
  static async open(options: TapeWriterOptions): Promise<TapeWriter> {
    let tornTail: TornTail | undefined;
    let last: number | undefined;
    try {
      await mkdir(options.folder, { recursive: true });
      last = (await segmentsOf(options.folder)).at(-1);
      if (last !== undefined) tornTail = await cutTornTail(options.folder, last);
    } catch (error) {
      throw new Unavailable(`tape folder ${options.folder} cannot be used: ${errorMessage(error)}`, { cause: error });
    }
    const segment = Math.max((last ?? 0) + 1, options.firstSegment ?? 1);
    const writer = new TapeWriter(options, segment, tornTail);
    writer.#open(options.clock.now() * 1000);
    try {
      await writer.flush();
    } catch (error) {
      await writer.#release();
      throw error;
    }
    return writer;
  }

  /** Number of the segment being written. */
  get segment(): number {
    return this.#segment;
  }

  /** Items appended and not yet written. */
  get unwrittenItems(): number {
    return this.#items - (this.#progress.items[0] ?? 0);
  }

  /** Bytes written by this writer, headers included. */
  get bytesWritten(): number {
    return this.#progress.bytes[0] ?? 0;
  }

  /** Share of the memory bound in use; at 1 `append` refuses. Slow the source down well before. */
  get pressure(): number {
    return this.#unwrittenBytes / (this.#options.maxUnwrittenBytes ?? 256 * 1024 * 1024);
  }

  get #unwrittenBytes(): number {
    return this.#bytes - (this.#progress.items[1] ?? 0);
  }

  /** Why nothing can be written now; undefined when all is well. */
  get error(): Unavailable | undefined {
    return this.#error;
  }

  /** Throws Unavailable when closed or when too much waits to be written (the item is then not on the tape). */
  append(item: TapeItem): TapePosition {
    if (this.#closed) throw new Unavailable('the tape is closed');
    if (this.#dead && this.#error !== undefined) throw this.#error;
    if (this.pressure >= 1) {
      throw new Unavailable(`the tape cannot keep up: ${this.#error?.message ?? 'too much waits to be written'}`);
    }
    if (this.#mustRotate(item.recv_time)) this.#rotate(item.recv_time);
    if (this.#segmentItems === 0) {
      for (const start of this.#options.segmentStart?.(item.recv_time) ?? []) this.#add(start);
    }
    return this.#add(item);
  }

  /** Resolves when all appended so far is written. Rejects with Unavailable while the disk refuses; it stays queued. */
  flush(): Promise<void> {
    this.#closeBlock();
    if (this.#error !== undefined) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      const n = ++this.#flushes;
      this.#waiters.push({ n, resolve, reject });
      this.#carrier.hold(true);
      this.#put({ kind: 'tell', n });
    });
  }

  /** Flushes, ends the segment in good order, and the thread. Idempotent. Throws as `flush` does. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeBlock();
    this.#endSegment();
    try {
      await this.flush();
    } finally {
      await this.#release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #add(item: TapeItem): TapePosition {
    const position: TapePosition = { segment: this.#segment, item: this.#segmentItems };
    const block = this.#block;
    // The thread reads the memory already: only a new block may get another.
    if (block.items > 0 && !block.fits(item)) this.#closeBlock();
    const before = block.bytes;
    block.add(item, this.#segmentItems);
    const bytes = block.bytes - before;
    this.#segmentRaw += bytes;
    this.#bytes += bytes;
    this.#segmentItems += 1;
    this.#items += 1;
    this.#segmentStarted ??= item.recv_time;
    this.#lastRecvTime = item.recv_time;
    if (block.items === 1) this.#begin(position);
    if (block.bytes >= BLOCK_BYTES) this.#closeBlock();
    else if (this.#carrier.watches) {
      block.show();
      this.#carrier.go(this.#unwrittenBytes);
    } else this.#closeInTime();
    return position;
  }

  #begin({ segment, item: firstItem }: TapePosition): void {
    const { memory } = this.#block;
    this.#put({ kind: 'gathering', memory, segment, firstItem }, memory);
  }

  /** Where nothing watches: a block that is worth a write, or has gathered for long enough, is over. */
  #closeInTime(): void {
    if (this.#block.bytes >= WORTHY_BYTES) this.#settle();
    if (this.#block.bytes >= WORTHY_BYTES && this.#pending.length < FEW_JOBS) this.#closeBlock();
    else {
      this.#timer ??= this.#options.clock.schedule(this.#options.flushMs, () => {
        this.#timer = undefined;
        this.#closeBlock();
      });
    }
  }

  #mustRotate(recvTime: Us): boolean {
    if (this.#segmentStarted === undefined) return false;
    const { segmentBytes, segmentMs } = this.#options;
    return this.#segmentRaw >= segmentBytes || recvTime - this.#segmentStarted >= segmentMs * 1000;
  }

  #rotate(recvTime: Us): void {
    this.#closeBlock();
    this.#endSegment();
    this.#segment += 1;
    this.#segmentItems = 0;
    this.#segmentRaw = 0;
    this.#segmentStarted = undefined;
    this.#open(recvTime);
    this.#options.onSegment?.(this.#segment);
  }

  #closeBlock(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#block.items === 0) return;
    this.#settle();
    this.#block.take();
    this.#carrier.go(null);
  }

  #open(createdAt: Us): void {
    const header = encodeSegmentHeader(this.#segment, createdAt);
    this.#put({ kind: 'open', path: segmentPath(this.folder, this.#segment), header });
  }

  /** Totals of the segment, so that listing reads one block instead of all; then the end of its file. */
  #endSegment(): void {
    const bytes = encodeFooter({
      rawBytes: this.#segmentRaw,
      items: this.#segmentItems,
      firstRecvTime: this.#segmentStarted ?? 0,
      lastRecvTime: this.#lastRecvTime,
    });
    this.#put({ kind: 'raw', bytes });
    this.#put({ kind: 'close' });
  }

  #put(job: TapeJob, memory?: SharedArrayBuffer): void {
    this.#pending.push(memory);
    this.#carrier.put(job);
  }

  /** Takes back the memory of what was written meanwhile. */
  #settle(): void {
    const done = (Atomics.load(this.#progress.done, 0) - this.#settled) | 0;
    if (done === 0) return;
    this.#settled = (this.#settled + done) | 0;
    for (const memory of this.#pending.splice(0, done)) {
      if (memory !== undefined) this.#block.giveBack(memory);
    }
  }

  #hear(word: TapeWord): void {
    switch (word.kind) {
      case 'reached': {
        const due = this.#waiters.filter(({ n }) => n <= word.n);
        this.#waiters = this.#waiters.filter(({ n }) => n > word.n);
        if (this.#waiters.length === 0) this.#carrier.hold(false);
        for (const waiter of due) waiter.resolve();
        return;
      }
      case 'failed':
        this.#fail(word.message);
        return;
      case 'recovered':
        this.#error = undefined;
        return;
      case 'written':
        this.#options.onWritten?.(word);
    }
  }

  #fail(reason: string): void {
    const error = new Unavailable(`tape segment ${segmentPath(this.folder, this.#segment)}: ${reason}`);
    const first = this.#error === undefined;
    this.#error = error;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
    this.#carrier.hold(false);
    if (first) {
      this.#options.log.error('tape.write_failed', { folder: this.folder, error: error.message });
      this.#options.onError?.(error);
    }
    if (this.#closed || this.#dead) return;
    this.#retry = this.#options.clock.schedule(RETRY_MS, () => {
      this.#retry = undefined;
      this.#carrier.retry();
    });
  }

  /** The thread is gone, and with it what it had: nothing more can be taken. */
  #die(reason: string): void {
    this.#dead = true;
    this.#fail(`the thread that writes it is gone: ${reason}; restart the desk`);
  }

  async #release(): Promise<void> {
    this.#timer?.cancel();
    this.#retry?.cancel();
    if (!this.#dead) await this.#carrier.end();
  }
}
