import { open, stat } from 'node:fs/promises';
import type { Us } from '../../../kit/clock.ts';
import { Corrupt } from '../../../kit/errors.ts';
import {
  BLOCK_HEADER_BYTES,
  CODEC,
  SEGMENT_HEADER_BYTES,
  blockIsIntact,
  decodeBlockHeader,
  decodeSegmentHeader,
  segmentPath,
} from './format.ts';
import { decodeItems } from './items.ts';
import { readRawBlocks, segmentsOf, unpack, type TapeDamage } from './segments.ts';

export interface SegmentInfo {
  readonly segment: number;
  readonly path: string;
  readonly bytes: number;
  /** Format version; null when the file is not readable as a segment. */
  readonly version: number | null;
  /** Bytes of the items before compression. */
  readonly raw_bytes: number;
  readonly items: number;
  readonly first_recv_time: Us | null;
  readonly last_recv_time: Us | null;
  /** True when it was ended in good order; false for the one being written and for one that a crash ended. */
  readonly sealed: boolean;
  readonly error: string | null;
}

/** The segments of a tape folder, oldest first. Empty for a folder that does not exist. A foreign file has `error`. */
export async function listTape(folder: string): Promise<readonly SegmentInfo[]> {
  const list: SegmentInfo[] = [];
  for (const segment of await segmentsOf(folder)) list.push(await inspectSegment(folder, segment));
  return list;
}

export interface TapeVerification {
  readonly segments: readonly SegmentInfo[];
  readonly blocks: number;
  readonly items: number;
  readonly bytes: number;
  readonly damage: readonly TapeDamage[];
  /** True when every byte of every segment was read, matched its checksum and gave items in order. */
  readonly intact: boolean;
}

/** Reads everything and checks checksums, item counts and that receive time never goes back. */
export async function verifyTape(folder: string, signal?: AbortSignal): Promise<TapeVerification> {
  const damage: TapeDamage[] = [];
  const segments = await listTape(folder);
  let blocks = 0;
  let items = 0;
  let lastRecvTime = Number.NEGATIVE_INFINITY;
  for (const info of segments) {
    if (info.error !== null) {
      damage.push({
        path: info.path,
        segment: info.segment,
        offset: 0,
        bytes: info.bytes,
        tail: true,
        reason: info.error,
      });
      continue;
    }
    let expected = 0;
    for await (const block of readRawBlocks(info.path, info.segment, { signal, onDamage: (d) => damage.push(d) })) {
      if (block.header.codec === CODEC.footer) continue;
      blocks += 1;
      const report = (reason: string): void => {
        damage.push({
          path: info.path,
          segment: info.segment,
          offset: block.offset,
          bytes: BLOCK_HEADER_BYTES + block.header.payloadBytes,
          tail: false,
          reason,
        });
      };
      try {
        const found = decodeItems(await unpack(block, info.path), `${info.path} at byte ${block.offset}`);
        if (found.length !== block.header.items) report(`holds ${found.length} items, its header says otherwise`);
        if (block.header.firstItem !== expected) report(`begins with item ${block.header.firstItem}, not ${expected}`);
        expected = block.header.firstItem + found.length;
        items += found.length;
        for (const item of found) {
          if (item.recv_time < lastRecvTime) report(`receive time goes back to ${item.recv_time}`);
          lastRecvTime = Math.max(lastRecvTime, item.recv_time);
        }
      } catch (error) {
        if (!(error instanceof Corrupt)) throw error;
        report(error.message);
      }
    }
  }
  const bytes = segments.reduce((sum, info) => sum + info.bytes, 0);
  return { segments, blocks, items, bytes, damage, intact: damage.length === 0 };
}

/** The segments of a folder and their sizes, oldest first. */
export async function segmentSizes(
  folder: string,
): Promise<readonly { readonly segment: number; readonly bytes: number }[]> {
  const segments = await segmentsOf(folder);
  return Promise.all(
    segments.map(async (segment) => ({ segment, bytes: (await stat(segmentPath(folder, segment))).size })),
  );
}

/** Bytes of all segments in a folder. */
export async function tapeSize(folder: string): Promise<{ readonly bytes: number; readonly segments: number }> {
  const sizes = await segmentSizes(folder);
  return { bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0), segments: sizes.length };
}

/** One segment as `listTape` shows it. */
export async function inspectSegment(folder: string, segment: number): Promise<SegmentInfo> {
  const path = segmentPath(folder, segment);
  const { size } = await stat(path);
  const empty = {
    segment,
    path,
    bytes: size,
    version: null,
    raw_bytes: 0,
    items: 0,
    first_recv_time: null,
    last_recv_time: null,
    sealed: false,
    error: null,
  };
  try {
    return (await inspectFooter(empty)) ?? (await inspectBlocks(empty));
  } catch (error) {
    if (!(error instanceof Corrupt)) throw error;
    return { ...empty, error: error.message };
  }
}

async function inspectFooter(info: SegmentInfo): Promise<SegmentInfo | undefined> {
  const file = await open(info.path, 'r');
  try {
    const head = Buffer.alloc(SEGMENT_HEADER_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const { version } = decodeSegmentHeader(head.subarray(0, bytesRead), info.path);
    if (info.bytes < SEGMENT_HEADER_BYTES + BLOCK_HEADER_BYTES) return { ...info, version };
    const bytes = Buffer.alloc(BLOCK_HEADER_BYTES);
    await file.read(bytes, 0, bytes.length, info.bytes - BLOCK_HEADER_BYTES);
    const footer = decodeBlockHeader(bytes);
    if (footer?.codec !== CODEC.footer || !blockIsIntact(bytes, new Uint8Array(0))) return undefined;
    return {
      ...info,
      version,
      raw_bytes: footer.rawBytes,
      items: footer.items,
      first_recv_time: footer.items === 0 ? null : footer.firstRecvTime,
      last_recv_time: footer.items === 0 ? null : footer.lastRecvTime,
      sealed: true,
    };
  } finally {
    await file.close();
  }
}

async function inspectBlocks(info: SegmentInfo): Promise<SegmentInfo> {
  let items = 0;
  let rawBytes = 0;
  let first: Us | null = null;
  let last: Us | null = null;
  for await (const { header } of readRawBlocks(info.path, info.segment)) {
    if (header.codec === CODEC.footer) continue;
    items += header.items;
    rawBytes += header.rawBytes;
    first ??= header.firstRecvTime;
    last = header.lastRecvTime;
  }
  return { ...info, version: 1, raw_bytes: rawBytes, items, first_recv_time: first, last_recv_time: last };
}
