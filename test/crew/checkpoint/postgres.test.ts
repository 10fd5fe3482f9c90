import { deltaChannelHistoryTests, validate } from '@langchain/langgraph-checkpoint-validation';
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPostgresCheckpoints } from '../../../src/crew/checkpoint/postgres.ts';
import type { CheckpointStore } from '../../../src/crew/checkpoint/store.ts';
import { definePlaybook } from '../../../src/crew/index.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { createMemoryRunStore } from '../../../src/crew/run/memory-store.ts';
import type { RunStore } from '../../../src/crew/run/store.ts';
import { StopRequested } from '../../../src/kit/errors.ts';
import { toyAgent, toyTask } from '../../../src/testing/index.ts';
import { desk } from '../run/desk.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { findPostgres, POSTGRES_PASSWORD, PostgresServer } from './postgres-server.ts';

const globals = { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it };
Object.assign(globalThis, globals);
const bin = findPostgres();
let server: PostgresServer | undefined;
let schemas = 0;

beforeAll(async () => {
  if (bin !== undefined) server = await PostgresServer.start(bin);
}, 60_000);
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  for (const name of Object.keys(globals)) Reflect.deleteProperty(globalThis, name);
});

const open = (keep = 200, clock = new ManualClock()): Promise<CheckpointStore> =>
  openPostgresCheckpoints({ url: server?.url ?? '', schema: `crew_${schemas++}`, keep, clock, log: silentLogger });

if (bin === undefined)
  it.skip('checkpoints in PostgreSQL: no PostgreSQL server (initdb, postgres) is on this machine', () => undefined);

describe.runIf(bin !== undefined)('PostgreSQL', () => {
  let store: CheckpointStore | undefined;
  const initializer = {
    checkpointerName: 'PostgresSaver',
    createCheckpointer: async () => (store = await open()).saver,
    destroyCheckpointer: async () => store?.[Symbol.asyncDispose](),
  };
  validate(initializer);
  describe('delta channels', () => {
    deltaChannelHistoryTests(initializer);
  });
});

describe.runIf(bin !== undefined)('checkpoints in PostgreSQL', () => {
  const agents = [toyAgent('ana')];
  const tasks = [toyTask('a', 'ana'), toyTask('b', 'ana'), toyTask('c', 'ana')];
  const count = async (saver: BaseCheckpointSaver, thread: string): Promise<number> => {
    let n = 0;
    for await (const _ of saver.list({ configurable: { thread_id: thread } })) n++;
    return n;
  };

  /** A crew of three tasks over these checkpoints; `ran` has what ran, in order. */
  function processOf(
    store: CheckpointStore,
    disk: { readonly ran: string[]; readonly runs: RunStore },
    stopIn?: string,
  ) {
    const stop = new AbortController();
    const answer = (id: string) => () => {
      disk.ran.push(id);
      if (id === stopIn) stop.abort(new StopRequested('the machine goes down'));
      return { answer: id };
    };
    const playbook = definePlaybook({ a: answer('a'), b: answer('b'), c: answer('c') });
    const models = createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: playbook } });
    const deps = { drainMs: 60_000 };
    return { stop, ...desk({ agents, tasks, models, saver: store.saver, store: disk.runs, deps }) };
  }

  it('carry a run over the end of its process, and its replay', async () => {
    const schema = `crew_${schemas++}`;
    const given = { url: server?.url ?? '', schema, keep: 200, clock: new ManualClock(), log: silentLogger };
    const disk = { ran: [] as string[], runs: createMemoryRunStore() };
    const first = await openPostgresCheckpoints(given);
    const { runner, stop } = processOf(first, disk, 'b');
    const suspended = await runner.kickoff('toy', {}, { runId: 'run_1', signal: stop.signal });
    expect(suspended.status).toBe('suspended');
    await first[Symbol.asyncDispose]();

    await using second = await openPostgresCheckpoints(given);
    const next = processOf(second, disk);
    expect(await next.runner.resume('run_1')).toMatchObject({ status: 'completed', output: 'c' });
    expect(disk.ran).toEqual(['a', 'b', 'c']);
    await (await next.runner.replay('run_1', 'c', { runId: 'run_2' })).done;
    expect(disk.ran).toEqual(['a', 'b', 'c', 'c']);
  });

  it('are pruned: to the newest of idle threads, and to so many of those at work', async () => {
    const clock = new ManualClock(Date.now());
    await using store = await open(2, clock);
    const disk = { ran: [] as string[], runs: createMemoryRunStore() };
    const { runner } = processOf(store, disk);
    for (const runId of ['run_1', 'run_2']) await runner.kickoff('toy', {}, { runId });
    expect(await count(store.saver, 'run_1')).toBeGreaterThan(6);
    await store.trim();
    const root = (thread: string) => ({ configurable: { thread_id: thread, checkpoint_ns: '' } });
    const kept: unknown[] = [];
    for await (const { checkpoint } of store.saver.list(root('run_1')))
      kept.push(Object.keys(checkpoint.channel_values['outputs'] as object).sort());
    expect(kept).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b'],
    ]);
    expect(await store.idleThreads(60_000)).toEqual([]);
    await clock.advance(120_000);
    expect(await store.idleThreads(60_000)).toEqual(['run_1', 'run_2']);
    await store.prune(['run_1']);
    const newest = await store.saver.getTuple(root('run_1'));
    expect(newest?.checkpoint.channel_values).toMatchObject({ outputs: { a: { output: 'a' }, c: { output: 'c' } } });
    const rows = async (thread: string): Promise<number> => {
      let n = 0;
      for await (const _ of store.saver.list(root(thread))) n++;
      return n;
    };
    expect([await rows('run_1'), await rows('run_2')]).toEqual([1, 2]);
  });

  it('outlive a connection that breaks while it is idle', async () => {
    const lost: string[] = [];
    const log = { ...silentLogger, warn: (name: string) => void lost.push(name) };
    const given = { url: server?.url ?? '', schema: `crew_${schemas++}`, keep: 1, clock: new ManualClock(), log };
    await using store = await openPostgresCheckpoints(given);
    await using other = await open();
    const pool = Reflect.get(other.saver, 'pool') as { query(sql: string): Promise<unknown> };
    await pool.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = current_user',
    );
    while (lost.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(lost).toEqual(['checkpoints.connection_lost']);
    expect(await store.idleThreads(0)).toEqual([]);
  });

  it('are told from an address that is wrong without showing its password', async () => {
    const common = { schema: 'crew', keep: 1, clock: new ManualClock(), log: silentLogger };
    const refused = `postgresql://crew:${POSTGRES_PASSWORD}@127.0.0.1:1/postgres`;
    for (const url of [`http://x:${POSTGRES_PASSWORD}@h`, `postgresql://x:${POSTGRES_PASSWORD}@:::`, refused]) {
      const error = await openPostgresCheckpoints({ ...common, url }).catch((thrown: unknown) => thrown as Error);
      expect(error).toBeInstanceOf(Error);
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(POSTGRES_PASSWORD);
    }
  });
});
