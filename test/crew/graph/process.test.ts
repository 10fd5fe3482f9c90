import { describe, expect, test } from 'vitest';
import { definePlaybook } from '../../../src/crew/index.ts';
import { planTasks } from '../../../src/crew/graph/plan.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { ScriptedModel, type ScriptStep, toyAgent, toyTask } from '../../../src/testing/index.ts';
import { desk } from '../run/desk.ts';

const lead = toyAgent('lead', { allow_delegation: true });
const ana = toyAgent('ana');
const ben = toyAgent('ben');
const a = toyTask('a', 'ana');
const b = toyTask('b', 'ben');
const c = toyTask('c', 'ana', { context: ['a', 'b'] });

const said = (...tasks: string[]) =>
  definePlaybook(
    Object.fromEntries(tasks.map((id) => [id, ({ context }) => ({ answer: { id, saw: context.map((x) => x.task) } })])),
  );

describe('the plan of tasks', () => {
  test('parallel: by context alone', () => {
    expect(planTasks([a, b, c], 'parallel')).toEqual([
      { task: 'a', after: [], context: [] },
      { task: 'b', after: [], context: [] },
      { task: 'c', after: ['a', 'b'], context: ['a', 'b'] },
    ]);
  });

  test('sequential: one after another, asynchronous ones beside the next', () => {
    const slow = toyTask('slow', 'ana', { async_execution: true });
    const end = toyTask('end', 'ana', { context: ['slow'] });
    expect(planTasks([a, slow, b, end], 'sequential')).toEqual([
      { task: 'a', after: [], context: [] },
      { task: 'slow', after: ['a'], context: ['a'] },
      { task: 'b', after: ['a'], context: ['a'] },
      { task: 'end', after: ['slow', 'b'], context: ['slow'] },
    ]);
  });

  test('refuses circles and forward references', () => {
    const x = toyTask('x', 'ana', { context: ['y'] });
    const y = toyTask('y', 'ana', { context: ['x'] });
    expect(() => planTasks([x, y], 'parallel')).toThrow('the context of tasks is a circle: x → y → x');
    expect(() => planTasks([c, a, b], 'sequential')).toThrow('task c needs the output of a, which comes later');
  });
});

describe('a parallel crew', () => {
  test('runs what it can side by side, and gives the right context', async () => {
    const { runner, events } = desk({
      agents: [ana, ben],
      tasks: [a, b, c],
      crew: { process: 'parallel' },
      models: createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: said('a', 'b', 'c') } }),
    });
    const document = await runner.kickoff('toy');
    expect(document.tasks.map((t) => t.output)).toEqual([
      { id: 'a', saw: [] },
      { id: 'b', saw: [] },
      { id: 'c', saw: ['a', 'b'] },
    ]);
    const order = events.all.filter((e) => e.type === 'task.started' || e.type === 'task.completed');
    expect(order.slice(0, 2).map((e) => e.type)).toEqual(['task.started', 'task.started']);
  });

  test('keeps what the sibling of a failed task has done, and skips what needs both', async () => {
    const failing = new ScriptedModel([{ fail: new Error('no') }]).named('bad');
    const fine = new ScriptedModel([{ text: 'fine' }]).named('good');
    const { runner } = desk({
      agents: [ana, ben],
      tasks: [a, b, c],
      crew: { process: 'parallel' },
      models: { modelsFor: (agent) => Promise.resolve([agent.id === 'ana' ? failing : fine]) },
    });
    const document = await runner.kickoff('toy');
    expect(document.status).toBe('failed');
    expect(document.tasks.map((t) => [t.id, t.status])).toEqual([
      ['a', 'failed'],
      ['b', 'completed'],
      ['c', 'skipped'],
    ]);
  });
});

describe('a hierarchical crew', () => {
  const crew = { process: 'hierarchical', manager_agent: 'lead' } as const;

  test('on the playbook hands out everything that is ready, in order of context', async () => {
    const { runner, events } = desk({
      agents: [lead, ana, ben],
      tasks: [a, b, c],
      crew,
      models: createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: said('a', 'b', 'c') } }),
    });
    const document = await runner.kickoff('toy');
    expect(document.status).toBe('completed');
    expect(document.tasks[2]?.output).toEqual({ id: 'c', saw: ['a', 'b'] });
    expect(events.of('crew.message').map((m) => [m.from, m.to, m.action])).toEqual([
      ['lead', 'ana', 'a'],
      ['lead', 'ben', 'b'],
      ['lead', 'ana', 'c'],
    ]);
    expect(document.usage.model_calls).toBe(5);
  });

  const delegate = (coworker: string, task: string, instruction?: string) => ({
    tool: 'delegate_work',
    args: { coworker, task, ...(instruction === undefined ? {} : { instruction }) },
  });

  function managed(steps: readonly ScriptStep[], tasks = [a, c], answers = 2) {
    const manager = new ScriptedModel(steps);
    const worker = new ScriptedModel(Array.from({ length: answers }, (_, i) => ({ text: `work ${i}` })));
    const made = desk({
      agents: [lead, ana, ben],
      tasks,
      crew,
      models: {
        modelsFor: (agent) =>
          Promise.resolve([agent.id === 'lead' ? manager.named('manager') : worker.named('worker')]),
      },
    });
    return { ...made, manager, worker };
  }

  test('has a manager who delegates by one typed tool, hears the results, and may choose who', async () => {
    const { runner, manager, events } = managed([
      {
        calls: [delegate('ben', 'a', 'Look twice.')],
        expect: (messages, tools) => {
          expect(tools).toEqual(['delegate_work']);
          expect(messages.at(-1)?.text).toContain('- ana: ana role.');
        },
      },
      {
        calls: [delegate('ana', 'c')],
        expect: (messages) => expect(messages.at(-1)?.text).toContain('"output":"work 0"'),
      },
    ]);
    const document = await runner.kickoff('toy');
    expect(document.tasks.map((t) => [t.id, t.agent, t.status, t.output])).toEqual([
      ['a', 'ben', 'completed', 'work 0'],
      ['c', 'ana', 'completed', 'work 1'],
    ]);
    expect(document.usage.by_model.map((u) => [u.model, u.calls])).toEqual([
      ['manager', 2],
      ['worker', 2],
    ]);
    expect(events.of('model.called').filter((m) => m.task_id === 'manage_crew')).toHaveLength(2);
    manager.assertUsed();
  });

  test('tells a manager who invents co-workers or tasks, or is too early', async () => {
    const { runner, manager } = managed([
      { calls: [delegate('carl', 'a'), delegate('ana', 'z'), delegate('ana', 'c')] },
      {
        calls: [delegate('ana', 'a')],
        expect: (messages) => {
          const texts = messages.slice(-3).map((m) => m.text);
          expect(texts[0]).toContain("there is no co-worker 'carl'");
          expect(texts[1]).toContain("there is no task 'z'");
          expect(texts[2]).toContain('task c needs the results of others first');
        },
      },
      { calls: [delegate('ana', 'c')] },
    ]);
    expect((await runner.kickoff('toy')).status).toBe('completed');
    manager.assertUsed();
  });

  test('loses no task when the manager does not delegate', async () => {
    const talk = { text: 'I did it all myself.' };
    const { runner, events } = managed([talk, talk, talk, talk]);
    const document = await runner.kickoff('toy');
    expect(document.tasks.map((t) => t.status)).toEqual(['completed', 'completed']);
    expect(events.of('crew.message').map((m) => m.to)).toEqual(['ana', 'ana']);
  });

  test('fails when a task fails, and names what was not done', async () => {
    const { runner } = managed([{ calls: [delegate('ana', 'a')] }], [a, c], 0);
    const document = await runner.kickoff('toy');
    expect(document.status).toBe('failed');
    expect(document.tasks.map((t) => [t.status, t.error])).toMatchObject([
      ['failed', expect.stringContaining('worker failed')],
      ['skipped', 'not delegated'],
    ]);
  });
});
