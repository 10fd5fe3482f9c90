import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Desk } from '../../src/serve/desk.ts';
import { built, crew, crewRunning, end, temporaryFolder, untilServed } from './crew.ts';

const KILLS = Number(process.env.KILLS ?? 50);
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

/** Deletes the market database, replays the tape without going live, and compares every view. */
async function expectRebuilt(dataDir: string): Promise<void> {
  const views = [
    'btcusdt_binance_futures_trades',
    'btcusdt_binance_futures_candles',
    'btcusdt_binance_futures_orderbooks',
    'ethusdt_bybit_spot_trades',
    'ethusdt_bybit_spot_prices',
    'btcusdt_binance_futures_mark_prices',
  ];
  const read = async (folder: string): Promise<unknown[]> => {
    const results = [];
    for (const view of views)
      results.push(
        JSON.parse((await crew(['query', CONTENT.replace('%', view), '--json', '--data', folder])).stdout).rows[0],
      );
    return results;
  };
  const before = await read(dataDir);
  const copy = temporaryFolder();
  mkdirSync(join(copy, 'source'), { recursive: true });
  cpSync(join(dataDir, 'tape'), join(copy, 'source', 'tape'), { recursive: true });
  const rebuilt = join(copy, 'rebuilt');
  const replay = await crew([
    'start',
    ...START.slice(1),
    '--source',
    `tape:${join(copy, 'source', 'tape')}`,
    '--data',
    rebuilt,
    '--duration',
    '20s',
  ]);
  expect(replay.stderr).toBe('');
  expect(await read(rebuilt)).toEqual(before);
  rmSync(copy, { recursive: true });
}
