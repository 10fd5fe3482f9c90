import { copyFileSync, cpSync, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Database, type SqlRow } from '../../../src/infra/duckdb/database.ts';
import { STREAMS, type StoredRecord } from '../../../src/market/domain/records.ts';
import type { MarketStore } from '../../../src/market/store/contract.ts';
import {
  DAY,
  HOUR,
  MINUTE,
  RecordedEvents,
  T0,
  candle,
  everyStream,
  open,
  openInterest,
  temporaryFolder,
  trade,
} from './fixtures.ts';

const series = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT' } as const;
const all = { from: 0, to: T0 * 2, limit: 100_000 };
const later = { now: T0 + 3 * DAY, minimumGain: 1 };

function days(folder: string): string[] {
  return readdirSync(join(folder, 'parquet'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
}

/** Two days and a little of the third, every stream. */
function threeDays(): StoredRecord[] {
  return [0, 7 * HOUR, 23 * HOUR, DAY, DAY + 5 * HOUR, 2 * DAY].flatMap((offset) => everyStream(T0 + offset));
}

function keysOf(rows: readonly SqlRow[]): readonly unknown[] {
  return rows.map(({ row_key }) => row_key);
}

async function everything(store: MarketStore): Promise<unknown> {
  const tables = [];
  for (const key of await store.series()) tables.push([key, await store.seriesRows({ ...key, ...all })]);
  return tables;
}

/** Has something done before the first statement that matches is run, and counts all that do. */
function before(pattern: RegExp, work: () => Promise<unknown> = () => Promise.resolve()): { readonly count: number } {
  const found = { count: 0 };
  const all = Database.prototype.all;
  vi.spyOn(Database.prototype, 'all').mockImplementation(async function (this: Database, sql, ...rest) {
    if (pattern.test(sql) && found.count++ === 0) await work();
    return all.call(this, sql, ...rest);
  });
  return found;
}

describe('compaction beside writes', () => {
  afterEach(() => void vi.restoreAllMocks());

  it.each([1, 12])('reads the hot rows of a day as often for %i series', async (symbols) => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    const names = Array.from({ length: symbols }, (_, i) => `S${i}USDT`);
    await store.ingest(
      names.flatMap((symbol) => [0, 1, 2].map((n) => trade(`${n}`, T0 + n * HOUR, { symbol }))),
      null,
    );
    const reads = before(/FROM hot\.trades/);
    const { days_written: written } = await store.compact(later);
    expect(written.map(({ rows }) => rows)).toEqual(names.map(() => 3));
    // The days that there are, how many rows, what they add up to, the rows, and the days once more.
    expect(reads.count).toBe(5);
  });

  it('lets rows in meanwhile, and leaves no row out that comes for the day', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await store.ingest(threeDays(), null);
    const late = trade('late', T0 + HOUR);
    before(/COPY .*hot\.trades/s, () => store.ingest([late, trade('now', T0 + 2 * DAY + HOUR)], null));
    const report = await store.compact({ now: T0 + 2 * DAY + HOUR, minimumGain: 1 });
    const trades = report.days_written.filter(({ table }) => table.endsWith('trades'));
    expect(trades.map(({ day, rows }) => ({ day, rows }))).toEqual([
      { day: '2026-01-03', rows: 2 },
      { day: '2026-01-02', rows: 4 },
    ]);
    expect(await store.seriesRows({ ...series, stream: 'trades', ...all })).toHaveLength(8);
    expect((await store.stats('btcusdt_binance_futures_trades'))[0]).toMatchObject({ rows: 8, hot_rows: 2 });
  });

  it('leaves no file behind that is not taken into force', async () => {
    const folder = temporaryFolder();
    const { store } = await open(folder);
    await using _ = store;
    await store.ingest(threeDays(), null);
    const transaction = Database.prototype.transaction;
    const refused = vi.spyOn(Database.prototype, 'transaction').mockImplementation(function (this: Database, all) {
      const moves = all.some((one) => 'sql' in one && one.sql.startsWith('INSERT INTO _days'));
      return moves ? Promise.reject(new Error('no room')) : transaction.call(this, all);
    });
    await expect(store.compact(later)).rejects.toThrow('no room');
    expect(days(folder)).toEqual([]);
    refused.mockRestore();
    expect((await store.compact(later)).days_written).toHaveLength(3 * STREAMS.length);
  });

  it('is whole after a kill at each step, and reads no file that was left behind', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const { store } = await open(folder);
    const names = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'];
    await store.ingest(
      names.flatMap((symbol) => [0, 1, 2].map((n) => trade(`${n}`, T0 + n * HOUR, { symbol }))),
      { segment: 1, item: 1 },
    );
    await store.compact(later);
    // Late rows for two of them: their files take the place of earlier ones.
    await store.ingest([trade('late', T0), trade('late', T0, { symbol: 'ETHUSDT' })], { segment: 1, item: 2 });
    const content = await everything(store);
    const images: { readonly at: string; readonly folder: string }[] = [];
    const keep = (at: string, without?: string): void => {
      const image = temporaryFolder();
      cpSync(folder, image, { recursive: true });
      if (without !== undefined) rmSync(join(image, without));
      images.push({ at, folder: image });
    };
    const { transaction, run } = Database.prototype;
    vi.spyOn(Database.prototype, 'transaction').mockImplementation(async function (this: Database, statements) {
      const first = statements.map((one) => ('sql' in one ? one.sql : '')).find((sql) => !sql.startsWith('CREATE'));
      const step = String(first).slice(0, 28);
      const placed = days(folder).length > names.length;
      keep(`before ${step}`);
      if (placed)
        keep(`half placed, before ${step}`, 'parquet/trades/ethusdt_binance_futures_trades/2026-01-02.2.parquet');
      const results = await transaction.call(this, statements);
      keep(`after ${step}`);
      return results;
    });
    vi.spyOn(Database.prototype, 'run').mockImplementation(async function (this: Database, ...rest) {
      if (!rest[0].includes('_left_over_files')) return run.apply(this, rest);
      keep('old files are gone');
      const result = await run.apply(this, rest);
      keep('forgotten');
      return result;
    });
    await store.compact(later);
    vi.restoreAllMocks();
    expect(images.map(({ at }) => at)).toEqual([
      'before INSERT INTO _left_over_files',
      'after INSERT INTO _left_over_files',
      'before DELETE FROM hot.trades WHERE',
      'half placed, before DELETE FROM hot.trades WHERE',
      'after DELETE FROM hot.trades WHERE',
      'old files are gone',
      'forgotten',
    ]);
    expect(await everything(store)).toEqual(content);
    await store.close();
    const compared = before(/NOT IN|parquet_kv_metadata/);
    for (const { at, folder: image } of images) {
      const { store: again } = await open(image);
      expect([at, await everything(again)]).toEqual([at, content]);
      expect([at, await again.position()]).toEqual([at, { segment: 1, item: 2 }]);
      expect([at, days(image).length, compared.count]).toEqual([at, names.length, 0]);
      // Goes on from there.
      await again.compact(later);
      expect([at, await everything(again)]).toEqual([at, content]);
      expect([at, days(image).filter((name) => name.includes('.2.'))]).toEqual([
        at,
        Array(2).fill('2026-01-02.2.parquet'),
      ]);
      await again.close();
    }
  });

  it('ends when the store is closed, with the rows where they were', async () => {
    const folder = temporaryFolder();
    const { store } = await open(folder);
    await store.ingest(threeDays(), null);
    let closed: Promise<void> | undefined;
    before(/COPY .*hot\.trades/s, async () => {
      closed = store.close();
    });
    await expect(store.compact(later)).rejects.toThrow(/is (being )?closed/);
    await closed;
    vi.restoreAllMocks();
    const again = await open(folder);
    await using _ = again.store;
    expect(await again.store.seriesRows({ ...series, stream: 'trades', ...all })).toHaveLength(6);
    expect(readdirSync(join(folder, 'compaction'))).toEqual([]);
  });
});

describe('compaction', () => {
  it('moves finished days to files and changes nothing that readers see', async () => {
    const folder = temporaryFolder();
    const events = new RecordedEvents();
    const { store } = await open(folder, { events });
    await using _ = store;
    await store.ingest(threeDays(), null);
    const before = await everything(store);
    const report = await store.compact({ now: T0 + 2 * DAY + HOUR, minimumGain: 1 });
    expect(report.days_written).toHaveLength(2 * STREAMS.length);
    expect(report.days_written.find((day) => day.table.endsWith('trades'))).toMatchObject({
      day: '2026-01-02',
      rows: 3,
    });
    expect(await everything(store)).toEqual(before);
    const stats = await store.stats('btcusdt_binance_futures_trades');
    expect(stats).toEqual([
      expect.objectContaining({
        rows: 6,
        hot_rows: 1,
        parquet_files: 2,
        first_event_time: T0,
        last_event_time: T0 + 2 * DAY,
      }),
    ]);
    expect(stats[0]?.parquet_bytes).toBeGreaterThan(0);
    expect(days(folder)).toHaveLength(2 * STREAMS.length);
    const wide = await store.query('SELECT count(*) AS n, count(DISTINCT symbol) AS s FROM trades', {
      maxRows: 1,
      timeoutMs: 5000,
    });
    expect(wide.rows).toEqual([{ n: 6, s: 1 }]);
    expect(events.of('storage.compacted')).toEqual([
      expect.objectContaining({ files_written: 2 * STREAMS.length, bytes_after: report.bytes_after }),
    ]);
    expect(await store.compact({ now: T0 + 2 * DAY + HOUR, minimumGain: 1 })).toMatchObject({ days_written: [] });
  });

  it('knows the rows of finished days when they come again, and takes late ones in', async () => {
    const folder = temporaryFolder();
    const { store } = await open(folder);
    await using _ = store;
    await store.ingest(threeDays(), null);
    await store.compact(later);
    const again = await store.ingest(threeDays(), null);
    expect(again.tables.map((table) => [table.stream, table.rows])).toEqual(
      again.tables.map((table) => [table.stream, 0]),
    );
    const late = await store.ingest([trade('late', T0 + HOUR), trade('late', T0 + HOUR), trade(T0, T0)], null);
    expect(late.tables[0]).toMatchObject({ rows: 1, duplicates: 2 });
    expect(await store.seriesRows({ ...series, stream: 'trades', ...all })).toHaveLength(7);
    const report = await store.compact(later);
    expect(report.days_written.filter((day) => day.table.endsWith('trades'))).toEqual([
      expect.objectContaining({ day: '2026-01-02', rows: 4 }),
    ]);
    expect(days(folder).filter((name) => name.startsWith('2026-01-02.2'))).toHaveLength(1);
    expect(await store.seriesRows({ ...series, stream: 'trades', ...all })).toHaveLength(7);
  });

  it('adds up hot rows and finished days alike', async () => {
    const folder = temporaryFolder();
    const { store } = await open(folder);
    await using _ = store;
    await store.ingest(threeDays(), null);
    const other = { ...series, symbol: 'ETHUSDT', stream: 'trades' } as const;
    await store.ensureSeries([other]);
    await store.ingest([trade('eth', T0 + HOUR, { symbol: 'ETHUSDT', quantity: 3 })], null);
    const query = {
      series: [{ ...series, stream: 'trades' }, other],
      from: T0 + 7 * HOUR,
      to: T0 + 3 * DAY,
      each: { step: 'epoch_us(event_time) - lag(epoch_us(event_time)) OVER in_series' },
      by: { day: 'event_time::DATE::VARCHAR' },
      select: { rows: 'count(*)', sum: 'sum(quantity)', longest: 'max(step)' },
    } as const;
    const sorted = async () =>
      [...(await store.aggregates(query))].sort((a, b) =>
        String(a.values['day']).localeCompare(String(b.values['day'])),
      );
    const key = { ...series, stream: 'trades' };
    const expected = [
      { series: key, values: { day: '2026-01-02', rows: 2, sum: 1, longest: 16 * HOUR } },
      { series: key, values: { day: '2026-01-03', rows: 2, sum: 1, longest: 5 * HOUR } },
      { series: key, values: { day: '2026-01-04', rows: 1, sum: 0.5, longest: 19 * HOUR } },
    ];
    expect(await sorted()).toEqual(expected);
    await store.compact({ now: T0 + 2 * DAY + HOUR, minimumGain: 1 });
    expect(await sorted()).toEqual(expected);
    const whole = await store.aggregates({ ...query, from: T0, by: {}, each: {}, select: { rows: 'count(*)' } });
    expect(whole.map(({ series: { symbol }, values }) => [symbol, values['rows']]).sort()).toEqual([
      ['BTCUSDT', 6],
      ['ETHUSDT', 1],
    ]);
    const mixed = { ...query, series: [key, { ...series, stream: 'candles' }] } as const;
    await expect(store.aggregates(mixed as never)).rejects.toThrow('one stream');
    await expect(store.aggregates({ ...query, series: [{ ...other, symbol: 'NONE' }] })).rejects.toThrow(
      'none_binance',
    );
    expect(await store.aggregates({ ...query, series: [] })).toEqual([]);
  });

  it('is done once when it is asked for twice, while rows come in', async () => {
    const folder = temporaryFolder();
    const { store } = await open(folder);
    await using _ = store;
    await store.ingest(threeDays(), null);
    const [one, two, late] = await Promise.all([
      store.compact(later),
      store.compact(later),
      store.ingest([trade('late', T0 + HOUR)], null),
    ]);
    expect(late.tables[0]).toMatchObject({ rows: 1 });
    const written = [...one.days_written, ...two.days_written].filter((day) => !day.table.endsWith('trades'));
    expect(new Set(written.map((day) => `${day.table} ${day.day}`)).size).toBe(written.length);
    expect(await store.seriesRows({ ...series, stream: 'trades', ...all })).toHaveLength(7);
    await store.compact(later);
    expect((await store.stats('btcusdt_binance_futures_trades'))[0]).toMatchObject({
      rows: 7,
      hot_rows: 0,
      parquet_files: 3,
    });
  });

  it('replaces a candle of a finished day', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await store.ingest([candle(T0, { closed: false, close: 1 }), candle(T0 + MINUTE)], null);
    await store.compact(later);
    await store.ingest([candle(T0, { close: 2 })], null);
    const rows = await store.seriesRows({ ...series, stream: 'candles', ...all });
    expect(rows.map((row) => [row['close'], row['closed']])).toEqual([
      [2, true],
      [105, true],
    ]);
    await store.compact(later);
    expect(await store.seriesRows({ ...series, stream: 'candles', ...all })).toEqual(rows);
  });

  it('reaches over the border of a finished day for the change of open interest', async () => {
    const { store } = await open(temporaryFolder());
    await using _ = store;
    await store.ingest([openInterest(T0 + DAY - MINUTE, 100), openInterest(T0 + DAY + 59 * MINUTE, 110)], null);
    await store.compact({ now: T0 + DAY + HOUR, minimumGain: 1 });
    expect((await store.latest('open_interest'))[0]).toMatchObject({ open_interest: 110, oi_change_1h: 10 });
    await store.compact(later);
    expect((await store.latest('open_interest'))[0]).toMatchObject({ open_interest: 110, oi_change_1h: 10 });
  });

  it('opens again with its days, in another place too', async () => {
    const folder = temporaryFolder();
    const first = await open(folder);
    await first.store.ingest(threeDays(), { segment: 1, item: 2 });
    await first.store.compact(later);
    const before = await everything(first.store);
    await first.store.close();
    const moved = join(temporaryFolder(), 'moved');
    renameSync(folder, moved);
    const reading = await open(moved, { readOnly: true });
    expect(await everything(reading.store)).toEqual(before);
    const viewed = await reading.store.query('SELECT count(*) AS n FROM btcusdt_binance_futures_prices', {
      maxRows: 1,
      timeoutMs: 5000,
    });
    expect(viewed.rows).toEqual([{ n: 6 }]);
    await reading.store.close();
    const again = await open(moved);
    await using store = again.store;
    expect(await everything(store)).toEqual(before);
    expect(again.created).toBe(false);
  });

  it('takes finished days over into a new database', async () => {
    const folder = temporaryFolder();
    const first = await open(folder);
    await first.store.ingest(threeDays(), null);
    const before = await everything(first.store);
    await first.store.compact({ now: T0 + 2 * DAY, minimumGain: 1 });
    await first.store.close();
    rmSync(join(folder, 'streaming_data.duckdb'));
    const second = await open(folder);
    await using store = second.store;
    expect(second.created).toBe(true);
    expect((await store.stats()).map((table) => table.rows)).toEqual(Array.from({ length: STREAMS.length }, () => 5));
    await store.ingest(threeDays(), null);
    expect(await everything(store)).toEqual(expect.arrayContaining(before as unknown[]));
    expect((await store.stats()).map((table) => [table.rows, table.hot_rows])).toEqual(
      Array.from({ length: STREAMS.length }, () => [6, 1]),
    );
  });

  it('drops files that were never taken into force, and reports days that are gone', async () => {
    const folder = temporaryFolder();
    const events = new RecordedEvents();
    const first = await open(folder);
    await first.store.ingest(threeDays(), null);
    await first.store.compact(later);
    await first.store.close();
    const trades = join(folder, 'parquet/trades/btcusdt_binance_futures_trades');
    const kept = join(trades, '2026-01-02.1.parquet');
    copyFileSync(kept, join(trades, '2026-01-02.9.parquet'));
    const gone = join(trades, '2026-01-03.1.parquet');
    rmSync(gone);
    const { store } = await open(folder, { events });
    await using _ = store;
    expect(existsSync(join(trades, '2026-01-02.9.parquet'))).toBe(false);
    expect(existsSync(kept)).toBe(true);
    expect(events.of('system.recovered')[0]).toMatchObject({ details: { files: [relative(folder, gone)] } });
    expect(await store.seriesRows({ ...series, stream: 'trades', ...all })).toHaveLength(4);
  });

  it('takes in what a file holds that the database does not know, unless it was deleted by age', async () => {
    const folder = temporaryFolder();
    const first = await open(folder);
    await first.store.ingest(threeDays(), null);
    await first.store.compact(later);
    const rows = await first.store.seriesRows({ ...series, stream: 'trades', ...all });
    await first.store.close();
    const aside = temporaryFolder();
    renameSync(join(folder, 'parquet'), join(aside, 'parquet'));
    // An older copy of the database: it knows the first hour.
    const other = temporaryFolder();
    const older = await open(other);
    await older.store.ingest(everyStream(T0), null);
    await older.store.close();
    cpSync(join(aside, 'parquet'), join(other, 'parquet'), { recursive: true });
    const { store } = await open(other);
    expect(keysOf(await store.seriesRows({ ...series, stream: 'trades', ...all }))).toEqual(keysOf(rows));
    expect(days(other)).toHaveLength(2 * STREAMS.length);
    // Deleted by age, and the process was killed before the files went.
    await store.compact(later);
    const files = temporaryFolder();
    cpSync(join(other, 'parquet'), join(files, 'parquet'), { recursive: true });
    const { files: deleted, rows: went } = await store.retain({ now: T0 + 3 * DAY, days: 1 });
    await store.close();
    cpSync(join(files, 'parquet'), join(other, 'parquet'), { recursive: true });
    const events = new RecordedEvents();
    const last = await open(other, { events });
    await using _ = last.store;
    expect(keysOf(await last.store.seriesRows({ ...series, stream: 'trades', ...all }))).toEqual(keysOf(rows).slice(5));
    expect(events.of('storage.pruned')).toMatchObject([
      { files: deleted, reason: `${went} rows of days that were deleted or archived: a kill had left their files` },
    ]);
  });

  it('rewrites the file only when enough comes back, and goes on', async () => {
    const folder = temporaryFolder();
    const { store } = await open(folder);
    await using _ = store;
    const many = Array.from({ length: 60_000 }, (_, i) =>
      trade(`t${i}`, T0 + i, { price: 1 + ((i * 7919) % 104_729) }),
    );
    await store.ingest(many, { segment: 1, item: 1 });
    const full = await store.compact({ now: T0, minimumGain: 0.9 });
    expect(full).toMatchObject({ rewritten: false, days_written: [] });
    const size = statSync(join(folder, 'streaming_data.duckdb')).size;
    const report = await store.compact({ now: T0 + 2 * DAY, minimumGain: 0.1 });
    expect(report).toMatchObject({ rewritten: true });
    expect(report.bytes_after).toBeLessThan(report.bytes_before);
    expect(statSync(join(folder, 'streaming_data.duckdb')).size).toBeLessThan(size);
    expect(await store.position()).toEqual({ segment: 1, item: 1 });
    const again = await store.ingest([many[0]!, trade('new', T0 + 2 * DAY)], { segment: 1, item: 2 });
    expect(again.tables[0]).toMatchObject({ rows: 1, duplicates: 1 });
    expect((await store.stats())[0]).toMatchObject({ rows: 60_001, hot_rows: 1 });
    const shown = await store.query('SELECT count(*) AS n FROM btcusdt_binance_futures_trades', {
      maxRows: 1,
      timeoutMs: 5000,
    });
    expect(shown.rows).toEqual([{ n: 60_001 }]);
    expect(readdirSync(join(folder, 'compaction'))).toEqual([]);
  });

  it('deletes days that are older than the policy', async () => {
    const folder = temporaryFolder();
    const events = new RecordedEvents();
    const { store } = await open(folder, { events });
    await using _ = store;
    await store.ingest(threeDays(), null);
    await store.compact({ now: T0 + DAY, minimumGain: 1 });
    const pruned = await store.retain({ now: T0 + 3 * DAY + HOUR, days: 1, why: 'the disk is full' });
    expect(pruned).toMatchObject({ files: STREAMS.length, rows: 5 * STREAMS.length });
    expect(days(folder)).toEqual([]);
    expect((await store.stats()).map((table) => table.rows)).toEqual(Array.from({ length: STREAMS.length }, () => 1));
    expect(events.of('storage.pruned')).toMatchObject([
      { reason: `${pruned.rows} rows older than 1 days: the disk is full` },
    ]);
    expect(await store.retain({ now: T0 + 3 * DAY + HOUR, days: 1 })).toEqual({ files: 0, bytes: 0, rows: 0 });
  });
});
