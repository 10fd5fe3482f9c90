import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { models } from '../../../src/market/forecast/catalogue.generated.ts';

/** Forecasts of ours beside those that were handed in to the M3 and M4 competitions, of the same series. */

const DATA = path.resolve(import.meta.dirname, '../../../../shared/data');
const lines = (file: string): string[] =>
  gunzipSync(readFileSync(path.join(DATA, file)))
    .toString()
    .split(/\r?\n/)
    .filter((line) => line !== '');

const forecastBy = (name: string, values: readonly number[], horizon: number): Float64Array => {
  const model = models.find((m) => m.name === name);
  if (model === undefined) throw new Error(`no model ${name}`);
  return model.forecast(Float64Array.from(values), horizon);
};
const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
/** Symmetric mean absolute percentage error, percent, as M3 and M4 define it. */
const smape = (actual: readonly number[], told: ArrayLike<number>): number =>
  mean(actual.map((y, i) => (200 * Math.abs(y - (told[i] ?? NaN))) / (Math.abs(y) + Math.abs(told[i] ?? NaN))));
interface Compared {
  readonly actual: readonly number[];
  readonly theirs: readonly number[];
  readonly ours: Float64Array;
}
/** Mean error of ours and of theirs, and the middle of how far the forecasts are apart, as a part of the values' size. */
function compare(both: readonly Compared[]) {
  const apart = both.map(({ theirs, ours }) =>
    Math.max(...theirs.map((v, i) => Math.abs((ours[i] ?? NaN) - v) / Math.abs(v))),
  );
  return {
    series: both.length,
    ours: mean(both.map((b) => smape(b.actual, b.ours))),
    theirs: mean(both.map((b) => smape(b.actual, b.theirs))),
    apart: apart.sort((a, b) => a - b)[both.length >> 1] ?? NaN,
  };
}

interface Series {
  readonly id: string;
  readonly period: string;
  readonly train: readonly number[];
  readonly test: readonly number[];
}

describe.skipIf(!existsSync(path.join(DATA, 'forecast_m3')))('M3, series without seasons', () => {
  const series = lines('forecast_m3/m3.jsonl.gz')
    .map((line) => JSON.parse(line) as Series)
    .filter(({ period }) => period === 'YEARLY' || period === 'OTHER');
  const official = new Map(
    lines('forecast_m3/official_forecasts.jsonl.gz')
      .map(
        (line) => JSON.parse(line) as { readonly method: string; readonly id: string; readonly f: readonly number[] },
      )
      .map(({ method, id, f }) => [`${method} ${id}`, f]),
  );

  // Theta as handed in began its smoothing elsewhere, so that single forecasts differ by some percent.
  test.each([
    ['theta', 'THETA', 0.5, 0.05],
    ['exponential_smoothing', 'SINGLE', 0.1, 1e-4],
    ['naive', 'NAIVE2', 1e-9, 1e-12],
  ])('%s errs as %s does', (name, method, error, apart) => {
    const found = compare(
      series.flatMap(({ id, train, test: actual }) => {
        const theirs = official.get(`${method} ${id}`);
        return theirs === undefined ? [] : [{ actual, theirs, ours: forecastBy(name, train, actual.length) }];
      }),
    );
    expect(found.series).toBeGreaterThan(400);
    expect(Math.abs(found.ours - found.theirs)).toBeLessThan(error);
    expect(found.apart).toBeLessThan(apart);
  });
});

describe.skipIf(!existsSync(path.join(DATA, 'forecast_m4')))('M4, weekly series', () => {
  const rows = (file: string) =>
    new Map(
      lines(`forecast_m4/${file}`).map((line) => {
        const [id, ...cells] = line.split(',').map((cell) => cell.replaceAll('"', ''));
        return [id ?? '', cells.filter((cell) => cell !== '' && cell !== 'NA').map(Number)] as const;
      }),
    );
  const [train, actual] = [rows('Weekly-train.csv.gz'), rows('Weekly-test.csv.gz')];

  test.each([
    ['naive', 'Naive', 1e-9, 1e-12],
    ['exponential_smoothing', 'SES', 1e-3, 1e-5],
  ])('%s errs as %s does', (name, method, error, apart) => {
    const theirs = rows(`official_forecasts_${method}_hourly_weekly.csv.gz`);
    const found = compare(
      [...actual].flatMap(([id, values]) => {
        const [known, told] = [train.get(id), theirs.get(id)];
        return known === undefined || told === undefined || !id.startsWith('W')
          ? []
          : [{ actual: values, theirs: told, ours: forecastBy(name, known, values.length) }];
      }),
    );
    expect(found.series).toBeGreaterThan(200);
    expect(Math.abs(found.ours - found.theirs)).toBeLessThan(error);
    expect(found.apart).toBeLessThan(apart);
  });
});
