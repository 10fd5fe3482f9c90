import { CODEC, segmentPath, type BlockHeader } from './format.ts';
import { decodeItems, plainItem, type KnownConnections } from './items.ts';
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
      if (item === undefined) continue;
      yield { position: { segment: batch.segment, item: batch.firstItem + index }, item: plainItem(item) };
    }
  }
}

/** As `readTape`, a block at a time: the way to read fast. The next block is read and unpacked while one is used. */
export async function* readTapeBatches(
  folder: string,
  options: ReadTapeOptions = {},
): AsyncGenerator<TapeBatch, void, undefined> {
  const known: KnownConnections = new Map();
  let held: Coming | undefined;
  try {
    for await (const next of comingBlocks(folder, options)) {
      if (held !== undefined) yield* itemsOf(held, options, known);
      held = next;
    }
  } catch (error) {
    // What was read before the failure comes before it.
    if (held !== undefined) yield* itemsOf(held, options, known);
    throw error;
  }
  if (held !== undefined) yield* itemsOf(held, options, known);
}

/** A block that is being unpacked; without one, the damage that a segment ended with. */
interface Coming {
  readonly damage: readonly TapeDamage[];
  readonly block?: {
    readonly segment: number;
    readonly header: BlockHeader;
    readonly skip: number;
    readonly where: string;
    readonly raw: Promise<Buffer>;
  };
}

async function* comingBlocks(folder: string, options: ReadTapeOptions): AsyncGenerator<Coming, void, undefined> {
  const from = options.from ?? { segment: 0, item: 0 };
  let damage: TapeDamage[] = [];
  const found = (one: TapeDamage): void => void damage.push(one);
  for (const segment of await segmentsOf(folder)) {
    if (segment < from.segment) continue;
    const path = segmentPath(folder, segment);
    for await (const block of readRawBlocks(path, segment, { signal: options.signal, onDamage: found })) {
      const { header } = block;
      if (header.codec === CODEC.footer) continue;
      const skip = segment === from.segment ? Math.max(0, from.item - header.firstItem) : 0;
      if (skip >= header.items) continue;
      const raw = unpack(block, path);
      // Its failure is thrown where it is waited for, if it ever is.
      raw.catch(() => undefined);
      yield { damage, block: { segment, header, skip, where: `${path} at byte ${block.offset}`, raw } };
      damage = [];
    }
    if (damage.length > 0) yield { damage };
    damage = [];
  }
}

async function* itemsOf(
  { damage, block }: Coming,
  options: ReadTapeOptions,
  known: KnownConnections,
): AsyncGenerator<TapeBatch, void, undefined> {
  for (const one of damage) options.onDamage?.(one);
  if (block === undefined) return;
  const { segment, header, skip, where, raw } = block;
  const items = decodeItems(await raw, where, known);
  yield { segment, firstItem: header.firstItem + skip, items: skip === 0 ? items : items.slice(skip) };
}

/** True when `a` lies after `b`; every position lies after null. */
export function isAfter(a: TapePosition, b: TapePosition | null): boolean {
  if (b === null) return true;
  return a.segment > b.segment || (a.segment === b.segment && a.item > b.item);
}
