import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { InvalidInput, NotFound, PermissionDenied } from '../../../src/kit/errors.ts';
import { STREAMS } from '../../../src/market/domain/records.ts';
import {
  DAY,
  HOUR,
  clock,
  MINUTE,
  RecordedEvents,
  SECOND,
  T0,
  candle,
  everyStream,
  open,
  openInterest,
  price,
  temporaryFolder,
  trade,
} from './fixtures.ts';

const series = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT' } as const;
const all = { from: 0, to: T0 * 2, limit: 1000 };

describe('MarketStore', () => {
  it('stores a record of every stream and shows it in its view', async () => {
    const events = new RecordedEvents();
    const { store, created, rebuilt, damaged } = await open(temporaryFolder(), { events });
    await using _ = store;
    expect({ created, rebuilt, damaged }).toEqual({ created: true, rebuilt: false, damaged: null });
    const result = await store.ingest(everyStream(T0), { segment: 3, item: 14 });
    expect(result.tables.map((table) => [table.stream, table.rows, table.duplicates, table.rejected])).toEqual(
      result.tables.map((table) => [table.stream, 1, 0, 0]),
    );
    expect(await store.position()).toEqual({ segment: 3, item: 14 });
    expect(
      events
        .of('data.received')
        .map((data) => data['stream'])
        .sort(),
    ).toEqual([...STREAMS].sort());
    const stats = await store.stats();
    expect(stats).toHaveLength(STREAMS.length);
    expect(stats.every((table) => table.rows === 1 && table.hot_rows === 1)).toBe(true);
    const [row] = await store.seriesRows({ ...series, stream: 'trades', ...all });
    expect(row).toMatchObject({
      timestamp: T0,
      event_time: T0,
      recv_time: T0 + 1000,
      seq: null,
      origin: 'live',
      trade_id: String(T0),
      price: 60_000,
      quantity: 0.5,
      quote_value: 30_000,
      side: 'buy',
      is_buyer_maker: false,
    });
    expect(row?.['row_key']).toBe(String(row?.['id']));
    const shown = await store.query('SELECT * FROM btcusdt_binance_futures_liquidations', {
      maxRows: 5,
      timeoutMs: 5000,
    });
    expect(shown.rows).toEqual([
      {
        id: expect.any(Number),
        timestamp: '2026-01-02T00:00:00.000000Z',
        side: 'long',
        price: 60_000,
        quantity: 2,
        value_usd: 120_000,
        is_large: true,
        event_time: '2026-01-02T00:00:00.000000Z',
        recv_time: '2026-01-02T00:00:00.001000Z',
        seq: null,
        origin: 'live',
      },
    ]);
  });

  it('keeps one row of what comes twice, in one batch or two', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    const first = await store.ingest([trade(1, T0), trade(1, T0), trade(2, T0)], null);
    expect(first.tables[0]).toMatchObject({ rows: 2, duplicates: 1 });
    const second = await store.ingest([trade(2, T0, { origin: 'backfill' }), trade(3, T0)], null);
    expect(second.tables[0]).toMatchObject({ rows: 1, duplicates: 1, repeats: [] });
    const rows = await store.seriesRows({ ...series, stream: 'trades', ...all });
    expect(rows.map((row) => [row['trade_id'], row['origin']]).sort()).toEqual([
      ['1', 'live'],
      ['2', 'live'],
      ['3', 'live'],
    ]);
  });

  it('tells what a venue sent again, per market, and not what a backfill fetched again', async () => {
    const events = new RecordedEvents();
    const { store } = await open(temporaryFolder(), { events });
    await using _ = store;
    const spot = { exchange: 'bybit', market: 'spot' } as const;
    const later = { recv_time: T0 + 9_000_000 };
    await store.ingest(
      [trade(1, T0), trade(2, T0), trade(3, T0, { origin: 'backfill' }), trade(1, T0, { ...spot })],
      null,
    );
    const again = [trade(1, T0, later), trade(2, T0, { origin: 'backfill', ...later }), trade(3, T0, later)];
    const twice = [trade(4, T0, later), trade(4, T0, later), trade(1, T0, { ...spot, ...later })];
    const { tables } = await store.ingest([...again, ...twice], null);
    const repeats = [
      { exchange: series.exchange, market: series.market, rows: 2 },
      { ...spot, rows: 1 },
    ];
    expect(tables).toMatchObject([{ rows: 1, duplicates: 5, repeats }]);
    expect(events.of('data.received').at(-1)).toMatchObject({ duplicates: 5, repeats });
  });

  it('replaces a candle until it is closed', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    const at = (event: number, closed: boolean, close: number) => candle(T0, { event_time: T0 + event, closed, close });
    await store.ingest([at(1, false, 1), at(3, false, 3), at(2, false, 2)], null);
    await store.ingest([at(2, false, 2)], null);
    const closes = async (): Promise<unknown[]> =>
      (await store.seriesRows({ ...series, stream: 'candles', ...all })).map((row) => row['close']);
    expect(await closes()).toEqual([3]);
    await store.ingest([at(4, true, 4)], null);
    expect(await closes()).toEqual([4]);
    await store.ingest([at(9, false, 9)], null);
    expect(await closes()).toEqual([4]);
  });

  it('computes the change of open interest over an hour from its own history', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await store.ingest(
      [
        openInterest(T0, 100),
        openInterest(T0 + 30 * MINUTE, 120),
        openInterest(T0 + HOUR, 150),
        openInterest(T0 + 3 * HOUR, 10),
      ],
      null,
    );
    const rows = await store.seriesRows({
      ...series,
      stream: 'open_interest',
      from: T0 + 20 * MINUTE,
      to: T0 + 4 * HOUR,
      limit: 10,
    });
    expect(rows.map((row) => [row['oi_change_1h'], row['oi_change_pct_1h']])).toEqual([
      [null, null],
      [50, 50],
      [null, null],
    ]);
    const latest = await store.latest('open_interest');
    expect(latest).toHaveLength(1);
    expect(latest[0]).toMatchObject({
      table: 'btcusdt_binance_futures_open_interest',
      open_interest: 10,
      oi_change_1h: null,
    });
  });

  it('gives the newest row of each series', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await store.ingest(
      [price(T0), price(T0 + SECOND, { bid_price: 1 }), price(T0, { symbol: 'ETHUSDT', bid_price: 2 })],
      null,
    );
    const rows = await store.latest('prices');
    expect(rows.map((row) => [row['symbol'], row['bid_price']]).sort()).toEqual([
      ['BTCUSDT', 1],
      ['ETHUSDT', 2],
    ]);
    expect(await store.latest('prices', 'ETHUSDT')).toHaveLength(1);
    expect(await store.latest('trades')).toEqual([]);
  });

  it('finds the newest rows of series that fell silent at any time, and reads of the others their end only', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    // Found in the last minute, quarter of an hour, four hours, and before; one has finished days only, one no rows.
    const ages = [0, 30 * SECOND, 5 * MINUTE, 3 * HOUR, 5 * HOUR];
    const now = T0 + 2 * DAY + 12 * HOUR;
    await store.ingest([price(T0, { symbol: 'OLDUSDT' }), price(T0, { symbol: 'S0USDT', bid_price: 1 })], null);
    await store.compact({ now: T0 + DAY, minimumGain: 1 });
    await store.ensureSeries([{ ...series, symbol: 'NONEUSDT', stream: 'prices' }]);
    const rows = ages.flatMap((age, n) => [
      price(now - age - 6 * HOUR, { symbol: `S${n}USDT`, bid_price: 2 }),
      price(now - age, { symbol: `S${n}USDT`, bid_price: 10 + n }),
    ]);
    await store.ingest(rows, null);
    const newest = (await store.latest('prices')).map((row) => [row['symbol'], row['bid_price']]);
    expect(newest.sort()).toEqual([['OLDUSDT', price(T0).bid_price], ...ages.map((_age, n) => [`S${n}USDT`, 10 + n])]);
    const last = (await store.lastEventTimes()).map(({ series: key, last: time }) => [key.symbol, time]);
    expect(last.sort()).toEqual([['OLDUSDT', T0], ...ages.map((age, n) => [`S${n}USDT`, now - age])]);
    const stats = (await store.stats()).flatMap(({ series: key, last_event_time: time }) =>
      key === null || time === null ? [] : [[key.symbol, time]],
    );
    expect(last).toEqual(stats.sort());

    const asked: string[] = [];
    const all = Database.prototype.all;
    const spy = vi.spyOn(Database.prototype, 'all').mockImplementation(function (this: Database, sql, ...rest) {
      if (sql.includes('max(')) asked.push(sql);
      return all.call(this, sql, ...rest);
    });
    await store.latest('prices', 'S1USDT');
    spy.mockRestore();
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain('>=');
  });

  it('finds the newest row in a finished day when only a late one is hot', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await store.ingest([price(T0), price(T0 + HOUR, { bid_price: 7 })], null);
    await store.compact({ now: T0 + 2 * DAY, minimumGain: 1 });
    await store.ingest([price(T0 + MINUTE, { bid_price: 8 })], null);
    expect((await store.latest('prices')).map((row) => row['bid_price'])).toEqual([7]);
  });

  it('stores nothing of a flush whose transaction fails, and all of it when it is tried again', async () => {
    const events = new RecordedEvents();
    const { store } = await open(temporaryFolder(), { events });
    await using _ = store;
    await store.ingest(everyStream(T0), { segment: 1, item: 1 });
    const again = everyStream(T0 + MINUTE);
    const emitted = events.list.length;
    await expect(store.ingest(again, { segment: Number.NaN, item: 2 })).rejects.toMatchObject({ retryable: true });
    expect((await store.stats()).map((table) => table.rows)).toEqual(Array.from({ length: STREAMS.length }, () => 1));
    expect(await store.position()).toEqual({ segment: 1, item: 1 });
    expect(events.list).toHaveLength(emitted);
    const result = await store.ingest(again, { segment: 1, item: 2 });
    expect(result.tables.map((table) => [table.rows, table.duplicates])).toEqual(result.tables.map(() => [1, 0]));
  });

  it('leaves out what cannot be a row, and counts it', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    const bad = [
      trade(1, Number.NaN),
      trade(2, -1),
      trade(3, T0 + 0.5),
      trade(4, T0, { price: Number.NaN }),
      trade(5, T0, { quantity: Number.POSITIVE_INFINITY }),
      trade(6, T0, { recv_time: Number.NaN }),
    ];
    const result = await store.ingest([...bad, trade(7, T0)], null);
    expect(result.tables).toEqual([expect.objectContaining({ rows: 1, duplicates: 0, rejected: 6 })]);
    expect(await store.seriesRows({ ...series, stream: 'trades', ...all })).toHaveLength(1);
  });

  it('lets no name into SQL that is not plain', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    const hostile = [
      { symbol: 'BTC"; DROP TABLE hot.trades; --' },
      { symbol: "BTC' OR 1=1" },
      { symbol: '../../etc/passwd' },
      { symbol: 'btcusdt' },
      { symbol: '' },
      { symbol: 'A'.repeat(300) },
      { symbol: 'BTC\u0000USDT' },
      { exchange: 'bi/nance' },
      { exchange: 'binance"' },
      { exchange: '' },
    ];
    for (const changes of hostile) {
      await expect(store.ingest([trade(1, T0, changes)], null), JSON.stringify(changes)).rejects.toBeInstanceOf(
        InvalidInput,
      );
      await expect(store.ensureSeries([{ ...series, stream: 'trades', ...changes }])).rejects.toBeInstanceOf(
        InvalidInput,
      );
      await expect(store.seriesRows({ ...series, stream: 'trades', ...changes, ...all })).rejects.toBeInstanceOf(
        InvalidInput,
      );
    }
    await expect(store.stats('x"; DROP TABLE hot.trades')).rejects.toBeInstanceOf(NotFound);
    expect(await store.series()).toEqual([]);
    await store.ingest([trade("1'); DROP TABLE hot.trades; --", T0)], null);
    const rows = await store.seriesRows({ ...series, stream: 'trades', ...all });
    expect(rows.map((row) => row['trade_id'])).toEqual(["1'); DROP TABLE hot.trades; --"]);
  });

  it('registers a series once', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await store.ensureSeries([
      { ...series, stream: 'trades' },
      { ...series, stream: 'trades' },
    ]);
    expect(await store.series()).toHaveLength(1);
    const rows = await store.query('SELECT * FROM _table_registry', { maxRows: 5, timeoutMs: 5000 });
    expect(rows.rows).toEqual([
      expect.objectContaining({
        table_name: 'btcusdt_binance_futures_trades',
        market_type: 'futures',
        stream_type: 'trades',
      }),
    ]);
  });

  it('measures the disk', async () => {
    const folder = temporaryFolder();
    const { store } = await open(folder);
    await using _ = store;
    mkdirSync(join(folder, 'tape'));
    writeFileSync(join(folder, 'tape', 'segment'), 'x'.repeat(1000));
    await store.ingest(everyStream(T0), null);
    await store.analyze();
    const report = await store.storage();
    expect(report).toMatchObject({ tape_bytes: 1000, parquet_bytes: 0, measured_at: clock().now() * 1000 });
    expect(report.database_bytes + report.wal_bytes).toBeGreaterThan(0);
    expect(report.disk_free_bytes).toBeGreaterThan(0);
    expect(report.disk_total_bytes).toBeGreaterThan(report.disk_free_bytes);
    expect(report.fragmentation_percent).toBeGreaterThanOrEqual(0);
  });

  it('opens nothing to SQL but its own rows and days', async () => {
    const folder = temporaryFolder();
    const { store } = await open(folder);
    await using _ = store;
    await store.ingest(everyStream(T0), null);
    await store.compact({ now: T0 + 2 * DAY, minimumGain: 1 });
    writeFileSync(join(folder, 'controller.json'), '{"token":"secret"}');
    for (const sql of [
      `SELECT * FROM read_text('${folder}/controller.json')`,
      `SELECT * FROM read_json('${folder}/parquet/../controller.json')`,
      `SELECT * FROM glob('${folder}/*')`,
      `SELECT * FROM '${folder}/controller.json'`,
    ]) {
      await expect(store.query(sql, { maxRows: 5, timeoutMs: 5000 }), sql).rejects.toBeInstanceOf(PermissionDenied);
    }
    const shown = await store.query('SELECT count(*) AS n FROM btcusdt_binance_futures_orderbooks', {
      maxRows: 1,
      timeoutMs: 5000,
    });
    expect(shown.rows).toEqual([{ n: 1 }]);
  });
});
