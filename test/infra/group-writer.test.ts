import { describe, expect, it } from 'vitest';
import { Database } from '../../src/infra/duckdb/database.ts';
import { GroupWriter } from '../../src/infra/duckdb/group-writer.ts';

const row = (table: string, ...values: readonly (number | string | null)[]) => ({
  append: { table, rows: 1, columns: values.map((value) => [value]) },
});

async function open(): Promise<{ db: Database; writer: GroupWriter }> {
  const db = await Database.open({ path: ':memory:' });
  await db.run('CREATE TABLE t (x INTEGER NOT NULL)');
  await db.run('CREATE TABLE u (x INTEGER NOT NULL)');
  return { db, writer: new GroupWriter(db) };
}

const all = (db: Database, table: string): Promise<readonly unknown[]> =>
  db.all(`SELECT x FROM ${table} ORDER BY rowid`);

describe('GroupWriter', () => {
  it('makes one commit of what is written together, in order', async () => {
    const { db, writer } = await open();
    await using _ = db;
    const writes = Array.from({ length: 100 }, (_, i) => writer.write([row('t', i), row('u', -i)]));
    expect(writer.waiting).toBe(100);
    await Promise.all(writes);
    expect(writer.commits).toBe(1);
    expect(await all(db, 't')).toEqual(Array.from({ length: 100 }, (_, x) => ({ x })));
    expect((await all(db, 'u')).length).toBe(100);
  });

  it('keeps appends and statements in their order', async () => {
    const { db, writer } = await open();
    await using _ = db;
    await Promise.all([
      writer.write([row('t', 1)]),
      writer.write([{ sql: 'UPDATE t SET x = x + 10' }]),
      writer.write([row('t', 2)]),
      writer.write([{ sql: 'UPDATE t SET x = x * 2' }]),
    ]);
    expect(await all(db, 't')).toEqual([{ x: 22 }, { x: 4 }]);
  });

  it('fails the one that is wrong, whole, and nobody else', async () => {
    const { db, writer } = await open();
    await using _ = db;
    const results = await Promise.allSettled([
      writer.write([row('t', 1)]),
      writer.write([row('u', 2), row('t', null)]),
      writer.write([row('t', 3)]),
    ]);
    expect(results.map((r) => r.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await all(db, 't')).toEqual([{ x: 1 }, { x: 3 }]);
    expect(await all(db, 'u')).toEqual([]);
  });

  it('asks for late statements when it sends them, and flushes', async () => {
    const { db, writer } = await open();
    await using _ = db;
    let x = 1;
    void writer.write(() => [row('t', x)]);
    x = 2;
    await writer.flush();
    await writer.flush();
    expect(await all(db, 't')).toEqual([{ x: 2 }]);
    await writer.write([]);
    expect(writer.commits).toBe(1);
  });
});
