import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Database } from '../../src/infra/duckdb/database.ts';
import { Conflict, DeadlineExceeded, InvalidInput, PermissionDenied } from '../../src/kit/errors.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'crew-db-'));

describe('Database', () => {
  it('appends columns and gives timestamps back as UTC microseconds', async () => {
    await using db = await Database.open({ path: ':memory:' });
    await db.run('CREATE TABLE t (ts TIMESTAMP, name VARCHAR, x DOUBLE, n BIGINT, ok BOOLEAN)');
    const us = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000 + 6;
    await db.append({
      table: 't',
      rows: 2,
      columns: [[us, us + 1], ['a', null], Float64Array.of(1.5, Number.NaN), [7, 2 ** 53 - 1], [true, false]],
    });
    expect(await db.all('SELECT * FROM t ORDER BY ts')).toEqual([
      { ts: us, name: 'a', x: 1.5, n: 7, ok: true },
      { ts: us + 1, name: null, x: null, n: 2 ** 53 - 1, ok: false },
    ]);
  });

  it('opens the named folders to SQL and no others', async () => {
    const allowed = folder();
    const other = folder();
    await using db = await Database.open({ path: join(folder(), 'a.duckdb'), folders: [allowed] });
    await db.run(`COPY (SELECT 1 AS x) TO '${allowed}/x.parquet'`);
    expect(await db.all(`SELECT x FROM read_parquet('${allowed}/x.parquet')`)).toEqual([{ x: 1 }]);
    await expect(db.run(`COPY (SELECT 1 AS x) TO '${other}/x.parquet'`)).rejects.toThrow(/Permission|disabled/i);
    await expect(db.run('SET enable_external_access = true')).rejects.toThrow();
  });

  it('rolls a transaction back whole', async () => {
    await using db = await Database.open({ path: ':memory:' });
    await db.run('CREATE TABLE t (x INTEGER)');
    await expect(
      db.transaction([{ sql: 'INSERT INTO t VALUES (1)' }, { sql: 'INSERT INTO nowhere VALUES (1)' }]),
    ).rejects.toThrow(/nowhere/);
    expect(await db.all('SELECT * FROM t')).toEqual([]);
  });

  it('lets a user read and nothing else', async () => {
    await using db = await Database.open({ path: ':memory:' });
    await db.run("CREATE TABLE t AS SELECT range AS i, TIMESTAMP '2026-01-01 00:00:00.000001' AS ts FROM range(10)");
    const result = await db.query('SELECT * FROM t', { maxRows: 3, timeoutMs: 5000 });
    expect(result.columns).toEqual([
      { name: 'i', type: 'BIGINT' },
      { name: 'ts', type: 'TIMESTAMP' },
    ]);
    expect(result.rows[2]).toEqual({ i: 2, ts: '2026-01-01T00:00:00.000001Z' });
    expect(result.truncated).toBe(true);
    for (const sql of [
      'DELETE FROM t',
      'SELECT 1; DROP TABLE t',
      'CREATE TABLE u (i INT)',
      "COPY t TO '/tmp/x.csv'",
      "ATTACH '/tmp/x.db'",
      'SET threads = 1',
    ]) {
      await expect(db.query(sql, { maxRows: 1, timeoutMs: 5000 }), sql).rejects.toBeInstanceOf(PermissionDenied);
    }
    await expect(db.query("SELECT * FROM read_text('/etc/hostname')", { maxRows: 1, timeoutMs: 5000 })).rejects.toThrow(
      /disabled|not allowed|Permission/i,
    );
    await expect(db.query('SELEC 1', { maxRows: 1, timeoutMs: 5000 })).rejects.toBeInstanceOf(InvalidInput);
  });

  it('interrupts a query at its deadline and works on', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const slow = 'SELECT count(*) FROM range(1000000000) a, range(1000) b WHERE a.range % 7 = b.range % 3';
    await expect(db.query(slow, { maxRows: 1, timeoutMs: 50 })).rejects.toBeInstanceOf(DeadlineExceeded);
    expect((await db.query('SELECT 1 AS one', { maxRows: 1, timeoutMs: 5000 })).rows).toEqual([{ one: 1 }]);
  });

  it('refuses a second owner in the process', async () => {
    const path = join(folder(), 'a.duckdb');
    await using db = await Database.open({ path });
    await db.run('CREATE TABLE t (x INTEGER)');
    await expect(Database.open({ path })).rejects.toBeInstanceOf(Conflict);
    await db.close();
    await using again = await Database.open({ path });
    expect(await again.all('SELECT count(*) AS n FROM t')).toEqual([{ n: 0 }]);
  });
});
