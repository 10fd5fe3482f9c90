import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Corrupt } from '../../../kit/errors.ts';
import type { Us } from '../../../kit/clock.ts';
import { BLOCK_HEADER_BYTES, BLOCK_MAGIC, blockChecksum, type BlockHeader } from './block.mjs';

export { BLOCK_HEADER_BYTES, BLOCK_MAGIC, CODEC, encodeBlockHeader, type BlockHeader } from './block.mjs';

/**
 * A segment file: a 32-byte header, then blocks, then (when it was closed in good order) one footer block.
 * All numbers little-endian. Each block stands alone: it names its connections itself, so a damaged one costs no other.
 */
export const TAPE_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 32;
/** No block is larger, compressed or not: a length beyond is damage. */
export const MAX_BLOCK_BYTES = 1024 * 1024 * 1024;

const MAGIC = Buffer.from('OFCTAPE\n', 'latin1');
const FILE_NAME = /^(\d{8,})\.tape$/;

export function segmentPath(folder: string, segment: number): string {
  return join(folder, `${String(segment).padStart(8, '0')}.tape`);
}

/** The segment number in a file's name; undefined when the file is none of ours. */
export function segmentOfName(name: string): number | undefined {
  const match = FILE_NAME.exec(name);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

export function encodeSegmentHeader(segment: number, createdAt: Us): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(header, 0);
  header.writeUInt16LE(TAPE_VERSION, 8);
  header.writeUInt32LE(segment, 12);
  header.writeDoubleLE(createdAt, 16);
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28);
  return header;
}

/** Throws Corrupt when this is no segment, is damaged, or was written by a version that this one does not read. */
export function decodeSegmentHeader(
  header: Buffer,
  path: string,
): { readonly segment: number; readonly version: number; readonly createdAt: Us } {
  if (header.length < SEGMENT_HEADER_BYTES || !header.subarray(0, 8).equals(MAGIC)) {
    throw new Corrupt(`${path} is not a tape segment (its first bytes are not ours)`);
  }
  const version = header.readUInt16LE(8);
  if (version > TAPE_VERSION) {
    throw new Corrupt(
      `${path} has tape format ${version}, newer than ${TAPE_VERSION}, which this version reads: use a newer release`,
    );
  }
  if (version < TAPE_VERSION) {
    throw new Corrupt(`${path} has tape format ${version}, which no release wrote (the first is ${TAPE_VERSION})`);
  }
  if (crc32(header.subarray(0, 28)) !== header.readUInt32LE(28)) {
    throw new Corrupt(`${path}: the segment header is damaged (checksum)`);
  }
  return { segment: header.readUInt32LE(12), version, createdAt: header.readDoubleLE(16) };
}

/** Undefined when these bytes are not the start of a block. The checksum is checked with the payload at hand. */
export function decodeBlockHeader(header: Buffer): BlockHeader | undefined {
  if (header.length < BLOCK_HEADER_BYTES || header.readUInt32LE(0) !== BLOCK_MAGIC) return undefined;
  const block: BlockHeader = {
    payloadBytes: header.readUInt32LE(4),
    rawBytes: header.readUInt32LE(8),
    codec: header.readUInt8(12),
    items: header.readUInt32LE(16),
    firstItem: header.readUInt32LE(20),
    firstRecvTime: header.readDoubleLE(24),
    lastRecvTime: header.readDoubleLE(32),
  };
  return block.payloadBytes > MAX_BLOCK_BYTES || block.rawBytes > MAX_BLOCK_BYTES ? undefined : block;
}

export function blockIsIntact(header: Buffer, payload: Uint8Array): boolean {
  return header.readUInt32LE(44) === blockChecksum(header, payload);
}
