import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  paint,
  type CoverageBatch,
  type CoverageChange,
  type CoverageInterval,
} from '../../../src/market/domain/coverage.ts';
import type { MarketStore } from '../../../src/market/store/contract.ts';
import { intervalOf } from '../../../src/market/store/coverage.ts';
import { DAY, HOUR, T0, open, temporaryFolder, trade } from './fixtures.ts';

const KEY = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'trades' } as const;
const change = (
  from: number,
  to: number,
  state: CoverageChange['state'],
  mode: CoverageChange['mode'] = 'raise',
): CoverageChange => ({ ...KEY, from, to, state, mode, reason: state === 'missing' ? 'not in the history' : null });
const batch = (...changes: readonly CoverageChange[]): CoverageBatch => ({ changes, heads: [] });
const ALL = { ...KEY, from: T0, to: T0 + 3 * DAY };
/** Half a day of the first day is missing and cannot be filled. */
const HOLE = { from: T0 + 2 * HOUR, to: T0 + 14 * HOUR };
const three = batch(
  change(T0, HOLE.from, 'live'),
  change(HOLE.from, HOLE.to, 'missing'),
  change(HOLE.to, T0 + 3 * DAY, 'live'),
);
const rows = [0, 1, 2].map((day) => trade(day, T0 + day * DAY));

async function statesOf(store: MarketStore): Promise<readonly string[]> {
  const { intervals } = await store.coverage(ALL);
  const hours = (time: number): number => (time - T0) / HOUR;
  return intervals.map(({ from, to, state }) => `${state} ${hours(from)}-${hours(to)}`);
}

/** What the view says of the same stretch. */
async function viewOf(store: MarketStore): Promise<readonly string[]> {
  const { rows: shown } = await store.query(
    'SELECT epoch_us(from_time) AS from_time, epoch_us(to_time) AS to_time, state, reason FROM coverage ORDER BY ALL',
    { maxRows: 1000, timeoutMs: 5000 },
  );
  const merged = shown.reduce<CoverageInterval[]>((list, row) => paint(list, { ...intervalOf(row), mode: 'set' }), []);
  return merged.map(({ from, to, state, reason }) => `${from} ${to} ${state} ${String(reason)}`);
}

async function asView(store: MarketStore): Promise<readonly string[]> {
  const { intervals } = await store.coverage(ALL);
  return intervals.map(({ from, to, state, reason }) => `${from} ${to} ${state} ${String(reason)}`);
}

test('rows deleted by age are told as pruned, what was missing stays missing, and a backfill brings them back', async () => {
  const folder = temporaryFolder();
  const { store } = await open(folder);
  await store.ingest(rows, null, three);
  await store.compact({ now: T0 + 3 * DAY, minimumGain: 1 });
  await store.retain({ now: T0 + 3 * DAY, days: 2 });
  expect(await statesOf(store)).toEqual(['pruned 0-2', 'missing 2-14', 'pruned 14-24', 'live 24-72']);
  expect(await store.coverage(ALL)).toMatchObject({ complete: false, share: 2 / 3 });
  expect(await viewOf(store)).toEqual(await asView(store));
  await store.close();
  const again = await open(folder);
  await using _ = again.store;
  expect(await statesOf(again.store)).toEqual(['pruned 0-2', 'missing 2-14', 'pruned 14-24', 'live 24-72']);
  // The running stretch is told again and again; that brings nothing back.
  await again.store.ingest([], null, batch(change(HOLE.to, T0 + 3 * DAY, 'live')));
  expect((await statesOf(again.store))[2]).toBe('pruned 14-24');
  await again.store.ingest(
    rows.slice(0, 1),
    null,
    batch({ ...change(T0, T0 + 3 * HOUR, 'backfilled'), fetched: true }),
  );
  expect(await statesOf(again.store)).toEqual(['backfilled 0-3', 'missing 3-14', 'pruned 14-24', 'live 24-72']);
  expect(await viewOf(again.store)).toEqual(await asView(again.store));
});

test('archived days are told as such until they are back', async () => {
  const { store } = await open(temporaryFolder());
  await using _ = store;
  await store.ingest(rows, null, three);
  await store.compact({ now: T0 + 3 * DAY, minimumGain: 1 });
  const before = await statesOf(store);
  await store.archive({ now: T0 + 3 * DAY, days: 1, folder: 'archive' });
  expect(await statesOf(store)).toEqual(['pruned 0-2', 'missing 2-14', 'pruned 14-48', 'live 48-72']);
  expect((await store.coverage(ALL)).intervals[0]?.reason).toContain('restore_archived_data');
  await store.restore({ folder: 'archive', from: '2026-01-02', to: '2026-01-03' });
  expect(await statesOf(store)).toEqual(before);
});

test('a day whose file is gone is no longer told as held', async () => {
  const folder = temporaryFolder();
  const first = await open(folder);
  await first.store.ingest(rows, null, three);
  await first.store.compact({ now: T0 + 3 * DAY, minimumGain: 1 });
  await first.store.close();
  const trades = join(folder, 'parquet/trades/btcusdt_binance_futures_trades');
  for (const name of readdirSync(trades).filter((file) => file.startsWith('2026-01-03'))) rmSync(join(trades, name));
  const { store } = await open(folder);
  await using _ = store;
  expect(await statesOf(store)).toEqual(['live 0-2', 'missing 2-14', 'live 14-24', 'pruned 24-48', 'live 48-72']);
});

test('of a tape that is gone, the days in whole files are held and all else is pruned', async () => {
  const folder = temporaryFolder();
  const first = await open(folder);
  await first.store.ingest(rows, null, three);
  await first.store.compact({ now: T0 + 2 * DAY, minimumGain: 1 });
  // A late row of the first day, and the third day, are in no file.
  await first.store.ingest([trade(9, T0 + HOUR)], null);
  const [carried] = await first.store.carried();
  await first.store.close();
  expect(carried?.openDays.map(({ day, file }) => [day, file === null])).toEqual([
    ['2026-01-02', false],
    ['2026-01-04', true],
  ]);
  const note = batch(
    ...(carried?.intervals ?? []).map((held): CoverageChange => ({ ...KEY, ...held, mode: 'raise' })),
    { ...change(T0, T0 + 3 * DAY, 'missing', 'gone'), openDays: carried?.openDays },
  );
  for (const name of readdirSync(folder).filter((file) => file.startsWith('streaming_data')))
    rmSync(join(folder, name));
  const { store } = await open(folder);
  await using _ = store;
  await store.ingest([], null, note);
  expect(await statesOf(store)).toEqual(['pruned 0-2', 'missing 2-14', 'pruned 14-24', 'live 24-48', 'pruned 48-72']);
});

test('the view of the ledger says what the store says, whatever was marked', async () => {
  const { store } = await open(temporaryFolder());
  await using _ = store;
  const hour = fc.integer({ min: 0, max: 72 });
  const step = fc.record({
    from: hour,
    to: hour,
    state: fc.constantFrom('missing' as const, 'sampled' as const, 'backfilled' as const, 'live' as const),
    mode: fc.constantFrom('set' as const, 'raise' as const, 'gone' as const),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const whole = change(T0, T0 + 3 * DAY, 'missing', 'set');
      const changes = steps.map((s) => change(T0 + s.from * HOUR, T0 + s.to * HOUR, s.state, s.mode));
      await store.ingest([], null, batch(change(T0, T0 + 3 * DAY, 'backfilled'), whole, ...changes));
      expect(await viewOf(store)).toEqual(await asView(store));
    }),
    { seed: 20_260_203, numRuns: 8 },
  );
});

test('what the cleaner fills by rule is interpolated in the ledger, until the cleaned copy is dropped', async () => {
  const folder = temporaryFolder();
  const { store } = await open(folder);
  const key = { ...KEY, stream: 'open_interest' } as const;
  const of = (c: CoverageChange): CoverageChange => ({ ...c, stream: 'open_interest' });
  await store.ensureSeries([key]);
  const live = [change(T0, T0 + 2 * HOUR, 'live'), change(T0 + 5 * HOUR, T0 + 6 * HOUR, 'live')];
  await store.ingest([], null, batch(...live.map(of), of(change(T0 + 2 * HOUR, T0 + 5 * HOUR, 'missing'))));
  const row = { event_time: T0 + 4 * HOUR, method: 'interpolated_linear', values: { open_interest: 5 } };
  // It reaches into what is held: only what is missing there is filled.
  await store.writeCleaned(key, [row], { from: T0 + HOUR, to: T0 + 4 * HOUR, strategy: 'linear' });
  const states = async (from: MarketStore): Promise<readonly string[]> => {
    const { intervals } = await from.coverage({ ...key, from: T0, to: T0 + 6 * HOUR });
    return intervals.map((i) => `${i.state} ${(i.from - T0) / HOUR}-${(i.to - T0) / HOUR} ${String(i.reason)}`);
  };
  const filled = [
    'live 0-2 null',
    'interpolated 2-4 filled in the cleaned copy: linear',
    'missing 4-5 not in the history',
    'live 5-6 null',
  ];
  expect(await states(store)).toEqual(filled);
  const coverage = await store.coverage({ ...key, from: T0, to: T0 + 6 * HOUR });
  expect(coverage).toMatchObject({ complete: false, share: 0.5 });
  const shown = await store.read("SELECT count(*)::INTEGER AS n FROM coverage WHERE state = 'interpolated'");
  expect(shown).toEqual([{ n: 1 }]);
  await store.close();

  const again = (await open(folder)).store;
  expect(await states(again)).toEqual(filled);
  await again.dropDerived('btcusdt_binance_futures_open_interest_cleaned');
  expect(await states(again)).toEqual(['live 0-2 null', 'missing 2-5 not in the history', 'live 5-6 null']);
  await again.writeCleaned(key, [row], { from: T0 + 2 * HOUR, to: T0 + 5 * HOUR, strategy: 'linear' });
  await again.ingest([], null, batch(of(change(T0 + 2 * HOUR, T0 + 5 * HOUR, 'backfilled'))));
  expect(await states(again)).toEqual(['live 0-2 null', 'backfilled 2-5 null', 'live 5-6 null']);
  await again.close();
});
