import { expect, it } from 'vitest';
import { pruneOps } from '../../../src/events/ops/retention.ts';
import { createSchema } from '../../../src/events/ops/schema.ts';
import { createOpsStore } from '../../../src/events/ops/store.ts';
import { OPS_TABLE_NAMES, OPS_TABLES } from '../../../src/events/ops/tables.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';

it('deletes what is old and closed, and keeps what is open, known or young', async () => {
  await using db = await Database.open({ path: ':memory:' });
  await createSchema(db);
  const clock = new ManualClock();
  const store = createOpsStore(db, clock);
  const add = async (tag: string, closed: boolean): Promise<void> => {
    const now = clock.now();
    const closing: Readonly<Record<string, unknown>> = {
      resolution_status: closed ? 'resolved' : 'pending',
      resolved_at: closed ? now : null,
      completed_at: closed ? now : null,
      released_at: closed ? now : null,
      reverted_at: closed ? now : null,
      acknowledged: closed,
      expires_at: closed ? now : null,
      fingerprint: tag,
    };
    for (const table of OPS_TABLE_NAMES) {
      const values = { text: 'x', integer: 1, number: 1, boolean: true, time: now, json: null };
      const full = Object.entries(OPS_TABLES[table].columns).map(([name, { kind }]) => [
        name,
        Object.hasOwn(closing, name) ? closing[name] : values[kind],
      ]);
      await store.insert(table, Object.fromEntries(full) as never);
    }
  };
  await add('old and open', false);
  await add('old and closed', true);
  clock.jump(10_000);
  await add('young and closed', true);
  const deleted = await pruneOps(db, { clock, olderThanMs: 5000 });
  const left = Object.fromEntries(
    await Promise.all(OPS_TABLE_NAMES.map(async (table) => [table, await store.count(table)] as const)),
  );
  expect(left).toEqual({
    ...Object.fromEntries(OPS_TABLE_NAMES.map((table) => [table, 1])),
    quality_issues: 2,
    escalations: 2,
    flow_state: 2,
    quarantines: 2,
    corrections: 2,
    deletions: 3,
    knowledge_base: 3,
    desk_settings: 3,
    agent_memory: 1,
  });
  expect(deleted).toMatchObject({ quality_issues: 1, agent_metrics: 2, agent_memory: 2 });
  expect(await store.select('quality_issues', { order: 'asc' })).toMatchObject([
    { fingerprint: 'old and open' },
    { fingerprint: 'young and closed' },
  ]);
});
