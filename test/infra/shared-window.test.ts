import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SharedWindow } from '../../src/infra/shared-window.ts';
import { ManualClock } from '../../src/kit/clock.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'window-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const open = new AbortController().signal;
const limits = (requests: number | null, tokens: number | null = null) => ({ requests, tokens });
let n = 0;
const windowOf = (clock: ManualClock, place: string | null): SharedWindow =>
  new SharedWindow({ clock, folder: place === null ? null : join(folder, place), newId: () => `w${n++}` });

/** Whether it has resolved by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  const late = Symbol('late');
  await new Promise((resolve) => setImmediate(resolve));
  return (await Promise.race([promise, Promise.resolve(late)])) !== late;
}

describe.each([null, 'shared'])('a window over a minute (folder: %s)', (place) => {
  const of = (clock: ManualClock, name: string): SharedWindow =>
    windowOf(clock, place === null ? null : `${place}-${name}`);

  test('lets so many requests through and makes the next wait until the first is a minute old', async () => {
    const clock = new ManualClock();
    const window = of(clock, 'requests');
    await window.take('k', limits(2), 0, 1000, open);
    await clock.advance(10_000);
    await window.take('k', limits(2), 0, 1000, open);
    const third = window.take('k', limits(2), 0, 1000, open);
    await clock.advance(49_000);
    expect(await isDone(third)).toBe(false);
    await clock.advance(1000);
    await third;
    expect(await window.used('k')).toEqual({ requests: 2, tokens: 0 });
  });

  test('counts tokens as expected, then as used', async () => {
    const clock = new ManualClock();
    const window = of(clock, 'tokens');
    const first = await window.take('k', limits(null, 100), 90, 1000, open);
    const second = window.take('k', limits(null, 100), 20, 1000, open);
    expect(await isDone(second)).toBe(false);
    await first.settle(30);
    await clock.advance(60_000);
    await second;
    expect(await window.used('k')).toEqual({ requests: 1, tokens: 20 });
    // More than the limit alone waits for an empty minute, and is not refused.
    await clock.advance(60_000);
    await window.take('k', limits(null, 100), 500, 1000, open);
  });

  test('is quiet when the provider asks for it, and refuses when that is too long', async () => {
    const clock = new ManualClock();
    const window = of(clock, 'quiet');
    await window.block('k', 5000);
    await window.block('k', 1000);
    const waiting = window.take('k', limits(null), 1, 10_000, open);
    await clock.advance(4999);
    expect(await isDone(waiting)).toBe(false);
    await clock.advance(1);
    await waiting;
    await window.take('other', limits(null), 1, 1000, open);
    await window.block('k', 90_000);
    await expect(window.take('k', limits(null), 1, 60_000, open)).rejects.toMatchObject({ retryAfterMs: 90_000 });
  });

  test('without limits counts only what others may read, and is quiet all the same', async () => {
    const clock = new ManualClock();
    const window = of(clock, 'free');
    const entry = await window.take('k', limits(null), 10, 1000, open);
    await entry.settle(20);
    const counted = place === null ? { requests: 0, tokens: 0 } : { requests: 1, tokens: 20 };
    expect(await window.used('k')).toEqual(counted);
    await window.block('k', 5000);
    const abort = new AbortController();
    const given = window.take('k', limits(null), 10, 10_000, abort.signal);
    const waiting = window.take('k', limits(null), 10, 10_000, open);
    expect(await isDone(waiting)).toBe(false);
    abort.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    await clock.advance(5000);
    await waiting;
    await window.block('k', 90_000);
    await expect(window.take('k', limits(null), 1, 60_000, open)).rejects.toMatchObject({ retryAfterMs: 90_000 });
  });

  test('obeys an abort while waiting, and lets the next one go on', async () => {
    const clock = new ManualClock();
    const window = of(clock, 'abort');
    await window.take('k', limits(1), 0, 1000, open);
    const abort = new AbortController();
    const waiting = window.take('k', limits(1), 0, 1000, abort.signal);
    const next = window.take('k', limits(1), 0, 1000, open);
    await isDone(waiting);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await clock.advance(60_000);
    await next;
  });
});

describe('limits that processes share', () => {
  test('hold over two windows of one folder, and survive a file that cannot be read and a lock of the dead', async () => {
    const clock = new ManualClock();
    const [a, b] = [windowOf(clock, 'two'), windowOf(clock, 'two')];
    await a.take('k', limits(1), 5, 1000, open);
    expect(await b.used('k')).toEqual({ requests: 1, tokens: 5 });
    const waiting = b.take('k', limits(1), 0, 1000, open);
    expect(await isDone(waiting)).toBe(false);
    await clock.advance(60_000);
    await waiting;
    await writeFile(join(folder, 'two', 'k.json'), '{ half');
    expect(await a.used('k')).toEqual({ requests: 0, tokens: 0 });
    expect(await readdir(join(folder, 'two'))).toEqual(['k.json']);
  });
});
