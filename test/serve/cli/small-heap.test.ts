import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { keepHeapSmall } from '../../../src/serve/cli/small-heap.ts';

it('keeps the heap small while there is time to spare, and not while there is none', async () => {
  const set: number[] = [];
  const setAtCollection: (number | undefined)[] = [];
  const heap = keepHeapSmall(
    { setGrowth: (percent) => set.push(percent), collect: () => setAtCollection.push(set.at(-1)) },
    100,
  );
  await vi.waitFor(() => expect(set).toEqual([15]), 10_000);
  expect(setAtCollection).toEqual([15]);
  // Works without a pause for many looks: the next one finds the thread busy.
  const until = performance.now() + 1500;
  while (performance.now() < until) Math.sqrt(until);
  await vi.waitFor(() => expect(set.slice(0, 2)).toEqual([15, 0]), 10_000);
  await vi.waitFor(() => expect(set.at(-1)).toBe(15), 10_000);
  expect(setAtCollection).toEqual(set.filter((percent) => percent === 15));
  heap[Symbol.dispose]();
  expect(set.at(-1)).toBe(0);
  const count = set.length;
  await wait(300);
  expect(set).toHaveLength(count);
});

it('gives V8 what it takes, and has it collect once there is time', async () => {
  let collected = false;
  const registry = new FinalizationRegistry(() => {
    collected = true;
  });
  registerGarbage(registry);
  const heap = keepHeapSmall(undefined, 100);
  await vi.waitFor(() => expect(collected).toBe(true), 10_000);
  expect(() => heap[Symbol.dispose]()).not.toThrow();
});

/** Made here, so that no frame of the test holds it. */
function registerGarbage(registry: FinalizationRegistry<number>): void {
  registry.register({ text: 'nobody keeps this' }, 1);
}
