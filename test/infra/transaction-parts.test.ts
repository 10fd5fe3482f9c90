import { describe, expect, it } from 'vitest';
import { Database } from '../../src/infra/duckdb/database.ts';

async function open(): Promise<Database> {
  const db = await Database.open({ path: ':memory:' });
  await db.run('CREATE TABLE t (x INTEGER NOT NULL)');
  return db;
}

const insert = (x: number | null) => [{ sql: 'INSERT INTO t VALUES (?)', params: [x] }];
const all = (db: Database): Promise<readonly unknown[]> => db.all('SELECT x FROM t ORDER BY x');

describe('a transaction in parts', () => {
  it('is seen whole, when it ends; later parts see earlier ones', async () => {
    await using db = await open();
    await db.transactionPart(insert(1));
    const [result] = await db.transactionPart([{ sql: 'UPDATE t SET x = x + 10' }]);
    expect(result?.changed).toBe(1);
    expect(await all(db)).toEqual([]);
    await db.transaction(insert(2));
    expect(await all(db)).toEqual([{ x: 2 }, { x: 11 }]);
    await db.transaction(insert(3));
    expect(await all(db)).toHaveLength(3);
  });

  it('is taken back by a part that fails, by an end that fails, and when asked', async () => {
    await using db = await open();
    await db.transactionPart(insert(1));
    await expect(db.transactionPart(insert(null))).rejects.toThrow('NOT NULL');
    await db.transactionPart(insert(2));
    await expect(db.transaction(insert(null))).rejects.toThrow('NOT NULL');
    await db.transactionPart(insert(3));
    await db.rollback();
    await db.rollback();
    await db.run('INSERT INTO t VALUES (4)');
    expect(await all(db)).toEqual([{ x: 4 }]);
  });

  it('lets no other write in between, and leaves nothing when the database is closed', async () => {
    const db = await open();
    await db.transactionPart(insert(1));
    await expect(db.run('INSERT INTO t VALUES (2)')).rejects.toThrow('a transaction is open');
    await expect(db.append({ table: 't', rows: 1, columns: [[3]] })).rejects.toThrow('a transaction is open');
    await db.transaction([]);
    expect(await all(db)).toEqual([{ x: 1 }]);
    await db.transactionPart(insert(5));
    await db.close();
  });
});
