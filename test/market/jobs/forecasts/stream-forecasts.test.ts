import { afterEach, beforeEach, expect, test } from 'vitest';
import { InvalidInput, Unavailable } from '../../../../src/kit/errors.ts';
import type { CandleRecord } from '../../../../src/market/domain/records.ts';
import { keyOf, openBench, START, status, type Bench } from '../bench.ts';
import { call } from '../../tools/call.ts';

const MINUTE = 60_000_000;
const NOW = START * 1000;
const KEY = keyOf('candles');
let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  bench.collector.series = [status(KEY), status(keyOf('trades'))];
});
afterEach(async () => {
  await bench.services.forecasts.stop();
  await bench[Symbol.asyncDispose]();
});

const priceAt = (minute: number) => 100 * Math.exp(0.001 * Math.sin(minute / 3));

/** The candle that begins so many minutes after now. */
function candle(minute: number, change: Partial<CandleRecord> = {}): CandleRecord {
  const opened = NOW + minute * MINUTE;
  const close = priceAt(minute);
  return {
    ...KEY,
    stream: 'candles',
    event_time: opened,
    recv_time: opened + MINUTE,
    seq: null,
    origin: 'live',
    interval: '1m',
    open_time: opened,
    close_time: opened + MINUTE,
    open: close,
    high: close,
    low: close,
    close,
    volume: 1,
    quote_volume: null,
    trade_count: null,
    taker_buy_volume: null,
    taker_buy_quote: null,
    closed: true,
    ...change,
  };
}

const candles = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => candle(from + i));
const store = (records: CandleRecord[]) => bench.services.store.ingest(records, null);
const now = (asked: { model?: string; horizon?: number } = {}) =>
  bench.services.forecasts.now(KEY, { horizon: 24, ...asked });
/** Minutes pass, each with its candle, as they come. */
async function pass(minutes: number): Promise<void> {
  const begun = Math.round((bench.clock.now() - START) / 60_000);
  for (let minute = begun; minute < begun + minutes; minute++) {
    await store([candle(minute)]);
    await bench.clock.advance(60_000);
    await bench.services.forecasts.idle();
  }
}
test('a forecast is made of the finished candles in a row, and of no others', async () => {
  await store([...candles(-200, -120), ...candles(-100, 0), candle(0, { closed: false, close: 500 })]);
  const told = await now();
  expect(told).toMatchObject({ origin: NOW, price: priceAt(-1), values: 100 });
  expect(told.steps.at(-1)?.time).toBe(NOW + 24 * MINUTE);
  await expect(now({ model: 'oracle' })).rejects.toThrow(InvalidInput);
  expect((await now({ model: 'theta', horizon: 3 })).steps).toHaveLength(3);
});

test('too few candles, a hole just now and no candles are told with what to do', async () => {
  await bench.services.store.ensureSeries([KEY]);
  await expect(now()).rejects.toThrow(/has none$/);
  await store(candles(-59, 0));
  await expect(now()).rejects.toThrow(
    /needs 60 finished candles in a row, btcusdt_binance_futures_candles has 59: .*1 minutes/,
  );
  await bench.clock.advance(4 * 60_000);
  await expect(now()).rejects.toThrow(Unavailable);
  await expect(now()).rejects.toThrow(/has none since 2026-01-05T12:00:00.000Z/);
});

test('rounds forecast live series, score what is over, and say so', async () => {
  const { forecasts } = bench.services;
  await store(candles(-100, 0));
  forecasts.start();
  expect(forecasts.startedAt).toBe(START);
  await pass(4);
  expect(forecasts.all()).toEqual([]);
  await pass(1);
  expect(forecasts.of(KEY)).toMatchObject({ made: 1, open: 1, problem: null, record: { scored: 0 } });
  expect(bench.events.of('analysis.forecast_generated')).toMatchObject([
    { source: 'forecasts', data: { symbol: 'BTCUSDT', horizon: 24, details: { closes: 105 } } },
  ]);
  await pass(30);
  const told = forecasts.of(KEY)!;
  expect(told.made).toBe(7);
  expect(told.record.scored).toBe(2);
  expect(told.record.errorPercent).toBeGreaterThan(0);
  expect(forecasts.driftChecks).toBe(3);
  const { data } = await call(bench, 'get_realtime_analytics_status');
  expect(data).toMatchObject({ running: true, forecasts: 7, scored: 2, drifted: 0 });
  expect(data.series).toMatchObject([{ table: 'btcusdt_binance_futures_candles', state: 'forecast', forecasts: 7 }]);
  expect(Object.values(data.model_usage)).toEqual([1]);
});

test('a series without enough candles waits, with the reason, and goes on when it has them', async () => {
  const { forecasts } = bench.services;
  await store(candles(-58, 0));
  await forecasts.round();
  expect((await call(bench, 'get_realtime_analytics_status')).data.series).toMatchObject([
    { state: 'waiting', model: null, reason: expect.stringMatching(/has 58/) },
  ]);
  await pass(2);
  await forecasts.round();
  expect(forecasts.of(KEY)).toMatchObject({ made: 1, problem: null });
  // The same minute again is the same forecast: counted once.
  await forecasts.round();
  expect(forecasts.of(KEY)?.made).toBe(1);
});

test('forecasts that become worse are drift, told once', async () => {
  const { forecasts } = bench.services;
  await store(candles(-100, 0));
  let calm = true;
  const at = (minute: number) => (calm ? 100 + 0.001 * (minute % 2) : 100 + 5 * Math.sin(minute));
  for (let minute = 0; minute < 90; minute++) {
    calm = minute < 50;
    const close = at(minute);
    await store([candle(minute, { close, open: close, high: close, low: close })]);
    await bench.clock.advance(60_000);
    await forecasts.round();
  }
  expect(forecasts.of(KEY)?.drift.state).toBe('too_few');
  await forecasts.checkDrift();
  await forecasts.checkDrift();
  expect(forecasts.of(KEY)?.drift).toMatchObject({ state: 'drift' });
  expect(forecasts.of(KEY)?.drift.ratio).toBeGreaterThan(1.5);
  expect(bench.events.of('analysis.forecast_drift')).toMatchObject([
    { data: { symbol: 'BTCUSDT', ratio: expect.any(Number) as number } },
  ]);
});

test('a changed interval counts from now on, and a stop ends the rounds', async () => {
  const { forecasts } = bench.services;
  await store(candles(-100, 0));
  forecasts.start();
  await call(bench, 'configure_streaming', { forecast_interval_seconds: 60, reason: 'a test' });
  await pass(2);
  expect(forecasts.of(KEY)?.made).toBe(2);
  expect((await call(bench, 'get_realtime_analytics_status')).data.forecast_interval_seconds).toBe(60);
  await forecasts.stop();
  await pass(3);
  expect(forecasts.of(KEY)?.made).toBe(2);
  expect(bench.clock.pending).toBe(0);
});

test('get_stream_forecast gives the desk’s own forecast while it is young, else one made now', async () => {
  const { forecasts } = bench.services;
  await store(candles(-100, 0));
  const fresh = await call(bench, 'get_stream_forecast');
  expect(fresh.data).toMatchObject({ made_at: null, origin: '2026-01-05T12:00:00.000Z', horizon_minutes: 24 });
  expect(fresh.data.current_price).toBe(priceAt(-1));
  expect(fresh.data.backtest.models).toHaveLength(4);
  expect(fresh.provenance).toMatchObject({ as_of: '2026-01-05T12:00:00.000Z', stale_ms: 0 });
  await forecasts.round();
  await pass(2);
  const own = await call(bench, 'get_stream_forecast');
  expect(own.data).toMatchObject({ made_at: '2026-01-05T12:00:00.000Z', origin: '2026-01-05T12:00:00.000Z' });
  const other = await call(bench, 'get_stream_forecast', { model: 'drift', horizon_minutes: 5 });
  expect(other.data).toMatchObject({ made_at: null, model: 'drift', horizon_minutes: 5 });
  expect(other.data.backtest).toMatchObject({ naive_error_percent: null, skill: null });
  await pass(6);
  expect((await call(bench, 'get_stream_forecast')).data.made_at).toBeNull();
  await expect(call(bench, 'get_stream_forecast', { model: 'oracle' })).rejects.toThrow();
  await expect(call(bench, 'get_stream_forecast', { exchange: 'bynance' })).rejects.toThrow(/did you mean binance/);
});

test('while trading signals are paused there is no forecast', async () => {
  await store(candles(-100, 0));
  const change = { by: 'operator', reason: 'a test', clock: bench.clock, events: bench.events };
  await bench.services.settings.pauseSignals(change);
  await expect(call(bench, 'get_stream_forecast')).rejects.toThrow(/trading signals are paused/);
});
