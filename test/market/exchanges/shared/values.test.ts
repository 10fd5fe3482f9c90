import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterInclusive,
  decimalDifference,
  decimalOf,
  levelsOf,
  numberOf,
  optionalCount,
  optionalPrice,
  percentOf,
  priceOf,
  sequenceOf,
  sizeOf,
  timeOf,
} from '../../../../src/market/exchanges/shared/values.ts';

describe('numbers of the wire', () => {
  it('are what Number makes of the text, whatever the text', () => {
    const digits = fc.string({ unit: fc.constantFrom(...Array.from('0123456789')), maxLength: 20 });
    const decimal = fc.tuple(digits, digits).map(([whole, fraction]) => `${whole}.${fraction}`);
    const odd = fc.string({ unit: fc.constantFrom(...Array.from('0123456789.-+eE x')), minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(digits, decimal, odd, fc.double().map(String)), (text) => {
        expect(decimalOf(text)).toBe(text === '' ? NaN : Number(text));
      }),
      { numRuns: 5000, seed: 7 },
    );
  });

  it('are nothing but numbers and their texts', () => {
    for (const value of [null, undefined, '', true, [], [1], {}, 'x', '1,5']) expect(numberOf(value)).toBeNaN();
    expect([priceOf('0'), priceOf(-1), priceOf('Infinity'), priceOf('1e300')]).toEqual([NaN, NaN, NaN, NaN]);
    expect([sizeOf('0.000'), sizeOf('-0.1'), sizeOf('1e-30')]).toEqual([0, NaN, NaN]);
    expect([optionalPrice(''), optionalPrice('0.00'), optionalPrice(undefined), optionalPrice('-1')]).toEqual([
      null,
      null,
      null,
      NaN,
    ]);
    expect([optionalCount(undefined), optionalCount(3), optionalCount('1.5'), optionalCount(-1)]).toEqual([
      null,
      3,
      NaN,
      NaN,
    ]);
    expect([sequenceOf(5), sequenceOf('6'), sequenceOf(1.5), sequenceOf(2 ** 60)]).toEqual([5, 6, null, null]);
  });

  it('keep decimals free of binary noise', () => {
    expect(69372.6 - 69974.7).not.toBe(-602.1);
    expect(decimalDifference('69372.6', '69974.7')).toBe(-602.1);
    expect(percentOf('0.017103')).toBe(1.7103);
    expect(percentOf('-0.0086')).toBe(-0.86);
    expect(percentOf(0.5)).toBe(50);
  });
});

describe('times of the wire', () => {
  it('are ms, or µs when they are too large for ms', () => {
    expect(timeOf(1_780_000_000_000)).toBe(1_780_000_000_000_000);
    expect(timeOf('1780000000000')).toBe(1_780_000_000_000_000);
    expect(timeOf(1_780_000_000_000_007)).toBe(1_780_000_000_000_007);
    expect(afterInclusive(1_780_000_059_999)).toBe(1_780_000_060_000_000);
  });

  it.each([0, -1, 1.5, NaN, 1e13, '2026-01-01T00:00:00Z', null, undefined])('%s is none', (value) => {
    expect(timeOf(value)).toBeNaN();
  });
});

describe('levels of the wire', () => {
  it('are pairs, whatever else a level carries', () => {
    expect(
      levelsOf([
        ['1.5', '2', []],
        [3, '0'],
      ]),
    ).toEqual([
      [1.5, 2],
      [3, 0],
    ]);
    expect(levelsOf(null)).toEqual([]);
    expect(levelsOf(undefined)).toBeUndefined();
  });

  it.each([[[['0', '1']]], [[['1', '-1']]], [[['1']]], [['1', '2']], ['12'], [{}]])('%j are none', (value) => {
    expect(levelsOf(value)).toBeUndefined();
  });
});
