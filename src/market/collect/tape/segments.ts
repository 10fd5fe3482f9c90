import { open, readdir, stat, truncate, unlink, type FileHandle } from 'node:fs/promises';
import { inflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { Corrupt, errorMessage } from '../../../kit/errors.ts';
import {
  BLOCK_HEADER_BYTES,
  BLOCK_MAGIC,
  CODEC,
  SEGMENT_HEADER_BYTES,
  blockIsIntact,
  decodeBlockHeader,
  decodeSegmentHeader,
  segmentOfName,
  segmentPath,
  type BlockHeader,
} from './format.ts';

/** A stretch of a segment that is not readable. `tail`: nothing readable follows, as a crash leaves it. */
export interface TapeDamage {
  readonly path: string;
  readonly segment: number;
  readonly offset: number;
  readonly bytes: number;
  readonly tail: boolean;
  readonly reason: string;
}

export interface TornTail {
  readonly path: string;
  readonly segment: number;
  readonly bytes: number;
}

export interface RawBlock {
  readonly header: BlockHeader;
  readonly offset: number;
  /** Compressed as the header says; empty when only headers were asked for. */
  readonly payload: Buffer;
}

/** Segment numbers in a folder, oldest first; empty when the folder does not exist. */
export async function segmentsOf(folder: string): Promise<number[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  return names
    .map(segmentOfName)
    .filter((number) => number !== undefined)
    .sort((a, b) => a - b);
}

/** Cuts what a crash left unfinished at the end of a segment. A segment without a whole header is deleted. */
export async function cutTornTail(folder: string, segment: number): Promise<TornTail | undefined> {
  const path = segmentPath(folder, segment);
  const { size } = await stat(path);
  let end = SEGMENT_HEADER_BYTES;
  if (size < SEGMENT_HEADER_BYTES) {
    await unlink(path);
    return { path, segment, bytes: size };
  }
  let damage: TapeDamage | undefined;
  for await (const block of readRawBlocks(path, segment, { onDamage: (found) => (damage = found) })) {
    end = block.offset + BLOCK_HEADER_BYTES + block.header.payloadBytes;
  }
  if (damage?.tail !== true || end >= size) return undefined;
  await truncate(path, end);
  return { path, segment, bytes: size - end };
}

/**
 * The intact blocks of a segment in order, footer included. What cannot be read is told to `onDamage` and passed over:
 * the next block is found by its mark. Throws Corrupt for a file that is no segment or of another format version.
 */
export async function* readRawBlocks(
  path: string,
  segment: number,
  options: {
    readonly onDamage?: ((damage: TapeDamage) => void) | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): AsyncGenerator<RawBlock, void, undefined> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const stretch = new Stretch(file, size);
    decodeSegmentHeader(await readAt(file, 0, SEGMENT_HEADER_BYTES), path);
    let offset = SEGMENT_HEADER_BYTES;
    while (offset < size) {
      options.signal?.throwIfAborted();
      const block = await readBlock(stretch, offset);
      if (typeof block !== 'string') {
        yield block;
        offset += BLOCK_HEADER_BYTES + block.header.payloadBytes;
        continue;
      }
      const next = await findBlock(stretch, offset + 1);
      const bytes = (next ?? size) - offset;
      options.onDamage?.({ path, segment, offset, bytes, tail: next === undefined, reason: block });
      offset += bytes;
    }
  } finally {
    await file.close();
  }
}

/** The raw bytes of a block's items. Throws Corrupt when they do not unpack. */
export function unpack(block: RawBlock, path: string): Promise<Buffer> {
  const { header, payload } = block;
  const where = `${path} at byte ${block.offset}`;
  if (header.codec === CODEC.none) return Promise.resolve(payload);
  if (header.codec !== CODEC.deflateRaw) {
    return Promise.reject(new Corrupt(`${where}: compression ${header.codec} is not known`));
  }
  // One piece of output, or each 16 KB of it would go to zlib's thread and back.
  const sizes = { maxOutputLength: Math.max(1, header.rawBytes), chunkSize: Math.max(64, header.rawBytes + 1) };
  if (header.rawBytes <= SMALL_BYTES) return Promise.resolve().then(() => whole(inflateSmall(payload, sizes, where)));
  return new Promise<Buffer>((resolve, reject) => {
    inflateRaw(payload, sizes, (error, raw) => {
      if (error !== null) reject(new Corrupt(`${where}: ${errorMessage(error)}`, { cause: error }));
      else resolve(raw);
    });
  }).then(whole);

  function whole(raw: Buffer): Buffer {
    if (raw.length !== header.rawBytes) throw new Corrupt(`${where}: unpacks to ${raw.length} bytes`);
    return raw;
  }
}

/** Unpacking so little takes no longer than having another thread do it. */
const SMALL_BYTES = 48 * 1024;

function inflateSmall(payload: Buffer, sizes: ZlibOptions, where: string): Buffer {
  try {
    return inflateRawSync(payload, sizes);
  } catch (error) {
    throw new Corrupt(`${where}: ${errorMessage(error)}`, { cause: error });
  }
}

async function readBlock(stretch: Stretch, offset: number): Promise<RawBlock | string> {
  if (offset + BLOCK_HEADER_BYTES > stretch.size) return 'a block header is cut short';
  const bytes = stretch.held(offset, BLOCK_HEADER_BYTES) ?? (await stretch.read(offset, BLOCK_HEADER_BYTES));
  const header = decodeBlockHeader(bytes);
  if (header === undefined) return 'no block begins here';
  const start = offset + BLOCK_HEADER_BYTES;
  if (start + header.payloadBytes > stretch.size) return 'a block is cut short';
  const payload = stretch.held(start, header.payloadBytes) ?? (await stretch.read(start, header.payloadBytes));
  if (!blockIsIntact(bytes, payload)) return 'a block does not match its checksum';
  return { header, offset, payload };
}

/** Read at once: a call for each block's header and another for its payload cost more than unpacking it. */
const STRETCH_BYTES = 1024 * 1024;

/** The stretch of a file that was read last. */
class Stretch {
  readonly file: FileHandle;
  readonly size: number;
  #start = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(file: FileHandle, size: number) {
    this.file = file;
    this.size = size;
  }

  /** Bytes of the stretch; undefined when it does not hold all of them. They stay as they are. */
  held(offset: number, length: number): Buffer | undefined {
    const at = offset - this.#start;
    return at < 0 || at + length > this.#bytes.length ? undefined : this.#bytes.subarray(at, at + length);
  }

  /** A new stretch from there on. Gives fewer bytes where the file ends. */
  async read(offset: number, length: number): Promise<Buffer> {
    const wanted = Math.max(length, Math.min(STRETCH_BYTES, this.size - offset));
    this.#bytes = await readAt(this.file, offset, wanted);
    this.#start = offset;
    return this.#bytes.subarray(0, length);
  }
}

const SCAN_BYTES = 1024 * 1024;
const MARK = Buffer.alloc(4);
MARK.writeUInt32LE(BLOCK_MAGIC, 0);

/** Where the next intact block begins at or after `from`; undefined when there is none. */
async function findBlock(stretch: Stretch, from: number): Promise<number | undefined> {
  const { file, size } = stretch;
  for (let start = from; start < size; start += SCAN_BYTES) {
    const bytes = await readAt(file, start, Math.min(SCAN_BYTES + MARK.length - 1, size - start));
    for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
      if (typeof (await readBlock(stretch, start + at)) !== 'string') return start + at;
    }
  }
  return undefined;
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
