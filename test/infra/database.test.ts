import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Database, type OfferedColumn } from '../../src/infra/duckdb/database.ts';
import { DatabaseThread } from '../../src/infra/duckdb/thread.ts';
import { Conflict, Corrupt, DeadlineExceeded, InvalidInput, PermissionDenied } from '../../src/kit/errors.ts';

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

  it('opens in threads that were started ahead, each for one file', async () => {
    DatabaseThread.startAhead(2);
    const [first, second] = [join(folder(), 'a.duckdb'), join(folder(), 'b.duckdb')];
    const opened = await Promise.all([first, second, ':memory:'].map((path) => Database.open({ path })));
    for (const [i, db] of opened.entries()) await db.run(`CREATE TABLE t AS SELECT ${i} AS x`);
    for (const [i, db] of opened.entries()) expect(await db.all('SELECT x FROM t')).toEqual([{ x: i }]);
    for (const db of opened) await db.close();
  });

  it('says why a file cannot be opened in a thread that was started ahead', async () => {
    DatabaseThread.startAhead(1);
    const path = join(folder(), 'a.duckdb');
    writeFileSync(path, 'x'.repeat(10_000));
    await expect(Database.open({ path })).rejects.toBeInstanceOf(Corrupt);
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

  it('says at closing that the log could not be folded in, and loses nothing by it', async () => {
    const path = join(folder(), 'a.duckdb');
    const told: string[] = [];
    const onCheckpointFailed = (reason: string): void => void told.push(reason);
    const onConnect = ["SET GLOBAL debug_checkpoint_abort = 'before_header'"];
    const db = await Database.open({ path, onConnect, onCheckpointFailed });
    await db.run('CREATE TABLE t AS SELECT 7 AS x');
    await db.close();
    expect(told).toEqual([expect.stringContaining('Checkpoint aborted')]);
    await using again = await Database.open({ path, onCheckpointFailed });
    expect(await again.all('SELECT x FROM t')).toEqual([{ x: 7 }]);
    await again.close();
    await using reading = await Database.open({ path, readOnly: true, onCheckpointFailed });
    await reading.close();
    expect(told).toHaveLength(1);
  });

  it('lets a transaction read offered rows as often as it likes, and nothing of them after it', async () => {
    await using db = await Database.open({ path: ':memory:' });
    await db.run('CREATE TABLE t (n BIGINT, x DOUBLE, name VARCHAR)');
    const rows = 5000;
    const whole = Float64Array.from({ length: rows }, (_, i) => (i % 3 === 0 ? Number.NaN : (i - 2500) * 2 ** 31 + i));
    const halves = Float64Array.from({ length: rows }, (_, i) => (i % 64 === 63 ? Number.NaN : i / 2));
    const names = Array.from({ length: rows }, (_, i) => (i % 5 === 0 ? null : `n${i}`));
    const said = Array.from({ length: rows }, (_, i) => ({
      n: i % 3 === 0 ? null : (i - 2500) * 2 ** 31 + i,
      x: i % 64 === 63 ? null : i / 2,
      name: names[i],
    }));
    const offer = {
      name: "it's",
      rows,
      columns: [
        { name: 'n', type: 'bigint', values: whole },
        { name: 'x', type: 'double', values: halves },
        { name: 'name', type: 'varchar', values: names },
      ],
    } as const;
    const [, , counted] = await db.transaction([
      { offer },
      { sql: "INSERT INTO t SELECT * FROM offered('it''s')" },
      { sql: "SELECT count(*) AS rows, count(n) AS n FROM offered('it''s')" },
    ]);
    expect(counted?.rows).toEqual([{ rows, n: said.filter(({ n }) => n !== null).length }]);
    expect(await db.all('SELECT * FROM t')).toEqual(said);
    expect(whole).toHaveLength(0);
    await expect(db.run("SELECT * FROM offered('it''s')")).rejects.toThrow("no rows are offered as 'it's'");
  });

  it('shows offered numbers in the types that they are offered in, and refuses those that are of none', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const types = ['integer', 'timestamp', 'boolean'] as const;
    const rows = 2100;
    const valuesOf = (type: (typeof types)[number], i: number): number => {
      if (i % 7 === 3) return Number.NaN;
      if (type === 'boolean') return i % 2;
      return type === 'integer' ? (i % 2 === 0 ? -1 - i : 2 ** 31 - 1 - i) : 1_767_340_800_123_456 - i * 2 ** 40;
    };
    const columns: OfferedColumn[] = types.map((type) => {
      return { name: type, type, values: Float64Array.from({ length: rows }, (_, i) => valuesOf(type, i)) };
    });
    const codes = ['one', 'two', 'three'];
    const places = Float64Array.from({ length: rows }, (_, i) => (i % 5 === 0 ? Number.NaN : i % 3));
    columns.push({ name: 'code', type: 'code', codes, values: places });
    const [, read, typed] = await db.transaction([
      { offer: { name: 'all', rows, columns } },
      { sql: "SELECT integer, epoch_us(timestamp) AS time, boolean, code FROM offered('all')" },
      { sql: "SELECT typeof(integer) AS i, typeof(boolean) AS b, typeof(code) AS c FROM offered('all') LIMIT 1" },
    ]);
    const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);
    expect(read?.rows).toEqual(
      Array.from({ length: rows }, (_, i) => {
        const flag = orNull(valuesOf('boolean', i));
        return {
          integer: orNull(valuesOf('integer', i)),
          time: orNull(valuesOf('timestamp', i)),
          boolean: flag === null ? null : flag === 1,
          code: i % 5 === 0 ? null : codes[i % 3],
        };
      }),
    );
    expect(typed?.rows).toEqual([{ i: 'INTEGER', b: 'BOOLEAN', c: "ENUM('one', 'two', 'three')" }]);
    for (const [type, value] of [
      ['integer', 2 ** 31],
      ['integer', 0.5],
      ['boolean', 2],
    ] as const) {
      const offer = { name: 'x', rows: 1, columns: [{ name: 'odd', type, values: Float64Array.of(value) }] };
      const reading = db.transaction([{ offer }, { sql: "SELECT * FROM offered('x')" }]);
      await expect(reading).rejects.toThrow(`a value of odd is no ${type}`);
    }
    const beyond = { name: 'odd', type: 'code', codes, values: Float64Array.of(3) } as const;
    const reading = db.transaction([
      { offer: { name: 'x', rows: 1, columns: [beyond] } },
      { sql: "SELECT * FROM offered('x')" },
    ]);
    await expect(reading).rejects.toThrow('a value of odd is no code');
  });

  it('gives back the memory of what a part of a transaction offered', async () => {
    await using db = await Database.open({ path: ':memory:' });
    await db.run('CREATE TABLE t (n BIGINT, x DOUBLE)');
    const memory: ArrayBuffer[] = [];
    for (let part = 0; part < 3; part++) {
      const numbers = new Float64Array(memory.pop() ?? new ArrayBuffer(64));
      expect(numbers).toHaveLength(8);
      numbers.set([part, part + 10, part + 0.5, part + 0.25]);
      const columns = [
        { name: 'n', type: 'bigint', values: numbers.subarray(0, 2) },
        { name: 'x', type: 'double', values: numbers.subarray(2, 4) },
      ] as const;
      const statements = [{ offer: { name: 'rows', rows: 2, columns } }, { sql: "INSERT INTO t FROM offered('rows')" }];
      await db.transactionPart(statements, (one) => memory.push(one));
      expect(memory).toHaveLength(1);
    }
    await db.transaction([]);
    const said = [0, 1, 2].flatMap((part) => [
      { n: part, x: part + 0.5 },
      { n: part + 10, x: part + 0.25 },
    ]);
    expect(await db.all('SELECT * FROM t')).toEqual(said);
  });

  it('breaks off what reads offered rows when the process ends', async () => {
    const before = process.listeners('exit');
    const db = await Database.open({ path: ':memory:' });
    const onExit = process.listeners('exit').find((listener) => !before.includes(listener));
    expect(onExit).toBeDefined();
    const offer = { name: 'x', rows: 1, columns: [{ name: 'x', type: 'double', values: Float64Array.of(1) }] } as const;
    const running = db.transaction([{ offer }, { sql: "SELECT * FROM offered('x')" }]);
    const ended = expect(running).rejects.toThrow('the process is ending');
    onExit?.(0);
    await ended;
    await db.close();
    expect(process.listeners('exit')).toEqual(before);
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

  it('finds what changes or writes inside a statement that looks like reading', async () => {
    const path = join(folder(), 'a.duckdb');
    const outside = join(folder(), 'secret.json');
    writeFileSync(outside, '{"token":1}');
    await using db = await Database.open({ path });
    await db.run('CREATE TABLE t AS SELECT range AS i FROM range(10)');
    for (const sql of [
      'EXPLAIN ANALYZE DELETE FROM t',
      'EXPLAIN ANALYZE SELECT 1',
      "EXPLAIN ANALYZE COPY t TO 'x.csv'",
      'SELECT * FROM enable_profiling()',
      `SELECT * FROM "enable_logging"(storage = 'file', storage_path = '/tmp/log')`,
      "SELECT * FROM query('SELECT * FROM ena' || 'ble_logging()')",
      'WITH x AS (SELECT * FROM force_checkpoint()) SELECT * FROM x',
      "SELECT write_log('x')",
      "SELECT * FROM offered('t')",
      'PRAGMA threads = 1',
      'CALL enable_logging()',
      'SET VARIABLE x = 1',
      'INSTALL httpfs',
      'LOAD httpfs',
      "ATTACH ':memory:' AS m",
      'CHECKPOINT',
      'BEGIN',
      "EXPORT DATABASE '/tmp/x'",
    ]) {
      await expect(db.query(sql, { maxRows: 1, timeoutMs: 5000 }), sql).rejects.toBeInstanceOf(PermissionDenied);
    }
    for (const sql of [
      `SELECT * FROM read_text('${outside}')`,
      `SELECT * FROM read_csv('${outside}')`,
      `SELECT * FROM '${outside}'`,
      `SELECT * FROM glob('${outside}*')`,
      "SELECT * FROM parquet_metadata('/etc/hostname')",
      "SELECT getenv('HOME')",
    ]) {
      await expect(db.query(sql, { maxRows: 1, timeoutMs: 5000 }), sql).rejects.toThrow();
    }
    for (const sql of ['FROM t', 'DESCRIBE t', 'SHOW TABLES', 'SUMMARIZE t', 'EXPLAIN SELECT * FROM t', 'VALUES (1)']) {
      expect((await db.query(sql, { maxRows: 5, timeoutMs: 5000 })).rows.length, sql).toBeGreaterThan(0);
    }
    expect(await db.all('SELECT count(*) AS n FROM t')).toEqual([{ n: 10 }]);
  });

  it('rewrites the file while it is used, and gives the bytes back', async () => {
    const home = folder();
    const path = join(home, 'a.duckdb');
    await using db = await Database.open({ path, folders: [home] });
    await db.run('CREATE TABLE t AS SELECT range AS i, random() AS x FROM range(300000)');
    await db.run('CHECKPOINT');
    await db.run('DELETE FROM t WHERE i >= 1000');
    const reads = Array.from({ length: 20 }, () => db.all('SELECT count(*) AS n FROM t'));
    const { bytesBefore, bytesAfter } = await db.rewrite(join(home, 'new.duckdb'));
    expect(bytesAfter).toBeLessThan(bytesBefore / 2);
    for (const rows of await Promise.all(reads)) expect(rows).toEqual([{ n: 1000 }]);
    const offer = {
      name: 'stage',
      rows: 2,
      columns: [{ name: 'x', type: 'double', values: Float64Array.of(1, 2) }],
    } as const;
    const [, summed] = await db.transaction([{ offer }, { sql: "SELECT sum(x) AS s FROM offered('stage')" }]);
    expect(summed?.rows).toEqual([{ s: 3 }]);
    expect(readdirSync(home).filter((name) => name !== 'a.duckdb' && name !== 'a.duckdb.wal')).toEqual([]);
  });

  it('keeps integers exact beyond 32 bits, below zero and beyond 2^53', async () => {
    await using db = await Database.open({ path: ':memory:' });
    await db.run('CREATE TABLE t (n BIGINT, ts TIMESTAMP, i INTEGER, d DECIMAL(9,2))');
    const values = [0, -1, 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 40 + 7];
    const rows = values.length;
    await db.append({ table: 't', rows, columns: [values, values, values.map((_, i) => i), values.map(() => '1.25')] });
    await db.run('CREATE TABLE u (n BIGINT, ts TIMESTAMP)');
    await db.append({ table: 'u', rows, columns: [values, Float64Array.from(values)] });
    expect((await db.all('SELECT n, ts FROM t')).map((row) => [row['n'], row['ts']])).toEqual(
      values.map((v) => [v, v]),
    );
    expect((await db.all('SELECT n, ts FROM u')).map((row) => [row['n'], row['ts']])).toEqual(
      values.map((v) => [v, v]),
    );
    await db.append({ table: 'u', rows: 1, columns: [[2n ** 62n], [null]] });
    expect(await db.all('SELECT n, ts FROM u WHERE ts IS NULL')).toEqual([{ n: 2n ** 62n, ts: null }]);
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
