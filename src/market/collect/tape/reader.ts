import { CODEC, segmentPath } from './format.ts';
import { decodeItems } from './items.ts';
import { readRawBlocks, segmentsOf, unpack, type TapeDamage } from './segments.ts';
import type { TapeItem, TapePosition } from '../../domain/tape.ts';

/** An item and where it lies. Live and replay are both async iterables of these. */
export interface TapeEntry {
  readonly position: TapePosition;
  readonly item: TapeItem;
}

/** Consecutive items of one segment; the first has the ordinal `firstItem`. */
export interface TapeBatch {
  readonly segment: number;
  readonly firstItem: number;
  readonly items: readonly TapeItem[];
}

export interface ReadTapeOptions {
  /** First position wanted; default the oldest segment's start. */
  readonly from?: TapePosition | undefined;
  /** Told of each unreadable stretch, which is passed over. */
  readonly onDamage?: ((damage: TapeDamage) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The items of a tape folder, oldest first, up to what is written now. Throws Corrupt for foreign format versions. */
export async function* readTape(
  folder: string,
  options: ReadTapeOptions = {},
): AsyncGenerator<TapeEntry, void, undefined> {
  for await (const batch of readTapeBatches(folder, options)) {
    for (let index = 0; index < batch.items.length; index++) {
      const item = batch.items[index];
      if (item !== undefined) yield { position: { segment: batch.segment, item: batch.firstItem + index }, item };
    }
  }
}

/** As `readTape`, a block at a time: the way to read fast. */
export async function* readTapeBatches(
  folder: string,
  options: ReadTapeOptions = {},
): AsyncGenerator<TapeBatch, void, undefined> {
  const from = options.from ?? { segment: 0, item: 0 };
  for (const segment of await segmentsOf(folder)) {
    if (segment < from.segment) continue;
    const path = segmentPath(folder, segment);
    for await (const block of readRawBlocks(path, segment, options)) {
      const { header } = block;
      if (header.codec === CODEC.footer) continue;
      const skip = segment === from.segment ? Math.max(0, from.item - header.firstItem) : 0;
      if (skip >= header.items) continue;
      const items = decodeItems(await unpack(block, path), `${path} at byte ${block.offset}`);
      yield { segment, firstItem: header.firstItem + skip, items: skip === 0 ? items : items.slice(skip) };
    }
  }
}

/** True when `a` lies after `b`; every position lies after null. */
export function isAfter(a: TapePosition, b: TapePosition | null): boolean {
  if (b === null) return true;
  return a.segment > b.segment || (a.segment === b.segment && a.item > b.item);
}
