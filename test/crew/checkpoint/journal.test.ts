import { createHash } from 'node:crypto';
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { cpSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emptyRow, readRecord, toRecord } from '../../../src/crew/checkpoint/log.ts';
import { DuckDBSaver } from '../../../src/crew/checkpoint/saver.ts';
import { systemClock } from '../../../src/infra/clock.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';

const State = Annotation.Root({
  n: Annotation<number>({ reducer: (_, next) => next, default: () => 0 }),
  text: Annotation<string>({ reducer: (_, next) => next, default: () => '' }),
});

/** Counts up to `until`; every step rewrites a text of 2,000 characters. */
function counter(saver: DuckDBSaver, until: number) {
  return new StateGraph(State)
    .addNode('step', ({ n }) => ({ n: n + 1, text: String(n % 10).repeat(2000) }))
    .addEdge(START, 'step')
    .addConditionalEdges('step', ({ n }) => (n % until === 0 ? END : 'step'))
    .compile({ checkpointer: saver });
}
const at = (id: string) => ({ configurable: { thread_id: id }, durability: 'sync' as const, recursionLimit: 10_000 });
const count = async (db: Database, where = 'true'): Promise<number> =>
  Number((await db.all<{ n: number }>(`SELECT count(*) AS n FROM checkpoint_log WHERE ${where}`))[0]?.n);

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce((sum, name) => {
    const stats = statSync(join(folder, name));
    return sum + (stats.isFile() ? stats.size : 0);
  }, 0);
}

const textOf = (i: number): string =>
  Array.from({ length: 47 }, (_, part) => createHash('sha256').update(`${i} ${part}`).digest('hex')).join('');

/** What LangGraph puts for one superstep: the writes of its task, then the checkpoint after it. */
async function superstep(saver: DuckDBSaver, thread: string, i: number): Promise<void> {
  const id = (step: number): string => `1f0-${String(step).padStart(8, '0')}`;
  const config = { configurable: { thread_id: thread, checkpoint_ns: '', ...(i > 0 && { checkpoint_id: id(i - 1) }) } };
  const channel_values = { n: i, text: textOf(i) };
  const versions = { n: i + 1, text: i + 1 };
  await Promise.all([
    i === 0 ? undefined : saver.putWrites(config, Object.entries(channel_values), `task-${i}`),
    saver.put(
      config,
      { v: 4, id: id(i), ts: '', channel_values, channel_versions: versions, versions_seen: {} },
      { source: 'loop', step: i, parents: {} },
      versions,
    ),
  ]);
}

describe('the journal in front of the checkpoints', () => {
  it('makes them durable before the table has them, and the next process takes them up', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'crew-ckpt-'));
    const journal = join(folder, 'journal');
    const clock = new ManualClock();
    await using db = await Database.open({ path: join(folder, 'ops.duckdb') });
    await using saver = await DuckDBSaver.open(db, { clock, journal });
    await counter(saver, 5).invoke({}, at('t'));
    // The clock stands still, so nothing has moved: this is what a kill would leave behind.
    expect(await count(db)).toBe(0);
    const left = join(folder, 'left');
    cpSync(journal, left, { recursive: true });

    await using other = await Database.open({ path: ':memory:' });
    await using next = await DuckDBSaver.open(other, { clock, journal: left });
    expect((await counter(next, 5).getState(at('t'))).values).toEqual({ n: 5, text: '4'.repeat(2000) });
    const rows = await count(other);
    expect(rows).toBeGreaterThan(20);
    expect(readdirSync(left)).toEqual([]);

    // Taken up twice, as after a crash between the two, it is there once.
    cpSync(journal, left, { recursive: true });
    await using again = await DuckDBSaver.open(other, { clock, journal: left });
    expect(await count(other)).toBe(rows);
    expect((await counter(again, 5).getState(at('t'))).next).toEqual([]);
  });

  it('reads the records of a journal whose writes have no path yet', () => {
    const row = {
      ...emptyRow('write', { thread: 't', ns: '' }, 'c'),
      task_id: 'a',
      task_path: 'p',
      idx: 0,
      n: 1,
      time: 2,
    };
    expect(readRecord(toRecord([row]))).toEqual([row]);
    const older = (JSON.parse(toRecord([row])) as unknown[][]).map((fields) => fields.slice(0, -1));
    expect(readRecord(JSON.stringify(older))).toEqual([{ ...row, task_path: null }]);
  });

  it('moves rows into the table when they are read, when time has passed, and at the end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'crew-ckpt-'));
    const clock = new ManualClock();
    await using db = await Database.open({ path: ':memory:' });
    const saver = await DuckDBSaver.open(db, { clock, journal: join(folder, 'journal') });
    const graph = counter(saver, 2);
    await graph.invoke({}, at('read'));
    await graph.invoke({}, at('late'));
    expect(await count(db)).toBe(0);
    expect((await graph.getState(at('read'))).values).toMatchObject({ n: 2 });
    expect(await count(db, "thread_id = 'read'")).toBeGreaterThan(0);
    await graph.invoke({}, at('time'));
    clock.jump(1000);
    await saver.flush();
    expect(await count(db, "thread_id = 'time'")).toBeGreaterThan(0);
    await graph.invoke({}, at('end'));
    await saver[Symbol.asyncDispose]();
    expect(await count(db, "thread_id = 'end'")).toBeGreaterThan(0);
    expect(readdirSync(join(folder, 'journal'))).toEqual([]);
  });

  it('shares one sync among runs that are at work at the same time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'crew-ckpt-'));
    await using db = await Database.open({ path: ':memory:' });
    await using saver = await DuckDBSaver.open(db, { clock: new ManualClock(), journal: join(folder, 'journal') });
    const graph = counter(saver, 10);
    await Promise.all(Array.from({ length: 20 }, (_, i) => graph.invoke({}, at(`t${i}`))));
    // 20 runs of 11 supersteps, each with its writes and its checkpoint: 440 calls, if each had its own.
    expect(saver.commits).toBeLessThan(220);
  });

  it('fails its writer when the disk fails, and forgets what it could not keep', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'crew-ckpt-'));
    await using db = await Database.open({ path: ':memory:' });
    const saver = await DuckDBSaver.open(db, { clock: new ManualClock(), journal: join(folder, 'journal') });
    await saver[Symbol.asyncDispose]();
    await expect(counter(saver, 2).invoke({}, at('t'))).rejects.toThrow(/journal .* is closed/);
    expect(await count(db)).toBe(0);
  });
});

describe('retention while a thread is written', () => {
  it('keeps 10,000 steps under 50 MB, and the newest open', { timeout: 240_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'crew-ckpt-'));
    const db = await Database.open({ path: join(folder, 'ops.duckdb') });
    const saver = await DuckDBSaver.open(db, {
      clock: systemClock,
      journal: join(folder, 'journal'),
      retention: { keep: 100 },
    });
    let most = 0;
    // Ten threads of a thousand steps, each with 3,000 characters that do not compress: 60 MB of writes and values.
    await Promise.all(
      Array.from({ length: 10 }, async (_, t) => {
        for (let i = 0; i < 1000; i++) {
          await superstep(saver, `t${t}`, i);
          if (t === 0 && i % 100 === 99) most = Math.max(most, bytesBelow(folder));
        }
      }),
    );
    await saver.flush();
    most = Math.max(most, bytesBelow(folder));
    const kept = [];
    for await (const tuple of saver.list({ configurable: { thread_id: 't3' } })) kept.push(tuple);
    expect(kept.length).toBeGreaterThanOrEqual(100);
    expect(kept.length).toBeLessThan(1000);
    expect(kept[0]?.checkpoint.channel_values).toEqual({ n: 999, text: textOf(999) });
    expect(kept[99]?.checkpoint.channel_values).toEqual({ n: 900, text: textOf(900) });
    await saver[Symbol.asyncDispose]();
    await db.close();
    expect(Math.max(most, bytesBelow(folder))).toBeLessThan(50_000_000);
  });

  it('drops the steps inside a step that is over, those of an open one stay', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'crew-ckpt-'));
    await using db = await Database.open({ path: ':memory:' });
    const saver = await DuckDBSaver.open(db, {
      clock: new ManualClock(),
      journal: join(folder, 'journal'),
      retention: { keep: 100 },
    });
    let open = true;
    const inner = new StateGraph(State)
      .addNode('one', () => ({ n: 1 }))
      .addNode('two', () => {
        if (open) throw new Error('stopped');
        return { n: 2 };
      })
      .addEdge(START, 'one')
      .addEdge('one', 'two')
      .addEdge('two', END)
      .compile();
    const outer = new StateGraph(State)
      .addNode('first', () => ({ text: 'first' }))
      .addNode('nested', inner)
      .addEdge(START, 'first')
      .addEdge('first', 'nested')
      .addEdge('nested', END)
      .compile({ checkpointer: saver });
    await expect(outer.invoke({}, at('t'))).rejects.toThrow('stopped');
    await saver.flush();
    const nested = "checkpoint_ns LIKE 'nested:%'";
    expect(await count(db, nested)).toBeGreaterThan(3);
    open = false;
    expect(await outer.invoke(null, at('t'))).toMatchObject({ n: 2, text: 'first' });
    await saver.flush();
    expect(await count(db, nested)).toBe(0);
    expect((await outer.getState(at('t'))).values).toMatchObject({ n: 2 });
    await saver[Symbol.asyncDispose]();
  });
});
