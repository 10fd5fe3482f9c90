import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rmdir, unlink, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ManualClock } from '../../../../src/kit/clock.ts';
import { Corrupt, Unavailable } from '../../../../src/kit/errors.ts';
import { silentLogger } from '../../../../src/kit/logger.ts';
import { tapeThread } from '../../../../src/market/collect/tape/carrier.ts';
import { BLOCK_HEADER_BYTES, decodeBlockHeader } from '../../../../src/market/collect/tape/format.ts';
import { listTape, verifyTape } from '../../../../src/market/collect/tape/inspect.ts';
import { readTape } from '../../../../src/market/collect/tape/reader.ts';
import { finishReplacing, replaceSegments } from '../../../../src/market/collect/tape/replace.ts';
import type { TapeDamage } from '../../../../src/market/collect/tape/segments.ts';
import { TapeWriter, type SegmentFile, type TapeWriterOptions } from '../../../../src/market/collect/tape/writer.ts';
import type { TapeItem } from '../../../../src/market/domain/tape.ts';
import { collect, frame, oneOfEach, temporaryFolder, until } from '../support.ts';

function writerOf(folder: string, options: Partial<TapeWriterOptions> = {}): Promise<TapeWriter> {
  return TapeWriter.open({
    folder,
    clock: new ManualClock(),
    log: silentLogger,
    segmentBytes: 64_000_000,
    segmentMs: 900_000,
    flushMs: 50,
    ...options,
  });
}

async function writeFrames(
  folder: string,
  count: number,
  options: Partial<TapeWriterOptions> = {},
  from = 1_000_000,
): Promise<void> {
  await using writer = await writerOf(folder, options);
  for (let i = 0; i < count; i++) writer.append(frame(`{"n":${i},"pad":"${'x'.repeat(i % 50)}"}`, from + i));
}

test('every kind of item is read as it was written, in order, with its position', async () => {
  await using folder = await temporaryFolder();
  const items = [...oneOfEach(5), ...oneOfEach(6)];
  await using writer = await writerOf(folder.path);
  const positions = items.map((item) => writer.append(item));
  await writer.flush();
  const read = await collect(readTape(folder.path));
  expect(read.map(({ item }) => item)).toEqual(items);
  expect(read.map(({ position }) => position)).toEqual(positions);
  expect(positions.at(-1)).toEqual({ segment: 1, item: 13 });
});

/** Nice values of this process's threads. */
const priorities = (): number[] =>
  readdirSync('/proc/self/task').map((id) =>
    Number(readFileSync(`/proc/self/task/${id}/stat`, 'utf8').split(') ')[1]?.split(' ')[16]),
  );

test.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
  'the thread that writes goes before the one that appends',
  async () => {
    await using folder = await temporaryFolder();
    await using writer = await writerOf(folder.path);
    writer.append(frame('a', 1));
    await writer.flush();
    // Threads of other tests may be ending.
    expect(priorities()).toContain(-10);
    expect(getPriority()).not.toBe(-10);
  },
);

test('a read may begin at any position', async () => {
  await using folder = await temporaryFolder();
  await writeFrames(folder.path, 3000, { segmentBytes: 40_000 });
  const all = await collect(readTape(folder.path));
  expect(new Set(all.map(({ position }) => position.segment)).size).toBeGreaterThan(2);
  for (const index of [0, 1, 999, 1777, 2999]) {
    const entry = all[index];
    const read = await collect(readTape(folder.path, { from: entry?.position }));
    expect(read).toEqual(all.slice(index));
  }
});

test('what waits is written when the flush interval is over', async () => {
  await using folder = await temporaryFolder();
  await using writer = await writerOf(folder.path, { flushMs: 5 });
  writer.append(frame('a', 1));
  await until(() => writer.unwrittenItems === 0, 'the frame to be written');
  await using patient = await writerOf(folder.path, { flushMs: 1e9 });
  patient.append(frame('b', 2));
  expect(patient.unwrittenItems).toBe(1);
  await patient.flush();
  expect(patient.unwrittenItems).toBe(0);
});

test('files of the caller are written when the flush interval is over', async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  await using writer = await writerOf(folder.path, { clock, openFile: (path) => open(path, 'w') });
  writer.append(frame('a', 1));
  await clock.advance(49);
  expect(writer.unwrittenItems).toBe(1);
  await clock.advance(1);
  await until(() => writer.unwrittenItems === 0, 'the frame to be written');
});

test('what gathers is written in parts within one turn, and each part names its connections', async () => {
  await using folder = await temporaryFolder();
  await using writer = await writerOf(folder.path, { flushMs: 1 });
  const items: TapeItem[] = [];
  const path = join(folder.path, '00000001.tape');
  for (let part = 0; part < 4; part++) {
    const before = statSync(path).size;
    for (const connection of ['toy_spot#1.1', 'toy_spot#1.2', `toy_spot#1.${3 + part}`]) {
      const item: TapeItem = { ...frame(`{"part":${part}}`, items.length), connection };
      items.push(item);
      writer.append(item);
    }
    const end = performance.now() + 5000;
    while (statSync(path).size === before && performance.now() < end);
  }
  expect(writer.unwrittenItems).toBeLessThan(items.length);
  await writer.flush();
  expect((await collect(readTape(folder.path))).map(({ item }) => item)).toEqual(items);
  expect((await verifyTape(folder.path)).blocks).toBeGreaterThan(3);
  expect((await verifyTape(folder.path)).intact).toBe(true);
});

test('an item that is larger than all memory for blocks is taken among small ones', async () => {
  await using folder = await temporaryFolder();
  await using writer = await writerOf(folder.path, { flushMs: 1 });
  const items = [frame('a', 1), frame(noise(700_000), 2), frame('b', 3)];
  for (const item of items) writer.append(item);
  await writer.flush();
  expect((await collect(readTape(folder.path))).map(({ item }) => item)).toEqual(items);
});

test('what is worth a write does not wait for the flush interval', async () => {
  await using folder = await temporaryFolder();
  await using writer = await writerOf(folder.path, { flushMs: 1e9 });
  for (let i = 0; i < 40; i++) writer.append(frame('x'.repeat(1000), i));
  await until(() => writer.unwrittenItems < 40, 'a block to be written');
});

test('what comes while the disk is slow gathers in larger blocks, and all of it is written in order', async () => {
  await using folder = await temporaryFolder();
  const sizes: number[] = [];
  let writes = 0;
  let go: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => (go = resolve));
  const openFile = async (path: string): Promise<SegmentFile> => {
    const file = await open(path, 'w');
    return {
      write: async (bytes, offset, length, position) => {
        if (position > 0) await slow;
        for (let at = 0; position > 0 && at < bytes.length; ) {
          const header = decodeBlockHeader(Buffer.from(bytes.subarray(at)));
          if (header === undefined) throw new Error('no block begins here');
          sizes.push(header.rawBytes);
          at += BLOCK_HEADER_BYTES + header.payloadBytes;
        }
        writes += 1;
        return file.write(bytes, offset, length, position);
      },
      datasync: () => file.datasync(),
      close: () => file.close(),
    };
  };
  {
    await using writer = await writerOf(folder.path, { flushMs: 1e9, openFile });
    for (let i = 0; i < 1000; i++) writer.append(frame('x'.repeat(1000), i));
    go();
  }
  const read = await collect(readTape(folder.path));
  expect(read.map(({ item }) => item.recv_time)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  expect(sizes[0]).toBeLessThan(40_000);
  expect(Math.max(...sizes)).toBeGreaterThan(120_000);
  // The header of the segment, the block that found the disk idle, and whatever had gathered by then.
  expect(writes).toBeLessThan(sizes.length);
});

test('what is handed over is written while the thread that appends is busy', async () => {
  await using folder = await temporaryFolder();
  await using writer = await writerOf(folder.path, { flushMs: 1e9 });
  const path = join(folder.path, '00000001.tape');
  const before = statSync(path).size;
  for (let i = 0; i < 40; i++) writer.append(frame('x'.repeat(1000), i));
  const end = performance.now() + 5000;
  while (statSync(path).size === before && performance.now() < end);
  expect(statSync(path).size).toBeGreaterThan(before);
  expect(writer.unwrittenItems).toBeLessThan(40);
});

test('each block written is told, when that is asked for', async () => {
  await using folder = await temporaryFolder();
  const told: number[][] = [];
  await using writer = await writerOf(folder.path, {
    onWritten: ({ segment, firstItem }) => told.push([segment, firstItem]),
  });
  for (let i = 0; i < 3; i++) {
    writer.append(frame('a', i));
    await writer.flush();
  }
  expect(told).toEqual([
    [1, 0],
    [1, 1],
    [1, 2],
  ]);
});

test('a segment that cannot be made is tried again by the thread that writes, and nothing is missing', async () => {
  await using folder = await temporaryFolder();
  const tape = join(folder.path, 'tape');
  const away = join(folder.path, 'away');
  const clock = new ManualClock();
  const writer = await writerOf(tape, { clock, segmentBytes: 1 });
  writer.append(frame('a', 1));
  await rename(tape, away);
  writer.append(frame('b', 2));
  await expect(writer.flush()).rejects.toThrow(/ENOENT/);
  expect(writer.error?.message).toContain('ENOENT');
  await expect(writer.flush()).rejects.toThrow(Unavailable);
  await rename(away, tape);
  await clock.advance(500);
  await until(() => writer.error === undefined, 'the second try');
  writer.append(frame('c', 3));
  await writer.close();
  const read = await collect(readTape(tape));
  expect(read.map(({ item }) => item.recv_time)).toEqual([1, 2, 3]);
  expect((await verifyTape(tape)).intact).toBe(true);
});

test('the end of the thread that writes is told with its reason', async () => {
  const reason = await new Promise<string>((resolve) => void tapeThread(undefined as never, () => undefined, resolve));
  expect(reason).toContain('undefined');
});

test('segments end by size and by time, and begin with what the pipeline remembers', async () => {
  await using folder = await temporaryFolder();
  const started: number[] = [];
  const start = (recv: number): TapeItem[] => [
    {
      kind: 'note',
      recv_time: recv,
      connection: 'toy_spot#state',
      exchange: 'toy',
      market: 'spot',
      note: 'state',
      data: 1,
    },
  ];
  {
    await using writer = await writerOf(folder.path, {
      segmentBytes: 2000,
      segmentMs: 60_000,
      segmentStart: start,
      onSegment: (segment) => started.push(segment),
    });
    for (let i = 0; i < 3; i++) writer.append(frame('x'.repeat(1000), i));
    writer.append(frame('late', 60_000_000));
  }
  expect(started).toEqual([2]);
  const segments = await listTape(folder.path);
  expect(segments.map(({ segment, items, sealed }) => [segment, items, sealed])).toEqual([
    [1, 3, true],
    [2, 3, true],
  ]);
  const read = await collect(readTape(folder.path));
  expect(read.map(({ item }) => item.kind)).toEqual(['note', 'frame', 'frame', 'note', 'frame', 'frame']);
});

test('time ends a segment that is not full', async () => {
  await using folder = await temporaryFolder();
  await using writer = await writerOf(folder.path, { segmentMs: 60_000 });
  expect(writer.append(frame('a', 0)).segment).toBe(1);
  expect(writer.append(frame('b', 59_999_999)).segment).toBe(1);
  expect(writer.append(frame('c', 60_000_000))).toEqual({ segment: 2, item: 0 });
});

test('the next run begins a new segment', async () => {
  await using folder = await temporaryFolder();
  await writeFrames(folder.path, 5, {}, 0);
  await writeFrames(folder.path, 5, {}, 100);
  await writeFrames(folder.path, 5, { firstSegment: 9 }, 200);
  expect((await listTape(folder.path)).map(({ segment }) => segment)).toEqual([1, 2, 9]);
  expect((await verifyTape(folder.path)).intact).toBe(true);
});

test('a tail torn anywhere is cut, and everything before it is there', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, '00000001.tape');
  const writer = await writerOf(folder.path);
  const sizes: number[] = [];
  for (let i = 0; i < 6; i++) {
    writer.append(frame(`{"n":${i}}`.repeat(20), i));
    await writer.flush();
    sizes.push((await readFile(path)).length);
  }
  const whole = await readFile(path);
  for (let cut = sizes[1] ?? 0; cut < whole.length; cut += 31) {
    await using copy = await temporaryFolder();
    await writeFile(join(copy.path, '00000001.tape'), whole.subarray(0, cut));
    const complete = sizes.filter((size) => size <= cut).length;
    const before: TapeDamage[] = [];
    expect(await collect(readTape(copy.path, { onDamage: (d) => before.push(d) }))).toHaveLength(complete);
    await using next = await writerOf(copy.path);
    const torn = cut - (sizes[complete - 1] ?? 0);
    expect(next.tornTail?.bytes ?? 0).toBe(torn);
    expect(before.map(({ bytes, tail }) => [bytes, tail])).toEqual(torn === 0 ? [] : [[torn, true]]);
    expect((await verifyTape(copy.path)).intact).toBe(true);
    expect(await collect(readTape(copy.path))).toHaveLength(complete);
  }
  await writer.close();
});

test('a damaged block costs only itself and is reported', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, '00000001.tape');
  const writer = await writerOf(folder.path);
  const ends: number[] = [];
  for (let i = 0; i < 5; i++) {
    writer.append(frame(`{"n":${i},"text":"${'abcdefgh'.repeat(10)}"}`, i));
    await writer.flush();
    ends.push((await readFile(path)).length);
  }
  await writer.close();
  const whole = await readFile(path);
  for (let at = ends[1] ?? 0; at < (ends[2] ?? 0); at += 11) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    await writeFile(path, bytes);
    const damage: TapeDamage[] = [];
    const read = await collect(readTape(folder.path, { onDamage: (d) => damage.push(d) }));
    expect(read.map(({ position }) => position.item)).toEqual([0, 1, 3, 4]);
    expect(damage).toMatchObject([{ offset: ends[1], bytes: (ends[2] ?? 0) - (ends[1] ?? 0), tail: false }]);
    expect((await verifyTape(folder.path)).intact).toBe(false);
  }
});

test('foreign files and other format versions are refused with a word', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, '00000001.tape');
  await writeFrames(folder.path, 1);
  const whole = await readFile(path);
  const cases: [number, RegExp][] = [
    [2, /format 2, newer than 1.*newer release/],
    [0, /format 0, which no release wrote/],
  ];
  for (const [version, message] of cases) {
    const bytes = Buffer.from(whole);
    bytes.writeUInt16LE(version, 8);
    await writeFile(path, bytes);
    await expect(collect(readTape(folder.path))).rejects.toThrow(message);
    expect((await listTape(folder.path))[0]?.error).toMatch(message);
    expect((await verifyTape(folder.path)).intact).toBe(false);
    await expect(writerOf(folder.path)).rejects.toThrow(message);
  }
  await writeFile(path, 'PAR1'.repeat(20));
  await expect(collect(readTape(folder.path))).rejects.toThrow(Corrupt);
});

test('a folder that cannot be made is an error that names it', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'file');
  await writeFile(file, '');
  await expect(writerOf(join(file, 'tape'))).rejects.toThrow(Unavailable);
  await expect(writerOf(join(file, 'tape'))).rejects.toThrow(join(file, 'tape'));
});

test('a full disk refuses the flush, keeps what waits, and goes on when there is room', async () => {
  await using folder = await temporaryFolder();
  const clock = new ManualClock();
  const errors: string[] = [];
  const disk = { full: false };
  const writer = await writerOf(folder.path, {
    clock,
    maxUnwrittenBytes: 3000,
    onError: (error) => errors.push(error.message),
    openFile: async (path) => {
      const file = await open(path, 'w');
      return {
        // A full disk takes a part first: the second try must not repeat it.
        write: (bytes, offset, length, position) => {
          if (!disk.full) return file.write(bytes, offset, length, position);
          if (length > 10) return file.write(bytes, offset, 10, position);
          return Promise.reject(new Error('ENOSPC: no space left on device, write'));
        },
        datasync: () => file.datasync(),
        close: () => file.close(),
      };
    },
  });
  writer.append(frame('before', 1));
  await writer.flush();
  disk.full = true;
  writer.append(frame(noise(900), 2));
  await expect(writer.flush()).rejects.toThrow(/00000001\.tape.*ENOSPC/);
  writer.append(frame(noise(900), 3));
  await expect(writer.flush()).rejects.toThrow(Unavailable);
  expect(writer.error?.message).toContain('ENOSPC');
  expect(writer.unwrittenItems).toBe(2);
  expect(errors).toHaveLength(1);
  writer.append(frame(noise(1500), 4));
  expect(writer.pressure).toBeGreaterThanOrEqual(1);
  expect(() => writer.append(frame('one too many', 5))).toThrow(/cannot keep up.*ENOSPC/);
  await clock.advance(500);
  expect(writer.error?.message).toContain('ENOSPC');
  disk.full = false;
  await clock.advance(500);
  await until(() => writer.error === undefined, 'the second try');
  writer.append(frame('after', 6));
  await writer.close();
  const read = await collect(readTape(folder.path));
  expect(read.map(({ item }) => item.recv_time)).toEqual([1, 2, 3, 4, 6]);
  expect((await verifyTape(folder.path)).intact).toBe(true);
});

const KEPT: TapeItem = {
  kind: 'note',
  recv_time: 7,
  connection: 'toy_spot#state',
  exchange: 'toy',
  market: 'spot',
  note: 'kept',
  data: { of: 'what is gone' },
};

test('segments give way to one that says what they held', async () => {
  await using folder = await temporaryFolder();
  await writeFrames(folder.path, 3000, { segmentBytes: 20_000 });
  const before = await listTape(folder.path);
  const last = before[3]?.segment ?? 0;
  const at = before[4]?.first_recv_time ?? 0;
  await replaceSegments(folder.path, last, [{ ...KEPT, recv_time: at }], at);
  const after = await listTape(folder.path);
  expect(after.map(({ segment }) => segment)).toEqual(before.slice(3).map(({ segment }) => segment));
  expect(after[0]).toMatchObject({ items: 1, sealed: true, first_recv_time: at });
  expect((await collect(readTape(folder.path)))[0]?.item).toEqual({ ...KEPT, recv_time: at });
  expect((await verifyTape(folder.path)).intact).toBe(true);
});

test.each([
  ['nothing was deleted', 0],
  ['half was deleted', 2],
])('a replacement that a kill interrupted when %s is carried through', async (_when, gone) => {
  await using folder = await temporaryFolder();
  await writeFrames(folder.path, 3000, { segmentBytes: 20_000 });
  const before = await listTape(folder.path);
  const other = join(folder.path, 'other');
  await mkdir(other);
  await replaceSegments(other, 4, [KEPT], 7);
  await rename(join(other, '00000004.tape'), join(folder.path, '00000004.summary'));
  await rmdir(other);
  await writeFile(join(folder.path, '00000009.summary.partial'), 'half');
  for (const { path } of before.slice(0, gone)) await unlink(path);
  expect(await finishReplacing(folder.path)).toBe(3 - gone);
  expect((await listTape(folder.path)).map(({ segment }) => segment)).toEqual(
    before.slice(3).map(({ segment }) => segment),
  );
  expect((await readdir(folder.path)).filter((name) => !name.endsWith('.tape'))).toEqual([]);
  expect(await finishReplacing(folder.path)).toBe(0);
});

test('a tape that is not there is an empty one', async () => {
  await using folder = await temporaryFolder();
  const nowhere = join(folder.path, 'nowhere');
  expect(await listTape(nowhere)).toEqual([]);
  expect(await collect(readTape(nowhere))).toEqual([]);
  expect(await verifyTape(nowhere)).toMatchObject({ items: 0, intact: true });
});

test('receive times that go back are found', async () => {
  await using folder = await temporaryFolder();
  {
    await using writer = await writerOf(folder.path);
    writer.append(frame('a', 5));
    writer.append(frame('b', 4));
  }
  const { damage, intact } = await verifyTape(folder.path);
  expect(intact).toBe(false);
  expect(damage[0]?.reason).toContain('goes back to 4');
});

test('many small items are written in time that grows with their number', async () => {
  await using folder = await temporaryFolder();
  await using writer = await writerOf(folder.path);
  const item = frame(`{"e":"aggTrade","s":"BTCUSDT","p":"61800.10","q":"0.002","T":1723161256322}`, 1);
  for (let i = 0; i < 200_000; i++) {
    writer.append(item);
    if (writer.pressure > 0.5) await writer.flush();
  }
  await writer.flush();
  // A quadratic path would take minutes, longer than a test may.
  expect(writer.unwrittenItems).toBe(0);
});

/** Text that does not compress. */
function noise(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48271) % 2147483647;
    return String.fromCharCode(33 + (state % 90));
  }).join('');
}
