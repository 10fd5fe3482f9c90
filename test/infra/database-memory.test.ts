import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Database } from '../../src/infra/duckdb/database.ts';
import { MemoryRoom, saysShort } from '../../src/infra/duckdb/memory.mjs';
import { InvalidInput, Unavailable } from '../../src/kit/errors.ts';

/** A list is one piece of memory, which no disk can hold: 64 MB of it while it grows. */
const ONE_PIECE = 'SELECT len(list(i)) AS n FROM range(4000000) t(i)';
const LIMIT = "SELECT current_setting('memory_limit') AS limit";

const open = (more: { readonly memoryMb?: number; readonly mostMemoryMb?: number } = {}): Promise<Database> =>
  Database.open({ path: join(mkdtempSync(join(tmpdir(), 'crew-db-')), 'a.duckdb'), memoryMb: 32, ...more });

describe('a database of little memory', () => {
  it('sorts, groups, joins and writes more than its memory holds', { timeout: 120_000 }, async () => {
    await using db = await open({ memoryMb: 12, mostMemoryMb: 256 });
    await db.run(`CREATE TABLE t AS
      SELECT hash(i) AS h, i AS n, 'the text of the number ' || hash(i + 1) AS words FROM range(250000) r(i)`);
    const sizes = await db.all('SELECT sum(len(words)) + 16 * count(*) AS bytes FROM t');
    expect(Number(sizes[0]?.['bytes'])).toBeGreaterThan(12 * 1024 * 1024);
    const limits = { maxRows: 3, timeoutMs: 120_000 };
    const sorted = await db.query('SELECT n, h FROM t ORDER BY h', limits);
    const least = await db.all('SELECT n, h FROM t ORDER BY h LIMIT 3');
    expect(sorted.rows.map((row) => Number(row['n']))).toEqual(least.map((row) => Number(row['n'])));
    const [joined] = await db.all('SELECT count(*) AS n FROM t a JOIN t b USING (words)');
    expect(joined).toEqual({ n: 250_000 });
    await db.transaction([{ sql: 'CREATE TABLE u AS SELECT * FROM t ORDER BY words' }, { sql: 'DROP TABLE t' }]);
    expect(await db.all('SELECT count(DISTINCT n) AS n FROM u')).toEqual([{ n: 250_000 }]);
  });

  it('gives a statement that does not fit even so more until it has ended', async () => {
    await using db = await open({ mostMemoryMb: 256 });
    expect(await db.all(LIMIT)).toEqual([{ limit: '30.5 MiB' }]);
    expect(await db.all(ONE_PIECE)).toEqual([{ n: 4_000_000 }]);
    expect(await db.all(LIMIT)).toEqual([{ limit: '244.1 MiB' }]);
    expect((await db.query(ONE_PIECE, { maxRows: 1, timeoutMs: 60_000 })).rows).toEqual([{ n: 4_000_000 }]);
  });

  it('reads a log that takes more than its usual memory', { timeout: 60_000 }, async () => {
    await using db = await Database.open({
      path: join(mkdtempSync(join(tmpdir(), 'crew-db-')), 'a.duckdb'),
      memoryMb: 256,
      checkpointMb: 1000,
    });
    await db.run('CREATE TABLE t AS SELECT i AS n, hash(i) AS h, hash(i + 1) AS g FROM range(2000000) r(i)');
    await db.run('CHECKPOINT');
    await db.run('DELETE FROM t WHERE n % 7 = 0');
    const killed = `${db.path}-killed`;
    copyFileSync(db.path, killed);
    copyFileSync(`${db.path}.wal`, `${killed}.wal`);
    await expect(Database.open({ path: killed, memoryMb: 8 })).rejects.toBeInstanceOf(Unavailable);
    await using again = await Database.open({ path: killed, memoryMb: 8, mostMemoryMb: 256 });
    expect(await again.all('SELECT count(*) AS n FROM t')).toEqual([{ n: 1_714_285 }]);
    await vi.waitFor(async () => expect(await again.all(LIMIT)).toEqual([{ limit: '7.6 MiB' }]), 30_000);
  });

  it('knows a commit that ran out of memory from what cannot be done again', () => {
    const size = 'failed to pin block of size 256.0 KiB (45.7 MiB/45.7 MiB used)';
    expect(saysShort(new Error(`TransactionContext Error: Failed to commit: ${size}`))).toBe(true);
    expect(saysShort(new Error(`Out of Memory Error: ${size}`))).toBe(true);
    expect(saysShort(new Error(`FATAL Error: Failed to commit: ${size}`))).toBe(false);
    expect(saysShort(new Error('TransactionContext Error: Failed to commit: conflict'))).toBe(false);
  });

  it('works with the larger limit for as long as it is asked to', { timeout: 30_000 }, async () => {
    await using db = await open({ mostMemoryMb: 256 });
    expect(await db.withMoreMemory(() => db.all(LIMIT))).toEqual([{ limit: '244.1 MiB' }]);
    await expect(db.withMoreMemory(() => Promise.reject(new Error('its own')))).rejects.toThrow('its own');
    await vi.waitFor(async () => expect(await db.all(LIMIT)).toEqual([{ limit: '30.5 MiB' }]), 20_000);
  });

  it('says so when a statement needs more than there is', async () => {
    await using db = await open();
    await expect(db.all(ONE_PIECE)).rejects.toBeInstanceOf(Unavailable);
    const refused = db.query(ONE_PIECE, { maxRows: 1, timeoutMs: 60_000 });
    await expect(refused).rejects.toBeInstanceOf(InvalidInput);
    await expect(refused).rejects.toThrow('needs more memory than the database may use');
    expect(await db.all('SELECT 1 AS x')).toEqual([{ x: 1 }]);
  });

  it('does a write or a transaction that ran out of memory once, with all its rows', async () => {
    await using db = await open({ mostMemoryMb: 256 });
    await db.run('CREATE TABLE t (n BIGINT)');
    await db.transaction([
      { sql: 'INSERT INTO t VALUES (1)' },
      {
        offer: { name: 'rows', rows: 2, columns: [{ name: 'n', type: 'bigint', values: Float64Array.of(2, 3) }] },
      },
      { sql: "INSERT INTO t SELECT n FROM offered('rows')" },
      { sql: `INSERT INTO t ${ONE_PIECE}` },
    ]);
    expect(await db.all('SELECT n FROM t ORDER BY n')).toEqual([1, 2, 3, 4_000_000].map((n) => ({ n })));
  });

  it('gives a transaction in parts more from its first part on', async () => {
    await using db = await open({ mostMemoryMb: 256 });
    await db.run('CREATE TABLE t (n BIGINT)');
    await db.transactionPart([{ sql: 'INSERT INTO t VALUES (1)' }]);
    await db.transactionPart([{ sql: `INSERT INTO t ${ONE_PIECE}` }]);
    await db.transaction([{ sql: 'INSERT INTO t VALUES (2)' }]);
    expect(await db.all('SELECT n FROM t ORDER BY n')).toEqual([1, 2, 4_000_000].map((n) => ({ n })));
  });

  it('does not repeat a text of several statements, of which the first stand', async () => {
    await using db = await open({ mostMemoryMb: 256 });
    await db.run('CREATE TABLE t (n BIGINT)');
    await expect(db.run(`INSERT INTO t VALUES (1); INSERT INTO t ${ONE_PIECE}`)).rejects.toThrow('Out of Memory');
    expect(await db.all('SELECT n FROM t')).toEqual([{ n: 1 }]);
    await db.run(`INSERT INTO t ${ONE_PIECE}`);
    expect(await db.all('SELECT count(*) AS n FROM t')).toEqual([{ n: 2 }]);
  });
});

interface Resident {
  readonly glibc: boolean;
  readonly before: number;
  readonly freed: number;
  readonly after: number;
}

/** A process whose memory of C has a hole in each page but few, before and after the limit is said again, in MB. */
const FRAGMENTED = `
  const { DuckDBInstance } = await import(process.argv[1]);
  const connection = await (await DuckDBInstance.create(':memory:', { memory_limit: '48MB' })).connect();
  const resident = () => process.memoryUsage.rss() / 1e6;
  let kept = Array.from({ length: 4000 }, () => new Uint8Array(30000).fill(1));
  const before = resident();
  kept = kept.filter((_, i) => i % 20 === 0);
  for (let i = 0; i < 3; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 100)); }
  const freed = resident();
  await connection.run("SET memory_limit = '48MB'");
  const glibc = process.report.getReport().header.glibcVersionRuntime !== undefined;
  console.log(JSON.stringify({ glibc, before, freed, after: resident(), kept: kept.length }));
`;

it.runIf(process.platform === 'linux')(
  'a limit that is said again has the C library give back what is free',
  async () => {
    const driver = new URL('../../src/infra/duckdb/driver.mjs', import.meta.url).href;
    const args = ['--expose-gc', '--input-type=module', '-e', FRAGMENTED, driver];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { glibc, before, freed, after } = JSON.parse(stdout) as Resident;
    if (!glibc) return;
    expect(before - freed).toBeLessThan(30);
    expect(freed - after).toBeGreaterThan(60);
  },
);

describe('MemoryRoom', () => {
  afterEach(() => void vi.useRealTimers());

  const short = (): Error => new Error('Out of Memory Error: failed to pin block');
  const yes = (): Promise<boolean> => Promise.resolve(true);

  function room(refusals = 0): { readonly memory: MemoryRoom; readonly said: string[] } {
    const said: string[] = [];
    const memory = new MemoryRoom('48MB', '512MB');
    const run = (sql: string): Promise<void> => {
      said.push(sql);
      const refused = sql.includes('48MB') && refusals-- > 0;
      return refused ? Promise.reject(short()) : Promise.resolve();
    };
    void memory.attach({ run, closeSync: () => said.push('closed') } as never);
    return { memory, said };
  }

  it('takes the larger limit back a while after the last that needed it, as soon as DuckDB agrees', async () => {
    vi.useFakeTimers();
    const { memory, said } = room(1);
    const once = (): (() => Promise<string>) => {
      let tries = 0;
      return () => (tries++ === 0 ? Promise.reject(short()) : Promise.resolve('done'));
    };
    expect(await memory.run(once(), yes)).toBe('done');
    await vi.advanceTimersByTimeAsync(4000);
    expect(await memory.run(once(), yes)).toBe('done');
    await vi.advanceTimersByTimeAsync(4000);
    expect(said).toEqual(["SET memory_limit = '512MB'"]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(said.slice(1)).toEqual(["SET memory_limit = '48MB'"]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(said.slice(1)).toEqual(["SET memory_limit = '48MB'", "SET memory_limit = '48MB'"]);
    await memory.detach();
    expect(said.slice(3)).toEqual(['closed']);
  });

  it('asks for the larger limit until there is the little memory that asking takes', async () => {
    vi.useFakeTimers();
    const said: string[] = [];
    const memory = new MemoryRoom('48MB', '512MB');
    const run = (sql: string): Promise<void> => {
      said.push(sql);
      return said.length < 3 ? Promise.reject(short()) : Promise.resolve();
    };
    void memory.attach({ run, closeSync: () => said.push('closed') } as never);
    let tries = 0;
    const done = memory.run(() => (tries++ === 0 ? Promise.reject(short()) : Promise.resolve('done')), yes);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await done).toBe('done');
    expect(said).toEqual(Array.from({ length: 3 }, () => "SET memory_limit = '512MB'"));
    await memory.detach();
  });

  it('says its limit again every ten seconds, also one that was refused, unless a statement needs more', async () => {
    vi.useFakeTimers();
    const { memory, said } = room(1);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(said.splice(0)).toEqual(["SET memory_limit = '48MB'", "SET memory_limit = '48MB'"]);
    let begun = false;
    let end: (() => void) | undefined;
    const work = (): Promise<void> => {
      if (begun) return new Promise((resolve) => (end = resolve));
      begun = true;
      return Promise.reject(short());
    };
    const done = memory.run(work, yes);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(said.splice(0)).toEqual(["SET memory_limit = '512MB'"]);
    end?.();
    await done;
    await vi.advanceTimersByTimeAsync(5000);
    expect(said.splice(0)).toEqual(["SET memory_limit = '48MB'"]);
    await memory.detach();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(said).toEqual(['closed']);
  });

  it.each([
    ['another error', new Error('Constraint Error: duplicate'), true],
    ['an error after which it is not known what was done', new Error('FATAL Error: Out of Memory Error'), true],
    ['what may not be repeated', short(), false],
  ])('gives %s back as it is', async (_, error, mayRepeat) => {
    const { memory, said } = room();
    const work = vi.fn(() => Promise.reject(error));
    await expect(memory.run(work, () => Promise.resolve(mayRepeat))).rejects.toBe(error);
    expect(work).toHaveBeenCalledTimes(1);
    expect(said).toEqual([]);
  });
});
