import { ToolMessage } from '@langchain/core/messages';
import { type BaseCheckpointSaver, MemorySaver } from '@langchain/langgraph';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { definePlaybook } from '../../../src/crew/index.ts';
import { DuckDBSaver } from '../../../src/crew/checkpoint/saver.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { createMemoryRunStore } from '../../../src/crew/run/memory-store.ts';
import { createRunStore, type RunStore } from '../../../src/crew/run/store.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock, ScriptedModel, toyAgent, toyTask, toyTool } from '../../../src/testing/index.ts';
import { desk } from './desk.ts';

const ana = toyAgent('ana', { tools: ['look', 'change'] });
const ben = toyAgent('ben', { tools: ['look'] });
const first = toyTask('first', 'ana', { description: 'Look at {symbol}.' });
const second = toyTask('second', 'ben', { context: ['first'] });
const look = toyTool('look', (input) => ({ seen: input['what'] ?? null }));
const change = toyTool('change', () => ({ changed: 1 }), { effects: 'effect' });

const playbook = definePlaybook({
  first: ({ observations, inputs }) =>
    observations.length === 0
      ? {
          calls: [
            { tool: 'look', args: { what: inputs['symbol'] }, reason: 'to see' },
            { tool: 'change', args: { to: 1 }, reason: 'to mend' },
          ],
        }
      : { answer: { saw: observations.map((o) => o.result), proposed: observations.some((o) => o.proposed) } },
  second: ({ context }) => ({ answer: { got: context.map((c) => c.task) } }),
});
const models = createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: playbook } });

describe('a run', () => {
  test('gives one document with everything that happened', async () => {
    const { runner, events } = desk({ agents: [ana, ben], tasks: [first, second], models, tools: [look, change] });
    const document = await runner.kickoff('toy', { symbol: 'BTC' }, { trigger: 'test' });
    expect(document).toMatchObject({
      crew: 'toy',
      mode: 'active',
      model: 'playbook',
      status: 'completed',
      trigger: 'test',
      error: null,
      proposed_actions: [],
      effects: [{ agent: 'ana', task: 'first', tool: 'change', args: { to: 1 }, reason: 'to mend' }],
      streams: [],
      health_score: null,
      usage: { model_calls: 3, input_tokens: 0, output_tokens: 0, tool_calls: 2, source: 'playbook' },
    });
    expect(document.tasks.map((t) => [t.id, t.agent, t.status, t.tool_calls.length])).toEqual([
      ['first', 'ana', 'completed', 2],
      ['second', 'ben', 'completed', 0],
    ]);
    expect(document.tasks[0]?.output).toEqual({ saw: [{ seen: 'BTC' }, { changed: 1 }], proposed: false });
    expect(document.tasks[1]?.output).toEqual({ got: ['first'] });
    expect(document.events.total).toBe(events.all.length);
    expect(document.events.by_type['run.completed']).toBe(1);
    expect(events.all.every((e) => e.correlation_id === document.run_id)).toBe(true);
    expect(await runner.showRun(document.run_id)).toEqual(document);
    expect(runner.active).toEqual([]);
  });

  test('in shadow mode proposes what would change and changes nothing', async () => {
    const { runner, events } = desk({ agents: [ana, ben], tasks: [first, second], models, tools: [look, change] });
    const document = await runner.kickoff('toy', { symbol: 'BTC' }, { shadow: true });
    expect(document.mode).toBe('shadow');
    expect(document.effects).toEqual([]);
    expect(document.proposed_actions).toMatchObject([
      { agent: 'ana', tool: 'change', args: { to: 1 }, reason: 'to mend', would_change: { would: 'change' } },
    ]);
    expect(document.tasks[0]?.output).toMatchObject({ proposed: true });
    const [proposed] = document.proposed_actions;
    expect(events.of('agent.recommendation')).toEqual([
      expect.objectContaining({ agent_id: 'ana', action: 'change', details: { proposal_id: proposed?.proposal_id } }),
    ]);
  });

  test('starts nothing when an input is missing or the playbook lacks a task', async () => {
    const third = toyTask('third', 'ben');
    const { runner, events, store } = desk({ agents: [ana, ben], tasks: [first, second, third], models });
    await expect(runner.kickoff('toy', {})).rejects.toThrow(
      'crew toy cannot start: inputs are missing for task first, description: {symbol}; give them as inputs, with crew run as --input symbol=…; its playbook has no policy for task third',
    );
    await expect(runner.kickoff('toi')).rejects.toThrow("there is no crew 'toi' (did you mean toy?)");
    expect(events.all).toEqual([]);
    expect(await store.list()).toEqual([]);
  });

  test('of some tasks only leaves the others out', async () => {
    const { runner } = desk({ agents: [ana, ben], tasks: [first, second], models });
    const document = await runner.kickoff('toy', {}, { onlyTasks: ['second'] });
    expect(document.tasks.map((t) => t.id)).toEqual(['second']);
    expect(document.tasks[0]?.output).toEqual({ got: [] });
  });

  test('takes in what the host adds', async () => {
    const { runner } = desk({
      agents: [ana, ben],
      tasks: [first, second],
      models,
      tools: [look, change],
      deps: { documentExtras: () => Promise.resolve({ source: 'sim', streams: [{ table: 't' }], health_score: 97 }) },
    });
    const document = await runner.kickoff('toy', { symbol: 'BTC' });
    expect(document).toMatchObject({ source: 'sim', streams: [{ table: 't' }], health_score: 97 });
  });

  test('fails when a task fails, and later tasks are skipped', async () => {
    const model = new ScriptedModel([{ fail: new Error('bad request') }]);
    const { runner, events } = desk({ agents: [ana, ben], tasks: [first, second], models: [model.named('m')] });
    const document = await runner.kickoff('toy', { symbol: 'BTC' });
    expect(document.status).toBe('failed');
    expect(document.error).toBe('task first failed: m failed; the last error: bad request');
    expect(document.tasks.map((t) => t.status)).toEqual(['failed', 'skipped']);
    expect(document.usage).toMatchObject({ model_calls: 0, failed_calls: 1 });
    expect(events.of('run.failed')).toHaveLength(1);
    expect(events.of('task.failed')).toHaveLength(1);
  });

  test('is cancelled in the middle of a model call', async () => {
    const model = new ScriptedModel([{ hang: true }]);
    const { runner, events } = desk({ agents: [ana, ben], tasks: [first, second], models: [model.named('m')] });
    const { runId, done } = await runner.start('toy', { symbol: 'BTC' });
    while (model.used === 0) await new Promise(setImmediate);
    expect(await runner.cancel(runId, 'no longer wanted')).toBe(true);
    expect(await done).toMatchObject({ status: 'cancelled', error: 'no longer wanted' });
    expect(events.of('run.cancelled')).toMatchObject([{ run_id: runId, reason: 'no longer wanted' }]);
    expect(await runner.cancel(runId, 'again')).toBe(false);
  });
});

describe('a run that waits', () => {
  test('for approval says so, and goes on when it is given', async () => {
    const { runner, invoker, events } = desk({
      agents: [ana, ben],
      tasks: [first, second],
      models,
      tools: [look, change],
      needsApproval: ['change'],
    });
    const waiting = await runner.kickoff('toy', { symbol: 'BTC' });
    expect(waiting).toMatchObject({
      status: 'waiting',
      finished_at: null,
      waiting_for: [{ kind: 'approval', task: 'first', approval_id: 'approval_change', tool: 'change' }],
    });
    expect(waiting.tasks.map((t) => t.status)).toEqual(['waiting', 'not_run']);
    const still = await runner.resume(waiting.run_id);
    expect(still.status).toBe('waiting');
    invoker.approved.add('approval_change');
    const done = await runner.resume(waiting.run_id);
    expect(done).toMatchObject({ status: 'completed', waiting_for: [], effects: [{ tool: 'change' }] });
    const looks = invoker.calls.filter((c) => c.tool === 'look');
    expect(looks).toHaveLength(1);
    expect(new Set(invoker.calls.filter((c) => c.tool === 'change').map((c) => c.path)).size).toBe(1);
    expect(events.of('run.waiting')).toHaveLength(2);
    expect(events.of('task.started')).toHaveLength(2);
  });

  test('for a person takes feedback, then acceptance', async () => {
    const task = toyTask('first', 'ana', { human_input: true });
    const model = new ScriptedModel([
      { text: 'draft' },
      {
        text: 'better',
        expect: (messages) => expect(messages.at(-1)?.text).toBe('A person reviewed the answer: be clearer'),
      },
    ]);
    const { runner } = desk({ agents: [ana], tasks: [task], models: [model.named('m')] });
    const waiting = await runner.kickoff('toy');
    expect(waiting.waiting_for).toMatchObject([{ kind: 'human_input', task: 'first', details: 'draft' }]);
    expect((await runner.resume(waiting.run_id)).status).toBe('waiting');
    expect((await runner.resume(waiting.run_id, { first: { feedback: 'be clearer' } })).status).toBe('waiting');
    const done = await runner.resume(waiting.run_id, { first: { accept: true } });
    expect(done).toMatchObject({ status: 'completed', tasks: [{ output: 'better' }] });
    model.assertUsed();
  });

  test('for two approvals at once takes them in any order, and makes each call once', async () => {
    let made: string[] = [];
    const tools = ['one', 'two'].map((name) =>
      toyTool(
        name,
        () => {
          made = [...made, name];
          return { name };
        },
        { effects: 'effect' },
      ),
    );
    const agents = [toyAgent('ana', { tools: ['one'] }), toyAgent('ben', { tools: ['two'] })];
    const act = (tool: string): ScriptedModel =>
      new ScriptedModel([{ calls: [{ tool, args: {} }] }, { text: `${tool} is done` }]);
    const scripts: Record<string, ScriptedModel> = { ana: act('one'), ben: act('two') };
    const { runner, invoker } = desk({
      agents,
      tasks: [toyTask('a', 'ana'), toyTask('b', 'ben')],
      crew: { process: 'parallel' },
      tools,
      needsApproval: ['one', 'two'],
      models: {
        modelsFor: (agent) => Promise.resolve([scripts[agent.id]?.named(agent.id) ?? act('none').named('none')]),
      },
    });
    const { run_id, waiting_for } = await runner.kickoff('toy');
    expect(waiting_for.map((p) => p.tool)).toEqual(['one', 'two']);
    invoker.approved.add('approval_two');
    const half = await runner.resume(run_id);
    expect(half.waiting_for.map((p) => p.tool)).toEqual(['one']);
    expect(half.tasks.map((t) => t.status)).toEqual(['waiting', 'completed']);
    invoker.approved.add('approval_one');
    const done = await runner.resume(run_id);
    expect(done.tasks.map((t) => t.output)).toEqual(['one is done', 'two is done']);
    expect(made).toEqual(['two', 'one']);
  });

  test('for approvals of one turn has them open at once, and makes each call as it is approved', async () => {
    const made: string[] = [];
    const tools = ['one', 'two', 'free'].map((name) =>
      toyTool(name, () => void made.push(name), { effects: 'effect' }),
    );
    const model = new ScriptedModel([
      { calls: ['one', 'free', 'two'].map((tool) => ({ tool, args: {} })) },
      {
        text: 'done',
        expect: (messages) => expect(messages.slice(-3).map((m) => m.name)).toEqual(['free', 'two', 'one']),
      },
    ]);
    const { runner, invoker } = desk({
      agents: [toyAgent('ana', { tools: ['one', 'two', 'free'] })],
      tasks: [toyTask('a', 'ana')],
      tools,
      needsApproval: ['one', 'two'],
      models: [model.named('m')],
    });
    const { run_id, waiting_for } = await runner.kickoff('toy');
    expect(waiting_for.map((p) => [p.kind, p.approval_id])).toEqual([
      ['approval', 'approval_one'],
      ['approval', 'approval_two'],
    ]);
    invoker.approved.add('approval_two');
    expect((await runner.resume(run_id)).waiting_for).toMatchObject([{ approval_id: 'approval_one', task: 'a' }]);
    expect(made).toEqual(['free', 'two']);
    invoker.approved.add('approval_one');
    expect(await runner.resume(run_id)).toMatchObject({ status: 'completed', output: 'done', waiting_for: [] });
    expect(made).toEqual(['free', 'two', 'one']);
    model.assertUsed();
  });

  test('is ended by cancelling it', async () => {
    const { runner } = desk({
      agents: [ana, ben],
      tasks: [first, second],
      models,
      tools: [look, change],
      needsApproval: ['change'],
    });
    const { run_id } = await runner.kickoff('toy', { symbol: 'BTC' });
    expect(await runner.cancel(run_id, 'refused')).toBe(true);
    expect(await runner.showRun(run_id)).toMatchObject({ status: 'cancelled', error: 'refused' });
  });
});

describe('after a kill', () => {
  let database: Database;
  beforeAll(async () => {
    database = await Database.open({ path: ':memory:' });
  });
  afterAll(() => database.close());

  const inMemory = (saver: BaseCheckpointSaver) => (): Promise<BaseCheckpointSaver> => Promise.resolve(saver);
  for (const [name, makeStore, makeSaver] of [
    [
      'memory',
      (): Promise<RunStore> => Promise.resolve(createMemoryRunStore()),
      (): (() => Promise<BaseCheckpointSaver>) => inMemory(new MemorySaver()),
    ],
    [
      'ops database',
      (): Promise<RunStore> => createRunStore(database),
      // Each process has a saver of its own on the one database.
      (): (() => Promise<BaseCheckpointSaver>) => () => DuckDBSaver.open(database, { clock: new ManualClock() }),
    ],
  ] as const) {
    test(`a run goes on from its last step, not from its start (${name})`, async () => {
      const store = await makeStore();
      const openSaver = makeSaver();
      const before = new ScriptedModel([
        { calls: [{ tool: 'look', args: { what: 1 } }] },
        { text: 'first is done' },
        { calls: [{ tool: 'look', args: { what: 2 } }] },
        { hang: true },
      ]);
      const common = { agents: [ana, ben], tasks: [first, second], tools: [look, change], store };
      const killed = desk({ ...common, saver: await openSaver(), models: [before.named('m')] });
      const { runId } = await killed.runner.start('toy', { symbol: 'BTC' });
      while (before.used < 4) await new Promise(setImmediate);

      const after = new ScriptedModel([
        {
          text: 'second is done',
          expect: (messages) => expect(messages.filter((m) => ToolMessage.isInstance(m))).toHaveLength(1),
        },
      ]);
      const next = desk({ ...common, saver: await openSaver(), models: [after.named('m')] });
      const [taken] = await next.runner.recover();
      expect(taken?.runId).toBe(runId);
      const document = await taken?.done;
      expect(document).toMatchObject({
        status: 'completed',
        tasks: [{ output: 'first is done' }, { output: 'second is done' }],
        usage: { model_calls: 4, input_tokens: 40, output_tokens: 20 },
      });
      expect(next.invoker.calls).toEqual([]);
      expect(next.events.of('run.resumed')).toHaveLength(1);
      expect(next.events.of('task.started')).toEqual([]);
      after.assertUsed();
      expect(await next.runner.recover()).toEqual([]);
    });
  }

  test('a run whose crew has changed stays suspended, with what changed', async () => {
    const store = createMemoryRunStore();
    const saver = new MemorySaver();
    const before = new ScriptedModel([{ hang: true }]);
    const killed = desk({ agents: [ana, ben], tasks: [first, second], models: [before.named('m')], store, saver });
    await killed.runner.start('toy', { symbol: 'BTC' });
    while (before.used < 1) await new Promise(setImmediate);
    const other = toyTask('third', 'ben');
    const next = desk({ agents: [ana, ben], tasks: [first, second, other], models, store, saver });
    const [taken] = await next.runner.recover();
    expect(await taken?.done).toMatchObject({
      status: 'suspended',
      error: expect.stringContaining('  + task third (agent ben)'),
    });
  });

  test('closing the runner leaves its runs to the next process', async () => {
    const store = await createRunStore(database);
    const saver = new MemorySaver();
    const before = new ScriptedModel([{ text: 'one' }, { hang: true }]);
    const common = { agents: [ana, ben], tasks: [first, second], store, saver, idSeed: 50 };
    const stopped = desk({ ...common, models: [before.named('m')] });
    const { runId } = await stopped.runner.start('toy', { symbol: 'BTC' });
    while (before.used < 2) await new Promise(setImmediate);
    await stopped.runner.close();
    expect((await store.get(runId))?.status).toBe('suspended');
    const left = 'SELECT status, finished_at, error FROM run_tasks WHERE run_id = ? AND task_id = ?';
    expect(await database.all(left, [runId, 'second'])).toEqual([
      { status: 'not_run', finished_at: null, error: null },
    ]);
    const after = new ScriptedModel([{ text: 'two' }]);
    const next = desk({ ...common, models: [after.named('m')] });
    const [taken] = await next.runner.recover();
    expect((await taken?.done)?.tasks.map((t) => t.output)).toEqual(['one', 'two']);
    const rows = await database.all(
      'SELECT task_id, status, executions FROM run_tasks WHERE run_id = ? ORDER BY task_id',
      [runId],
    );
    expect(rows).toEqual([
      { task_id: 'first', status: 'completed', executions: 1 },
      { task_id: 'second', status: 'completed', executions: 1 },
    ]);
    expect((await next.runner.listRuns({ crew: 'toy', limit: 1 }))[0]).toMatchObject({
      run_id: runId,
      inputs: { symbol: 'BTC' },
    });
  });

  test('a task whose step throws is on record as failed, one that waits for a person as waiting', async () => {
    const store = await createRunStore(database);
    const broken = desk({
      agents: [ana],
      tasks: [toyTask('breaks', 'ana', { guardrails: ['broken'] })],
      models: [new ScriptedModel([{ text: 'x' }]).named('m')],
      store,
      idSeed: 80,
      deps: {
        hooks: {
          toy: {
            guardrails: {
              broken: () => {
                throw new Error('the guardrail is broken');
              },
            },
          },
        },
      },
    });
    const { run_id, status } = await broken.runner.kickoff('toy', {});
    expect(status).toBe('failed');
    const asking = desk({
      agents: [ana],
      tasks: [toyTask('asks', 'ana', { human_input: true })],
      models: [new ScriptedModel([{ text: 'x' }]).named('m')],
      store,
      idSeed: 90,
    });
    const waiting = await asking.runner.kickoff('toy', {});
    const rows = (run: string) =>
      database.all('SELECT status, error, finished_at IS NULL AS open FROM run_tasks WHERE run_id = ?', [run]);
    expect(await rows(run_id)).toEqual([
      { status: 'failed', error: expect.stringContaining('the guardrail is broken'), open: false },
    ]);
    expect(await rows(waiting.run_id)).toEqual([{ status: 'waiting', error: null, open: true }]);
    await asking.runner.resume(waiting.run_id, { asks: { accept: true } });
    expect(await rows(waiting.run_id)).toEqual([{ status: 'completed', error: null, open: false }]);
  });
});
