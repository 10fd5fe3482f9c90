import { describe, expect, it } from 'vitest';
import { InvalidInput, NotFound } from '../../../src/kit/errors.ts';
import type { MarketStore, QuarantineRequest } from '../../../src/market/store/contract.ts';
import { DAY, MINUTE, T0, candle, open, price, temporaryFolder, trade } from './fixtures.ts';

const series = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT' } as const;
const all = { from: 0, to: T0 * 2, limit: 1000 };

function request(stream: QuarantineRequest['stream'], changes: Partial<QuarantineRequest> = {}): QuarantineRequest {
  return { ...series, stream, id: 'q1', reason: 'spike', keys: null, from: T0, to: T0 + DAY, ...changes };
}

async function pricesOf(store: MarketStore): Promise<unknown[]> {
  const rows = await store.seriesRows({ ...series, stream: 'trades', ...all });
  return rows.map((row) => [row['trade_id'], row['price']]);
}

async function keyOf(store: MarketStore, tradeId: string): Promise<string> {
  const rows = await store.seriesRows({ ...series, stream: 'trades', ...all });
  return String(rows.find((row) => row['trade_id'] === tradeId)?.['row_key']);
}

describe('quarantine', () => {
  it('moves rows out of the view, keeps them, and puts them back', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await store.ingest([trade(1, T0), trade(2, T0 + 1, { price: 1 }), trade(3, T0 + DAY)], null);
    const keys = [await keyOf(store, '2')];
    expect(await store.quarantine(request('trades', { keys }))).toBe(1);
    expect(await store.quarantine(request('trades', { keys }))).toBe(1);
    expect(await pricesOf(store)).toEqual([
      ['1', 60_000],
      ['3', 60_000],
    ]);
    const kept = await store.query('SELECT quarantine_id, table_name, reason, row FROM quarantine', {
      maxRows: 5,
      timeoutMs: 5000,
    });
    expect(kept.rows).toEqual([
      expect.objectContaining({ quarantine_id: 'q1', table_name: 'btcusdt_binance_futures_trades', reason: 'spike' }),
    ]);
    expect(JSON.parse(String(kept.rows[0]?.['row']))).toMatchObject({ trade_id: '2', price: 1 });
    const again = await store.ingest([trade(2, T0 + 1, { price: 1 })], null);
    expect(again.tables[0]).toMatchObject({ rows: 0, duplicates: 1 });
    expect(await store.release('q1')).toBe(1);
    expect(await store.release('q1')).toBe(0);
    expect(await pricesOf(store)).toEqual([
      ['1', 60_000],
      ['2', 1],
      ['3', 60_000],
    ]);
    expect(await store.quarantine(request('trades'))).toBe(2);
    expect(await pricesOf(store)).toEqual([['3', 60_000]]);
  });

  it('lets a record that says otherwise take the place, in any order of coming', async () => {
    const bad = trade(7, T0, { price: 1 });
    const good = trade(7, T0, { price: 2, origin: 'backfill', recv_time: T0 + 6000 });
    const worse = trade(7, T0, { price: 3, recv_time: T0 + 7000 });
    const live = await open(temporaryFolder());
    await using store = live.store;
    await store.ingest([bad], null);
    await store.quarantine(request('trades', { keys: [await keyOf(store, '7')] }));
    await store.ingest([good], null);
    await store.ingest([worse], null);
    expect(await pricesOf(store)).toEqual([['7', 2]]);
    const replay = await open(temporaryFolder());
    await using rebuilt = replay.store;
    await rebuilt.ingest([bad, good, worse], null);
    expect(await pricesOf(rebuilt)).toEqual([['7', 1]]);
    await rebuilt.quarantine(request('trades', { keys: [await keyOf(rebuilt, '7')] }));
    expect(await pricesOf(rebuilt)).toEqual([['7', 2]]);
    for (const one of [store, rebuilt]) {
      await one.release('q1');
      expect(await pricesOf(one)).toEqual([['7', 1]]);
      await one.quarantine(request('trades', { id: 'q2' }));
      expect(await pricesOf(one)).toEqual([['7', 2]]);
      await one.quarantine(request('trades', { id: 'q3' }));
      expect(await pricesOf(one)).toEqual([['7', 3]]);
      await one.release('q2');
      expect(await pricesOf(one)).toEqual([['7', 1]]);
      await one.release('q3');
      expect(await pricesOf(one)).toEqual([['7', 1]]);
      expect((await one.read('SELECT price FROM rival.trades ORDER BY price')).map((row) => row['price'])).toEqual([
        2, 3,
      ]);
    }
  });

  it('does so for closed candles, and reaches into finished days', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    const closes = async (): Promise<unknown[]> =>
      (await store.seriesRows({ ...series, stream: 'candles', ...all })).map((row) => row['close']);
    await store.ingest([candle(T0, { close: 999 }), candle(T0 + MINUTE)], null);
    await store.ingest([candle(T0, { close: 100, event_time: T0 + MINUTE - 1, origin: 'backfill' })], null);
    await store.compact({ now: T0 + 2 * DAY, minimumGain: 1 });
    expect(await closes()).toEqual([999, 105]);
    const [row] = await store.seriesRows({ ...series, stream: 'candles', ...all });
    expect(await store.quarantine(request('candles', { keys: [String(row?.['row_key'])] }))).toBe(1);
    expect(await closes()).toEqual([100, 105]);
    await store.compact({ now: T0 + 2 * DAY, minimumGain: 1 });
    expect(await closes()).toEqual([100, 105]);
    expect(await store.release('q1')).toBe(1);
    expect(await closes()).toEqual([999, 105]);
    expect((await store.stats('btcusdt_binance_futures_candles'))[0]).toMatchObject({ rows: 2, hot_rows: 2 });
  });

  it('holds content rows apart and survives a restart', async () => {
    const folder = temporaryFolder();
    const first = await open(folder);
    await first.store.ingest([price(T0), price(T0 + 1)], null);
    expect(await first.store.quarantine(request('prices', { to: T0 + 1 }))).toBe(1);
    await first.store.close();
    const { store } = await open(folder);
    await using _ = store;
    const again = await store.ingest([price(T0), price(T0 + 1)], null);
    expect(again.tables[0]).toMatchObject({ rows: 0, duplicates: 2 });
    expect(await store.seriesRows({ ...series, stream: 'prices', ...all })).toHaveLength(1);
    expect(await store.release('q1')).toBe(1);
    expect(await store.seriesRows({ ...series, stream: 'prices', ...all })).toHaveLength(2);
  });

  it('refuses what it cannot do', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await expect(store.quarantine(request('trades'))).rejects.toBeInstanceOf(NotFound);
    await store.ingest([trade(1, T0)], null);
    await expect(store.quarantine(request('trades', { keys: ['1) OR (1=1'] }))).rejects.toBeInstanceOf(InvalidInput);
    await expect(store.quarantine(request('trades', { to: T0 }))).rejects.toBeInstanceOf(InvalidInput);
    expect(await store.quarantine(request('trades', { keys: [] }))).toBe(0);
    expect(await store.quarantine(request('trades', { from: T0 + 1 }))).toBe(0);
    expect(await pricesOf(store)).toHaveLength(1);
  });
});
