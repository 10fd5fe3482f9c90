import { afterAll, beforeAll, expect, test } from 'vitest';
import { NotFound } from '../../../src/kit/errors.ts';
import { keyOf, openBench, quote, START, status, type Bench } from '../jobs/bench.ts';
import { call, whileTimePasses } from './call.ts';

const SECOND = 1_000_000;

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
  const now = START * 1000;
  await bench.services.store.ensureSeries([keyOf('prices'), keyOf('trades')]);
  await bench.services.store.ingest(
    [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].flatMap((i) => [
      quote('binance', now + i * SECOND, 100 + i),
      {
        ...keyOf('trades'),
        stream: 'trades' as const,
        event_time: now + i * SECOND,
        recv_time: now + i * SECOND,
        seq: null,
        origin: 'live' as const,
        trade_id: String(i),
        price: 100 + i,
        quantity: 1,
        side: i % 2 === 0 ? ('buy' as const) : ('sell' as const),
      },
    ]),
    null,
  );
  bench.collector.series.push(status(keyOf('prices')), status(keyOf('trades')));
});
afterAll(() => bench[Symbol.asyncDispose]());

test('tells what was stored while it watched, and nothing of before or after', async () => {
  const { data } = await whileTimePasses(bench.clock, call(bench, 'quick_analyze'));
  expect(data.seconds).toBe(10);
  const [market] = data.markets;
  expect(market.price).toMatchObject({ rows: 10, first: 100, last: 109, high: 109, low: 100 });
  expect(market.flow).toMatchObject({
    trades: 10,
    bought: 5,
    sold: 5,
    imbalance_pct: 0,
    vwap: 104.5,
    largest_value: 109,
  });
  expect(market.regime).toMatchObject({ returns: 9, efficiency_ratio: 1, funding_rate: null, liquidations: null });
});

test('one part alone; a symbol that is not collected is refused at once', async () => {
  const flow = await whileTimePasses(bench.clock, call(bench, 'analyze_for_duration', { minutes: 0.1, focus: 'flow' }));
  expect(flow.data.markets[0]).toMatchObject({ price: null, regime: null });
  await expect(call(bench, 'stream_and_analyze', { symbol: 'NOPEUSDT' })).rejects.toThrow(NotFound);
});

test('a call that is aborted ends at once', async () => {
  const abort = new AbortController();
  const work = call(bench, 'stream_and_analyze', { duration: 300 }, abort.signal);
  abort.abort();
  await expect(work).rejects.toThrow();
  expect(bench.clock.pending).toBe(0);
});
