import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Conflict, InvalidInput } from '../../../src/kit/errors.ts';
import { fillBench, fillLiquidations, openBench, START, type Bench } from '../jobs/bench.ts';
import { call } from './call.ts';

// Simulated markets of many venues are made on the way.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
  await fillBench(bench);
  await fillLiquidations(bench);
});
afterAll(() => bench[Symbol.asyncDispose]());

test('funding arbitrage: each contract on its own interval, costs in taker fees, hours to pay them', async () => {
  const { data } = await call(bench, 'analyze_funding_arbitrage', { exchanges: ['okx', 'hyperliquid', 'kucoin'] });
  const of = (market: string) => data.rates.find((r: { market: string }) => r.market === market);
  expect(of('hyperliquid_futures').rate_8h).toBeCloseTo(of('hyperliquid_futures').funding_rate * 8, 15);
  const rates = data.rates.map((r: { rate_8h: number }) => r.rate_8h);
  expect(data.short.rate_8h).toBeCloseTo(Math.max(...rates), 15);
  expect(data.long.rate_8h).toBeCloseTo(Math.min(...rates), 15);
  expect(data.spread_8h).toBeCloseTo(data.short.rate_8h - data.long.rate_8h, 15);
  const fees = 2 * (Number(of(data.long.market).taker_fee_percent) + Number(of(data.short.market).taker_fee_percent));
  expect(data.fees_percent).toBeCloseTo(fees, 12);
  expect(data.break_even_hours).toBeCloseTo((fees / 100 / data.spread_8h) * 8, 6);
  expect(data.paid_spread_annualised_pct).toBeNull();
});

test('liquidations by price: value by side, the hottest first', async () => {
  const { data } = await call(bench, 'get_liquidation_heatmap_analysis', { price_buckets: 2 });
  expect(data.buckets).toEqual([
    expect.objectContaining({ low: 99, high: 100, long_value: 9900, short_value: 0, events: 1 }),
    expect.objectContaining({ low: 100, high: 101, long_value: 30_000, short_value: 505, events: 2 }),
  ]);
  expect(data.hottest[0].low).toBe(100);
  expect(Number(data.hottest[0].share_pct) + Number(data.hottest[1].share_pct)).toBeCloseTo(100, 9);
});

test('the price now against the last minutes: place in the range, trend, what the history covers', async () => {
  const { data, provenance } = await call(bench, 'get_price_with_historical_context', { historical_minutes: 30 });
  expect(data).toMatchObject({ rows: 600, first: 100, now: { via: 'live', age_ms: 1000 } });
  expect(data.position_pct).toBeCloseTo(((data.now.price - data.lowest) / (data.highest - data.lowest)) * 100, 9);
  expect(data.position_pct).toBeGreaterThanOrEqual(0);
  expect(provenance.complete).toBe(data.coverage.complete);
  await expect(
    call(bench, 'get_price_with_historical_context', { exchange: 'hyperliquid', market_type: 'spot' }),
  ).rejects.toThrow(InvalidInput);
});

test('an anomaly is a move against what one-minute returns make expect; without them it is unknown, with the reason', async () => {
  const { data } = await call(bench, 'detect_price_anomalies', {});
  expect(data.windows.map((w: { verdict: string }) => w.verdict)).toEqual(new Array(5).fill('unknown'));
  expect(data.windows[0].reason).toMatch(/one-minute returns, 30 that differ are needed/);
  expect(data.windows[4].reason).toMatch(/no price is stored of 1440 minutes ago/);
  expect(data.windows[0].change_percent).toBeCloseTo((data.now.price / data.windows[0].then - 1) * 100, 9);
  expect(Date.parse(data.windows[0].then_time)).toBeLessThanOrEqual(START - 5 * 60_000);
});

test('a full snapshot: live parts, flow and liquidations of the last minutes; a part that fails is named', async () => {
  const { data, provenance } = await call(bench, 'get_full_market_snapshot', { exchange: 'okx' });
  expect(data.markets.map((m: { market: string }) => m.market).sort()).toEqual(['futures', 'spot']);
  expect(data.best_pair).toMatchObject({ legs: 'basis' });
  expect(data.flow.map((f: { flow: string }) => f.flow)).toEqual(['buying', 'buying']);
  expect(data.liquidations).toMatchObject({ events: 3, dominant: 'long' });
  const bare = await openBench();
  const alone = await call(bare, 'get_full_market_snapshot', { exchange: 'okx' });
  expect(alone.data).toMatchObject({ flow: null, liquidations: null });
  expect(alone.data.unknown.join()).toMatch(/flow: .*liquidations: /);
  expect(alone.provenance.complete).toBe(false);
  expect(provenance.sources?.length).toBeGreaterThan(3);
  await call(bare, 'pause_trading_signals', { reason: 'a venue is wrong' });
  await expect(call(bare, 'get_full_market_snapshot', { exchange: 'okx' })).rejects.toThrow(Conflict);
  await bare[Symbol.asyncDispose]();
});
