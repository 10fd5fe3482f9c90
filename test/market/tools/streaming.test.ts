import { afterAll, beforeAll, expect, test } from 'vitest';
import { NotFound, Unavailable } from '../../../src/kit/errors.ts';
import { fillBench, openBench, type Bench } from '../jobs/bench.ts';
import { call, preview } from './call.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
  await fillBench(bench);
});
afterAll(() => bench[Symbol.asyncDispose]());

test('all series of a venue are stopped and started, those that are so already are left alone', async () => {
  const own = bench.collector.series.filter((s) => s.exchange === 'binance');
  const others = bench.collector.series.length - own.length;
  expect(own.length).toBeGreaterThan(3);
  expect(await preview(bench, 'stop_streaming', { exchanges: ['binance'] })).toMatchObject({
    count: own.length,
    already: 0,
  });
  expect(bench.collector.calls).toEqual([]);
  const stopped = await call(bench, 'stop_streaming', { exchanges: ['binance'] });
  expect(stopped.data).toMatchObject({ already: 0, failed: [], streams_live: others });
  expect([...stopped.data.changed].sort()).toEqual(own.map((s) => s.table).sort());
  const again = await call(bench, 'stop_streaming', { exchanges: ['binance'], symbols: ['btcusdt'] });
  expect(again.data).toMatchObject({ changed: [], already: own.length });
  const started = await call(bench, 'start_streaming');
  expect(started.data).toMatchObject({ already: others, streams_live: own.length + others });
  expect(started.data.changed).toHaveLength(own.length);
});

test('one that fails is named and the others are turned all the same; names that are not known are refused', async () => {
  const { stopStream } = bench.collector;
  const broken = bench.collector.series[0];
  bench.collector.stopStream = async (key) => {
    if (key.stream === broken?.stream && key.exchange === broken.exchange) throw new Unavailable('not now');
    return stopStream.call(bench.collector, key);
  };
  const { data, provenance } = await call(bench, 'stop_streaming', {});
  expect(data.failed).toEqual([{ table: broken?.table, reason: 'not now' }]);
  expect(data.streams_live).toBe(1);
  expect(provenance.complete).toBe(false);
  await expect(call(bench, 'start_streaming', { exchanges: ['binanse'] })).rejects.toThrow(NotFound);
  await expect(call(bench, 'start_streaming', { symbols: ['NOPEUSDT'] })).rejects.toThrow(/NOPEUSDT/);
});
