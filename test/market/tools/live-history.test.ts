import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { NotFound, Unavailable } from '../../../src/kit/errors.ts';
import type { StoredRecord } from '../../../src/market/domain/records.ts';
import { fillBench, fillLiquidations, keyOf, openBench, START, type Bench } from '../jobs/bench.ts';
import { call } from './call.ts';

const MINUTE = 60_000_000;

// Simulated markets of many venues are made on the way.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let bench: Bench;
let empty: Bench;
beforeAll(async () => {
  bench = await openBench();
  await fillBench(bench);
  await fillLiquidations(bench);
  await bench.services.store.ingest(
    [0, 1, 2].map((i) => funding(START * 1000 - (2 - i) * 60 * MINUTE, 0.0001 * (i + 1))),
    null,
  );
  empty = await openBench();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await empty[Symbol.asyncDispose]();
});

function funding(at: number, rate: number): StoredRecord {
  return {
    ...keyOf('funding_rates'),
    stream: 'funding_rates',
    event_time: at,
    recv_time: at,
    seq: null,
    origin: 'backfill',
    funding_rate: rate,
    funding_interval_hours: 1,
    next_funding_time: null,
  };
}

describe('live', () => {
  test('funding of each venue on its own interval, per 8 h and a year; a settled rate says so', async () => {
    const { data } = await call(empty, 'get_funding_rate_data', { symbol: 'BTCUSDT', exchange: 'all' });
    const [{ markets, highest_pct: highest }] = data.symbols;
    const of = (exchange: string) => markets.find((m: { exchange: string }) => m.exchange === exchange);
    expect(of('hyperliquid')).toMatchObject({ interval_hours: 1, listed_as: 'BTCUSDC', settled: false });
    expect(of('hyperliquid').rate_8h).toBeCloseTo(of('hyperliquid').funding_rate * 8, 15);
    expect(of('bybit').annualised_pct).toBeCloseTo(of('bybit').funding_rate * 3 * 365 * 100, 10);
    expect(of('kraken')).toMatchObject({ interval_hours: 1, settled: true });
    expect(highest).toBe(Math.max(...markets.map((m: { annualised_pct: number }) => m.annualised_pct)));
  });

  test('open interest in base units everywhere, shares of one total; contracts in other units are converted', async () => {
    const { data } = await call(empty, 'get_open_interest_data', { symbol: 'BTCUSDT', exchange: 'all' });
    const [{ markets, total }] = data.symbols;
    expect(markets.length).toBeGreaterThanOrEqual(7);
    expect(markets.reduce((sum: number, m: { share_pct: number }) => sum + m.share_pct, 0)).toBeCloseTo(100, 8);
    for (const m of markets) expect(m.open_interest).toBeGreaterThan(total / 1000);
  });

  test('without an index there is no premium', async () => {
    const { data } = await call(empty, 'get_mark_price_data', { symbol: 'BTCUSDT', exchange: 'all' });
    for (const m of data.symbols[0].markets) expect(m.premium_bps === null).toBe(m.index === null);
    expect(data.symbols[0].markets.some((m: { premium_bps: number | null }) => m.premium_bps !== null)).toBe(true);
  });

  test('books, trades and the rolling day: figures agree with what is listed', async () => {
    const books = await call(empty, 'get_orderbook_data', { symbol: 'BTCUSDT', exchange: 'okx', depth: 3 });
    for (const m of books.data.symbols[0].markets) {
      expect(m.bids.length).toBe(3);
      expect(m.best_bid).toBe(m.bids[0][0]);
      expect(m.best_bid).toBeLessThan(m.best_ask);
    }
    const traded = await call(empty, 'get_trades', { symbol: 'BTCUSDT', exchange: 'bybit', limit: 30 });
    for (const m of traded.data.symbols[0].markets) {
      expect(m.count).toBe(30);
      expect(Number(m.buys) + Number(m.sells)).toBe(30);
      expect(m.vwap).toBeGreaterThanOrEqual(m.low);
    }
    const days = await call(empty, 'get_24h_ticker_data', { symbol: 'BTCUSDT', exchange: 'binance' });
    const [{ markets, volume_24h: volume, quote_volumes: money }] = days.data.symbols;
    expect(volume).toBeCloseTo(Number(markets[0].volume_24h) + Number(markets[1].volume_24h), 6);
    expect(Object.keys(money)).toEqual(['USDT']);
  });

  test('an overview keeps what it has and names what it has not', async () => {
    const { data } = await call(empty, 'get_market_overview', { symbol: 'BTCUSDT', exchange: 'kucoin' });
    const futures = data.markets.find((m: { market: string }) => m.market === 'futures');
    const spot = data.markets.find((m: { market: string }) => m.market === 'spot');
    expect(futures.funding.interval_hours).toBe(8);
    expect(spot).toMatchObject({ funding: null, mark: null, open_interest: null, unknown: [] });
    expect(spot.book.bid).toBeLessThan(spot.book.ask);
  });

  test('liquidations: the side is the position’s; only collected ones, and without them a remedy', async () => {
    const { data } = await call(bench, 'get_liquidation_data', { symbol: 'BTCUSDT' });
    expect(data.symbols[0].totals).toMatchObject({ events: 3, long_value: 39_900, short_value: 505, dominant: 'long' });
    expect(data.symbols[0].events[0]).toMatchObject({ side: 'short', price: 101, value: 505 });
    await expect(call(empty, 'get_liquidation_data', { symbol: 'BTCUSDT' })).rejects.toThrow(NotFound);
  });

  test('collected rows that are fresh are used without asking the venue', async () => {
    const { data } = await call(bench, 'get_mark_price_data', { symbol: 'BTCUSDT', exchange: 'binance' });
    expect(data.symbols[0].markets[0]).toMatchObject({ via: 'live', age_ms: 3000 });
  });
});

describe('history', () => {
  test('prices: figures of all rows though only some are listed, and the coverage of what was used', async () => {
    const { data, provenance } = await call(bench, 'get_historical_price_data', { exchange: 'binance', limit: 5 });
    const [series] = data.series;
    expect(series).toMatchObject({ rows: 600, open: 100 });
    expect(series.newest.length).toBe(5);
    expect(series.high).toBeCloseTo(100.1, 2);
    expect(series.low).toBeCloseTo(99.9, 2);
    expect(series.change_percent).toBeCloseTo((series.close / series.open - 1) * 100, 10);
    expect(provenance.complete).toBe(series.coverage.complete);
    expect(provenance.notes?.[0]).toMatch(/capped/);
    await expect(call(bench, 'get_historical_price_data', { min_coverage: 1 })).rejects.toThrow(Unavailable);
  });

  test('trades: sums, VWAP and sides; both venues unless one is named', async () => {
    const { data } = await call(bench, 'get_historical_trade_data', { limit: 3 });
    expect(data.series.map((s: { exchange: string }) => s.exchange).sort()).toEqual(['binance', 'bybit']);
    expect(data.series[0]).toMatchObject({ trades: 600, buys: 600, sells: 0, buy_quantity: 1200, sell_quantity: 0 });
    expect(data.series[0].vwap).toBeCloseTo(100, 1);
    expect(data.series[0].largest.price).toBeCloseTo(100.1, 2);
    const sold = await call(bench, 'get_historical_trade_data', { exchange: 'binance', side: 'sell' });
    expect(sold.data.series[0]).toMatchObject({ trades: 0, vwap: null, largest: null });
  });

  test('funding: payments are summed, rates told in between are not', async () => {
    const { data } = await call(bench, 'get_historical_funding_data', { exchange: 'binance', hours: 24 });
    expect(data.series[0]).toMatchObject({ payments: 3, interval_hours: 1 });
    expect(data.series[0].cumulative_rate).toBeCloseTo(0.0006, 12);
    expect(data.series[0].mean_annualised_pct).toBeCloseTo(0.0002 * 24 * 365 * 100, 8);
    const sums = await call(bench, 'query_historical_analytics', { query_type: 'funding_cumulative' });
    expect(sums.data.points.map((p: { cumulative: number }) => Number(p.cumulative.toFixed(6)))).toEqual([
      0.0001, 0.0003, 0.0006,
    ]);
  });

  test('liquidations of a value, open interest in base units, the database', async () => {
    const large = await call(bench, 'get_historical_liquidation_data', { min_value: 9000 });
    expect(large.data).toMatchObject({ all: { events: 3 }, selected: { events: 2, long_value: 39_900 } });
    const interest = await call(bench, 'get_historical_oi_data', { exchange: 'binance', hours: 1 });
    expect(interest.data.series[0]).toMatchObject({ readings: 60, first: 1000, high: 1006, low: 1000, trend: 'flat' });
    const statistics = await call(bench, 'get_database_statistics');
    expect(statistics.data.by_market.map((m: { market: string }) => m.market).sort()).toEqual([
      'binance_futures',
      'bybit_futures',
    ]);
    const tables = statistics.data.by_stream.reduce((sum: number, s: { rows: number }) => sum + s.rows, 0);
    expect(tables).toBe(statistics.data.rows);
  });

  test('bars, volume by price, volatility and cascades of stored rows', async () => {
    const bars = await call(bench, 'query_historical_analytics', { aggregation: '5m', hours: 1 });
    expect(bars.data.points.map((p: { samples: number }) => p.samples)).toEqual([300, 300]);
    for (const p of bars.data.points) expect(p.low <= p.open && p.close <= p.high).toBe(true);
    const profile = await call(bench, 'query_historical_analytics', { query_type: 'volume_profile', hours: 1 });
    const volume = profile.data.bins.reduce((sum: number, b: { bought: number; sold: number }) => sum + b.bought, 0);
    expect(volume).toBeCloseTo(1200, 6);
    expect(profile.data.value_area_low).toBeLessThanOrEqual(profile.data.point_of_control);
    const cascade = await call(bench, 'query_historical_analytics', { query_type: 'liquidation_cascade' });
    expect(cascade.data.points).toEqual([expect.objectContaining({ events: 3, long_value: 39_900, short_value: 505 })]);
    const calm = await call(bench, 'query_historical_analytics', { query_type: 'volatility', aggregation: '1h' });
    expect(calm.data).toMatchObject({ volatility_annualised: null, returns: 0 });
  });

  test('what is not stored is named', async () => {
    await expect(call(bench, 'get_historical_price_data', { symbol: 'BTCUSTD' })).rejects.toThrow(
      /did you mean BTCUSDT/,
    );
    await expect(call(bench, 'query_historical_analytics', { exchange: 'okx' })).rejects.toThrow(NotFound);
  });
});
