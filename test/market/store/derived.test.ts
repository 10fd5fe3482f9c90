import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../src/kit/errors.ts';
import { DAY, HOUR, MINUTE, T0, candle, everyStream, open, price, temporaryFolder, trade } from './fixtures.ts';

const series = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT' } as const;
const limits = { maxRows: 100, timeoutMs: 5000 };

describe('derived rows', () => {
  it('writes cleaned rows beside the raw ones, once a time and method', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await store.ingest([price(T0)], null);
    const key = { ...series, stream: 'prices' } as const;
    const row = (value: number) => ({
      event_time: T0 + 1000,
      method: 'interpolated_linear',
      values: { bid_price: value, mid_price: null },
    });
    expect(await store.writeCleaned(key, [row(1), { ...row(2), method: 'forward_fill' }])).toBe(2);
    expect(await store.writeCleaned(key, [row(3), row(4)])).toBe(1);
    expect(await store.writeCleaned(key, [])).toBe(0);
    const cleaned = await store.query(
      'SELECT bid_price, ask_price, method, timestamp FROM btcusdt_binance_futures_prices_cleaned ORDER BY method',
      limits,
    );
    expect(cleaned.rows).toEqual([
      { bid_price: 2, ask_price: null, method: 'forward_fill', timestamp: '2026-01-02T00:00:00.001000Z' },
      { bid_price: 4, ask_price: null, method: 'interpolated_linear', timestamp: '2026-01-02T00:00:00.001000Z' },
    ]);
    expect((await store.stats('btcusdt_binance_futures_prices'))[0]).toMatchObject({ rows: 1 });
    await expect(store.writeCleaned(key, [{ ...row(1), values: { bid_prise: 1 } }])).rejects.toThrow(
      /did you mean bid_price/,
    );
    await expect(store.writeCleaned(key, [{ ...row(1), values: { bid_price: 'x' } }])).rejects.toBeInstanceOf(
      InvalidInput,
    );
  });

  it('writes cleaned rows of every stream from what the stream holds', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await store.ingest(everyStream(T0), null);
    for (const key of await store.series()) {
      const [row] = await store.seriesRows({ ...key, from: 0, to: T0 * 2, limit: 1 });
      const names = (await store.read(`SELECT * FROM derived.cleaned_${key.stream}`)).length;
      expect(names).toBe(0);
      const columns = await store.read<{ column_name: string }>(
        `SELECT column_name FROM duckdb_columns() WHERE schema_name = 'derived' AND table_name = 'cleaned_${key.stream}'`,
      );
      const values = Object.fromEntries(
        columns
          .map((c) => c.column_name)
          .filter((name) => !['series_id', 'event_time', 'method', 'source_id'].includes(name))
          .map((name) => [name, row?.[name] as number]),
      );
      expect(await store.writeCleaned(key, [{ event_time: T0, method: 'copy', values }])).toBe(1);
      const [copy] = await store.read(`SELECT * FROM "btcusdt_binance_futures_${key.stream}_cleaned"`);
      expect(copy).toMatchObject(values);
    }
  });

  it('writes normalised copies: UTC ms, eight decimals, plain symbols', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    const key = { ...series, symbol: 'BTC-USDT', stream: 'trades' } as const;
    await store.ingest(
      [
        trade(1, T0 + 1500, { symbol: 'BTC-USDT', price: 0.1234567891, quantity: 1 / 3 }),
        trade(2, T0 + HOUR, { symbol: 'BTC-USDT' }),
      ],
      null,
    );
    expect(await store.writeNormalized(key, T0, T0 + HOUR)).toBe(1);
    expect(await store.writeNormalized(key, T0, T0 + 2 * HOUR)).toBe(2);
    const rows = await store.query(
      'SELECT symbol, timestamp_ms, price, quantity, side FROM "btc-usdt_binance_futures_trades_normalized" ORDER BY timestamp_ms',
      limits,
    );
    expect(rows.rows[0]).toEqual({
      symbol: 'BTCUSDT',
      timestamp_ms: T0 / 1000 + 1,
      price: 0.12345679,
      quantity: 0.33333333,
      side: 'buy',
    });
    expect(rows.rows).toHaveLength(2);
  });

  it('aggregates minutes to longer candles and marks those that are not whole', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    const minutes = Array.from({ length: 8 }, (_, i) =>
      candle(T0 + i * MINUTE, {
        open: i,
        high: 100 + i,
        low: -i,
        close: i + 0.5,
        volume: i + 1,
        quote_volume: (i + 1) * 10,
        taker_buy_volume: 1,
        taker_buy_quote: null,
        trade_count: 2,
      }),
    );
    await store.ingest(minutes, null);
    await store.compact({ now: T0 + 2 * DAY, minimumGain: 1 });
    const key = { ...series, stream: 'candles' } as const;
    expect(await store.aggregate(key, '5m', T0, T0 + 8 * MINUTE)).toBe(2);
    expect(await store.aggregate(key, '5m', T0 + MINUTE, T0 + 2 * MINUTE)).toBe(1);
    const rows = await store.query('SELECT * FROM btcusdt_binance_futures_candles_5m ORDER BY open_time', limits);
    expect(rows.rows).toEqual([
      {
        open_time: '2026-01-02T00:00:00.000000Z',
        close_time: '2026-01-02T00:05:00.000000Z',
        interval: '5m',
        open: 0,
        high: 104,
        low: -4,
        close: 4.5,
        volume: 15,
        quote_volume: 150,
        trade_count: 10,
        taker_buy_volume: 5,
        taker_buy_quote: null,
        taker_buy_pct: (5 / 15) * 100,
        vwap: 10,
        source_candles: 5,
        complete: true,
      },
      expect.objectContaining({ open: 5, high: 107, close: 7.5, volume: 21, source_candles: 3, complete: false }),
    ]);
    for (const target of ['15m', '1h', '4h', '1d'] as const)
      expect(await store.aggregate(key, target, T0, T0 + HOUR)).toBeGreaterThan(0);
    await expect(store.aggregate(key, '1m', T0, T0 + HOUR)).rejects.toBeInstanceOf(InvalidInput);
    await expect(store.aggregate({ ...key, stream: 'trades' }, '5m', T0, T0 + HOUR)).rejects.toBeInstanceOf(
      InvalidInput,
    );
  });
});
