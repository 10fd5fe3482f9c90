import fc from 'fast-check';
import { expect, test } from 'vitest';
import { models } from '../../../src/market/forecast/catalogue.generated.ts';
import { conformalWidth } from '../../../src/market/forecast/conformal.ts';
import { forecastCloses } from '../../../src/market/forecast/price-forecast.ts';
import { leastErrors, rollingErrors } from '../../../src/market/forecast/rolling-origin.ts';
import { driftOf, outcomeOf, recordOf, type Outcome } from '../../../src/market/forecast/track.ts';

const MINUTE = 60_000_000;
const model = (name: string) => models.find((m) => m.name === name)!;
const at = (horizon: number, of = models) => ({ origin: 1000 * MINUTE, stepUs: MINUTE, horizon, models: of });

/** A walk of logarithmic steps from a small generator: the same in every run. */
function walk(length: number, drift = 0, step = 0.001): number[] {
  let [seed, price] = [12345, 100];
  return Array.from({ length }, () => {
    let sum = 0;
    for (let i = 0; i < 12; i++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      sum += seed / 2 ** 31 - 0.5;
    }
    return (price *= Math.exp(drift + step * sum));
  });
}

test('the width of an interval is the error of its rank, and none where errors are too few', () => {
  const errors = Float64Array.from({ length: 19 }, (_, i) => 19 - i);
  expect(conformalWidth(errors, 0.95)).toBe(19);
  expect(conformalWidth(errors, 0.8)).toBe(16);
  expect(conformalWidth(errors.subarray(1), 0.95)).toBeNull();
  expect(conformalWidth(new Float64Array(), 0.8)).toBeNull();
  expect([...errors.subarray(0, 3)]).toEqual([19, 18, 17]);
});

test('rolling errors use only what lay before each origin', () => {
  const { byLead, mae } = rollingErrors(model('naive'), Float64Array.of(1, 2, 4, 8), { horizon: 2, origins: 3 });
  expect(byLead.map((errors) => [...errors])).toEqual([
    [1, 2, 4],
    [3, 6],
  ]);
  expect(mae).toBe(16 / 5);
  expect(() => rollingErrors(model('theta'), new Float64Array(10), { horizon: 1, origins: 7 })).toThrow(/too few/);
});

test('whatever comes after an origin does not change what is told there', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...models),
      fc.array(fc.double({ min: 1, max: 9, noNaN: true }), { minLength: 20, maxLength: 30 }),
      fc.double({ min: 1, max: 9, noNaN: true }),
      (tried, list, other) => {
        const first = (end: number) =>
          rollingErrors(tried, Float64Array.from([...list, 5, end]), { horizon: 1, origins: 2 }).byLead[0]?.[0];
        expect(first(other)).toBe(first(5));
      },
    ),
  );
});

test('of models that err alike the simplest is taken, and a trend is seen', () => {
  const flat = Float64Array.from({ length: 80 }, () => 3);
  const all = models.map((tried) => rollingErrors(tried, flat, { horizon: 3, origins: 30 }));
  expect(leastErrors(all).model.name).toBe('naive');
  const rising = Array.from({ length: 100 }, (_, i) => 100 * Math.exp(0.001 * i));
  const told = forecastCloses(rising, at(5));
  expect(told.model).toBe('drift');
  told.steps.forEach((step, i) => expect(step.price).toBeCloseTo(100 * Math.exp(0.001 * (100 + i)), 6));
});

test('a forecast says from what it was made, for when, and how sure it is', () => {
  const closes = walk(300);
  const told = forecastCloses(closes, at(24));
  expect(told).toMatchObject({ origin: 1000 * MINUTE, price: closes.at(-1), values: 300 });
  expect(told.steps.map((step) => step.time)).toEqual(Array.from({ length: 24 }, (_, i) => (1001 + i) * MINUTE));
  expect(told.backtest.map((tried) => tried.model).sort()).toEqual(models.map((m) => m.name).sort());
  for (const step of told.steps) {
    expect(step.interval95!.lower).toBeLessThanOrEqual(step.interval80!.lower);
    expect(step.interval80!.lower).toBeLessThanOrEqual(step.price);
    expect(step.interval80!.upper).toBeGreaterThanOrEqual(step.price);
    expect(step.interval95!.upper).toBeGreaterThanOrEqual(step.interval80!.upper);
  }
  const least = Math.min(...told.backtest.map((tried) => tried.errorPercent));
  expect(told.backtest.find((tried) => tried.model === told.model)?.errorPercent).toBe(least);
});

test('sixty closes have no interval where too few outcomes are known; fewer are refused', () => {
  const told = forecastCloses(walk(60), at(24));
  expect(told.steps[0]?.interval95).not.toBeNull();
  expect(told.steps.at(-1)?.interval95).toBeNull();
  expect(() => forecastCloses(walk(59), at(24))).toThrow(/59 closes, 60 are needed/);
});

test('intervals of 95 % hold about that share of a walk that goes on', () => {
  const closes = walk(4000);
  let [inside, all] = [0, 0];
  for (let end = 300; end < closes.length - 5; end += 20) {
    const told = forecastCloses(closes.slice(end - 300, end), at(5, [model('naive')]));
    told.steps.forEach(({ interval95 }, i) => {
      const close = closes[end + i] ?? NaN;
      all++;
      if (close >= interval95!.lower && close <= interval95!.upper) inside++;
    });
  }
  expect(all).toBeGreaterThan(900);
  expect(inside / all).toBeGreaterThan(0.91);
  expect(inside / all).toBeLessThan(0.98);
});

test('an outcome counts what is known, beside the last price', () => {
  const told = forecastCloses(walk(100), at(3, [model('drift')]));
  const [one, two, three] = told.steps;
  const closes = new Map([
    [one!.time, one!.price],
    [three!.time, three!.price * Math.E],
  ]);
  expect(outcomeOf(told, closes)).toMatchObject({ model: 'drift', known: 2, asked: 3, judged: 2, inside: 1 });
  expect(outcomeOf(told, closes)?.errorPercent).toBeCloseTo(50, 9);
  expect(outcomeOf(told, new Map([[two!.time, told.price]]))?.naiveErrorPercent).toBe(0);
  expect(outcomeOf(told, new Map())).toBeNull();
});

test('drift is where the newest ten err more than 1.5 times as much as at least ten before', () => {
  const erring = (errorPercent: number): Outcome => ({
    model: 'naive',
    origin: 0,
    known: 1,
    asked: 1,
    errorPercent,
    naiveErrorPercent: 1,
    judged: 2,
    inside: 1,
  });
  const times = (count: number, error: number) => Array.from({ length: count }, () => erring(error));
  expect(driftOf(times(19, 1))).toEqual({ state: 'too_few', ratio: null });
  expect(driftOf([...times(10, 1), ...times(10, 1.5)])).toEqual({ state: 'stable', ratio: 1.5 });
  expect(driftOf([...times(10, 1), ...times(10, 2)])).toEqual({ state: 'drift', ratio: 2 });
  expect(driftOf([...times(10, 0), ...times(10, 1)])).toEqual({ state: 'drift', ratio: null });
  expect(recordOf([...times(1, 1), ...times(1, 3)])).toEqual({
    scored: 2,
    errorPercent: 2,
    naiveErrorPercent: 1,
    insideShare: 0.5,
  });
  expect(recordOf([])).toEqual({ scored: 0, errorPercent: null, naiveErrorPercent: null, insideShare: null });
});
