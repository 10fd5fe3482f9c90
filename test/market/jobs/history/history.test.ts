import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bursts, priceBins, valueArea } from '../../../../src/market/jobs/history/price-levels.ts';
import { distance, path, standardisedMove, volatility } from '../../../../src/market/jobs/history/returns.ts';

const RUNS = { seed: 20261129, numRuns: 300 };
const amount = fc.record({
  price: fc.double({ min: 1, max: 1e5, noNaN: true }),
  amount: fc.double({ min: 0, max: 1e4, noNaN: true }),
  first: fc.boolean(),
});

describe('amounts by price', () => {
  test('the worked example; nothing and one price', () => {
    const at = (price: number, size: number) => ({ price, amount: size, first: true });
    const bins = priceBins([at(100, 1), at(101, 2), at(104, 3)], 2);
    expect(bins.map((b) => [b.low, b.high, b.first, b.count])).toEqual([
      [100, 102, 3, 2],
      [102, 104, 3, 1],
    ]);
    expect(priceBins([], 5)).toEqual([]);
    expect(priceBins([at(5, 1), at(5, 1)], 4)).toEqual([{ low: 5, high: 5, first: 2, second: 0, count: 2 }]);
  });

  test('nothing is lost, every price lies in its bin', () => {
    fc.assert(
      fc.property(fc.array(amount, { minLength: 1, maxLength: 60 }), fc.integer({ min: 2, max: 50 }), (all, n) => {
        const bins = priceBins(all, n);
        const total = bins.reduce((sum, b) => sum + b.first + b.second, 0);
        expect(total).toBeCloseTo(
          all.reduce((sum, a) => sum + a.amount, 0),
          4,
        );
        expect(bins.reduce((sum, b) => sum + b.count, 0)).toBe(all.length);
        const area = valueArea(bins);
        if (area === null) return;
        const held = bins.filter((b) => b.low >= area.low && b.high <= area.high);
        expect(held.reduce((sum, b) => sum + b.first + b.second, 0)).toBeGreaterThanOrEqual(total * 0.7 - 1e-6);
        expect(held).toContain(area.poc);
      }),
      RUNS,
    );
  });

  test('the value area takes the larger neighbour first', () => {
    const bin = (low: number, first: number) => ({ low, high: low + 1, first, second: 0, count: 1 });
    expect(valueArea([bin(0, 1), bin(1, 5), bin(2, 3), bin(3, 1)])).toMatchObject({ low: 1, high: 3 });
    expect(valueArea([bin(0, 0)])).toBeNull();
  });
});

test('bursts: enough events in a stretch, neighbours joined, sides apart', () => {
  const at = (time: number, first: boolean) => ({ time, amount: 2, first });
  const events = [at(1, true), at(2, true), at(3, false), at(11, true), at(12, true), at(13, true), at(45, true)];
  expect(bursts(events, 10, 3)).toEqual([{ from: 0, to: 20, events: 6, long: 10, short: 2 }]);
  expect(bursts([], 10, 3)).toEqual([]);
});

describe('returns', () => {
  test('the worked example, a year by 365 days; too few are not told', () => {
    const found = volatility([100, 110, 100], 86_400);
    expect(found?.per_bar).toBeCloseTo(0.13479, 5);
    expect(found?.annualised).toBeCloseTo(0.13479 * Math.sqrt(365), 3);
    expect(volatility([100, 110], 60)).toBeNull();
    expect(volatility([100, NaN, 100, 101, 102], 60)?.returns).toBe(2);
  });

  test('volatility does not depend on the unit of price', () => {
    const prices = fc.array(fc.double({ min: 1, max: 1000, noNaN: true }), { minLength: 4, maxLength: 40 });
    fc.assert(
      fc.property(prices, fc.double({ min: 0.01, max: 100, noNaN: true }), (closes, factor) => {
        const scaled = volatility(
          closes.map((c) => c * factor),
          60,
        );
        expect(scaled?.per_bar).toBeCloseTo(volatility(closes, 60)?.per_bar ?? NaN, 8);
      }),
      RUNS,
    );
  });

  test('distance: the value is not among those it is compared with; equal and few ones say nothing', () => {
    const others = Array.from({ length: 21 }, (_, i) => i - 10);
    expect(distance(0, others)).toMatchObject({ mean: 0, z: 0, robust_z: 0 });
    expect(distance(10, others)?.robust_z).toBeCloseTo((0.6745 * 10) / 5, 10);
    expect(distance(5, others.slice(0, 10))).toBeNull();
    expect(distance(5, new Array<number>(30).fill(1))).toMatchObject({ z: null, robust_z: null });
  });
});

describe('a move in expected deviations', () => {
  const closes = (count: number, step: number) =>
    Array.from({ length: count }, (_, i) => ({
      minute: i,
      at: i * 60e6,
      close: 100 * Math.exp(i % 2 === 0 ? 0 : step),
    }));

  test('the worked example: one-minute returns of ±0.001, a move of 0.006 over 4 minutes is 3', () => {
    const found = standardisedMove(closes(101, 0.001), { price: 100 * Math.exp(0.006), minute: 105, minutes: 4 });
    expect(found.deviation).toBeCloseTo(0.001, 12);
    expect(found.returns).toBe(100);
    expect(found.move).toBeCloseTo(3, 9);
  });

  test('a jump is not measured by itself; a gap gives no return; what is not known has a reason', () => {
    const calm = closes(101, 0.001);
    const jump = { minute: 101, at: 101 * 60e6, close: 200 };
    const found = standardisedMove([...calm, jump], { price: 200, minute: 103, minutes: 2 });
    expect(found.deviation).toBeCloseTo(0.001, 12);
    const gap = [...calm, { minute: 200, at: 0, close: 500 }, { minute: 201, at: 0, close: 500 }];
    expect(standardisedMove(gap, { price: 500, minute: 204, minutes: 2 }).returns).toBe(101);
    expect(standardisedMove(calm, { price: 1, minute: 300, minutes: 5 }).reason).toMatch(/no price is stored/);
    expect(standardisedMove(closes(20, 0.001), { price: 1, minute: 22, minutes: 2 }).reason).toMatch(/30 that differ/);
  });
});

test('a path: straight, to and fro, still, too short', () => {
  expect(path([100, 101, 102])?.efficiency).toBe(1);
  expect(path([100, 101, 100])?.efficiency).toBe(0);
  expect(path([5, 5, 5])).toEqual({ deviation: 0, efficiency: 0 });
  expect(path([1, 2])).toBeUndefined();
});
