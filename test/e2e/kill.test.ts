import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { marketsOf } from '../../src/market/collect/markets.ts';
import { rebuild } from '../../src/market/collect/replay.ts';
import { marketConfigSchema } from '../../src/market/config.ts';
import { viewName } from '../../src/market/domain/records.ts';
import { venues } from '../../src/market/exchanges/catalogue.generated.ts';
import type { MarketStore } from '../../src/market/store/contract.ts';
import type { Desk } from '../../src/serve/desk.ts';
import { open } from '../market/store/fixtures.ts';
import { built, crew, crewRunning, end, temporaryFolder, untilServed } from './crew.ts';

const KILLS = 50;
const START = [
  'start',
  '--exchanges',
  'binance_futures,bybit_spot',
  '--symbols',
  'BTCUSDT,ETHUSDT',
  '--log-level',
  'error',
];
const VIEW = 'btcusdt_binance_futures_trades';
/** Everything that a row of a view holds. */
const CONTENT = `SELECT md5(string_agg(CAST(t AS VARCHAR), '|' ORDER BY CAST(t AS VARCHAR))) AS hash, count(*) AS n FROM "%" t`;

/** A repeatable 0 ≤ x < 1. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function one(desk: Desk, database: 'market' | 'ops', sql: string): Promise<Readonly<Record<string, unknown>>> {
  const { rows } = await desk.query({ sql, maxRows: 1, timeoutMs: 10_000, database });
  return rows[0] ?? {};
}

/** What a reader was told is stored. */
async function acknowledged(
  desk: Desk,
): Promise<{ readonly trades: number; readonly events: number; readonly seq: number }> {
  const trades = await one(desk, 'market', `SELECT count(*) AS n FROM ${VIEW}`);
  const events = await one(desk, 'ops', 'SELECT count(*) AS n, max(seq) AS seq FROM events');
  return { trades: Number(trades['n']), events: Number(events['n']), seq: Number(events['seq']) };
}

describe.runIf(built)('kill -9', () => {
  it(`loses nothing acknowledged and stores nothing twice over ${KILLS} kills`, { timeout: 900_000 }, async () => {
    const dataDir = temporaryFolder();
    const next = random(11);
    let known = { trades: 0, events: 0, seq: 0 };
    for (let kill = 0; kill < KILLS; kill++) {
      const child = crewRunning([...START, '--data', dataDir]);
      const desk = await untilServed(dataDir, child);
      const found = await acknowledged(desk);
      expect(found.trades, `kill ${kill}`).toBeGreaterThanOrEqual(known.trades);
      expect(found.seq, `kill ${kill}`).toBeGreaterThanOrEqual(known.seq);
      expect(found.events, `kill ${kill}: no holes`).toBe(found.seq);
      const until = Date.now() + next() * 1500;
      while (Date.now() < until) {
        known = await acknowledged(desk);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await end(child, 'SIGKILL');
    }
    const last = crewRunning([...START, '--data', dataDir]);
    const desk = await untilServed(dataDir, last);
    expect(await one(desk, 'market', `SELECT count(*) - count(DISTINCT trade_id) AS n FROM ${VIEW}`)).toEqual({ n: 0 });
    expect(await one(desk, 'ops', 'SELECT max(seq) - count(DISTINCT seq) AS n FROM events')).toEqual({ n: 0 });
    expect(await end(last, 'SIGINT')).toBe(130);

    const verified = await crew(['tape', 'verify', '--json', '--data', dataDir]);
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true });
    await expectRebuilt(dataDir);
  });
});

/** Makes the market database anew from the tape, and compares every view that has rows. */
async function expectRebuilt(dataDir: string): Promise<void> {
  const { collect } = marketConfigSchema.parse({});
  const content = async (store: MarketStore, views: readonly string[]): Promise<unknown[]> =>
    Promise.all(views.map(async (view) => [view, ...(await store.read(CONTENT.replace('%', view)))]));

  await using before = (await open(dataDir, { readOnly: true })).store;
  const views = (await before.stats()).flatMap(({ series, rows }) =>
    series === null || rows === 0 ? [] : [viewName(series)],
  );
  expect(views.length).toBeGreaterThan(10);
  await using rebuilt = (await open(temporaryFolder())).store;
  const report = await rebuild({
    tapeDir: join(dataDir, 'tape'),
    markets: marketsOf(venues, ['binance_futures', 'bybit_spot']),
    bookIntervalMs: collect.book_interval_ms,
    store: rebuilt,
  });
  expect(report.damage.filter(({ tail }) => !tail)).toEqual([]);
  expect(await content(rebuilt, views)).toEqual(await content(before, views));
  expect(await ledger(rebuilt)).toEqual(await ledger(before));
}

/** The completeness ledger as the collector kept it, interval by interval; what was done to rows later is beside it. */
async function ledger(store: MarketStore): Promise<readonly unknown[]> {
  const intervals = await store.read(
    `SELECT table_name, epoch_us(from_time) AS from_time, epoch_us(to_time) AS to_time, state, reason
     FROM _coverage JOIN _table_registry USING (series_id) ORDER BY ALL`,
  );
  expect(intervals.length).toBeGreaterThan(KILLS);
  return intervals;
}
