import { Buffer } from 'node:buffer';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Corrupt, errorMessage, InvalidInput, Unavailable } from '../kit/errors.ts';

/** What an earlier process left in a log. */
export interface Recovered {
  /** Records in the order in which they were written. */
  readonly records: readonly string[];
  /** Bytes of a group that was being written when the process ended: it was never acknowledged, and is cut off. */
  readonly tornBytes: number;
}

interface Job {
  /** Null asks for a new file behind everything before. */
  readonly record: string | null;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const SUFFIX = '.journal';
/** Length and CRC-32 of the payload, both unsigned 32-bit, little endian. */
const HEADER_BYTES = 8;
const MOST_GROUP_BYTES = 64 * 1024 * 1024;
/**
 * Linux writes and syncs in one call (`O_DSYNC` is a write and an `fdatasync`), which saves a turn of the thread pool a
 * group. Elsewhere the flag is missing, or syncs less than Node's `datasync` does.
 */
const WRITES_ARE_DURABLE = process.platform === 'linux';
const OPEN_FLAGS = WRITES_ARE_DURABLE
  ? constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL | constants.O_DSYNC
  : 'ax';

/**
 * A log of lines of text in the files of a folder, for one process. `append` resolves when the record is on the disk
 * (as after `fdatasync`); records that come within one turn of the event loop, or while the disk is busy, share one write and
 * one sync. A group is one frame with a checksum, so that a crash leaves whole groups and at most one torn one.
 */
export class AppendLog implements AsyncDisposable {
  readonly #folder: string;
  #segment: number;
  #file: FileHandle | undefined;
  /** Written to the open segment, bytes. */
  #bytes = 0;
  #queue: Job[] = [];
  #running: Promise<void> | undefined;
  #broken: Error | undefined;
  #syncs = 0;

  private constructor(folder: string, segment: number) {
    this.#folder = folder;
    this.#segment = segment;
  }

  /**
   * Opens the log and gives what is in it; its files stay until `drop`. Throws Corrupt when a group that was
   * acknowledged cannot be read, Unavailable when the folder cannot be used.
   */
  static async open(folder: string): Promise<{ readonly log: AppendLog; readonly recovered: Recovered }> {
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      throw new Unavailable(`journal folder ${folder} cannot be made: ${errorMessage(error)}`, { cause: error });
    }
    const segments = (await readdir(folder)).flatMap((name) => segmentOf(name)).sort((a, b) => a - b);
    const records: string[] = [];
    let tornBytes = 0;
    for (const [i, segment] of segments.entries()) {
      const path = pathOf(folder, segment);
      const { payloads, end, size } = readFrames(await readFile(path), path);
      for (const payload of payloads) records.push(...payload);
      if (end === size) continue;
      if (i < segments.length - 1) throw damaged(path, end);
      tornBytes = size - end;
      await truncate(path, end);
    }
    return { log: new AppendLog(folder, (segments.at(-1) ?? 0) + 1), recovered: { records, tornBytes } };
  }

  /** Groups written and synced so far. */
  get syncs(): number {
    return this.#syncs;
  }

  /** Bytes written since the last `rotate`. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Resolves when the record is durable. After a failed write the log takes nothing more: throws Unavailable. Throws
   * InvalidInput for a record that is empty or has a line break.
   */
  append(record: string): Promise<void> {
    if (record === '' || record.includes('\n'))
      return Promise.reject(new InvalidInput('a record of a journal is one line of text'));
    return this.#push(record);
  }

  /** Resolves when everything appended before is settled; failures are the writers' own. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /**
   * Goes on in a new file when all records appended so far are written. Gives the number of the last file that holds
   * any of them: `drop` takes it once they are kept elsewhere.
   */
  async rotate(): Promise<number> {
    await this.#push(null);
    return this.#segment - 1;
  }

  /** Deletes the files up to that number, for good. */
  async drop(upTo: number): Promise<void> {
    const segments = (await readdir(this.#folder)).flatMap((name) => segmentOf(name));
    for (const segment of segments) if (segment <= upTo) await rm(pathOf(this.#folder, segment), { force: true });
    await syncFolder(this.#folder);
  }

  /** Settles what was appended and closes the file. Idempotent; the records stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.settled();
    this.#broken ??= new Unavailable(`journal ${this.#folder} is closed`);
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  #push(record: string | null): Promise<void> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#queue.push({ record, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    try {
      await new Promise<void>((resolve) => void setImmediate(resolve));
      while (this.#queue.length > 0) {
        const at = this.#queue.findIndex((job) => job.record === null);
        if (at === 0) await this.#turnOver(this.#queue.shift());
        else await this.#write(this.#queue.splice(0, at < 0 ? this.#queue.length : at));
      }
    } finally {
      this.#running = undefined;
    }
  }

  async #turnOver(job: Job | undefined): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#segment += 1;
    this.#bytes = 0;
    try {
      await file?.close();
      if (this.#broken !== undefined) throw this.#broken;
      job?.resolve();
    } catch (error) {
      job?.reject(error);
    }
  }

  async #write(group: readonly Job[]): Promise<void> {
    try {
      if (this.#broken !== undefined) throw this.#broken;
      const frame = frameOf(group.flatMap(({ record }) => (record === null ? [] : [record])));
      const file = await this.#open();
      const { bytesWritten } = await file.write(frame);
      if (bytesWritten !== frame.length) throw new Error(`only ${bytesWritten} of ${frame.length} bytes were written`);
      if (!WRITES_ARE_DURABLE) await file.datasync();
      this.#bytes += frame.length;
      this.#syncs += 1;
    } catch (error) {
      // What is on the disk is now uncertain, so nothing may be written behind it.
      this.#broken ??= new Unavailable(`journal ${this.#folder} cannot be written: ${errorMessage(error)}`, {
        cause: error,
      });
      for (const job of group) job.reject(this.#broken);
      return;
    }
    for (const job of group) job.resolve();
  }

  async #open(): Promise<FileHandle> {
    if (this.#file !== undefined) return this.#file;
    const file = await open(pathOf(this.#folder, this.#segment), OPEN_FLAGS);
    this.#file = file;
    await syncFolder(this.#folder);
    return file;
  }
}

function frameOf(records: readonly string[]): Buffer {
  const payload = Buffer.from(records.join('\n'), 'utf8');
  if (payload.length > MOST_GROUP_BYTES)
    throw new Error(`a group of ${payload.length} bytes is more than the ${MOST_GROUP_BYTES} that one frame may hold`);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame.writeUInt32LE(payload.length, 0);
  frame.writeUInt32LE(crc32(payload), 4);
  payload.copy(frame, HEADER_BYTES);
  return frame;
}

/** Frames up to the first that is not whole. Throws Corrupt when whole frames come after it: then it was acknowledged. */
function readFrames(
  bytes: Buffer,
  path: string,
): { readonly payloads: readonly (readonly string[])[]; readonly end: number; readonly size: number } {
  const payloads: (readonly string[])[] = [];
  let at = 0;
  for (let frame = frameAt(bytes, at); frame !== null; frame = frameAt(bytes, at)) {
    payloads.push(frame.toString('utf8').split('\n'));
    at += HEADER_BYTES + frame.length;
  }
  if (at + HEADER_BYTES <= bytes.length) {
    const next = at + HEADER_BYTES + bytes.readUInt32LE(at);
    if (frameAt(bytes, next) !== null) throw damaged(path, at);
  }
  return { payloads, end: at, size: bytes.length };
}

function frameAt(bytes: Buffer, at: number): Buffer | null {
  if (at + HEADER_BYTES > bytes.length) return null;
  const length = bytes.readUInt32LE(at);
  if (length === 0 || length > MOST_GROUP_BYTES || at + HEADER_BYTES + length > bytes.length) return null;
  const payload = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
  return crc32(payload) === bytes.readUInt32LE(at + 4) ? payload : null;
}

function damaged(path: string, at: number): Corrupt {
  return new Corrupt(
    `journal ${path} is damaged at byte ${at}, before records that were acknowledged: restore it from a backup, or move it away and lose what it holds`,
  );
}

function pathOf(folder: string, segment: number): string {
  return join(folder, `${String(segment).padStart(12, '0')}${SUFFIX}`);
}

function segmentOf(name: string): readonly number[] {
  const match = /^(\d{12})\.journal$/.exec(name);
  return match === null ? [] : [Number(match[1])];
}

/** Makes files that were added to or removed from a folder stay so after a loss of power. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
