import { existsSync, readdirSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidInput, NotFound, Unsupported } from '../../../src/kit/errors.ts';
import type { MarketStore } from '../../../src/market/store/contract.ts';
import { DAY, HOUR, T0, everyStream, open, price, temporaryFolder, trade } from './fixtures.ts';

const series = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT' } as const;
const trades = { ...series, stream: 'trades' } as const;
const all = { from: 0, to: T0 * 2, limit: 100_000 };
const files = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name)
        .sort()
    : [];

async function everything(store: MarketStore): Promise<unknown> {
  const tables = [];
  for (const key of await store.series()) tables.push([key, await store.seriesRows({ ...key, ...all })]);
  return tables;
}

describe('indexes', () => {
  it('are made once, survive storing, compaction, a rewrite and a restart, and are dropped again', async () => {
    const folder = temporaryFolder();
    {
      const { store } = await open(folder);
      await using _ = store;
      await store.ingest([trade(1, T0)], null);
      const made = await store.createIndex('trades', ['trade_id']);
      expect(made).toEqual({
        name: 'idx_trades_trade_id',
        stream: 'trades',
        columns: ['series_id', 'trade_id'],
        created: true,
      });
      expect((await store.createIndex('trades', ['trade_id'])).created).toBe(false);
      await store.ingest([trade(1, T0), trade(2, T0 + 1000), trade(3, T0 + DAY)], null);
      await store.compact({ now: T0 + DAY + HOUR, minimumGain: 0 });
      expect((await store.seriesRows({ ...trades, ...all })).map((r) => r['trade_id'])).toEqual(['1', '2', '3']);
    }
    const { store } = await open(folder);
    await using _ = store;
    expect(await store.indexes()).toEqual([
      { name: 'idx_trades_trade_id', stream: 'trades', columns: ['series_id', 'trade_id'] },
    ]);
    await store.dropIndex('idx_trades_trade_id');
    expect(await store.indexes()).toEqual([]);
    await expect(store.dropIndex('idx_trades_trade_ic')).rejects.toThrow(NotFound);
  });

  it('name columns that the stream has', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await expect(store.createIndex('trades', ['trade_idd'])).rejects.toThrow(
      /no column 'trade_idd' \(did you mean trade_id\?\)/,
    );
    await expect(store.createIndex('trades', ['x") ; DROP'])).rejects.toBeInstanceOf(InvalidInput);
  });
});

describe('dropping', () => {
  it('deletes a derived table and never a raw one', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await store.ingest([price(T0), trade(1, T0)], null);
    await store.writeNormalized(trades, T0 - 1, T0 + 1);
    const name = 'btcusdt_binance_futures_trades_normalized';
    expect(await store.derivedRows(name)).toBe(1);
    expect(await store.dropDerived(name)).toBe(1);
    await expect(store.query(`SELECT * FROM ${name}`, { maxRows: 1, timeoutMs: 5000 })).rejects.toThrow(/normalized/);
    await expect(store.dropDerived(name)).rejects.toThrow(/not written yet, or was dropped/);
    await expect(store.dropDerived('btcusdt_binance_futures_trades')).rejects.toThrow(Unsupported);
    await expect(store.dropDerived('btcusdt_binance_futures_trade')).rejects.toThrow(/did you mean/);
    await expect(store.dropDerived('btcusdt_binance_futures_prices_5m')).rejects.toThrow(/no bars/);
    await expect(store.dropDerived('_format')).rejects.toThrow(NotFound);
    expect(await store.writeNormalized(trades, T0 - 1, T0 + 1)).toBe(1);
    expect((await store.seriesRows({ ...trades, ...all })).length).toBe(1);
  });

  it('views made anew show the same rows', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await store.ingest(everyStream(T0), null);
    const before = await everything(store);
    expect(await store.rebuildViews()).toBe((await store.series()).length * 2);
    expect(await everything(store)).toEqual(before);
  });
});

describe('the archive', () => {
  const now = T0 + 10 * DAY;
  const streams = everyStream(T0).length;
  async function filled(folder: string) {
    const { store } = await open(folder);
    await store.ingest(
      [0, DAY, 2 * DAY].flatMap((offset) => everyStream(T0 + offset)),
      null,
    );
    await store.compact({ now, minimumGain: 1 });
    return store;
  }

  it('takes old days out of the views, and brings them back equal', async () => {
    const folder = temporaryFolder();
    await using store = await filled(folder);
    const before = await everything(store);
    const request = { now, days: 8, folder: 'archive' };
    expect(await store.archivable(request)).toMatchObject({ files: 2 * streams });
    const moved = await store.archive(request);
    expect(moved).toMatchObject({ files: 2 * streams, first_day: '2026-01-02', last_day: '2026-01-03' });
    expect(moved.folder).toBe(join(folder, 'archive'));
    expect(files(join(folder, 'archive'))).toHaveLength(2 * streams);
    expect(files(join(folder, 'parquet'))).toHaveLength(streams);
    expect(await store.storage()).toMatchObject({ archive_bytes: moved.bytes, archive_elsewhere: false });
    expect((await store.seriesRows({ ...trades, ...all })).every((r) => Number(r['event_time']) >= T0 + 2 * DAY)).toBe(
      true,
    );
    expect(await store.archive(request)).toMatchObject({ files: 0, first_day: null });
    const one = { folder: 'archive', table: 'btcusdt_binance_futures_trades', from: '2026-01-03', to: '2026-01-03' };
    expect(await store.restore(one)).toMatchObject({ files: 1, skipped: [] });
    expect(await store.restore({ folder: 'archive', from: '2026-01-01', to: '2026-12-31' })).toMatchObject({
      files: 2 * streams - 1,
    });
    expect(await everything(store)).toEqual(before);
    expect(files(join(folder, 'archive'))).toEqual([]);
  });

  it('leaves a day that has rows in the archive, and holds over a restart', async () => {
    const folder = temporaryFolder();
    {
      await using store = await filled(folder);
      await store.archive({ now, days: 8, folder: 'archive' });
      await store.ingest([trade('late', T0 + HOUR)], null);
    }
    const { store } = await open(folder);
    await using _ = store;
    const back = await store.restore({ folder: 'archive', from: '2026-01-02', to: '2026-01-02' });
    expect(back.files).toBe(streams - 1);
    expect(back.skipped).toEqual([
      { file: expect.stringContaining('trades') as string, reason: 'the day has rows in the database' },
    ]);
  });

  it('refuses a file that is not what it says, and a folder that was never written', async () => {
    const folder = temporaryFolder();
    await using store = await filled(folder);
    await expect(store.restore({ folder: 'archive', from: '2026-01-01', to: '2026-01-09' })).rejects.toThrow(
      /nothing was archived yet/,
    );
    await store.archive({ now, days: 8, folder: 'archive' });
    const path = join(folder, 'archive', 'trades', 'btcusdt_binance_futures_trades', '2026-01-02.1.parquet');
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 100));
    const request = {
      folder: 'archive',
      table: 'btcusdt_binance_futures_trades',
      from: '2026-01-02',
      to: '2026-01-02',
    };
    await expect(store.restore(request)).rejects.toThrow(/2026-01-02\.1\.parquet is damaged/);
    expect(existsSync(path)).toBe(true);
    expect(files(join(folder, 'parquet')).filter((name) => name.startsWith('2026-01-02'))).toEqual([]);
  });
});
