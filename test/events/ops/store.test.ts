import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { columnNames, createSchema, OPS_FORMAT_VERSION } from '../../../src/events/ops/schema.ts';
import { createOpsStore } from '../../../src/events/ops/store.ts';
import { OPS_TABLE_NAMES, OPS_TABLES } from '../../../src/events/ops/tables.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { Corrupt, InvalidInput, NotFound } from '../../../src/kit/errors.ts';
import type { OpsRows } from '../../../src/kit/ops.ts';
import { folder } from '../support.ts';

const T0 = Date.UTC(2026, 0, 1);

const issue = (changes: Partial<OpsRows['quality_issues']> = {}): OpsRows['quality_issues'] => ({
  detected_at: T0,
  exchange: 'binance',
  symbol: 'BTCUSDT',
  data_type: 'trades',
  issue_type: 'gap',
  severity: 'medium',
  problematic_value: null,
  expected_range: null,
  actual_value: 1.25,
  deviation_percent: null,
  cross_validation_result: null,
  validation_rule: 'continuity',
  action_taken: 'backfill',
  resolution_status: 'pending',
  resolved_at: null,
  resolution_notes: null,
  related_record_ids: ['a', 'b'],
  context: { nested: { n: 1 } },
  market: 'futures',
  fingerprint: 'gap|binance|BTCUSDT',
  occurrences: 1,
  ...changes,
});

const metric = (name: string, value: number): OpsRows['agent_metrics'] => ({
  timestamp: T0 + value,
  agent_id: 'collector',
  metric_name: name,
  metric_value: value,
  dimensions: { unit: 'ms' },
});

async function openStore(): Promise<{ db: Database; store: ReturnType<typeof createOpsStore>; clock: ManualClock }> {
  const db = await Database.open({ path: ':memory:' });
  await createSchema(db);
  const clock = new ManualClock(T0);
  return { db, store: createOpsStore(db, clock), clock };
}

describe('a first row while a verified copy is attached', () => {
  it('goes by the columns of the database itself', async () => {
    const { db, store } = await openStore();
    await db.run("ATTACH ':memory:' AS verified_copy");
    await db.run('COPY FROM DATABASE memory TO verified_copy');
    expect(await store.insert('quality_issues', issue())).toBe(1);
    expect(await store.insert('agent_metrics', metric('latency', 1))).toBe(1);
    await db.run('DETACH verified_copy');
    expect(await store.select('quality_issues')).toHaveLength(1);
    await db.close();
  });
});

describe('operations store', () => {
  it('gives back what was written, of every table', async () => {
    const { db, store, clock } = await openStore();
    await using _ = db;
    for (const table of OPS_TABLE_NAMES) {
      const row = Object.fromEntries(
        Object.entries(OPS_TABLES[table].columns).map(([name, { kind }], i) => [
          name,
          { text: `t${i}`, integer: i, number: i + 0.5, boolean: true, time: T0 + i, json: { i, list: [1, null] } }[
            kind
          ],
        ]),
      );
      const id = await store.insert(table, row as never);
      const empty = Object.fromEntries(
        Object.entries(OPS_TABLES[table].columns).map(([name, { required }]) => [name, required ? row[name] : null]),
      );
      await store.insert(table, { ...empty, ...(table === 'quality_issues' ? { fingerprint: 'other' } : {}) } as never);
      const [second, first] = await store.select(table);
      expect(first, table).toEqual({ ...row, id, created_at: clock.now() });
      expect(second, table).toMatchObject({
        ...empty,
        ...(table === 'quality_issues' ? { fingerprint: 'other' } : {}),
      });
    }
  });

  it('selects by equality, null, time, order and limit, and counts', async () => {
    const { db, store } = await openStore();
    await using _ = db;
    await Promise.all([1, 2, 3, 4].map((n) => store.insert('agent_metrics', metric(n % 2 === 0 ? 'even' : 'odd', n))));
    const values = async (query: Parameters<typeof store.select<'agent_metrics'>>[1]): Promise<number[]> =>
      (await store.select('agent_metrics', query)).map((r) => r.metric_value);
    expect(await values({})).toEqual([4, 3, 2, 1]);
    expect(await values({ order: 'asc', limit: 2 })).toEqual([1, 2]);
    expect(await values({ where: { metric_name: 'even' } })).toEqual([4, 2]);
    expect(await values({ since: T0 + 3 })).toEqual([4, 3]);
    expect(await values({ where: { metric_value: 2, agent_id: 'collector' } })).toEqual([2]);
    expect(await store.count('agent_metrics', { where: { metric_name: 'odd' } })).toBe(2);
    await store.insert('quality_issues', issue());
    expect(await store.count('quality_issues', { where: { resolved_at: null } })).toBe(1);
    expect(await store.count('quality_issues', { where: { market: null } })).toBe(0);
    expect(await store.count('quality_issues', { where: { detected_at: T0 } })).toBe(1);
  });

  it('refuses names that are not in the definitions and values that do not fit', async () => {
    const { db, store } = await openStore();
    await using _ = db;
    await expect(store.select('agent_metric' as never)).rejects.toThrow(/did you mean agent_metrics/);
    await expect(store.count('agent_metrics', { where: { 'x" OR 1=1 --': 1 } as never })).rejects.toThrow(InvalidInput);
    await expect(store.insert('agent_metrics', { ...metric('a', 1), more: 1 } as never)).rejects.toThrow(/no column/);
    await expect(store.insert('agent_metrics', { ...metric('a', 1), agent_id: null } as never)).rejects.toThrow(
      /agent_metrics\.agent_id must have a value/,
    );
    await expect(store.insert('agent_metrics', { ...metric('a', 1), timestamp: 'now' } as never)).rejects.toThrow(
      /agent_metrics\.timestamp takes UTC ms/,
    );
    await expect(store.update('agent_metrics', 1, { metric_value: null } as never)).rejects.toThrow(InvalidInput);
    await expect(store.update('agent_metrics', 99, { metric_value: 2 })).rejects.toBeInstanceOf(NotFound);
    expect(await store.count('agent_metrics')).toBe(0);
  });

  it('updates', async () => {
    const { db, store } = await openStore();
    await using _ = db;
    const id = await store.insert('agent_metrics', metric('a', 1));
    await store.update('agent_metrics', id, { metric_value: 7, timestamp: T0 + 9, dimensions: [1] });
    expect(await store.select('agent_metrics')).toMatchObject([
      { metric_value: 7, timestamp: T0 + 9, dimensions: [1] },
    ]);
  });

  it('counts a quality issue that is still open instead of writing it again', async () => {
    const { db, store } = await openStore();
    await using _ = db;
    const ids = await Promise.all(Array.from({ length: 50 }, () => store.insert('quality_issues', issue())));
    expect(new Set(ids).size).toBe(1);
    const other = await store.insert('quality_issues', issue({ fingerprint: 'other', severity: 'low' }));
    await store.insert('quality_issues', issue({ severity: 'critical' }));
    const again = createOpsStore(db, new ManualClock(T0));
    expect(await again.insert('quality_issues', issue())).toBe(ids[0]);
    expect(await store.select('quality_issues', { order: 'asc' })).toMatchObject([
      { id: ids[0], occurrences: 52, severity: 'critical' },
      { id: other, occurrences: 1, severity: 'low' },
    ]);
    await again.update('quality_issues', ids[0] ?? 0, { resolution_status: 'resolved', resolved_at: T0 });
    const next = await again.insert('quality_issues', issue());
    expect(next).not.toBe(ids[0]);
    expect(await again.count('quality_issues')).toBe(3);
  });

  it('never gives an id twice, also after a restart', async () => {
    const path = join(folder(), 'ops.duckdb');
    const ids: number[] = [];
    for (let round = 0; round < 3; round++) {
      await using db = await Database.open({ path });
      await createSchema(db);
      const store = createOpsStore(db, new ManualClock(T0));
      for (let i = 0; i < 70; i++) ids.push(await store.insert('agent_metrics', metric('a', i)));
      await db.run(`INSERT INTO agent_metrics (timestamp, agent_id, metric_name, metric_value)
                    VALUES (TIMESTAMP '2026-01-01', 'sql', 'b', 1)`);
      const [row] = await store.select('agent_metrics', { where: { agent_id: 'sql' } });
      ids.push(row?.id ?? 0);
    }
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("has the original's names as views", async () => {
    const { db, store } = await openStore();
    await using _ = db;
    await store.insert('quality_issues', issue());
    for (const view of ['agent_audit_log', 'data_quality_issues', 'interpolation_log', 'escalation_log'])
      expect(await db.all(`SELECT count(*) AS n FROM ${view}`)).toEqual([
        { n: view === 'data_quality_issues' ? 1 : 0 },
      ]);
  });
});

describe('operations schema', () => {
  it('brings an older file to the present version and keeps its rows', async () => {
    await using db = await Database.open({ path: ':memory:' });
    await db.run('CREATE SEQUENCE quarantines_id START 8');
    await db.run("CREATE TABLE quarantines (id BIGINT NOT NULL DEFAULT nextval('quarantines_id'), reason VARCHAR)");
    await db.run("INSERT INTO quarantines VALUES (7, 'spike')");
    expect(await createSchema(db)).toEqual({ from: null });
    const [row] = await createOpsStore(db, new ManualClock(T0)).select('quarantines');
    expect(row).toMatchObject({ id: 7, reason: 'spike', rows: 0, released_at: null });
    expect(await createSchema(db)).toEqual({ from: OPS_FORMAT_VERSION });
    expect(await columnNames(db, 'quarantines')).toContain('released_by');
  });

  it('refuses a file of a newer program', async () => {
    await using db = await Database.open({ path: ':memory:' });
    await createSchema(db);
    await db.run(`UPDATE ops_format SET version = ${OPS_FORMAT_VERSION + 1}`);
    await expect(createSchema(db)).rejects.toBeInstanceOf(Corrupt);
  });
});
