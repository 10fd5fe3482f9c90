import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { models } from '../../../src/market/forecast/catalogue.generated.ts';
import { smooth } from '../../../src/market/forecast/smoothing.ts';

const model = (name: string) => {
  const found = models.find((m) => m.name === name);
  if (found === undefined) throw new Error(`no model ${name}`);
  return found;
};
const of = (...values: number[]) => Float64Array.from(values);
const told = (name: string, values: Float64Array, horizon: number) => [...model(name).forecast(values, horizon)];

test('worked examples', () => {
  expect(told('naive', of(3, 1, 2), 2)).toEqual([2, 2]);
  expect(told('drift', of(1, 2, 5), 2)).toEqual([7, 9]);
  // A level that jumps once is followed at once; a straight line is smoothed with the largest weight.
  expect(told('exponential_smoothing', of(10, 10, 10, 20, 20, 20), 1)[0]).toBeCloseTo(20, 2);
  expect(told('exponential_smoothing', of(1, 2, 3, 4, 5), 2)[0]).toBeCloseTo(5, 3);
  // Of a straight line the smoothed level is its end, and half its slope is the drift.
  const line = Float64Array.from({ length: 50 }, (_, i) => 100 + 2 * i);
  expect(told('theta', line, 3).map((v) => Math.round(v * 100) / 100)).toEqual([199, 200, 201]);
});

test('the smoothed level has least squared errors of all weights and first levels', () => {
  const sse = (values: Float64Array, alpha: number, first: number) => {
    let [level, sum] = [first, 0];
    for (const value of values) {
      sum += (value - level) ** 2;
      level += alpha * (value - level);
    }
    return sum;
  };
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 5, maxLength: 40 }),
      fc.double({ min: -100, max: 100, noNaN: true }),
      (list, first) => {
        const values = Float64Array.from(list);
        const found = smooth(values);
        const grid = Array.from({ length: 21 }, (_, i) => 0.0001 + (i * 0.9998) / 20);
        const scale = Math.max(1, ...list.map((v) => v * v)) * list.length;
        // Between points of the grid another valley may be deeper; on it, none is.
        for (const weight of grid) expect(found.sse).toBeLessThanOrEqual(sse(values, weight, first) + 1e-9 * scale);
      },
    ),
  );
});

describe.each(models)('contract of $name', (tried) => {
  const values = fc.array(fc.double({ min: 1, max: 1000, noNaN: true }), { minLength: tried.least, maxLength: 60 });

  test('finite, as many as asked, a shorter horizon is the beginning of a longer one', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 24 }), (list, horizon) => {
        const input = Float64Array.from(list);
        const forecast = tried.forecast(input, horizon);
        expect(forecast).toHaveLength(horizon);
        expect(forecast.every(Number.isFinite)).toBe(true);
        expect([...tried.forecast(input, 1)]).toEqual([forecast[0]]);
        expect([...input]).toEqual(list);
      }),
    );
  });

  test('moves with the series: a shift or a change of unit of the values is one of the forecast', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: -500, max: 500 }), fc.integer({ min: 2, max: 50 }), (list, shift, unit) => {
        const forecast = tried.forecast(Float64Array.from(list), 5);
        const shifted = tried.forecast(
          Float64Array.from(list, (v) => (v + shift) * unit),
          5,
        );
        // The weight is found to four digits: what lies between is not told apart.
        const spread = Math.max(...list) - Math.min(...list);
        forecast.forEach((value, i) => {
          expect(Math.abs((shifted[i] ?? NaN) - (value + shift) * unit)).toBeLessThanOrEqual(
            unit * (0.02 * spread + 1e-6),
          );
        });
      }),
    );
  });

  test('a constant series goes on', () => {
    const forecast = tried.forecast(new Float64Array(30).fill(7.25), 10);
    for (const value of forecast) expect(value).toBeCloseTo(7.25, 9);
  });

  test('refuses too few values, values that are no numbers and a horizon that is none', () => {
    expect(() => tried.forecast(new Float64Array(tried.least - 1), 1)).toThrow(/needs \d+ values, got/);
    expect(() => tried.forecast(of(...Array<number>(tried.least).fill(1), NaN), 1)).toThrow(/is NaN, not a finite/);
    for (const horizon of [0, -1, 1.5, NaN]) {
      expect(() => tried.forecast(new Float64Array(10), horizon)).toThrow(/not a positive integer/);
    }
  });
});
