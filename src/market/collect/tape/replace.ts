import { open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Us } from '../../../kit/clock.ts';
import type { TapeItem } from '../../domain/tape.ts';
import { encodeSegmentHeader, segmentPath } from './format.ts';
import { GATHERED_AT } from './block-items.mjs';
import { encodeBlock } from './block.mjs';
import { BlockBuilder, encodeFooter } from './items.ts';
import { segmentsOf } from './segments.ts';

const SUMMARY = /^(\d{8,})\.summary$/;
const BLOCK_BYTES = 512 * 1024;

/**
 * Puts one small segment of these items in the place of all segments up to `last`, and deletes those. A kill at any
 * point leaves the old segments, or a replacement that `finishReplacing` carries through.
 */
export async function replaceSegments(folder: string, last: number, items: readonly TapeItem[], at: Us): Promise<void> {
  const partial = join(folder, `${nameOf(last)}.summary.partial`);
  const file = await open(partial, 'w');
  try {
    for (const part of encodeSegment(last, items, at)) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
  const summary = join(folder, `${nameOf(last)}.summary`);
  await rename(partial, summary);
  await syncFolder(folder);
  await deleteBefore(folder, last);
  await rename(summary, segmentPath(folder, last));
  await syncFolder(folder);
}

/** Carries through what a kill interrupted. Gives the segments deleted. */
export async function finishReplacing(folder: string): Promise<number> {
  let deleted = 0;
  for (const name of await names(folder)) {
    if (name.endsWith('.summary.partial')) await rm(join(folder, name), { force: true });
    const last = Number(SUMMARY.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(last)) continue;
    deleted += await deleteBefore(folder, last);
    await rename(join(folder, name), segmentPath(folder, last));
  }
  return deleted;
}

async function deleteBefore(folder: string, last: number): Promise<number> {
  const gone = (await segmentsOf(folder)).filter((segment) => segment < last);
  for (const segment of gone) await unlink(segmentPath(folder, segment));
  return gone.length;
}

function encodeSegment(segment: number, items: readonly TapeItem[], at: Us): readonly Uint8Array[] {
  const parts: Uint8Array[] = [encodeSegmentHeader(segment, at)];
  const block = new BlockBuilder(BLOCK_BYTES);
  let rawBytes = 0;
  const close = (): void => {
    if (block.items === 0) return;
    rawBytes += block.bytes;
    const taken = block.take();
    parts.push(...encodeBlock(taken, new Uint8Array(taken.memory, GATHERED_AT, taken.bytes)));
  };
  for (const [ordinal, item] of items.entries()) {
    block.add(item, ordinal);
    if (block.bytes >= BLOCK_BYTES) close();
  }
  close();
  parts.push(encodeFooter({ rawBytes, items: items.length, firstRecvTime: at, lastRecvTime: at }));
  return parts;
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function nameOf(segment: number): string {
  return String(segment).padStart(8, '0');
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
