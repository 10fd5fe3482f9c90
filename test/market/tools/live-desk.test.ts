import { expect, test } from 'vitest';
import type { SeriesStatus } from '../../../src/market/collect/contract.ts';
import { viewName, type SeriesKey } from '../../../src/market/domain/records.ts';
import type { LiveDesk, LiveRow } from '../../../src/market/exchanges/endpoint.ts';
import { liveDesk, type DeskContext } from '../../../src/market/tools/shared/exchange/live.ts';
import { ManualClock } from '../../../src/testing/index.ts';

const NOW = Date.UTC(2026, 10, 30);
const clock = new ManualClock(NOW);
const key = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT' } as const;
const instrument = {
  ...key,
  venue_symbol: 'BTCUSDT',
  base: 'BTC',
  quote: 'USDT',
  kind: 'perpetual',
  status: 'trading',
  tick_size: 0.1,
  lot_size: 0.001,
  contract_size: 1,
  inverse: false,
  funding_interval_hours: 8,
} as const;

/** A desk whose series are live, of which the newest event happened `sentAgoMs` ago and came `receivedAgoMs` ago. */
function desk(sentAgoMs: number, receivedAgoMs = 0): LiveDesk {
  const time = (NOW - sentAgoMs) * 1000;
  const series = (['ticker_24h', 'orderbooks', 'trades'] as const).map(
    (stream): SeriesStatus => ({
      ...key,
      stream,
      table: viewName({ ...key, stream } satisfies SeriesKey),
      listed_as: null,
      state: 'live',
      rows: 1,
      last_event_time: time,
      last_received_at: NOW - receivedAgoMs,
      stale_after_ms: 20_000,
      gaps: 0,
    }),
  );
  const row: LiveRow = { event_time: time, price: 1 };
  const services = {
    collector: {
      status: () => ({ running: true, first_connected_at: NOW - 3_600_000, series }),
      instruments: () => [instrument],
      book: () => ({ ...key, event_time: time, seq: 1, bids: [[1, 1]], asks: [[2, 1]] }),
    },
    store: { seriesRows: () => Promise.resolve([row]) },
  };
  return liveDesk(services as unknown as DeskContext['services'], 'binance', clock);
}

test('what the collector has newest is used while it is what the venue has now', async () => {
  const live = desk(15_000, 15_000);
  expect(await live.newest(instrument, 'ticker_24h')).toMatchObject({ price: 1 });
  expect(live.book(instrument, 1)).toMatchObject({ seq: 1 });
  expect(await live.recent(instrument, 'trades', 1)).toHaveLength(1);
});

test('a collector that receives minutes after the venue sent is not used, though its series are live', async () => {
  const live = desk(300_000);
  expect(await live.newest(instrument, 'ticker_24h')).toBeUndefined();
  expect(live.book(instrument, 1)).toBeUndefined();
  expect(await live.recent(instrument, 'trades', 1)).toBeUndefined();
});

test('trades of a quiet market are the newest ones, however long ago', async () => {
  expect(await desk(300_000, 299_900).recent(instrument, 'trades', 1)).toHaveLength(1);
});
