import { expect, test } from 'vitest';
import { ManualClock } from '../../../src/kit/clock.ts';
import { createVenueRest } from '../../../src/market/collect/venue-rest.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import { simulatedAddresses, simulatedHttp } from '../jobs/simulated-http.ts';

const clock = new ManualClock(Date.UTC(2026, 0, 5));
const rest = createVenueRest({
  venues,
  config: marketConfigSchema.parse({}),
  addresses: simulatedAddresses(),
  http: simulatedHttp(clock, ['BTCUSDT']),
  clock,
});

test('many questions may share one signal: no warning of a leak, and an abort ends them all', async () => {
  const warnings: Error[] = [];
  const heard = (warning: Error): void => void warnings.push(warning);
  process.on('warning', heard);
  const asking = new AbortController();
  const ask = () => rest.instruments('binance', 'futures', asking.signal);
  const lists = await Promise.all(Array.from({ length: 30 }, ask));
  expect(new Set(lists).size).toBe(1);

  await clock.advance(3_600_000);
  const aborted = Promise.allSettled(Array.from({ length: 30 }, ask));
  asking.abort(new Error('not wanted any more'));
  expect((await aborted).map((r) => (r.status === 'rejected' ? String(r.reason) : r.status))).toEqual(
    Array<string>(30).fill('Error: not wanted any more'),
  );
  await expect(ask()).rejects.toThrow('not wanted any more');
  // Node tells warnings on a later turn.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', heard);
  expect(warnings).toEqual([]);
});
