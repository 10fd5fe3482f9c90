import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowHash } from '../../../src/market/store/row-hash.ts';

type Value = number | string | boolean | null;

function hashed(values: readonly Value[]): number {
  const hash = new RowHash();
  hash.start(1, 2);
  for (const value of values) hash.add(value);
  return hash.end();
}

describe('RowHash', () => {
  it('gives a safe integer, the same for the same values', () => {
    const value = fc.oneof(fc.double({ noNaN: true }), fc.string(), fc.boolean(), fc.constant(null));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 6 }), (values) => {
        const id = hashed(values);
        expect(Number.isSafeInteger(id) && id >= 0).toBe(true);
        expect(hashed(values)).toBe(id);
        expect(hashed([...values, null])).not.toBe(id);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('adds many numbers as one by one, NaN as null', () => {
    const number = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, 1), fc.integer());
    fc.assert(
      fc.property(fc.array(fc.tuple(number, fc.boolean()), { maxLength: 12 }), (given) => {
        const numbers = Float64Array.from(given, ([value]) => value);
        const counts = Uint8Array.from(given, ([, counts]) => Number(counts));
        const hash = new RowHash();
        hash.start(1, 2);
        hash.addNumbers(numbers, new Uint32Array(numbers.buffer), counts);
        const counted = given.flatMap(([value, counts]) => (counts ? [Number.isNaN(value) ? null : value] : []));
        expect(hash.end()).toBe(hashed(counted));
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it('tells kinds, order and neighbours apart, and takes -0 for 0', () => {
    const different: Value[][] = [
      [1],
      ['1'],
      [true],
      [null],
      ['null'],
      [0],
      [],
      [''],
      ['a', 'b'],
      ['b', 'a'],
      ['ab'],
      [1, 2],
      [2, 1],
      [-1],
      [1 + Number.EPSILON],
    ];
    expect(new Set(different.map(hashed)).size).toBe(different.length);
    expect(hashed([-0])).toBe(hashed([0]));
  });

  it('gives 300,000 near values 300,000 ids', () => {
    const ids = new Set<number>();
    for (let i = 0; i < 100_000; i++) {
      ids.add(hashed([1_767_312_000_000_000 + i]));
      ids.add(hashed([60_000 + i / 100, -i]));
      ids.add(hashed([String(4_000_000_000 + i)]));
    }
    expect(ids.size).toBe(300_000);
  });

  it('keeps ids from one program version to the next', () => {
    expect(hashed(['binance', 42, null, 1.5])).toBe(FIXED);
  });
});

/** Stored ids depend on this value: changing it is a new format. */
const FIXED = 6_988_137_780_722_335;
