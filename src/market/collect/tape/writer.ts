import { mkdir, open } from 'node:fs/promises';
import { Unavailable, errorMessage } from '../../../kit/errors.ts';
import type { Clock, Ms, Timer, Us } from '../../../kit/clock.ts';
import type { Logger } from '../../../kit/logger.ts';
import type { TapeItem, TapePosition } from '../../domain/tape.ts';
import { SEGMENT_HEADER_BYTES, encodeSegmentHeader, segmentPath } from './format.ts';
import { BlockBuilder, encodeBlock, encodeFooter } from './items.ts';
import { cutTornTail, segmentsOf, type TornTail } from './segments.ts';

/** What the writer needs of a file; tests give one that fails. */
export interface SegmentFile {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

export interface TapeWriterOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** A segment ends when its items reach this size before compression … */
  readonly segmentBytes: number;
  /** … or span this time. */
  readonly segmentMs: Ms;
  /** Longest time that an item waits before it is written. */
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
  readonly openFile?: ((path: string) => Promise<SegmentFile>) | undefined;
}

type Job =
  | { readonly kind: 'open'; readonly segment: number; readonly createdAt: Us }
  | {
      readonly kind: 'bytes';
      readonly parts: Promise<readonly Buffer[]>;
      readonly rawBytes: number;
      readonly items: number;
    }
  | { readonly kind: 'close' };

const BLOCK_BYTES = 128 * 1024;
/** A block of this size does not wait for its time while little is being written: larger ones pack little better. */
const WORTHY_BYTES = 32 * 1024;
const FEW_JOBS = 3;
/** Written at once, at most. */
const MOST_BLOCKS = 64;
const RETRY_MS = 500;

/**
 * Appends items to segments. `append` copies and returns at once; blocks are compressed off the main thread and
 * written in order. When the disk fails nothing is dropped: blocks wait in memory up to the bound and are tried again.
 */
export class TapeWriter implements AsyncDisposable {
  readonly folder: string;
  /** What was cut from the last segment at opening; undefined when it was whole. */
  readonly tornTail: TornTail | undefined;
  readonly #options: TapeWriterOptions;
  readonly #block = new BlockBuilder(BLOCK_BYTES + 64 * 1024);
  readonly #jobs: Job[] = [];
  readonly #waiters: { readonly job: number; readonly resolve: () => void; readonly reject: (error: Error) => void }[] =
    [];
  #segment: number;
  #segmentItems = 0;
  #segmentRaw = 0;
  #segmentStarted: Us | undefined;
  #timer: Timer | undefined;
  #retry: Timer | undefined;
  #pumping: Promise<void> | undefined;
  #queued = 0;
  #done = 0;
  #unwrittenBytes = 0;
  #unwrittenItems = 0;
  #bytesWritten = 0;
  #error: Unavailable | undefined;
  #file: SegmentFile | undefined;
  #offset = 0;
  #lastRecvTime: Us = 0;
  #closed = false;
  #dirty = false;

  private constructor(options: TapeWriterOptions, segment: number, tornTail: TornTail | undefined) {
    this.#options = options;
    this.folder = options.folder;
    this.#segment = segment;
    this.tornTail = tornTail;
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
    writer.#enqueue({ kind: 'open', segment, createdAt: options.clock.now() * 1000 });
    await writer.flush();
    return writer;
  }

  /** Number of the segment being written. */
  get segment(): number {
    return this.#segment;
  }

  /** Items appended and not yet written. */
  get unwrittenItems(): number {
    return this.#unwrittenItems;
  }

  /** Bytes written by this writer, headers included. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Share of the memory bound in use; at 1 `append` refuses. Slow the source down well before. */
  get pressure(): number {
    return (this.#unwrittenBytes + this.#block.bytes) / (this.#options.maxUnwrittenBytes ?? 256 * 1024 * 1024);
  }

  /** Why nothing can be written now; undefined when all is well. */
  get error(): Unavailable | undefined {
    return this.#error;
  }

  /** Throws Unavailable when closed or when too much waits to be written (the item is then not on the tape). */
  append(item: TapeItem): TapePosition {
    if (this.#closed) throw new Unavailable('the tape is closed');
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
    if (this.#done === this.#queued && !(this.#options.fsync === true && this.#dirty)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ job: this.#queued, resolve, reject });
      this.#pump();
    });
  }

  /** Flushes, ends the segment in good order and closes the file. Idempotent. Throws as `flush` does. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeBlock();
    this.#footer();
    this.#enqueue({ kind: 'close' });
    try {
      await this.flush();
    } finally {
      this.#timer?.cancel();
      this.#retry?.cancel();
      await this.#pumping;
      await this.#file?.close();
      this.#file = undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #add(item: TapeItem): TapePosition {
    const position: TapePosition = { segment: this.#segment, item: this.#segmentItems };
    const before = this.#block.bytes;
    this.#block.add(item, this.#segmentItems);
    this.#segmentRaw += this.#block.bytes - before;
    this.#segmentItems += 1;
    this.#unwrittenItems += 1;
    this.#segmentStarted ??= item.recv_time;
    this.#lastRecvTime = item.recv_time;
    if (this.#block.bytes >= BLOCK_BYTES || this.#isWorthy()) this.#closeBlock();
    else if (this.#timer === undefined) {
      this.#timer = this.#options.clock.schedule(this.#options.flushMs, () => {
        this.#timer = undefined;
        this.#closeBlock();
      });
    }
    return position;
  }

  /** Whether the block gathered is worth a write of its own now; while several are under way more gathers. */
  #isWorthy(): boolean {
    return this.#block.bytes >= WORTHY_BYTES && this.#jobs.length < FEW_JOBS;
  }

  #mustRotate(recvTime: Us): boolean {
    if (this.#segmentStarted === undefined) return false;
    const { segmentBytes, segmentMs } = this.#options;
    return this.#segmentRaw >= segmentBytes || recvTime - this.#segmentStarted >= segmentMs * 1000;
  }

  #rotate(recvTime: Us): void {
    this.#closeBlock();
    this.#footer();
    this.#enqueue({ kind: 'close' });
    this.#segment += 1;
    this.#segmentItems = 0;
    this.#segmentRaw = 0;
    this.#segmentStarted = undefined;
    this.#enqueue({ kind: 'open', segment: this.#segment, createdAt: recvTime });
    this.#options.onSegment?.(this.#segment);
  }

  #closeBlock(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { items, bytes: rawBytes } = this.#block;
    if (items === 0) return;
    this.#unwrittenBytes += rawBytes;
    this.#enqueue({ kind: 'bytes', parts: encodeBlock(this.#block), rawBytes, items });
  }

  /** Totals of the segment, so that listing reads one block instead of all. */
  #footer(): void {
    const header = encodeFooter({
      rawBytes: this.#segmentRaw,
      items: this.#segmentItems,
      firstRecvTime: this.#segmentStarted ?? 0,
      lastRecvTime: this.#lastRecvTime,
    });
    this.#enqueue({ kind: 'bytes', parts: Promise.resolve([header]), rawBytes: 0, items: 0 });
  }

  #enqueue(job: Job): void {
    this.#jobs.push(job);
    this.#queued += 1;
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping !== undefined || this.#retry !== undefined) return;
    this.#pumping = this.#drain().finally(() => {
      this.#pumping = undefined;
      if (this.#error === undefined && (this.#jobs.length > 0 || this.#waiters.length > 0)) this.#pump();
    });
  }

  async #drain(): Promise<void> {
    try {
      for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
        const finished = job.kind === 'bytes' ? await this.#writeBlocks() : await this.#run(job);
        this.#jobs.splice(0, finished);
        this.#done += finished;
        if (this.#jobs.length === 0 || this.#options.fsync !== true) await this.#release();
        if (this.#isWorthy()) this.#closeBlock();
      }
      await this.#release();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #release(): Promise<void> {
    this.#error = undefined;
    const due = this.#waiters.filter((waiter) => waiter.job <= this.#done);
    if (due.length === 0) return;
    if (this.#options.fsync === true && this.#dirty) {
      await this.#file?.datasync();
      this.#dirty = false;
    }
    this.#waiters.splice(0, this.#waiters.length, ...this.#waiters.filter((waiter) => !due.includes(waiter)));
    for (const waiter of due) waiter.resolve();
  }

  /** Opens or closes a file. Gives the number of jobs done. */
  async #run(job: Exclude<Job, { kind: 'bytes' }>): Promise<1> {
    if (job.kind === 'open') {
      const path = segmentPath(this.folder, job.segment);
      this.#file ??= await (this.#options.openFile ?? openSegment)(path);
      await this.#write(0, [encodeSegmentHeader(job.segment, job.createdAt)]);
      this.#offset = SEGMENT_HEADER_BYTES;
      return 1;
    }
    if (this.#options.fsync === true && this.#dirty) await this.#file?.datasync();
    await this.#file?.close();
    this.#file = undefined;
    return 1;
  }

  /** All blocks that wait, with one write: each write costs a turn of the event loop, which a busy one makes long. */
  async #writeBlocks(): Promise<number> {
    const blocks: Extract<Job, { kind: 'bytes' }>[] = [];
    for (const job of this.#jobs) {
      if (job.kind !== 'bytes' || blocks.length === MOST_BLOCKS) break;
      blocks.push(job);
    }
    const parts = await Promise.all(blocks.map((block) => block.parts));
    this.#offset += await this.#write(this.#offset, parts.flat());
    for (const { rawBytes, items } of blocks) {
      this.#unwrittenBytes -= rawBytes;
      this.#unwrittenItems -= items;
    }
    return blocks.length;
  }

  /** Writes at a fixed place, so that a second try after a failure overwrites what the first one left. */
  async #write(at: number, parts: readonly Buffer[]): Promise<number> {
    const file = this.#file;
    if (file === undefined) throw new Unavailable('no tape segment is open');
    const bytes = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    let written = 0;
    while (written < bytes.length) {
      const result = await file.write(bytes, written, bytes.length - written, at + written);
      if (result.bytesWritten <= 0) throw new Error('the disk took no bytes');
      written += result.bytesWritten;
    }
    this.#dirty = true;
    this.#bytesWritten += bytes.length;
    return bytes.length;
  }

  #fail(cause: unknown): void {
    const error = new Unavailable(`tape segment ${segmentPath(this.folder, this.#segment)}: ${errorMessage(cause)}`, {
      cause,
    });
    const first = this.#error === undefined;
    this.#error = error;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
    if (first) {
      this.#options.log.error('tape.write_failed', { folder: this.folder, error: error.message });
      this.#options.onError?.(error);
    }
    if (this.#closed) return;
    this.#retry = this.#options.clock.schedule(RETRY_MS, () => {
      this.#retry = undefined;
      this.#pump();
    });
  }
}

async function openSegment(path: string): Promise<SegmentFile> {
  return open(path, 'w');
}
