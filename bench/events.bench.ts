import { Annotation, END, MemorySaver, START, StateGraph } from '@langchain/langgraph';
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import { EventEmitter } from 'eventemitter3';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PAYLOAD } from './peers/bus.ts';
import { DuckDBSaver } from '../src/crew/checkpoint/saver.ts';
import { createOpsStore, EventBus, EventJournal, openOpsDatabase, queryEvents } from '../src/events/index.ts';
import { systemClock } from '../src/infra/clock.ts';
import type { Database } from '../src/infra/duckdb/database.ts';
import { createIdSource } from '../src/kit/id.ts';
import { silentLogger } from '../src/kit/logger.ts';

const parts = { clock: systemClock, log: silentLogger };

/** Emitting, journaling and checkpointing, each beside its baseline in the same run. Prints one line a measurement. */
export async function run(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'crew-bench-'));
  const ops = await openOpsDatabase({ dataDir: dir, ...parts });
  try {
    for (const listeners of [1, 3, 10]) emitting(listeners);
    await journaling(ops.db);
    await writingRows(ops.db);
    await checkpointing(ops.db);
  } finally {
    await ops.db.close();
    await rm(dir, { recursive: true, force: true });
  }
}

function makeBus(journal?: EventJournal): EventBus {
  const newId = createIdSource(() => systemClock.now(), Math.random);
  return new EventBus({ ...parts, newId, journal });
}

/** `emit` of a checked payload, against the bare emitter that does nothing but call. */
function emitting(listeners: number): void {
  const bus = makeBus();
  const bare = new EventEmitter();
  let calls = 0;
  for (let i = 0; i < listeners; i++) {
    bus.on('data.received', () => void (calls += i));
    bare.on('data.received', () => void (calls += i));
  }
  const rate = best(200_000, () => bus.emit('data.received', PAYLOAD));
  const baseline = best(2_000_000, () => bare.emit('data.received', PAYLOAD));
  print(`emit, ${listeners} listeners`, shown(rate), `bare eventemitter3 ${shown(baseline)}`);
  if (calls < 0) throw new Error('listeners were not called');
}

/** From the first emit until the last event is durable and can be read back. */
async function journaling(db: Database): Promise<void> {
  const events = 200_000;
  const journal = await EventJournal.open(db, { ...parts, maxPending: events });
  const bus = makeBus(journal);
  const began = performance.now();
  for (let i = 0; i < events; i++) {
    bus.emit('data.received', PAYLOAD);
    if (i % 2000 === 1999) await new Promise((resolve) => setImmediate(resolve));
  }
  await bus.flush();
  const rate = (events / (performance.now() - began)) * 1000;
  await bus.close();
  const [last] = await queryEvents(db, { order: 'desc', limit: 1 });
  if (last?.seq !== events) throw new Error(`the journal ends at ${last?.seq ?? 0}, not at ${events}`);
  const one: number[] = [];
  const again = makeBus(await EventJournal.open(db, parts));
  for (let i = 0; i < 100; i++) {
    const start = performance.now();
    again.emit('data.received', PAYLOAD);
    await again.flush();
    one.push(performance.now() - start);
  }
  await again.close();
  print('journaled and committed', `${thousands(rate)}/s`, `one event alone, acknowledged: ${median(one)} ms`);
}

async function writingRows(db: Database): Promise<void> {
  const store = createOpsStore(db, systemClock);
  const row = { timestamp: 0, agent_id: 'a', metric_name: 'm', metric_value: 1, dimensions: { unit: 'ms' } };
  const count = 20_000;
  const began = performance.now();
  await Promise.all(Array.from({ length: count }, () => store.insert('agent_metrics', row)));
  const rate = (count / (performance.now() - began)) * 1000;
  const one = await each(100, () => store.insert('agent_metrics', row));
  const plain = await each(100, () =>
    db.run(
      "INSERT INTO agent_metrics (timestamp, agent_id, metric_name, metric_value, created_at) VALUES (now()::TIMESTAMP, 'a', 'm', 1, now()::TIMESTAMP)",
    ),
  );
  print('operations rows, durable', `${thousands(rate)}/s`, `one alone: ${one}, a plain INSERT: ${plain}`);
}

const State = Annotation.Root({
  steps: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
});

async function checkpointing(db: Database): Promise<void> {
  const duck = await DuckDBSaver.open(db, { clock: systemClock });
  for (const [name, saver] of [
    ['MemorySaver', new MemorySaver()],
    ['DuckDBSaver', duck],
  ] as const) {
    const puts = 1000;
    const began = performance.now();
    await Promise.all(Array.from({ length: puts }, (_, i) => put(saver, `p${i % 20}`, i)));
    const rate = (puts / (performance.now() - began)) * 1000;
    print(
      `checkpoint puts, ${name}`,
      `${thousands(rate)}/s`,
      `one after another: ${await each(100, (i) => put(saver, 'one', i))}`,
    );
  }
  for (const durability of ['sync', 'async', 'exit'] as const) {
    const times: string[] = [];
    for (const [name, saver] of [
      ['MemorySaver', new MemorySaver()],
      ['DuckDBSaver', duck],
    ] as const) {
      const graph = threeNodes(saver);
      const ms = await each(50, (i) =>
        graph.invoke({ steps: ['x'] }, { configurable: { thread_id: `${durability}-${i}` }, durability }),
      );
      times.push(`${name} ${ms}`);
    }
    print(`3-node graph, durability ${durability}`, ...times);
  }
}

function put(saver: BaseCheckpointSaver, thread: string, i: number): Promise<unknown> {
  const id = `${String(i).padStart(8, '0')}-${thread}`;
  return saver.put(
    { configurable: { thread_id: thread, checkpoint_ns: '' } },
    {
      v: 4,
      id,
      ts: '2026-01-01T00:00:00.000Z',
      channel_values: { x: i },
      channel_versions: { x: i + 1 },
      versions_seen: {},
    },
    { source: 'loop', step: i, parents: {} },
    { x: i + 1 },
  );
}

function threeNodes(saver: BaseCheckpointSaver) {
  return new StateGraph(State)
    .addNode('a', () => ({ steps: ['a'] }))
    .addNode('b', () => ({ steps: ['b'] }))
    .addNode('c', () => ({ steps: ['c'] }))
    .addEdge(START, 'a')
    .addEdge('a', 'b')
    .addEdge('b', 'c')
    .addEdge('c', END)
    .compile({ checkpointer: saver });
}

interface Pace {
  readonly perSecond: number;
  /** Processor time of a call: steadier than the clock on a machine that others use. */
  readonly cpuMicroseconds: number;
}

/** Best of five rounds after one to warm up. */
function best(calls: number, work: () => unknown): Pace {
  let pace: Pace = { perSecond: 0, cpuMicroseconds: Infinity };
  for (let round = 0; round < 6; round++) {
    const cpu = process.cpuUsage();
    const began = performance.now();
    for (let i = 0; i < calls; i++) work();
    const perSecond = (calls / (performance.now() - began)) * 1000;
    const { user, system } = process.cpuUsage(cpu);
    if (round === 0) continue;
    pace = {
      perSecond: Math.max(pace.perSecond, perSecond),
      cpuMicroseconds: Math.min(pace.cpuMicroseconds, (user + system) / calls),
    };
  }
  return pace;
}

function shown({ perSecond, cpuMicroseconds }: Pace): string {
  return `${thousands(perSecond)}/s (${cpuMicroseconds.toFixed(2)} µs of processor)`;
}

/** Median of the milliseconds of each call, and the processor time of one, all threads together. */
async function each(calls: number, work: (i: number) => Promise<unknown>): Promise<string> {
  const times: number[] = [];
  const cpu = process.cpuUsage();
  for (let i = 0; i < calls; i++) {
    const began = performance.now();
    await work(i);
    times.push(performance.now() - began);
  }
  const { user, system } = process.cpuUsage(cpu);
  return `${median(times)} ms (processor ${((user + system) / calls / 1000).toFixed(2)} ms)`;
}

function median(times: readonly number[]): string {
  return (times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0).toFixed(2);
}

function thousands(value: number): string {
  return `${(value / 1000).toFixed(value > 100_000 ? 0 : 1)}k`;
}

function print(what: string, ...values: readonly string[]): void {
  process.stdout.write(`${what.padEnd(34)} ${values.join('   ')}\n`);
}
