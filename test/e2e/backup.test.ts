import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import type * as library from '../../src/index.ts';
import { built, CLI, crew, crewRunning, temporaryFolder, untilServed } from './crew.ts';

const COLLECT = ['--source', 'sim', '--exchanges', 'binance_futures', '--symbols', 'BTCUSDT'];
const INDEX = join(CLI, '../../../index.js');

async function json(...args: readonly string[]): Promise<any> {
  const { code, stdout, stderr } = await crew([...args, '--json']);
  expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, expect.any(String)]);
  return JSON.parse(stdout);
}

/** How many trades were stored up to a time, and when the last was. */
async function trades(data: string, upTo = '2100-01-01'): Promise<{ readonly n: number; readonly last: string }> {
  const sql = `SELECT count(*)::INTEGER AS n, max(event_time)::VARCHAR AS last FROM trades WHERE event_time <= '${upTo}'`;
  return (await json('query', sql, '--data', data)).rows[0];
}

test.runIf(built)(
  'a backup with the tape, made while collecting goes on, gives the desk back, and the tape in it the database',
  { timeout: 120_000 },
  async () => {
    const [data, other] = [temporaryFolder(), temporaryFolder()];
    const child = crewRunning(['start', '--data', data, ...COLLECT]);
    const desk = await untilServed(data, child);
    const rows = async () => (await desk.status()).streams.reduce((sum, stream) => sum + stream.rows, 0);
    while ((await rows()) < 300) await new Promise((resolve) => setTimeout(resolve, 50));
    const made = await json('backup', 'create', '--tape', '--data', data);
    expect(made.market_rows).toBeGreaterThanOrEqual(300);
    child.kill('SIGTERM');
    await once(child, 'close');

    const dir = ['--dir', join(data, 'backups')];
    expect(await json('backup', 'verify', ...dir, '--data', other)).toMatchObject({ ok: true, problems: [] });
    await json('backup', 'restore', ...dir, '--data', other);
    const tape = await crew(['tape', 'verify', '--data', other]);
    expect([tape.code, tape.stdout]).toEqual([0, expect.stringContaining('whole')]);
    const held = await trades(other);
    expect(held.n).toBeGreaterThan(0);
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
    await untilServed(other, again);
    again.kill('SIGTERM');
    await once(again, 'close');
    expect(await trades(other, held.last)).toEqual(held);
  },
);
