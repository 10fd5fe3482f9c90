import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Annotation, END, MemorySaver, START, StateGraph } from '@langchain/langgraph';
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import { DuckDBSaver } from '../src/crew/checkpoint/saver.ts';
import { systemClock } from '../src/infra/clock.ts';
import { Database } from '../src/infra/duckdb/database.ts';

/** Steps of one graph run: LangGraph itself slows down in longer ones. */
const STEPS = 25;
const ROUNDS = 3;

const State = Annotation.Root({ n: Annotation<number>(), text: Annotation<string>() });

/**
 * Durable supersteps a second: a superstep is one `putWrites` and one `put`, as LangGraph makes them, and counts when
 * both are on the disk. Beside it, in the same run: no durability at all (MemorySaver), and DuckDB without the journal.
 */
export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'crew-durable-'));
  const plainDb = await Database.open({ path: join(folder, 'plain.duckdb') });
  const db = await Database.open({ path: join(folder, 'ops.duckdb') });
  const savers: readonly (readonly [string, BaseCheckpointSaver])[] = [
    ['MemorySaver (nothing durable)', new MemorySaver()],
    ['DuckDB, no journal', await DuckDBSaver.open(plainDb, { clock: systemClock })],
    [
      'DuckDB behind the journal',
      await DuckDBSaver.open(db, { clock: systemClock, journal: join(folder, 'journal'), retention: { keep: 200 } }),
    ],
  ];
  for (const side of [1, 10, 100]) {
    for (const [name, saver] of savers) {
      const rate = await best(() => savers_(saver, side));
      print(`saver alone, ${side} threads at once: ${name}`, rate);
    }
  }
  for (const side of [1, 10, 100]) {
    for (const [name, saver] of savers) {
      const rate = await best(() => graphs(saver, side));
      print(`LangGraph runs, ${side} at once: ${name}`, rate);
    }
  }
  for (const [, saver] of savers) if (saver instanceof DuckDBSaver) await saver[Symbol.asyncDispose]();
  await plainDb.close();
  await db.close();
  print('disk, DuckDB behind the journal', size(folder, 'ops') / 1e6, 'MB');
  print('disk, DuckDB, no journal', size(folder, 'plain') / 1e6, 'MB');
  await rm(folder, { recursive: true, force: true });
}

let serial = 0;

/** Supersteps a second of so many threads, each step after the one before. */
async function savers_(saver: BaseCheckpointSaver, side: number): Promise<number> {
  const steps = Math.max(20, Math.floor(2000 / side));
  const began = performance.now();
  await Promise.all(
    Array.from({ length: side }, async () => {
      const thread = `saver_${serial++}`;
      let parent = '';
      for (let i = 0; i < steps; i++) {
        const id = `1f0-${String(i).padStart(8, '0')}`;
        const at = { thread_id: thread, checkpoint_ns: '', ...(parent === '' ? {} : { checkpoint_id: parent }) };
        const writes =
          parent === ''
            ? undefined
            : saver.putWrites(
                { configurable: at },
                [
                  ['n', i],
                  ['text', 'x'.repeat(500)],
                ],
                `task-${i}`,
              );
        const put = saver.put(
          { configurable: at },
          {
            v: 4,
            id,
            ts: '2026-01-01T00:00:00.000Z',
            channel_values: { n: i, text: 'x'.repeat(500) },
            channel_versions: { n: i + 1, text: i + 1 },
            versions_seen: {},
          },
          { source: 'loop', step: i, parents: {} },
          { n: i + 1, text: i + 1 },
        );
        await Promise.all([writes, put]);
        parent = id;
      }
    }),
  );
  return (side * steps * 1000) / (performance.now() - began);
}

async function graphs(saver: BaseCheckpointSaver, side: number): Promise<number> {
  const graph = chain(saver);
  const rounds = Math.max(1, Math.floor(20 / side));
  const began = performance.now();
  await Promise.all(
    Array.from({ length: side }, async () => {
      for (let i = 0; i < rounds; i++) {
        await graph.invoke(
          { n: 0, text: '' },
          { configurable: { thread_id: `graph_${serial++}` }, durability: 'sync', recursionLimit: STEPS + 5 },
        );
      }
    }),
  );
  return (side * rounds * STEPS * 1000) / (performance.now() - began);
}

function chain(saver: BaseCheckpointSaver) {
  return new StateGraph(State)
    .addNode('step', ({ n }) => ({ n: n + 1, text: 'x'.repeat(500) }))
    .addEdge(START, 'step')
    .addConditionalEdges('step', ({ n }) => (n < STEPS ? 'step' : END))
    .compile({ checkpointer: saver });
}

async function best(work: () => Promise<number>): Promise<number> {
  let most = 0;
  for (let i = 0; i < ROUNDS; i++) most = Math.max(most, await work());
  return most;
}

function size(folder: string, name: string): number {
  return readdirSync(folder)
    .filter((file) => file.startsWith(name))
    .reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
}

function print(what: string, value: number, unit = 'supersteps/s'): void {
  process.stdout.write(`${what.padEnd(66)} ${value.toFixed(value < 100 ? 1 : 0).padStart(8)} ${unit}\n`);
}
