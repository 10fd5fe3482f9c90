import { setTimeout as wait } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, vi } from 'vitest';
import { busyMeter, keepHeapSmall } from '../../../src/serve/cli/small-heap.ts';

it('keeps the heap small while there is time to spare, and within bounds while there is none', () => {
  vi.useFakeTimers();
  try {
    const said: string[] = [];
    let busy = true;
    const heap = keepHeapSmall(
      { keep: (size) => said.push(size), collect: () => said.push('collect') },
      () => busy,
      100,
    );
    vi.advanceTimersByTime(300);
    expect(said.splice(0)).toEqual(['bounded']);
    busy = false;
    vi.advanceTimersByTime(300);
    expect(said).toEqual(['small', 'collect']);
    busy = true;
    vi.advanceTimersByTime(300);
    expect(said.slice(2)).toEqual(['bounded']);
    busy = false;
    vi.advanceTimersByTime(100);
    expect(said.slice(3)).toEqual(['small', 'collect']);
    heap[Symbol.dispose]();
    vi.advanceTimersByTime(1000);
    expect(said.slice(5)).toEqual(['any']);
  } finally {
    vi.useRealTimers();
  }
});

it('gives V8 what it takes, and has it collect once there is time', async () => {
  let collected = false;
  const registry = new FinalizationRegistry(() => {
    collected = true;
  });
  registerGarbage(registry);
  const heap = keepHeapSmall(undefined, undefined, 100);
  await vi.waitFor(() => expect(collected).toBe(true), 10_000);
  expect(() => heap[Symbol.dispose]()).not.toThrow();
});

it('counts a thread as busy that works and has a core for it, and no other', async () => {
  const cpu = vi.spyOn(process, 'cpuUsage');
  try {
    const spent = (share: number, ms: number): void => {
      cpu.mockImplementation((since) => ({ user: since === undefined ? 0 : share * ms * 1000, system: 0 }));
    };
    spent(0, 0);
    const isBusy = busyMeter();
    await wait(400);
    spent(1, 1_000_000);
    expect(isBusy()).toBe(false);
    workFor(200);
    spent(0.1, 200);
    expect(isBusy()).toBe(false);
    workFor(200);
    spent(1, 1_000_000);
    expect(isBusy()).toBe(true);
  } finally {
    cpu.mockRestore();
  }
});

it('has a busy process collect long before V8 would', async () => {
  using _heap = keepHeapSmall(undefined, () => true, 10);
  await wait(50);
  const collect = runInNewContext('gc') as () => void;
  const used = (): number => getHeapStatistics().used_heap_size;
  const records = (count: number): unknown[] =>
    Array.from({ length: count }, (_, i) => ({ i, text: `the record ${i}` }));
  const alive = records(400_000);
  collect();
  const live = used();
  let [most, kept] = [0, [] as unknown[]];
  // Held for long enough to be taken for old, then dropped: so are records that wait for their commit.
  for (let made = 0; made < 4 * alive.length; made += kept.length) {
    kept = records(40_000);
    most = Math.max(most, used());
    await wait(20);
  }
  // Marking begins at the bound and goes on beside what is made, longer on a busy machine; V8's own choice is four times.
  expect(most).toBeLessThan(3 * live);
});

function workFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until) Math.sqrt(until);
}

/** Made here, so that no frame of the test holds it. */
function registerGarbage(registry: FinalizationRegistry<number>): void {
  registry.register({ text: 'nobody keeps this' }, 1);
}
