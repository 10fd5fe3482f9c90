import { type BaseCheckpointSaver, MemorySaver } from '@langchain/langgraph';
import { describe, expect, test } from 'vitest';
import { DuckDBSaver } from '../../../src/crew/checkpoint/saver.ts';
import { definePlaybook, diffRuns } from '../../../src/crew/index.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { createMemoryRunStore } from '../../../src/crew/run/memory-store.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock, toyAgent, toyTask, toyTool } from '../../../src/testing/index.ts';
import { desk } from '../run/desk.ts';

const ana = toyAgent('ana', { tools: ['change'] });
const tasks = [
  toyTask('read', 'ana', { description: 'Read {what}.' }),
  toyTask('beside', 'ana'),
  toyTask('judge', 'ana', { context: ['read'] }),
  toyTask('write', 'ana', { context: ['judge', 'beside'] }),
];
const change = toyTool('change', () => ({ changed: 1 }), { effects: 'effect' });

const saidOf = (output: unknown): string => (output as { readonly said: string }).said;

/** A crew whose tasks pass on what they heard; `ran` has the tasks that really ran, in order. */
function made(saver: BaseCheckpointSaver = new MemorySaver(), more = tasks) {
  const ran: string[] = [];
  const heard = (name: string) => (context: { readonly context: readonly { readonly output: unknown }[] }) => {
    ran.push(name);
    return { answer: { said: `${name}(${context.context.map((c) => saidOf(c.output)).join(' ')})` } };
  };
  const playbook = definePlaybook({
    read: ({ inputs }) => {
      ran.push('read');
      return { answer: { said: `read ${String(inputs['what'])}` } };
    },
    beside: heard('beside'),
    judge: heard('judge'),
    write: (context) => {
      if (context.observations.length > 0) return heard('write')(context);
      return { calls: [{ tool: 'change', args: { to: 1 }, reason: 'to tell' }] };
    },
    extra: heard('extra'),
  });
  const store = createMemoryRunStore();
  return {
    ran,
    ...desk({
      agents: [ana],
      tasks: more,
      crew: { process: 'parallel' },
      tools: [change],
      models: createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: playbook } }),
      saver,
      store,
    }),
  };
}

describe('replay from a task', () => {
  test('uses what the earlier tasks gave, and makes no effect again unless told to', async () => {
    const { runner, ran, events } = made();
    const first = await runner.kickoff('toy', { what: 'the news' });
    expect(first).toMatchObject({
      output: { said: 'write(judge(read the news) beside())' },
      effects: [{ tool: 'change' }],
    });
    ran.length = 0;
    const again = await (await runner.replay(first.run_id, 'judge')).done;
    expect(ran).toEqual(['judge', 'write']);
    expect(again).toMatchObject({
      status: 'completed',
      mode: 'shadow',
      trigger: `replay of ${first.run_id} from judge`,
      output: first.output,
      effects: [],
      proposed_actions: [{ tool: 'change' }],
    });
    expect(again.run_id).not.toBe(first.run_id);
    expect(await runner.showRun(first.run_id)).toEqual(first);
    expect(events.of('run.resumed').map((e) => e.run_id)).toEqual([again.run_id]);
    const real = await (await runner.replay(first.run_id, 'write', { shadow: false })).done;
    expect(real.effects).toHaveLength(1);
  });

  test('takes edited inputs and outputs of tasks before it', async () => {
    const { runner, ran } = made();
    const first = await runner.kickoff('toy', { what: 'the news' });
    ran.length = 0;
    const edit = { outputs: { read: { said: 'another text' } } };
    const again = await (await runner.replay(first.run_id, 'judge', { edit })).done;
    expect(again.output).toEqual({ said: 'write(judge(another text) beside())' });
    expect(again.tasks.find((t) => t.id === 'read')?.output).toEqual({ said: 'another text' });
    expect(diffRuns(first, again).map((d) => [d.path, d.a, d.b])).toEqual(
      expect.arrayContaining([
        ['mode', 'active', 'shadow'],
        ['output.said', saidOf(first.output), saidOf(again.output)],
        ['tasks.read.output.said', 'read the news', 'another text'],
        ['tasks.judge.output.said', 'judge(read the news)', 'judge(another text)'],
      ]),
    );
    expect(diffRuns(first, first)).toEqual([]);
    const inputs = await (await runner.replay(first.run_id, 'read', { edit: { inputs: { what: 'a book' } } })).done;
    // What was done beside the task, in the same step, is not done again.
    expect(ran).toEqual(['judge', 'write', 'read', 'judge', 'write']);
    expect(inputs.output).toEqual({ said: 'write(judge(read a book) beside())' });
  });

  test('refuses what is not there, and a crew that has changed', async () => {
    const { runner, saver, store } = made();
    const first = await runner.kickoff('toy', { what: 'x' });
    await expect(runner.replay(first.run_id, 'juge')).rejects.toThrow(
      "task 'juge' gave an output (did you mean judge?)",
    );
    await expect(runner.replay('run_9', 'judge')).rejects.toThrow("there is no run 'run_9'");
    await expect(runner.replay(first.run_id, 'judge', { edit: { outputs: { write: 1 } } })).rejects.toThrow(
      /no output of write to edit: tasks done before this step: (read, beside|beside, read)/,
    );
    await expect(runner.replay(first.run_id, 'judge', { runId: first.run_id })).rejects.toThrow('already');
    await expect(runner.fork(first.run_id)).rejects.toThrow('had ended at checkpoint');
    await expect(runner.fork(first.run_id, { at: 'nowhere' })).rejects.toThrow("no checkpoint 'nowhere'");
    expect(await store.list()).toHaveLength(1);
    const changed = made(saver, [...tasks, toyTask('extra', 'ana')]);
    for (const row of await store.list()) await changed.store.insert(row);
    await expect(changed.runner.replay(first.run_id, 'judge')).rejects.toThrow('has another structure');
  });
});

describe('history and fork', () => {
  test('a run goes on from any of its steps, in DuckDB too', async () => {
    await using db = await Database.open({ path: ':memory:' });
    const { runner, ran } = made(await DuckDBSaver.open(db, { clock: new ManualClock() }));
    const first = await runner.kickoff('toy', { what: 'x' });
    const steps = await runner.history(first.run_id);
    expect(steps.map((s) => [s.step, [...s.done].sort(), [...s.gave].sort()])).toEqual([
      [3, ['beside', 'judge', 'read', 'write'], []],
      [2, ['beside', 'judge', 'read'], ['write']],
      [1, ['beside', 'read'], ['judge']],
      [0, [], ['beside', 'read']],
      [-1, [], []],
    ]);
    await expect(runner.history('run_9')).rejects.toThrow("there is no run 'run_9'");
    ran.length = 0;
    const forked = await (await runner.fork(first.run_id, { at: steps[1]?.checkpoint_id })).done;
    expect(ran).toEqual(['write']);
    expect(forked.output).toEqual(first.output);
  });

  test('a fork of a waiting run waits for the same, and is answered apart', async () => {
    const asks = [toyTask('read', 'ana', { human_input: true }), toyTask('judge', 'ana', { context: ['read'] })];
    const { runner, ran } = made(new MemorySaver(), asks);
    const first = await runner.kickoff('toy', { what: 'x' });
    expect(first.status).toBe('waiting');
    const fork = await (await runner.fork(first.run_id)).done;
    expect(fork).toMatchObject({ status: 'waiting', waiting_for: [{ kind: 'human_input', task: 'read' }] });
    const answered = await runner.resume(fork.run_id, { read: { accept: true } });
    expect(answered).toMatchObject({ status: 'completed', output: { said: 'judge(read x)' } });
    expect(ran).toEqual(['read', 'judge']);
    expect((await runner.showRun(first.run_id)).status).toBe('waiting');
  });
});
