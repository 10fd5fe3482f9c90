import { expect, test } from 'vitest';
import { ManualClock } from '../../../src/kit/clock.ts';
import { createVenueRest } from '../../../src/market/collect/venue-rest.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import { RecordedEvents } from '../jobs/bench.ts';
import { simulatedAddresses, simulatedHttp } from '../jobs/simulated-http.ts';

const clock = new ManualClock(Date.UTC(2026, 0, 5));
const rest = createVenueRest({
  venues,
  config: marketConfigSchema.parse({}),
  addresses: simulatedAddresses(),
  http: simulatedHttp(clock, ['BTCUSDT']),
  events: new RecordedEvents(),
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

test('a refusal by rate is counted and told whoever asked, and who asks meanwhile hears it at once', async () => {
  const events = new RecordedEvents();
  const http = simulatedHttp(clock, ['BTCUSDT']);
  let asked = 0;
  const get: typeof http.get = async () => {
    asked += 1;
    const body = '{"code":-1003,"msg":"Way too much request weight used; IP banned until 9999999999999."}';
    return { status: 418, body, headers: {}, retryAfterMs: 600_000 };
  };
  const config = marketConfigSchema.parse({});
  const addresses = simulatedAddresses();
  const banned = createVenueRest({ venues, config, addresses, http: { ...http, get }, events, clock });
  const ask = (signal = new AbortController().signal) =>
    banned.ask('binance', 'futures', { address: 'rest', path: '/fapi/v1/time', weight: 1 }, signal);

  await expect(ask()).rejects.toMatchObject({ code: 'rate_limited', details: { refusal: 'banned' } });
  expect(events.of('streaming.rate_limited').map(({ data }) => data)).toEqual([
    expect.objectContaining({ host: 'binance-futures.test', retry_after_ms: 600_000, refused_in_a_row: 1 }),
  ]);
  await expect(ask()).rejects.toThrow(
    'binance-futures.test refused our requests for their rate: nothing is asked of it',
  );
  expect(asked).toBe(1);
  expect(http.limiter.status()).toMatchObject([{ host: 'binance-futures.test', refused_in_a_row: 1 }]);
});
