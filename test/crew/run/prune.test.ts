import { expect, test } from 'vitest';
import { pruneRuns } from '../../../src/crew/run/prune.ts';
import { createRunStore } from '../../../src/crew/run/store.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';

test('ended runs are forgotten by age; what waits stays', async () => {
  const db = await Database.open({ path: ':memory:' });
  await using _ = { [Symbol.asyncDispose]: () => db.close() };
  await createRunStore(db);
  const run = (id: string, status: string, finished: string) =>
    db.run(
      `INSERT INTO runs VALUES ('${id}', 'c', 'active', '${status}', 'manual', NULL, 'h', '{}', NULL,
        TIMESTAMP '2026-01-01', ${finished}, NULL, '[]', NULL, NULL, NULL)`,
    );
  await run('old', 'completed', "TIMESTAMP '2026-01-02'");
  await run('failed', 'failed', "TIMESTAMP '2026-01-02'");
  await run('new', 'completed', "TIMESTAMP '2026-02-02'");
  await run('waits', 'waiting', "TIMESTAMP '2026-01-02'");
  await run('open', 'running', 'NULL');
  for (const id of ['old', 'waits'])
    await db.run(
      `INSERT INTO run_tasks VALUES ('${id}', 't', 'a', 'completed', TIMESTAMP '2026-01-01', NULL, 0, 1, NULL, NULL)`,
    );
  expect(await pruneRuns(db, Date.UTC(2026, 1, 1))).toBe(2);
  const ids = async (sql: string) => (await db.all(sql)).map((row) => row['id']);
  expect(await ids('SELECT run_id AS id FROM runs ORDER BY id')).toEqual(['new', 'open', 'waits']);
  expect(await ids('SELECT run_id AS id FROM run_tasks')).toEqual(['waits']);
});
