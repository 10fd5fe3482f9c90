import { createHash, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { silentLogger } from '../../../../src/kit/logger.ts';
import { ManualClock } from '../../../../src/kit/clock.ts';
import { Corrupt } from '../../../../src/kit/errors.ts';
import { encodeBlock } from '../../../../src/market/collect/tape/block.mjs';
import { decodeBlockHeader } from '../../../../src/market/collect/tape/format.ts';
import { readTape, readTapeBatches } from '../../../../src/market/collect/tape/reader.ts';
import type { RawBlock } from '../../../../src/market/collect/tape/segments.ts';
import { Unpacker } from '../../../../src/market/collect/tape/unpacker.ts';
import { TapeWriter } from '../../../../src/market/collect/tape/writer.ts';
import type { FrameItem } from '../../../../src/market/domain/tape.ts';
import { temporaryFolder } from '../support.ts';

/** Text that packs to about half: the same for the same number. */
function text(n: number, length: number): string {
  let words = '';
  for (let i = 0; words.length < length; i++) words += createHash('sha256').update(`${n} ${i}`).digest('hex');
  return words.slice(0, length);
}

function block(n: number, changed: { readonly rawBytes?: number; readonly broken?: boolean } = {}): RawBlock {
  const raw = Buffer.from(text(n, 60_000));
  const [bytes, payload] = encodeBlock({ items: 1, firstItem: n, firstRecvTime: 0, lastRecvTime: 0 }, raw);
  const header = decodeBlockHeader(bytes);
  if (header === undefined) throw new Error('no header');
  const { rawBytes = header.rawBytes, broken = false } = changed;
  const packed = Buffer.from(payload);
  if (broken) packed.fill(0xff, 1000, 1100);
  return { header: { ...header, rawBytes }, offset: n * 100, payload: packed };
}

it('gives the bytes of each block, those unpacked by its thread as those before, and says which failed', async () => {
  await using unpacker = new Unpacker();
  const blocks = Array.from({ length: 160 }, (_, n) => {
    if (n === 150) return block(n, { broken: true });
    if (n === 151) return block(n, { rawBytes: 59_999 });
    return n === 152 ? block(n, { rawBytes: 60_001 }) : block(n);
  });
  const packed = blocks.reduce((sum, { payload }) => sum + payload.length, 0);
  expect(packed).toBeGreaterThan(4 * 1024 * 1024);
  const results = blocks.map((one) => unpacker.add(one, 'x.tape').raw);
  for (const [n, result] of (await Promise.allSettled(results.map((raw) => raw()))).entries()) {
    if (n >= 150 && n <= 152) {
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(Corrupt) as unknown });
      expect(String((result as PromiseRejectedResult).reason)).toContain(`x.tape at byte ${n * 100}: `);
    } else expect(String((result as PromiseFulfilledResult<Buffer>).value) === text(n, 60_000)).toBe(true);
  }
}, 60_000);

it('reads a long tape as it was written, from any place, and lets go of it early', async () => {
  await using folder = await temporaryFolder();
  const base = { kind: 'frame', connection: 'a#1', exchange: 'toy', market: 'spot' } as const;
  const frames = Array.from({ length: 4_000 }, (_, n): FrameItem => {
    return { ...base, recv_time: 1000 + n, bytes: Buffer.from(`${n} ${text(n, 2_000)}`) };
  });
  const limits = { segmentBytes: 5_000_000, segmentMs: 1_000_000, flushMs: 5 };
  const clock = new ManualClock(1);
  await using tape = await TapeWriter.open({ folder: folder.path, clock, log: silentLogger, ...limits });
  const positions = frames.map((frame) => tape.append(frame));
  await tape.close();
  for (const from of [0, 3_500]) {
    let n = from;
    for await (const { item, position } of readTape(folder.path, { from: positions[from] })) {
      expect(position).toEqual(positions[n]);
      // Bytes one by one would take a minute.
      const { bytes, ...rest } = frames[n++] as FrameItem;
      expect(item).toMatchObject(rest);
      expect(item.kind === 'frame' && Buffer.compare(bytes, item.bytes)).toBe(0);
    }
    expect(n).toBe(frames.length);
  }
  let seen = 0;
  for await (const { items } of readTapeBatches(folder.path)) {
    seen += items.length;
    if (seen > 3_000) break;
  }
  expect(seen).toBeLessThan(frames.length);
}, 60_000);

it('unpacks into memory that was read, where that is looked at no more', async () => {
  await using folder = await temporaryFolder();
  const base = { kind: 'frame', connection: 'a#1', exchange: 'toy', market: 'spot' } as const;
  const limits = { segmentBytes: 50_000_000, segmentMs: 1_000_000, flushMs: 5 };
  const clock = new ManualClock(1);
  await using tape = await TapeWriter.open({ folder: folder.path, clock, log: silentLogger, ...limits });
  const lengthOf = (n: number): number => 1_000 + (n % 7) * 300;
  for (let n = 0; n < 8_000; n++) {
    tape.append({ ...base, recv_time: 1000 + n, bytes: Buffer.from(text(n, lengthOf(n))) });
    if (n % 50 === 0) await tape.flush();
  }
  await tape.close();
  const readAll = async (passing: boolean): Promise<{ readonly read: number; readonly taken: number }> => {
    const memories = new Set<ArrayBufferLike>();
    let n = 0;
    for await (const { items } of readTapeBatches(folder.path, { passing })) {
      for (const item of items) {
        if (item.kind !== 'frame') continue;
        memories.add(item.bytes.buffer);
        expect(Buffer.from(item.bytes).toString() === text(n, lengthOf(n))).toBe(true);
        n += 1;
      }
    }
    return { read: n, taken: [...memories].filter(({ byteLength }) => byteLength === 0).length };
  };
  expect(await readAll(false)).toEqual({ read: 8_000, taken: 0 });
  const { read, taken } = await readAll(true);
  expect(read).toBe(8_000);
  expect(taken).toBeGreaterThan(2);
}, 60_000);

it('gives a packed block that nothing but unpacked ones follow', async () => {
  await using folder = await temporaryFolder();
  const base = { kind: 'frame', connection: 'a#1', exchange: 'toy', market: 'spot' } as const;
  const limits = { segmentBytes: 50_000_000, segmentMs: 1_000_000, flushMs: 5 };
  const clock = new ManualClock(1);
  await using tape = await TapeWriter.open({ folder: folder.path, clock, log: silentLogger, ...limits });
  let written = 0;
  const append = (bytes: Buffer) => tape.append({ ...base, recv_time: 1000 + written++, bytes });
  // So much that the reader's thread has begun, then one packed block, then many that are not worth packing.
  for (let n = 0; n < 120; n++) append(Buffer.from(text(n, 60_000)));
  await tape.flush();
  for (let n = 0; n < 12; n++) {
    append(Buffer.from(text(n, 60_000)));
    await tape.flush();
    append(randomBytes(900_000));
    await tape.flush();
  }
  await tape.close();
  let read = 0;
  for await (const { items } of readTapeBatches(folder.path)) read += items.length;
  expect(read).toBe(written);
}, 60_000);
