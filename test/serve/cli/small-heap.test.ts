import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { keepHeapSmall } from '../../../src/serve/cli/small-heap.ts';

it('keeps the heap small while there is time to spare, and not while there is none', async () => {
  const set: number[] = [];
  const heap = keepHeapSmall((percent) => set.push(percent), 100);
  await vi.waitFor(() => expect(set).toEqual([15]), 10_000);
  // Works without a pause for many looks: the next one finds the thread busy.
  const until = performance.now() + 1500;
  while (performance.now() < until) Math.sqrt(until);
  await vi.waitFor(() => expect(set.slice(0, 2)).toEqual([15, 0]), 10_000);
  await vi.waitFor(() => expect(set.at(-1)).toBe(15), 10_000);
  heap[Symbol.dispose]();
  expect(set.at(-1)).toBe(0);
  const count = set.length;
  await wait(300);
  expect(set).toHaveLength(count);
});

it('gives a setting that V8 takes', () => {
  expect(() => keepHeapSmall()[Symbol.dispose]()).not.toThrow();
});
