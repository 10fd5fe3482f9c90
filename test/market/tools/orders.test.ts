import { afterEach, beforeEach, expect, test } from 'vitest';
import { InvalidInput, NotFound } from '../../../src/kit/errors.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { planCleanedCopy, writeCleanedCopy } from '../../../src/market/jobs/cleaned-copy.ts';
import { scanSeries } from '../../../src/market/jobs/gap-scan.ts';
import { reapplyOrders } from '../../../src/market/jobs/standing-orders.ts';
import type { MarketServices } from '../../../src/market/services.ts';
import type { MarketStore } from '../../../src/market/store/contract.ts';
import { open, temporaryFolder } from '../store/fixtures.ts';
import { fillBench, FROM, keyOf, openBench, ordinaryMarket, START, type Bench } from '../jobs/bench.ts';
import { call, preview } from './call.ts';

const SECOND = 1_000_000;
const iso = (us: number) => new Date(us / 1000).toISOString();
let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  await fillBench(bench);
});
afterEach(() => bench[Symbol.asyncDispose]());

const rowsOf = (store: MarketStore, stream: 'trades' | 'mark_prices' = 'trades') =>
  store.seriesRows({ ...keyOf(stream), from: FROM, to: START * 1000, limit: 1000 });
/** Deletes the seconds [a, b) of the bench's ten minutes. */
const deletion = (a: number, b: number, stream = 'trades') => ({
  ...keyOf('trades'),
  stream,
  start_time: iso(FROM + a * SECOND),
  end_time: iso(FROM + b * SECOND),
  reason: 'a test',
});
/** A database made anew from the same records, with the orders applied again. */
async function rebuilt(): Promise<{ readonly store: MarketStore; readonly services: MarketServices }> {
  const { store } = await open(temporaryFolder());
  for (const exchange of ['binance', 'bybit']) await store.ingest(ordinaryMarket(exchange), null);
  const services = { ...bench.services, store, log: silentLogger };
  await reapplyOrders(services);
  return { store, services };
}

test('delete_data deletes the stretch and its copies, counts them, and keeps them out', async () => {
  const { store, ops } = bench.services;
  await writeCleanedCopy(bench.services, keyOf('trades'), FROM, START * 1000);
  expect(await preview(bench, 'delete_data', deletion(100, 160))).toMatchObject({ rows: 60, copies: 60 });
  expect(await rowsOf(store)).toHaveLength(600);
  const { data } = await call(bench, 'delete_data', deletion(100, 160));
  expect(data).toMatchObject({ table: 'btcusdt_binance_futures_trades', rows_deleted: 60, copies_deleted: 60 });
  expect(await rowsOf(store)).toHaveLength(540);
  expect(await store.derivedRows('btcusdt_binance_futures_trades_cleaned')).toBe(540);
  // The other series of the stretch is whole, and what comes again stays out.
  expect(
    await store.seriesRows({ ...keyOf('trades', 'bybit'), from: FROM, to: START * 1000, limit: 1000 }),
  ).toHaveLength(600);
  await store.ingest(ordinaryMarket('binance'), null);
  expect(await rowsOf(store)).toHaveLength(540);
  expect(await ops.select('deletions')).toMatchObject([
    { deletion_id: data.deletion_id, rows: 60, copies: 60, deleted_by: 'agent:validator', reason: 'a test' },
  ]);
  expect(bench.events.of('storage.deleted')).toHaveLength(1);
  const coverage = await store.coverage({ ...keyOf('trades'), from: FROM + 100 * SECOND, to: FROM + 160 * SECOND });
  expect(coverage.intervals).toMatchObject([{ state: 'missing', reason: `deleted by ${data.deletion_id}` }]);
});

test('a deletion holds after a reopen and is applied again after a rebuild', async () => {
  await call(bench, 'delete_data', deletion(100, 160));
  const { store } = await rebuilt();
  await using _ = store;
  const live = (await rowsOf(bench.services.store)).map((row) => row['row_key']);
  expect((await rowsOf(store)).map((row) => row['row_key'])).toEqual(live);
  expect(live).toHaveLength(540);
  await store.ingest(ordinaryMarket('binance'), null);
  expect(await rowsOf(store)).toHaveLength(540);
});

test('what was deleted on purpose is no gap; the same silence without an order is one', async () => {
  const scan = () => scanSeries(bench.services, keyOf('mark_prices'), FROM, START * 1000);
  const hole = { from: FROM + 200 * SECOND, to: FROM + 260 * SECOND };
  await bench.services.store.quarantine({ ...keyOf('mark_prices'), id: 'q', reason: 't', keys: null, ...hole });
  expect((await scan()).gaps).toHaveLength(1);
  await bench.services.store.release('q');
  expect((await scan()).gaps).toEqual([]);
  await call(bench, 'delete_data', deletion(200, 260, 'mark_prices'));
  expect(await rowsOf(bench.services.store, 'mark_prices')).toHaveLength(180);
  expect((await scan()).gaps).toEqual([]);
});

test('rows in quarantine stay there, and do not come back into a deleted stretch', async () => {
  const { store } = bench.services;
  const order = { from: FROM + 100 * SECOND, to: FROM + 110 * SECOND };
  await store.quarantine({ ...keyOf('trades'), id: 'q', reason: 't', keys: null, ...order });
  expect((await call(bench, 'delete_data', deletion(105, 160))).data.rows_deleted).toBe(50);
  expect(await rowsOf(store)).toHaveLength(540);
  expect(await store.release('q')).toBe(10);
  expect(await rowsOf(store)).toHaveLength(545);
});

test('a stretch in the future, backwards or of no series is refused, and nothing is recorded', async () => {
  const future = { ...deletion(0, 1), end_time: iso(START * 1000 + SECOND) };
  await expect(call(bench, 'delete_data', future)).rejects.toThrow(/in the future/);
  await expect(preview(bench, 'delete_data', future)).rejects.toThrow(InvalidInput);
  await expect(call(bench, 'delete_data', deletion(10, 5))).rejects.toThrow(/not before/);
  await expect(call(bench, 'delete_data', { ...deletion(0, 1), symbol: 'ETHUSDT' })).rejects.toThrow(NotFound);
  expect(await bench.services.ops.count('deletions')).toBe(0);
});

const wrong = async () => {
  const row = (await rowsOf(bench.services.store))[7];
  return { ...keyOf('trades'), record_id: String(row?.['row_key']), time: iso(Number(row?.['event_time'])) };
};
const cleaned = (store: MarketStore) =>
  store.read(
    'SELECT price, quote_value, method, row_key FROM btcusdt_binance_futures_trades_cleaned ORDER BY event_time',
  );

test('modify_raw_data writes a labelled version beside the raw row, which stays', async () => {
  const { store, ops } = bench.services;
  const at = await wrong();
  const before = (await rowsOf(store))[7];
  const asked = { ...at, column: 'price', value: 99.5, reason: 'announced' };
  const old = before?.['price'];
  expect(await preview(bench, 'modify_raw_data', asked)).toMatchObject({ old_value: old, new_value: 99.5 });
  expect(await ops.count('corrections')).toBe(0);
  const { data } = await call(bench, 'modify_raw_data', asked);
  expect(data).toMatchObject({ table: 'btcusdt_binance_futures_trades_cleaned', old_value: old, new_value: 99.5 });
  expect((await rowsOf(store))[7]).toEqual(before);
  expect(await cleaned(store)).toEqual([
    { price: 99.5, quote_value: null, method: 'corrected', row_key: at.record_id },
  ]);
  expect(await ops.select('corrections')).toMatchObject([
    {
      correction_id: data.correction_id,
      old_value: old,
      new_value: 99.5,
      corrected_by: 'agent:validator',
      reverted_at: null,
    },
  ]);
  expect(bench.events.of('data.corrected')).toHaveLength(1);
});

test('a cleaned copy takes the corrected version once, and a second correction joins the first', async () => {
  const at = await wrong();
  await call(bench, 'modify_raw_data', { ...at, column: 'price', value: 99.5, reason: 'announced' });
  await call(bench, 'modify_raw_data', { ...at, column: 'quantity', value: 3, reason: 'announced too' });
  const plan = await planCleanedCopy(bench.services, keyOf('trades'), FROM, START * 1000);
  expect(plan.rows.filter((row) => row.method === 'corrected')).toMatchObject([
    { row_key: at.record_id, values: { price: 99.5, quantity: 3 } },
  ]);
  await writeCleanedCopy(bench.services, keyOf('trades'), FROM, START * 1000);
  const rows = await cleaned(bench.services.store);
  expect(rows).toHaveLength(600);
  expect(rows.filter((row) => row['row_key'] === at.record_id)).toMatchObject([{ price: 99.5, method: 'corrected' }]);
});

test('corrections are applied again after a rebuild until reverted', async () => {
  const { services } = bench;
  const at = await wrong();
  const { data } = await call(bench, 'modify_raw_data', { ...at, column: 'price', value: 99.5, reason: 'announced' });
  const first = await rebuilt();
  expect(await cleaned(first.store)).toMatchObject([{ price: 99.5, method: 'corrected', row_key: at.record_id }]);
  await first.store.close();
  const revert = { correction_id: data.correction_id, reason: 'withdrawn' };
  expect(await preview(bench, 'revert_correction', revert)).toMatchObject({ from: 99.5 });
  expect((await call(bench, 'revert_correction', revert)).data.value).toBe(data.old_value);
  expect(await cleaned(services.store)).toEqual([]);
  expect(await services.ops.select('corrections')).toMatchObject([
    { reverted_at: START, reverted_by: 'agent:validator' },
  ]);
  await expect(call(bench, 'revert_correction', revert)).rejects.toThrow(/reverted already/);
  const second = await rebuilt();
  await expect(second.store.derivedRows('btcusdt_binance_futures_trades_cleaned')).rejects.toThrow(NotFound);
  await second.store.close();
});

test('a correction of nothing is refused with what there is', async () => {
  const at = await wrong();
  const correct = (change: object) =>
    call(bench, 'modify_raw_data', { ...at, column: 'price', value: 1, reason: 'a test', ...change });
  await expect(correct({ column: 'prise' })).rejects.toThrow(/did you mean price/);
  await expect(correct({ column: 'quote_value' })).rejects.toThrow(InvalidInput);
  await expect(correct({ column: 'side' })).rejects.toThrow(InvalidInput);
  await expect(correct({ record_id: '12' })).rejects.toThrow(/no row '12'/);
  await expect(correct({ time: iso(FROM - SECOND) })).rejects.toThrow(NotFound);
  expect(await bench.services.ops.count('corrections')).toBe(0);
});
