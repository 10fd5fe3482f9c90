import { expect, test } from 'vitest';
import { ManualClock } from '../../../src/kit/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import type { SupervisedConnection } from '../../../src/market/collect/connection.ts';
import type { CollectEnvironment } from '../../../src/market/collect/environment.ts';
import type { MarketFeed } from '../../../src/market/collect/market-feed.ts';
import { SeriesTracker } from '../../../src/market/collect/series.ts';
import { Watch } from '../../../src/market/collect/watch.ts';
import { RecordingSink } from './support.ts';

const KEY = { exchange: 'toy', market: 'spot', symbol: 'BTCUSDT', stream: 'trades' } as const;
const STALE_AFTER_MS = 5_000;

/** A watch over one connection with one series that says nothing; `second` lets a second pass and looks. */
function watching() {
  const clock = new ManualClock();
  const intake = { paused: false };
  const series = new SeriesTracker();
  series.add(KEY, STALE_AFTER_MS, 0);
  const reasons: string[] = [];
  const connection = {
    id: 'toy_spot',
    connected: true,
    market: { exchange: 'toy', market: 'spot' },
    plan: { path: '/', subscribe: [], series: [{ symbol: KEY.symbol, stream: KEY.stream }] },
    reconnect: (reason: string) => Promise.resolve(void reasons.push(reason)),
  };
  const feed = {
    market: { exchange: 'toy', market: 'spot', streams: {} },
    connections: [connection as unknown as SupervisedConnection],
    check: () => undefined,
    series: () => [],
  };
  const environment = { clock, intake, series, log: silentLogger, events: new RecordingSink(clock) };
  const watch = new Watch(environment as unknown as CollectEnvironment, [feed as unknown as MarketFeed]);
  watch.look();
  const seconds = async (count: number, of = 1): Promise<void> => {
    for (let n = 0; n < count; n += of) {
      await clock.advance(of * 1000);
      watch.look();
    }
  };
  return { intake, reasons, seconds };
}

test('a connection whose series say nothing for too long is opened anew', async () => {
  const { reasons, seconds } = watching();
  await seconds(5);
  expect(reasons).toEqual([]);
  await seconds(1);
  expect(reasons).toEqual(['1 of 1 series are silent']);
});

test('what is not heard because the sources are paused is no silence', async () => {
  const { intake, reasons, seconds } = watching();
  await seconds(3);
  intake.paused = true;
  await seconds(60);
  intake.paused = false;
  await seconds(3);
  expect(reasons).toEqual([]);
  await seconds(1);
  expect(reasons).toEqual(['1 of 1 series are silent']);
});

test('a thread that stood still has not listened meanwhile', async () => {
  const { reasons, seconds } = watching();
  await seconds(60, 60);
  expect(reasons).toEqual([]);
  await seconds(4);
  expect(reasons).toEqual(['1 of 1 series are silent']);
});
