// @ts-check
/**
 * Writes what the tape hands over to the segment files, in order. Runs in the tape's thread; where the files are given
 * (`SegmentFile`), in the caller's. When the disk fails nothing is dropped: the same is tried again when asked to.
 */
import { encodeBlock } from './block.mjs';
import { GatheredReader } from './block-items.mjs';

/** @typedef {import('./protocol.ts').TapeJob} TapeJob */
/** @typedef {import('./protocol.ts').TapeWord} TapeWord */
/** @typedef {import('./protocol.ts').SegmentFile} SegmentFile */
/** @typedef {Extract<TapeJob, { kind: 'gathering' | 'raw' }>} Bytes */
/** @typedef {{ bytes: Buffer, jobs: number, items: number, rawBytes: number, blocks: { segment: number, firstItem: number }[] }} Packed What is to be written at once, and what is done then. */

/** Written at once, at most: blocks, and bytes before packing. */
const MOST_BLOCKS = 64;
const MOST_BYTES = 4 * 1024 * 1024;

export class TapeDisk {
  /** @type {TapeJob[]} */
  #jobs = [];
  /** Readers of the gatherings among the jobs. @type {Map<TapeJob, GatheredReader>} */
  #readers = new Map();
  #running = false;
  #failed = false;
  /** The disk failed, and nothing was written since. */
  #troubled = false;
  #dirty = false;
  #offset = 0;
  /** @type {SegmentFile | undefined} */
  #file;
  /** What is being written, so that a second try does not pack again. @type {Packed | undefined} */
  #packed;
  #sync;
  #traced;
  #progress;
  #openFile;
  #tell;

  /**
   * @param {import('./protocol.ts').TapeOpening} opening
   * @param {(path: string) => SegmentFile | Promise<SegmentFile>} openFile
   * @param {(word: TapeWord) => void} tell
   */
  constructor({ sync, traced, progress }, openFile, tell) {
    this.#sync = sync;
    this.#traced = traced;
    this.#progress = progress;
    this.#openFile = openFile;
    this.#tell = tell;
  }

  /** @param {TapeJob} job */
  put(job) {
    this.#jobs.push(job);
    if (job.kind === 'gathering') this.#readers.set(job, new GatheredReader(job.memory, job.firstItem));
  }

  /** Does what was put and shown, unless it is under way or the disk failed. */
  async run() {
    if (this.#running || this.#failed) return;
    this.#running = true;
    await this.#drain();
  }

  /** Lets `run` try again what failed. */
  retry() {
    this.#failed = false;
  }

  get failed() {
    return this.#failed;
  }

  /** Bytes that could be written, when nothing else is due than what gathers; null when something is. */
  get gathering() {
    const [job] = this.#jobs;
    if (job === undefined) return 0;
    const reader = this.#readers.get(job);
    return reader === undefined || reader.whole || this.#packed !== undefined ? null : reader.waiting;
  }

  /** Lets the file go as it is. Nothing may be put afterwards. */
  async abandon() {
    const file = this.#file;
    this.#file = undefined;
    this.#failed = true;
    await file?.close();
  }

  async #drain() {
    try {
      for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
        if (job.kind === 'gathering' || job.kind === 'raw') {
          if (!(await this.#writeBytes())) break;
        } else {
          await this.#do(job);
          this.#jobs.shift();
          this.#advance(1);
        }
      }
    } catch (error) {
      this.#failed = true;
      this.#troubled = true;
      this.#tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
    this.#running = false;
  }

  /** @param {Exclude<TapeJob, Bytes>} job */
  async #do(job) {
    switch (job.kind) {
      case 'open':
        this.#file ??= await this.#openFile(job.path);
        await this.#write(0, job.header);
        this.#offset = job.header.length;
        return;
      case 'close':
        await this.#datasync();
        await this.#file?.close();
        this.#file = undefined;
        return;
      case 'tell':
        await this.#datasync();
        this.#tell({ kind: 'reached', n: job.n });
    }
  }

  /** Everything that waits, with one write. False when nothing does. */
  async #writeBytes() {
    const { bytes, jobs, items, rawBytes, blocks } = (this.#packed ??= this.#pack());
    if (bytes.length > 0) await this.#write(this.#offset, bytes);
    this.#offset += bytes.length;
    this.#packed = undefined;
    for (const job of this.#jobs.splice(0, jobs)) this.#readers.delete(job);
    const written = this.#progress.items;
    written[0] = (written[0] ?? 0) + items;
    written[1] = (written[1] ?? 0) + rawBytes;
    if (jobs + bytes.length > 0) this.#advance(jobs);
    const at = Date.now();
    if (this.#traced) for (const block of blocks) this.#tell({ kind: 'written', ...block, at });
    return jobs + bytes.length > 0;
  }

  /** @returns {Packed} */
  #pack() {
    /** @type {Uint8Array[]} */
    const parts = [];
    /** @type {Packed['blocks']} */
    const blocks = [];
    let [jobs, items, rawBytes] = [0, 0, 0];
    for (const job of this.#jobs) {
      if (blocks.length === MOST_BLOCKS || rawBytes > MOST_BYTES) break;
      if (job.kind === 'raw') parts.push(job.bytes);
      else if (job.kind === 'gathering') {
        const reader = this.#readers.get(job);
        if (reader !== undefined && reader.waiting > 0) {
          const { part, bytes } = reader.take();
          parts.push(...encodeBlock(part, part.raw));
          blocks.push({ segment: job.segment, firstItem: part.firstItem });
          items += part.items;
          rawBytes += bytes;
        }
        if (reader?.over === false) break;
      } else break;
      jobs += 1;
    }
    return { bytes: Buffer.concat(parts), jobs, items, rawBytes, blocks };
  }

  /** At a fixed place, so that a second try after a failure overwrites what the first one left. @param {number} at @param {Uint8Array} bytes */
  async #write(at, bytes) {
    const file = this.#file;
    if (file === undefined) throw new Error('no tape segment is open');
    for (let written = 0; written < bytes.length; ) {
      const result = await file.write(bytes, written, bytes.length - written, at + written);
      if (result.bytesWritten <= 0) throw new Error('the disk took no bytes');
      written += result.bytesWritten;
    }
    this.#dirty = true;
    this.#progress.bytes[0] = (this.#progress.bytes[0] ?? 0) + bytes.length;
  }

  async #datasync() {
    if (!this.#sync || !this.#dirty) return;
    await this.#file?.datasync();
    this.#dirty = false;
  }

  /** Says that so many more jobs are done. @param {number} jobs */
  #advance(jobs) {
    Atomics.add(this.#progress.done, 0, jobs);
    if (!this.#troubled) return;
    this.#troubled = false;
    this.#tell({ kind: 'recovered' });
  }
}
