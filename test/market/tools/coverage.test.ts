import { expect, test } from 'vitest';
import { NOT_COLLECTED, summarise } from '../../../src/market/domain/coverage.ts';
import type { MarketStore } from '../../../src/market/store/contract.ts';
import { showCoverage } from '../../../src/market/exchanges/shared/coverage.ts';
import { jointCoverage, usedCoverage } from '../../../src/market/tools/shared/coverage.ts';

const key = { exchange: 'toy', market: 'spot', symbol: 'AAUSDT', stream: 'trades' } as const;

/** A store that has the first half of any stretch. */
const store: Pick<MarketStore, 'coverage'> = {
  coverage: ({ from, to }) =>
    Promise.resolve(
      summarise(key, {
        from,
        to,
        now: to,
        intervals: [{ from, to: (from + to) / 2, state: 'live', reason: null }],
        head: null,
        quarantinedRows: 0,
      }),
    ),
};
// Only `coverage` is asked for.
const services = { store: store as MarketStore };
const stretch = { from: 0, to: 60_000_000 };

test('an answer carries the coverage of what it used', async () => {
  const used = await usedCoverage(services, key, stretch, 0.5);
  expect(showCoverage(used)).toMatchObject({ complete: false, share: 0.5, live_seconds: 30, missing_seconds: 30 });
});

test('below the bound it is refused, with the hole and the remedy', async () => {
  const refused = usedCoverage(services, key, stretch, 0.9);
  await expect(refused).rejects.toThrow(/50\.0 % of the stretch, less than 90 %/);
  await expect(refused).rejects.toThrow(NOT_COLLECTED);
  await expect(refused).rejects.toThrow(/request_backfill/);
});

test('of many series the least covered are named, and one below the bound refuses the whole answer', async () => {
  const joint = await jointCoverage(services, [key, { ...key, symbol: 'BBUSDT' }], stretch, 0.5);
  expect(joint).toEqual({
    complete: false,
    series: 2,
    complete_series: 0,
    share: 0.5,
    worst: [
      { table: 'aausdt_toy_spot_trades', share: 0.5, missing_seconds: 30 },
      { table: 'aausdt_toy_spot_trades', share: 0.5, missing_seconds: 30 },
    ],
  });
  await expect(jointCoverage(services, [key], stretch, 0.6)).rejects.toThrow(/50\.0 % of the stretch/);
  expect(await jointCoverage(services, [], stretch, undefined)).toMatchObject({ complete: false, share: null });
});
