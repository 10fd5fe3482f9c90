import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fork } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { Conflict, NotFound, Unavailable, Unsupported } from '../../../src/kit/errors.ts';
import { DAY, RecordedEvents, T0, everyStream, open, temporaryFolder, trade } from './fixtures.ts';

const series = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'trades' } as const;
const all = { from: 0, to: T0 * 2, limit: 10_000 };

function overwrite(path: string, at: number, length: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(length, 0xa5), 0, length, at);
  closeSync(file);
}

async function filled(folder: string): Promise<string> {
  const { store } = await open(folder);
  const rows = Array.from({ length: 20_000 }, (_, i) =>
    trade(`t${i}`, T0 + i * 10, { price: 1 + ((i * 7919) % 104_729) }),
  );
  await store.ingest([...rows, ...everyStream(T0 - DAY)], { segment: 4, item: 2 });
  await store.compact({ now: T0, minimumGain: 1 });
  await store.close();
  return join(folder, 'streaming_data.duckdb');
}

describe('a damaged market database', () => {
  it.each([
    ['its head', 0, 64],
    ['its first header', 4096, 512],
    ['all its headers', 0, 3 * 4096],
    ['a block of rows', 12_288, 65_536],
    ['a byte of rows', 12_288 + 65_536 + 5000, 1],
  ])('is set aside when %s is overwritten', async (_, at, length) => {
    const folder = temporaryFolder();
    const path = await filled(folder);
    overwrite(path, at, length);
    const events = new RecordedEvents();
    const { store, rebuilt, damaged } = await open(folder, { events });
    await using _store = store;
    const rows = async (): Promise<number> => (await store.seriesRows({ ...series, ...all, limit: 100_000 })).length;
    expect(rebuilt).toBe(true);
    expect(damaged).toMatch(/streaming_data\.duckdb\.damaged-2026-01-05T00-00-00-000Z$/);
    expect(existsSync(damaged ?? '')).toBe(true);
    expect(await store.position()).toBeNull();
    expect(events.of('system.recovered')).toHaveLength(1);
    expect(await rows()).toBe(1);
    await store.ingest([trade('t1', T0 + 10)], { segment: 0, item: 0 });
    expect(await rows()).toBe(2);
  });

  it('is set aside at the next start when damage was found in use, which words of a user are not', async () => {
    const folder = temporaryFolder();
    const path = await filled(folder);
    const first = await open(folder);
    const said = "SELECT error('Corrupt database file: computed checksum does not match')";
    await expect(first.store.query(said, { maxRows: 1, timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    expect(existsSync(`${path}.suspect`)).toBe(false);
    await first.store.close();
    writeFileSync(`${path}.suspect`, 'block 7');
    const second = await open(folder);
    await using store = second.store;
    expect(second.rebuilt).toBe(true);
    expect(existsSync(`${path}.suspect`)).toBe(false);
    expect((await store.stats('btcusdt_binance_futures_trades'))[0]).toMatchObject({ rows: 1 });
  });

  it('is made anew when the file is not a database, or empty', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'streaming_data.duckdb'), 'this is not a database at all, it is text'.repeat(1000));
    const { store, rebuilt } = await open(folder);
    await using _ = store;
    expect(rebuilt).toBe(true);
    expect(readdirSync(folder).filter((name) => name.includes('damaged'))).toHaveLength(1);
  });
});

describe('opening the market database', () => {
  it('refuses a second owner, here and in another process', async () => {
    const folder = temporaryFolder();
    const { store } = await open(folder);
    await using _ = store;
    await expect(open(folder)).rejects.toBeInstanceOf(Conflict);
    const script = `import('@duckdb/node-api').then(({ DuckDBInstance }) => DuckDBInstance.create(process.argv[1], { access_mode: 'READ_ONLY' }))
      .then(() => process.send('opened'), (error) => process.send(error.message))`;
    const said = await new Promise<string>((resolve) => {
      const child = fork('-e', [script, join(folder, 'streaming_data.duckdb')], { execArgv: [], cwd: process.cwd() });
      child.on('message', (message) => resolve(JSON.stringify(message)));
    });
    expect(said).toMatch(/lock/i);
  });

  it('names the other process that has the file', async () => {
    const folder = temporaryFolder();
    await (await open(folder)).store.close();
    const path = join(folder, 'streaming_data.duckdb');
    const script = `import('@duckdb/node-api').then(({ DuckDBInstance }) => DuckDBInstance.create(process.argv[1]))
      .then((db) => { process.send('opened'); process.on('message', () => { db.closeSync(); process.exit(0); }); })`;
    const child = fork('-e', [script, path], { execArgv: [], cwd: process.cwd() });
    await new Promise((resolve) => child.once('message', resolve));
    const refused = open(folder);
    await expect(refused).rejects.toBeInstanceOf(Conflict);
    await expect(refused).rejects.toThrow(/in use by another process.*PID/s);
    await expect(open(folder, { readOnly: true })).rejects.toBeInstanceOf(Conflict);
    child.send('close');
    await new Promise((resolve) => child.once('exit', resolve));
    await (await open(folder)).store.close();
  });

  it('reads without writing when asked to', async () => {
    const folder = temporaryFolder();
    await expect(open(folder, { readOnly: true })).rejects.toBeInstanceOf(NotFound);
    const path = await filled(folder);
    const before = readFileSync(path);
    const { store } = await open(folder, { readOnly: true });
    expect((await store.stats('btcusdt_binance_futures_trades'))[0]).toMatchObject({ rows: 20_001 });
    expect(await store.latest('prices')).toHaveLength(1);
    expect(await store.position()).toEqual({ segment: 4, item: 2 });
    await expect(store.ingest([trade(1, T0)], null)).rejects.toBeInstanceOf(Unsupported);
    await expect(store.compact({ now: T0, minimumGain: 0 })).rejects.toBeInstanceOf(Unsupported);
    await store.close();
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('refuses a format of another version and a database of another program', async () => {
    const folder = temporaryFolder();
    await (await open(folder)).store.close();
    const path = join(folder, 'streaming_data.duckdb');
    for (const [version, word] of [
      [99, /newer program/],
      [0, /rebuilt from the tape/],
    ] as const) {
      const db = await Database.open({ path });
      await db.run('UPDATE _format SET version = ?', [version]);
      await db.close();
      await expect(open(folder)).rejects.toThrow(word);
    }
    const other = temporaryFolder();
    const db = await Database.open({ path: join(other, 'streaming_data.duckdb') });
    await db.run('CREATE TABLE mine (x INTEGER)');
    await db.close();
    await expect(open(other)).rejects.toBeInstanceOf(Unsupported);
    expect(readdirSync(other).filter((name) => name.includes('damaged'))).toEqual([]);
  });

  it('says so when the folder cannot be written', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'parquet'), 'a file where a folder should be');
    await expect(open(folder)).rejects.toBeInstanceOf(Unavailable);
  });
});
