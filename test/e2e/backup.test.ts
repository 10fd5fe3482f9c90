import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type * as library from '../../src/index.ts';
import { built, CLI, crew, crewRunning, temporaryFolder, untilServed } from './crew.ts';

const COLLECT = ['--source', 'sim', '--exchanges', 'binance_futures', '--symbols', 'BTCUSDT'];
const INDEX = join(CLI, '../../../index.js');

async function json(...args: readonly string[]): Promise<any> {
  const { code, stdout, stderr } = await crew([...args, '--json']);
  expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, expect.any(String)]);
  return JSON.parse(stdout);
}

/** How many trades were stored up to the venue's number, and the last number of them. */
async function trades(
  data: string,
  upTo = Number.MAX_SAFE_INTEGER,
): Promise<{ readonly n: number; readonly last: number }> {
  const sql = `SELECT count(*)::INTEGER AS n, max(trade_id::BIGINT) AS last FROM trades WHERE trade_id::BIGINT <= ${upTo}`;
  return (await json('query', sql, '--data', data)).rows[0];
}

test.runIf(built)(
  'a backup with the tape, made while collecting goes on, gives the desk back, and the tape in it the database',
  { timeout: 120_000 },
  async () => {
    const [data, other] = [temporaryFolder(), temporaryFolder()];
    const child = crewRunning(['start', '--data', data, ...COLLECT]);
    onTestFinished(() => void child.kill('SIGKILL'));
    await untilServed(data, child);
    let before = await trades(data);
    while (before.n < 50) before = await trades(data);
    const made = await json('backup', 'create', '--tape', '--data', data);
    expect(made.market_rows).toBeGreaterThan(before.n);
    child.kill('SIGTERM');
    await once(child, 'close');

    const dir = ['--dir', join(data, 'backups')];
    expect(await json('backup', 'verify', ...dir, '--data', other)).toMatchObject({ ok: true, problems: [] });
    await json('backup', 'restore', ...dir, '--data', other);
    const tape = await crew(['tape', 'verify', '--data', other]);
    expect([tape.code, tape.stdout]).toEqual([0, expect.stringContaining('whole')]);
    const held = await trades(other);
    expect(held.n).toBeGreaterThanOrEqual(before.n);
    expect(held).toEqual(await trades(data, held.last));

    // The library reads the restored folder as the command does.
    const { openDesk } = (await import(pathToFileURL(INDEX).href)) as typeof library;
    const files = await openDesk({ dataDir: other }, 'inspect');
    expect(files.kind).toBe('files');
    const restored = (await files.status()).streams.find(({ table }) => table === 'btcusdt_binance_futures_trades');
    expect(restored?.rows).toBe(held.n);
    await files[Symbol.asyncDispose]();

    // The database made anew from the tape of the backup holds the same rows, and what the tape had beyond.
    for (const file of ['streaming_data.duckdb', 'streaming_data.duckdb.wal'])
      rmSync(join(other, file), { force: true });
    const again = crewRunning(['start', '--data', other, ...COLLECT]);
    onTestFinished(() => void again.kill('SIGKILL'));
    await untilServed(other, again);
    again.kill('SIGTERM');
    await once(again, 'close');
    expect(await trades(other, held.last)).toEqual(held);
  },
);
