import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/infra/clock.ts';
import { Stale } from '../../../src/kit/errors.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { createCollector } from '../../../src/market/collect/collector.ts';
import { rebuild } from '../../../src/market/collect/replay.ts';
import { verifyTape } from '../../../src/market/collect/tape/inspect.ts';
import { marketConfigSchema } from '../../../src/market/config.ts';
import { viewName, type SeriesKey } from '../../../src/market/domain/records.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import { startSimulator } from '../../../src/market/simulator/server.ts';
import type { MarketStore } from '../../../src/market/store/contract.ts';
import { openMarketStore } from '../../../src/market/store/open.ts';
import { RecordingSink, temporaryFolder, until } from './support.ts';

const SYMBOLS = ['BTCUSDT', 'SOLUSDT'];
const clock = systemClock;
/** How the faults that lose something, and those that spoil it, are told. */
const GAPS = ['disconnect', 'trade_ids', 'book_sequence'];
const ALERTS = ['malformed', 'crossed_book', 'book_out_of_order'];

/** Every row of a series as text, ordered. */
async function rowsOf(store: MarketStore, key: SeriesKey): Promise<string[]> {
  const rows = await store.read(`SELECT * EXCLUDE (id) FROM "${viewName(key)}"`);
  return rows
    .map((row) => JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)))
    .sort();
}

/** How many trades of Binance there are, and how many their numbers span: as many where none is missing or twice. */
async function tradesOf(store: MarketStore, market: 'futures' | 'spot', symbol: string) {
  const [row] = await store.read<{ n: number; span: number | null }>(
    `SELECT count(*) AS n, max(trade_id::BIGINT) - min(trade_id::BIGINT) + 1 AS span
     FROM "${viewName({ exchange: 'binance', market, symbol, stream: 'trades' })}"`,
  );
  return { n: Number(row?.n), span: Number(row?.span) };
}

/** The completeness ledger as text, ordered. */
async function ledgerOf(store: MarketStore): Promise<string[]> {
  const rows = await store.read<{ line: string }>(
    `SELECT concat_ws(' ', table_name, epoch_us(from_time), epoch_us(to_time), state, reason) AS line
     FROM coverage ORDER BY table_name, from_time`,
  );
  return rows.map(({ line }) => line);
}

test('faults of the simulated venues are told and mended, and the tape gives the same rows again', {
  timeout: 180_000,
}, async () => {
  await using folder = await temporaryFolder();
  const events = new RecordingSink(clock);
  const common = { clock, log: silentLogger, events };
  const config = marketConfigSchema.parse({ collect: { symbols: SYMBOLS } });
  const faults = ['disconnect@500ms,gap@1500ms/500ms,duplicate@2200ms,reorder@2400ms,malformed@2600ms,crossed@4500ms'];
  await using simulator = await startSimulator({
    seed: 7,
    speed: 1,
    faults,
    clock,
    log: silentLogger,
    symbols: SYMBOLS,
  });
  const { store } = await openMarketStore({ dataDir: folder.path, config: config.storage, ...common });
  const tapeDir = join(folder.path, 'tape');
  const options = { ...common, config, venues, addresses: simulator.addresses, store, tapeDir, random: () => 0.5 };
  const collector = createCollector(options);
  await collector.start();
  await until(() => simulator.faults().some(({ name }) => name === 'crossed'), 'the last fault', 15_000);
  // Waits for what is to come about, not for a time in which it should have.
  const settled = (): boolean => {
    const kinds = new Set(events.of('data.gap_detected').map(({ data }) => data.kind));
    const alerts = new Set(events.of('data.quality_alert').map(({ data }) => data.alert_type));
    const fetched = collector.backfills();
    return (
      GAPS.every((kind) => kinds.has(kind)) &&
      ALERTS.every((alert) => alerts.has(alert)) &&
      fetched.length > 0 &&
      fetched.every(({ status }) => status !== 'running')
    );
  };
  await until(settled, 'every fault to be told and fetched', 60_000);
  for (const market of ['futures', 'spot'] as const) {
    for (const symbol of SYMBOLS) {
      const whole = async (): Promise<boolean> => {
        const { n, span } = await tradesOf(store, market, symbol);
        return n > 0 && n === span;
      };
      await until(whole, `the holes in the trades of ${symbol} on ${market} to be fetched`, 60_000);
    }
  }
  const readable = (exchange: string, market: 'futures' | 'spot', symbol: string): boolean => {
    try {
      return collector.book(exchange, market, symbol, 1).bids.length === 1;
    } catch (error) {
      if (error instanceof Stale) return false;
      throw error;
    }
  };
  for (const exchange of ['binance', 'bybit']) {
    for (const market of ['futures', 'spot'] as const) {
      for (const symbol of SYMBOLS) {
        await until(() => readable(exchange, market, symbol), `the book of ${symbol} on ${exchange} ${market}`, 10_000);
      }
    }
  }
  await collector.stop();

  const gaps = new Set(events.of('data.gap_detected').map(({ data }) => data.kind));
  expect([...gaps]).toEqual(expect.arrayContaining(GAPS));
  const alerts = new Set(events.of('data.quality_alert').map(({ data }) => data.alert_type));
  expect([...alerts]).toEqual(expect.arrayContaining(ALERTS));
  const repeats = events.of('data.received').flatMap(({ data }) => data.repeats ?? []);
  expect(new Set(repeats.map(({ exchange, market }) => `${exchange}_${market}`)).size).toBe(4);
  for (const market of ['futures', 'spot'] as const) {
    for (const symbol of SYMBOLS) {
      const { n, span } = await tradesOf(store, market, symbol);
      expect(n).toBeGreaterThan(0);
      expect(n).toBe(span);
    }
  }

  const verified = await verifyTape(tapeDir);
  expect(verified.damage).toEqual([]);
  const keys = (await store.series()).filter(({ symbol }) => SYMBOLS.includes(symbol));
  const before = new Map(
    await Promise.all(keys.map(async (key) => [viewName(key), await rowsOf(store, key)] as const)),
  );
  const ledger = await ledgerOf(store);
  for (const state of ['live', 'backfilled', 'missing']) expect(ledger.join('\n')).toContain(` ${state}`);
  // Ids prove that every hole in the trades was closed; what cannot be fetched again stays a hole.
  const known = ledger.filter((line) => line.startsWith('btcusdt_binance_futures_trades '));
  expect(known.filter((line) => line.includes(' missing'))).toEqual([]);
  const books = ledger.filter((line) => line.startsWith('btcusdt_binance_futures_orderbooks '));
  expect(books.filter((line) => line.includes(' missing')).length).toBeGreaterThan(0);
  await store[Symbol.asyncDispose]();

  // The database is derived: without it the tape gives the same rows.
  await rm(join(folder.path, 'streaming_data.duckdb'));
  await rm(join(folder.path, 'streaming_data.duckdb.wal'), { force: true });
  const { store: again } = await openMarketStore({ dataDir: folder.path, config: config.storage, ...common });
  const markets = venues.flatMap((venue) => venue.markets);
  const report = await rebuild({ tapeDir, markets, bookIntervalMs: config.collect.book_interval_ms, store: again });
  expect(report.last).not.toBeNull();
  let rows = 0;
  for (const key of keys) {
    const expected = before.get(viewName(key)) ?? [];
    if (expected.length === 0) continue;
    expect(await rowsOf(again, key), viewName(key)).toEqual(expected);
    rows += expected.length;
  }
  expect(rows).toBeGreaterThan(300);
  expect(await ledgerOf(again)).toEqual(ledger);
  await again[Symbol.asyncDispose]();
});
