import { expect, it } from 'vitest';
import { ColumnMemory } from '../../../src/market/store/column-memory.ts';

const MB = 1024 * 1024;

it('gives what came back to who wants about as much, the smallest that is large enough, once', () => {
  const memory = new ColumnMemory();
  const [small, large] = [memory.take(1000), memory.take(3000)];
  memory.give(large);
  memory.give(small);
  expect(memory.take(900)).toBe(small);
  expect(memory.take(900)).toBe(large);
  expect(memory.take(900).byteLength).toBe(900);
});

it('gives no memory that is too small, nor one that is many times too large', () => {
  const memory = new ColumnMemory();
  memory.give(new ArrayBuffer(1000));
  expect(memory.take(1001).byteLength).toBe(1001);
  expect(memory.take(100).byteLength).toBe(100);
  expect(memory.take(1000).byteLength).toBe(1000);
});

it('keeps no more than some MB, what came back last', () => {
  const memory = new ColumnMemory();
  const given = Array.from({ length: 8 }, () => new ArrayBuffer(10 * MB));
  for (const one of given) memory.give(one);
  const taken = given.map(() => memory.take(10 * MB));
  expect(taken.filter((one) => given.includes(one))).toEqual(given.slice(-4));
});
