import { open, readdir, stat, truncate, unlink, type FileHandle } from 'node:fs/promises';
import { inflateRaw } from 'node:zlib';
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
    decodeSegmentHeader(await readAt(file, 0, SEGMENT_HEADER_BYTES), path);
    let offset = SEGMENT_HEADER_BYTES;
    while (offset < size) {
      options.signal?.throwIfAborted();
      const block = await readBlock(file, offset, size);
      if (typeof block !== 'string') {
        yield block;
        offset += BLOCK_HEADER_BYTES + block.header.payloadBytes;
        continue;
      }
      const next = await findBlock(file, offset + 1, size);
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
  return new Promise((resolve, reject) => {
    inflateRaw(payload, sizes, (error, raw) => {
      if (error !== null) reject(new Corrupt(`${where}: ${errorMessage(error)}`, { cause: error }));
      else if (raw.length !== header.rawBytes) reject(new Corrupt(`${where}: unpacks to ${raw.length} bytes`));
      else resolve(raw);
    });
  });
}

async function readBlock(file: FileHandle, offset: number, size: number): Promise<RawBlock | string> {
  if (offset + BLOCK_HEADER_BYTES > size) return 'a block header is cut short';
  const bytes = await readAt(file, offset, BLOCK_HEADER_BYTES);
  const header = decodeBlockHeader(bytes);
  if (header === undefined) return 'no block begins here';
  if (offset + BLOCK_HEADER_BYTES + header.payloadBytes > size) return 'a block is cut short';
  const payload = await readAt(file, offset + BLOCK_HEADER_BYTES, header.payloadBytes);
  if (!blockIsIntact(bytes, payload)) return 'a block does not match its checksum';
  return { header, offset, payload };
}

const SCAN_BYTES = 1024 * 1024;
const MARK = Buffer.alloc(4);
MARK.writeUInt32LE(BLOCK_MAGIC, 0);

/** Where the next intact block begins at or after `from`; undefined when there is none. */
async function findBlock(file: FileHandle, from: number, size: number): Promise<number | undefined> {
  for (let start = from; start < size; start += SCAN_BYTES) {
    const bytes = await readAt(file, start, Math.min(SCAN_BYTES + MARK.length - 1, size - start));
    for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
      if (typeof (await readBlock(file, start + at, size)) !== 'string') return start + at;
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
