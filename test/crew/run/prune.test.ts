import { expect, test } from 'vitest';
import { openAudit } from '../../../src/crew/audit/log.ts';
import { pruneHistory } from '../../../src/crew/run/prune.ts';
import { createRunStore } from '../../../src/crew/run/store.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';

test('ended runs and audited calls are forgotten by age; what waits stays', async () => {
  const db = await Database.open({ path: ':memory:' });
  await using _ = { [Symbol.asyncDispose]: () => db.close() };
  await createRunStore(db);
  await using audit = await openAudit({ db, clock: new ManualClock(), log: silentLogger });
  const run = (id: string, status: string, finished: string) =>
    db.run(
      `INSERT INTO runs VALUES ('${id}', 'c', 'active', '${status}', 'manual', NULL, 'h', '{}', NULL,
        TIMESTAMP '2026-01-01', ${finished}, NULL, '[]', NULL)`,
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
  for (const day of ['2026-01-05', '2026-02-05'])
    await db.run(
      `INSERT INTO tool_audit (call_id, time, caller, role, tool, decision, rule, outcome, duration_ms)
       VALUES ('${day}', TIMESTAMP '${day}', 'x', 'r', 't', 'allowed', 'rule', 'success', 1)`,
    );
  expect(await pruneHistory(db, Date.UTC(2026, 1, 1))).toEqual({ runs: 2, calls: 1 });
  const ids = async (sql: string) => (await db.all(sql)).map((row) => row['id']);
  expect(await ids('SELECT run_id AS id FROM runs ORDER BY id')).toEqual(['new', 'open', 'waits']);
  expect(await ids('SELECT run_id AS id FROM run_tasks')).toEqual(['waits']);
  expect(await ids('SELECT call_id AS id FROM tool_audit')).toEqual(['2026-02-05']);
  expect(await audit.list()).toHaveLength(1);
});
