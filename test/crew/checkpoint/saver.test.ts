import { Annotation, Command, END, interrupt, START, StateGraph } from '@langchain/langgraph';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKPOINT_SQL } from '../../../src/crew/checkpoint/log.ts';
import { DuckDBSaver } from '../../../src/crew/checkpoint/saver.ts';
import { systemClock } from '../../../src/infra/clock.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { InvalidInput } from '../../../src/kit/errors.ts';

const State = Annotation.Root({
  steps: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  big: Annotation<string>({ reducer: (_, b) => b, default: () => '' }),
});

/** Three nodes in a row; the second asks a person. */
function graphOf(saver: DuckDBSaver, asks: boolean) {
  return new StateGraph(State)
    .addNode('a', () => ({ steps: ['a'], big: 'x'.repeat(50_000) }))
    .addNode('b', () => ({ steps: [asks ? `b:${String(interrupt('go on?'))}` : 'b'] }))
    .addNode('c', () => ({ steps: ['c'] }))
    .addEdge(START, 'a')
    .addEdge('a', 'b')
    .addEdge('b', 'c')
    .addEdge('c', END)
    .compile({ checkpointer: saver });
}

const memory = async (): Promise<{ db: Database; saver: DuckDBSaver }> => {
  const db = await Database.open({ path: ':memory:' });
  return { db, saver: await DuckDBSaver.open(db, { clock: systemClock }) };
};
const thread = (id: string) => ({ configurable: { thread_id: id }, durability: 'sync' as const });

describe('DuckDBSaver under a graph', () => {
  it('resumes an interrupted run after the database was closed and opened again', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'crew-saver-')), 'ops.duckdb');
    {
      await using db = await Database.open({ path });
      const graph = graphOf(await DuckDBSaver.open(db, { clock: systemClock }), true);
      await graph.invoke({ steps: ['in'] }, thread('t'));
      expect((await graph.getState(thread('t'))).next).toEqual(['b']);
    }
    await using db = await Database.open({ path });
    const graph = graphOf(await DuckDBSaver.open(db, { clock: systemClock }), true);
    const result = await graph.invoke(new Command({ resume: 'yes' }), thread('t'));
    expect(result.steps).toEqual(['in', 'a', 'b:yes', 'c']);
  });

  it('keeps the history, replays from any of it and forks without mixing the branches', async () => {
    const { db, saver } = await memory();
    await using _ = db;
    const graph = graphOf(saver, false);
    await graph.invoke({ steps: ['in'] }, thread('t'));
    const history = [];
    for await (const state of graph.getStateHistory(thread('t'))) history.push(state);
    expect(history.map((s) => s.next)).toEqual([[], ['c'], ['b'], ['a'], ['__start__']]);
    const afterA = history[2];
    expect(afterA?.values).toMatchObject({ steps: ['in', 'a'] });
    const fork = await graph.updateState(afterA?.config ?? {}, { steps: ['forked'] });
    const forked = await graph.invoke(null, { ...fork, durability: 'sync' });
    expect(forked.steps).toEqual(['in', 'a', 'forked', 'b', 'c']);
    expect((await graph.getState(history[0]?.config ?? {})).values).toMatchObject({ steps: ['in', 'a', 'b', 'c'] });
  });

  it('stores a value that does not change once', async () => {
    const { db, saver } = await memory();
    await using _ = db;
    await graphOf(saver, false).invoke({ steps: ['in'] }, thread('t'));
    const [row] = await db.all(
      "SELECT count(*) AS n FROM checkpoint_blobs WHERE channel = 'big' AND length(value) > 1000",
    );
    expect(row).toEqual({ n: 1 });
  });

  it('shares commits among threads that run at the same time', async () => {
    const { db, saver } = await memory();
    await using _ = db;
    const graph = graphOf(saver, false);
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => graph.invoke({ steps: [`in${i}`] }, thread(`t${i}`))),
    );
    expect(results.map((r) => r.steps)).toEqual(results.map((_, i) => [`in${i}`, 'a', 'b', 'c']));
    const [rows] = await db.all<{ n: number }>('SELECT count(*) AS n FROM checkpoints');
    expect(rows?.n).toBe(100);
  });

  it('prunes finished threads to their newest checkpoint, which still opens', async () => {
    const { db, saver } = await memory();
    await using _ = db;
    const graph = graphOf(saver, false);
    await graph.invoke({ steps: ['in'] }, thread('old'));
    await graph.invoke({ steps: ['in'] }, thread('young'));
    const before = await graph.getState(thread('old'));
    const { rows } = await saver.prune(['old']);
    expect(rows).toBeGreaterThan(10);
    const after = await graph.getState(thread('old'));
    expect(after.values).toEqual(before.values);
    expect(after.config).toEqual(before.config);
    const left = await db.all('SELECT thread_id, count(*) AS n FROM checkpoints GROUP BY thread_id ORDER BY thread_id');
    expect(left).toEqual([
      { thread_id: 'old', n: 1 },
      { thread_id: 'young', n: 5 },
    ]);
    expect((await graph.invoke({ steps: ['again'] }, thread('old'))).steps).toEqual([
      ...['in', 'a', 'b', 'c'],
      ...['again', 'a', 'b', 'c'],
    ]);
    await saver.deleteThread('old');
    expect(await saver.getTuple({ configurable: { thread_id: 'old' } })).toBeUndefined();
  });

  it('keeps bytes and says what is missing', async () => {
    const { db, saver } = await memory();
    await using _ = db;
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const config = { configurable: { thread_id: 't', checkpoint_ns: '', checkpoint_id: 'c1' } };
    const checkpoint = {
      v: 4,
      id: 'c1',
      ts: '',
      channel_values: { x: bytes },
      channel_versions: { x: 1 },
      versions_seen: {},
    };
    await saver.put(
      { configurable: { thread_id: 't' } },
      checkpoint,
      { source: 'loop', step: 0, parents: {} },
      { x: 1 },
    );
    await saver.putWrites(config, [['x', bytes]], 'task');
    const tuple = await saver.getTuple(config);
    expect(tuple?.checkpoint.channel_values['x']).toEqual(bytes);
    expect(tuple?.pendingWrites).toEqual([['task', 'x', bytes]]);
    await expect(saver.putWrites({ configurable: { thread_id: 't' } }, [], 'task')).rejects.toBeInstanceOf(
      InvalidInput,
    );
  });

  it('forgets what a failed put would have stored', async () => {
    const { db, saver } = await memory();
    await using _ = db;
    const put = (id: string, parent: string | undefined, version: number, isNew: boolean): Promise<unknown> =>
      saver.put(
        { configurable: { thread_id: 't', checkpoint_ns: '', checkpoint_id: parent } },
        { v: 4, id, ts: '', channel_values: { x: version }, channel_versions: { x: version }, versions_seen: {} },
        { source: 'loop', step: 0, parents: {} },
        isNew ? { x: version } : {},
      );
    await put('c1', undefined, 1, true);
    await db.run('ALTER TABLE checkpoint_log RENAME TO away');
    await expect(put('c2', 'c1', 2, true)).rejects.toThrow(/checkpoint_log/);
    await db.run('ALTER TABLE away RENAME TO checkpoint_log');
    await put('c3', 'c1', 1, false);
    const tuple = await saver.getTuple({ configurable: { thread_id: 't' } });
    expect(tuple?.checkpoint).toMatchObject({ id: 'c3', channel_values: { x: 1 } });
  });

  it('gives writes in the order of their tasks, also from a file made before they had one', async () => {
    await using db = await Database.open({ path: ':memory:' });
    for (const sql of CHECKPOINT_SQL.filter((each) => !each.startsWith('ALTER')))
      await db.run(sql.replace(', task_path VARCHAR', ''));
    await db.run(
      `INSERT INTO checkpoint_log (n, kind, thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, encoding, value,
       created_at) VALUES (1, 'write', 't', '', 'c1', 'old', 0, 'x', 'json', '0', TIMESTAMP '2026-01-01')`,
    );
    await using saver = await DuckDBSaver.open(db, { clock: new ManualClock() });
    await saver.put(
      { configurable: { thread_id: 't', checkpoint_ns: '' } },
      { v: 4, id: 'c1', ts: '', channel_values: {}, channel_versions: {}, versions_seen: {} },
      { source: 'loop', step: 0, parents: {} },
      {},
    );
    const at = { configurable: { thread_id: 't', checkpoint_ns: '', checkpoint_id: 'c1' } };
    await saver.putWrites(at, [['x', 3]], 'a', 'pull|2');
    await saver.putWrites(
      at,
      [
        ['x', 1],
        ['y', 2],
      ],
      'b',
      'pull|1',
    );
    expect((await saver.getTuple(at))?.pendingWrites).toEqual([
      ['old', 'x', 0],
      ['b', 'x', 1],
      ['b', 'y', 2],
      ['a', 'x', 3],
    ]);
  });

  it('names the threads that lie idle', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const clock = new ManualClock();
    const saver = await DuckDBSaver.open(db, { clock });
    const graph = graphOf(saver, false);
    await graph.invoke({ steps: ['in'] }, thread('old'));
    clock.jump(10_000);
    await graph.invoke({ steps: ['in'] }, thread('young'));
    expect(await saver.idleThreads(5000)).toEqual(['old']);
    expect(await saver.idleThreads(20_000)).toEqual([]);
  });
});
