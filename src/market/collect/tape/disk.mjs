// @ts-check
/**
 * Writes what the tape hands over to the segment files, in order. Runs in the tape's thread; where the files are given
 * (`SegmentFile`), in the caller's. When the disk fails nothing is dropped: the same is tried again when asked to.
 */
import { encodeBlock } from './block.mjs';

/** @typedef {import('./protocol.ts').TapeJob} TapeJob */
/** @typedef {import('./protocol.ts').TapeWord} TapeWord */
/** @typedef {import('./protocol.ts').SegmentFile} SegmentFile */
/** @typedef {Extract<TapeJob, { kind: 'block' | 'raw' }>} Bytes */

/** Written at once, at most: blocks of memory, and bytes before packing. */
const MOST_BLOCKS = 64;
const MOST_BYTES = 4 * 1024 * 1024;

export class TapeDisk {
  /** @type {TapeJob[]} */
  #jobs = [];
  #running = false;
  #failed = false;
  /** The disk failed, and nothing was written since. */
  #troubled = false;
  #dirty = false;
  #offset = 0;
  /** @type {SegmentFile | undefined} */
  #file;
  /** What the jobs in front are packed to, so that a second try does not pack again. @type {{ jobs: Bytes[], bytes: Buffer } | undefined} */
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
  }

  /** Does what was put, unless it is under way or the disk failed. */
  run() {
    if (this.#running || this.#failed) return;
    this.#running = true;
    void this.#drain();
  }

  /** Tries again what failed. */
  retry() {
    this.#failed = false;
    this.run();
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
        if (job.kind === 'block' || job.kind === 'raw') await this.#writeBytes();
        else {
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

  /** Everything that waits, with one write. */
  async #writeBytes() {
    const { jobs, bytes } = (this.#packed ??= this.#pack());
    await this.#write(this.#offset, bytes);
    this.#offset += bytes.length;
    this.#packed = undefined;
    this.#jobs.splice(0, jobs.length);
    this.#advance(jobs.length);
    if (!this.#traced) return;
    const at = Date.now();
    for (const job of jobs)
      if (job.kind === 'block') this.#tell({ kind: 'written', segment: job.segment, firstItem: job.firstItem, at });
  }

  #pack() {
    /** @type {Bytes[]} */
    const jobs = [];
    /** @type {Uint8Array[]} */
    const parts = [];
    let rawBytes = 0;
    for (const job of this.#jobs) {
      if ((job.kind !== 'block' && job.kind !== 'raw') || jobs.length === MOST_BLOCKS || rawBytes > MOST_BYTES) break;
      jobs.push(job);
      if (job.kind === 'raw') parts.push(job.bytes);
      else {
        parts.push(...encodeBlock(job, new Uint8Array(job.memory, 0, job.bytes)));
        rawBytes += job.bytes;
      }
    }
    return { jobs, bytes: Buffer.concat(parts) };
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
