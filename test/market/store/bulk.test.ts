import { copyFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { CoverageBatch } from '../../../src/market/domain/coverage.ts';
import type { StoredRecord } from '../../../src/market/domain/records.ts';
import type { MarketStore } from '../../../src/market/store/contract.ts';
import {
  DAY,
  HOUR,
  MINUTE,
  SECOND,
  T0,
  book,
  candle,
  everyStream,
  open,
  price,
  temporaryFolder,
  trade,
} from './fixtures.ts';

const THREADS = availableParallelism() > 2 ? 2 : 1;
const NOTHING: CoverageBatch = { changes: [], heads: [] };
const series = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT' } as const;
const all = { from: 0, to: T0 * 2, limit: 20_000 };

async function threads(store: MarketStore): Promise<unknown> {
  const [row] = await store.read("SELECT current_setting('threads')::INTEGER AS threads");
  return row?.['threads'];
}

async function rows(store: MarketStore): Promise<unknown> {
  const held = [...(await store.stats())].map(({ table, rows }) => `${table} ${rows}`).sort();
  const coverage = await store.read('SELECT * EXCLUDE (series_id) FROM _coverage ORDER BY ALL');
  const heads = await store.read('SELECT * EXCLUDE (series_id) FROM _coverage_heads ORDER BY ALL');
  const trades = await store.seriesRows({ ...series, stream: 'trades', ...all });
  const candles = await store.seriesRows({ ...series, stream: 'candles', ...all });
  return { held, coverage, heads, trades, candles };
}

/** Records of every stream with doubles, rivals and a candle that is replaced; a step of the ledger each commit. */
function commits(): { readonly records: StoredRecord[]; readonly coverage: CoverageBatch }[] {
  return Array.from({ length: 4 }, (_, n) => {
    const at = T0 + n * MINUTE;
    const records = [
      ...everyStream(at),
      ...Array.from({ length: 300 }, (_, i) => trade(`${n * 250 + i}`, at + i * SECOND, { price: 60_000 + (i % 7) })),
      ...Array.from({ length: 50 }, (_, i) => price(at + i * SECOND, { bid_price: 100 + (i % 3) })),
      book(at + SECOND),
      candle(T0, { closed: n === 2, close: 100 + n, event_time: at }),
    ];
    const live = { ...series, stream: 'trades', from: at, to: at + MINUTE, state: 'live', reason: null } as const;
    const run = { from: at, to: at + MINUTE, state: 'live', reason: null } as const;
    const head = { ...series, stream: 'prices', run, knownTo: at + MINUTE, pendingUntil: at, reason: null } as const;
    return { records, coverage: { changes: [{ ...live, mode: 'raise' }], heads: [head] } };
  });
}

it('stores what an ingest stores: rows, ledger and position', async () => {
  const [{ store: one }, { store: other }] = await Promise.all([open(temporaryFolder()), open(temporaryFolder())]);
  await using _one = one;
  await using _other = other;
  const said: unknown[] = [];
  for (const [item, { records, coverage }] of commits().entries())
    said.push(await one.ingest(records, { segment: 2, item }, coverage));
  const saidInBulk = await other.bulk(async (bulk) => {
    const results: unknown[] = [];
    for (const [item, { records, coverage }] of commits().entries()) {
      for (const record of records) bulk.take(record);
      results.push(await bulk.commit({ segment: 2, item }, coverage));
    }
    return results;
  });
  expect(saidInBulk).toEqual(said);
  expect(await rows(other)).toEqual(await rows(one));
  expect(await other.position()).toEqual({ segment: 2, item: 3 });
});

it('takes on while a commit is under way, series that are new to it included', async () => {
  const { store } = await open(temporaryFolder());
  await using _ = store;
  const results = await store.bulk(async (bulk) => {
    bulk.take(trade(1, T0));
    const first = bulk.commit({ segment: 1, item: 1 }, NOTHING);
    bulk.take(trade(1, T0));
    bulk.take(trade(2, T0));
    bulk.take(trade(3, T0, { symbol: 'ETHUSDT' }));
    await first;
    bulk.take(trade(4, T0));
    return [await first, await bulk.commit({ segment: 1, item: 2 }, NOTHING)];
  });
  expect(results.map(({ tables }) => tables)).toMatchObject([
    [{ stream: 'trades', rows: 1, duplicates: 0 }],
    [{ stream: 'trades', rows: 3, duplicates: 1 }],
  ]);
});

it('keeps out what was deleted', async () => {
  const { store } = await open(temporaryFolder());
  await using _ = store;
  const given = Array.from({ length: 10 }, (_, n) => trade(n, T0 + n * SECOND));
  await store.ingest(given, null);
  await store.delete({ ...series, stream: 'trades', id: 'd1', from: T0 + 3 * SECOND, to: T0 + 5 * SECOND });
  await store.bulk(async (bulk) => {
    for (const record of given) bulk.take(record);
    await bulk.commit(null, NOTHING);
  });
  const held = await store.seriesRows({ ...series, stream: 'trades', ...all });
  expect(held.map((row) => row['trade_id'])).toEqual(['0', '1', '2', '5', '6', '7', '8', '9']);
});

it('is full before much waits, gives DuckDB one thread then, and its threads back at the end', async () => {
  const { store } = await open(temporaryFolder());
  await using _ = store;
  const usual = await threads(store);
  let n = 0;
  await store.bulk(async (bulk) => {
    bulk.take(trade(n++, T0));
    await bulk.commit(null, NOTHING);
    expect(await threads(store)).toBe(usual);
    while (!bulk.full && n < 20_000) bulk.take(trade(n++, T0 + n * SECOND, { symbol: 'ETHUSDT' }));
    await bulk.commit(null, NOTHING);
    expect(await threads(store)).toBe(1);
  });
  expect(n).toBeLessThan(20_000);
  expect(await threads(store)).toBe(usual);
  expect(usual).toBe(THREADS);
});

it('lets other writes wait until its end, and stores nothing of what was not committed', async () => {
  const { store } = await open(temporaryFolder());
  await using _ = store;
  const order: string[] = [];
  let other: Promise<unknown> | undefined;
  await store.bulk(async (bulk) => {
    bulk.take(trade(1, T0));
    other = store.ingest([trade(3, T0)], null).then(() => order.push('other'));
    await bulk.commit({ segment: 1, item: 1 }, NOTHING);
    bulk.take(trade(2, T0));
    order.push('bulk');
  });
  await other;
  expect(order).toEqual(['bulk', 'other']);
  const held = await store.seriesRows({ ...series, stream: 'trades', ...all });
  expect(held.map((row) => row['trade_id']).sort()).toEqual(['1', '3']);
});

it('goes on after work that failed, and lets no more in when the store is being closed', async () => {
  const { store } = await open(temporaryFolder());
  await using _ = store;
  const failed = store.bulk(async (bulk) => {
    for (let n = 0; !bulk.full; n++) bulk.take(trade(n, T0 + n));
    await bulk.commit(null, NOTHING);
    throw new Error('the tape ended badly');
  });
  await expect(failed).rejects.toThrow('the tape ended badly');
  expect(await threads(store)).toBe(THREADS);
  expect((await store.ingest([trade('next', T0)], null)).tables).toMatchObject([{ rows: 1 }]);
  let closing: Promise<void> | undefined;
  await store.bulk(async (bulk) => {
    bulk.take(trade('late', T0));
    closing = store.close();
    await expect(bulk.commit(null, NOTHING)).rejects.toThrow('is being closed');
  });
  await closing;
});

it('shows its commits when their transaction ends, and a copy made before holds nothing of them', async () => {
  const folder = temporaryFolder();
  const { store } = await open(folder);
  await using _ = store;
  await store.ingest([trade(0, T0)], { segment: 1, item: 0 });
  const copied = temporaryFolder();
  await store.bulk(async (bulk) => {
    for (let n = 1; n <= 3; n++) {
      bulk.take(trade(n, T0 + n));
      const { tables } = await bulk.commit({ segment: 1, item: n }, NOTHING);
      expect(tables).toMatchObject([{ rows: 1 }]);
    }
    expect(await store.position()).toEqual({ segment: 1, item: 0 });
    for (const name of readdirSync(folder).filter((one) => one.startsWith('streaming_data.duckdb')))
      copyFileSync(join(folder, name), join(copied, name));
    // A series that is not known is registered first, so what came before is stored by then.
    bulk.take(trade(4, T0 + 4, { symbol: 'ETHUSDT' }));
    await bulk.commit({ segment: 1, item: 4 }, NOTHING);
    expect(await store.position()).toEqual({ segment: 1, item: 3 });
  });
  expect(await store.position()).toEqual({ segment: 1, item: 4 });
  expect(await store.seriesRows({ ...series, stream: 'trades', ...all })).toHaveLength(4);
  const { store: copy } = await open(copied);
  await using _copy = copy;
  expect(await copy.position()).toEqual({ segment: 1, item: 0 });
  expect(await copy.seriesRows({ ...series, stream: 'trades', ...all })).toHaveLength(1);
});

it('finds doubles, rivals and better candles among commits of one transaction', async () => {
  const { store } = await open(temporaryFolder());
  await using _ = store;
  await store.ensureSeries([
    { ...series, stream: 'trades' },
    { ...series, stream: 'candles' },
  ]);
  const said = await store.bulk(async (bulk) => {
    const results = [];
    for (const [item, records] of [
      [trade(1, T0), candle(T0, { closed: false, close: 1 })],
      [trade(1, T0, { price: 7, recv_time: T0 + 9000 }), trade(2, T0), candle(T0, { closed: true, close: 2 })],
    ].entries()) {
      for (const record of records) bulk.take(record);
      results.push(await bulk.commit({ segment: 1, item }, NOTHING));
    }
    expect(await store.position()).toBeNull();
    return results;
  });
  expect(said[1]?.tables).toMatchObject([
    { stream: 'trades', rows: 1, duplicates: 1, repeats: [{ rows: 1 }] },
    { stream: 'candles', rows: 1 },
  ]);
  const [held] = await store.seriesRows({ ...series, stream: 'candles', ...all });
  expect(held).toMatchObject({ closed: true, close: 2 });
  expect(await store.read('SELECT trade_id, price FROM rival.trades')).toEqual([{ trade_id: '1', price: 7 }]);
});

it('keeps what a transaction before a failed commit stored, nothing of its own, and tells the failure', async () => {
  const { store } = await open(temporaryFolder());
  await using _ = store;
  await store.ensureSeries([{ ...series, stream: 'trades' }]);
  const failed = store.bulk(async (bulk) => {
    bulk.take(trade(1, T0));
    await bulk.commit({ segment: 1, item: 1 }, NOTHING);
    bulk.take(trade(2, T0, { symbol: 'ETHUSDT' }));
    await bulk.commit({ segment: 1, item: 2 }, NOTHING);
    const unknown = { ...series, stream: 'trades', from: T0, to: Number.NaN, state: 'live', reason: null } as const;
    await bulk.commit({ segment: 1, item: 3 }, { changes: [{ ...unknown, mode: 'raise' }], heads: [] });
  });
  await expect(failed).rejects.toThrow(/NaN|time/);
  expect(await store.position()).toEqual({ segment: 1, item: 1 });
  expect((await store.ingest([trade(3, T0)], { segment: 1, item: 4 })).tables).toMatchObject([{ rows: 1 }]);
  expect(await store.seriesRows({ ...series, stream: 'trades', ...all })).toHaveLength(2);
});

it('brings a finished day back when a candle of it is replaced between commits', async () => {
  const { store } = await open(temporaryFolder());
  await using _ = store;
  await store.ingest([trade(1, T0 + DAY), candle(T0, { closed: true, close: 1, event_time: T0 + MINUTE })], null);
  await store.compact({ now: T0 + DAY + HOUR, minimumGain: 0 });
  await store.bulk(async (bulk) => {
    const better = candle(T0, { closed: true, close: 2, event_time: T0 + 2 * MINUTE });
    for (const [item, record] of [trade(2, T0 + DAY), better, trade(3, T0 + DAY)].entries()) {
      bulk.take(record);
      await bulk.commit({ segment: 1, item }, NOTHING);
    }
    expect(await store.position()).toEqual({ segment: 1, item: 1 });
  });
  expect(await store.position()).toEqual({ segment: 1, item: 2 });
  const candles = await store.seriesRows({ ...series, stream: 'candles', ...all });
  expect(candles.map((row) => row['close'])).toEqual([2]);
  expect((await store.stats('btcusdt_binance_futures_candles'))[0]).toMatchObject({ hot_rows: 1, parquet_files: 0 });
  expect(await store.seriesRows({ ...series, stream: 'trades', ...all })).toHaveLength(3);
});

it('knows again what it holds of many rows of a short time', async () => {
  const { store } = await open(temporaryFolder());
  await using _ = store;
  const given = Array.from({ length: 16_000 }, (_one, n) =>
    trade(n, T0 + n * 1000, n < 12_000 ? {} : { recv_time: T0 + n * 1000 + 9 }),
  );
  const said = await store.bulk(async (bulk) => {
    for (const record of given.slice(0, 12_000)) bulk.take(record);
    const first = await bulk.commit(null, NOTHING);
    for (const record of given) bulk.take({ ...record, recv_time: record.recv_time + 1 });
    return [first, await bulk.commit(null, NOTHING)];
  });
  const repeats = [{ exchange: 'binance', market: 'futures', rows: 12_000 }];
  expect(said.map(({ tables }) => tables)).toMatchObject([
    [{ stream: 'trades', rows: 12_000, duplicates: 0, repeats: [] }],
    [{ stream: 'trades', rows: 4000, duplicates: 12_000, repeats }],
  ]);
  const held = await store.seriesRows({ ...series, stream: 'trades', ...all });
  expect(held.map((row) => row['trade_id'])).toEqual(given.map(({ trade_id }) => trade_id));
});
