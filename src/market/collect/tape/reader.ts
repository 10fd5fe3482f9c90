import { CODEC, segmentPath, type BlockHeader } from './format.ts';
import { decodeItems, plainItem, type KnownConnections } from './items.ts';
import { readRawBlocks, segmentsOf, type TapeDamage } from './segments.ts';
import { UNPACK_AHEAD_BYTES, Unpacker, type Unpacking } from './unpacker.ts';
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
  /** True: the bytes of a batch's frames are looked at no more once the next batch is asked for. */
  readonly passing?: boolean | undefined;
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

/** As `readTape`, a block at a time: the way to read fast. The next blocks are read and unpacked while one is used. */
export async function* readTapeBatches(
  folder: string,
  options: ReadTapeOptions = {},
): AsyncGenerator<TapeBatch, void, undefined> {
  await using unpacker = new Unpacker();
  const known: KnownConnections = new Map();
  const coming: Coming[] = [];
  let ahead = 0;
  for await (const next of comingBlocks(folder, options, unpacker)) {
    coming.push(next);
    ahead += packedBytes(next);
    while (ahead > UNPACK_AHEAD_BYTES + packedBytes(coming[0])) {
      const first = coming.shift();
      ahead -= packedBytes(first);
      if (first !== undefined) yield* itemsOf(first, options, known);
    }
  }
  for (const next of coming) yield* itemsOf(next, options, known);
}

function packedBytes(coming: Coming | undefined): number {
  return coming?.block?.header.payloadBytes ?? 0;
}

/** A block that is being unpacked; without one, the damage that a segment ended with, or the failure that ends reading. */
interface Coming {
  readonly damage: readonly TapeDamage[];
  readonly failure?: { readonly error: unknown };
  readonly block?: {
    readonly segment: number;
    readonly header: BlockHeader;
    readonly skip: number;
    readonly where: string;
    readonly unpacking: Unpacking;
  };
}

async function* comingBlocks(
  folder: string,
  options: ReadTapeOptions,
  unpacker: Unpacker,
): AsyncGenerator<Coming, void, undefined> {
  try {
    for (const segment of await segmentsOf(folder)) yield* comingOf(folder, segment, options, unpacker);
  } catch (error) {
    // What was read before the failure comes before it.
    yield { damage: [], failure: { error } };
  }
}

async function* comingOf(
  folder: string,
  segment: number,
  options: ReadTapeOptions,
  unpacker: Unpacker,
): AsyncGenerator<Coming, void, undefined> {
  const from = options.from ?? { segment: 0, item: 0 };
  if (segment < from.segment) return;
  let damage: TapeDamage[] = [];
  const found = (one: TapeDamage): void => void damage.push(one);
  const path = segmentPath(folder, segment);
  for await (const block of readRawBlocks(path, segment, { signal: options.signal, onDamage: found })) {
    const { header } = block;
    if (header.codec === CODEC.footer) continue;
    const skip = segment === from.segment ? Math.max(0, from.item - header.firstItem) : 0;
    if (skip >= header.items) continue;
    const unpacking = unpacker.add(block, path);
    yield { damage, block: { segment, header, skip, where: `${path} at byte ${block.offset}`, unpacking } };
    damage = [];
  }
  if (damage.length > 0) yield { damage };
}

async function* itemsOf(
  { damage, block, failure }: Coming,
  options: ReadTapeOptions,
  known: KnownConnections,
): AsyncGenerator<TapeBatch, void, undefined> {
  for (const one of damage) options.onDamage?.(one);
  if (failure !== undefined) throw failure.error;
  if (block === undefined) return;
  const { segment, header, skip, where, unpacking } = block;
  const items = decodeItems(await unpacking.raw(), where, known);
  yield { segment, firstItem: header.firstItem + skip, items: skip === 0 ? items : items.slice(skip) };
  if (options.passing === true) unpacking.free();
}

/** True when `a` lies after `b`; every position lies after null. */
export function isAfter(a: TapePosition, b: TapePosition | null): boolean {
  if (b === null) return true;
  return a.segment > b.segment || (a.segment === b.segment && a.item > b.item);
}
