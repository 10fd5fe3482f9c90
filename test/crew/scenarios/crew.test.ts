import { describe, expect, test } from 'vitest';
import { definePlaybook } from '../../../src/crew/index.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { ScriptedModel, type ScriptStep, toyAgent, toyTask } from '../../../src/testing/index.ts';
import { desk } from '../run/desk.ts';

const ana = toyAgent('ana');
const say = (...texts: readonly string[]): readonly ScriptStep[] => texts.map((text) => ({ text }));

/** A desk on a script, and the script. */
function scripted(steps: readonly ScriptStep[], given: Partial<Parameters<typeof desk>[0]> = {}) {
  const model = new ScriptedModel(steps);
  return { ...desk({ agents: [ana], tasks: [toyTask('a', 'ana')], models: [model.named('m')], ...given }), model };
}

/** Answers each task with what it saw. */
const echo = (...ids: readonly string[]) =>
  createModelSource({
    env: {},
    model: 'playbook',
    fallbacks: [],
    playbooks: {
      toy: definePlaybook(
        Object.fromEntries(
          ids.map((id) => [id, ({ context }) => ({ answer: { id, saw: context.map((c) => c.task) } })]),
        ),
      ),
    },
  });

describe('ordering', () => {
  test('mixes of asynchronous and other tasks keep every output, in the order of definition', async () => {
    const slow = { async_execution: true };
    const tasks = [
      toyTask('a', 'ana', slow),
      toyTask('b', 'ana', slow),
      toyTask('c', 'ana'),
      toyTask('d', 'ana', slow),
    ];
    const { runner } = desk({ agents: [ana], tasks, models: echo('a', 'b', 'c', 'd') });
    const document = await runner.kickoff('toy');
    expect(document.tasks.map((t) => [t.id, t.status])).toEqual(['a', 'b', 'c', 'd'].map((id) => [id, 'completed']));
    expect(document.output).toEqual({ id: 'd', saw: ['c'] });
  });

  test('two asynchronous tasks start together, the one that waits for them comes after both', async () => {
    const slow = { async_execution: true };
    const tasks = [toyTask('a', 'ana', slow), toyTask('b', 'ana', slow), toyTask('c', 'ana', { context: ['a', 'b'] })];
    const { runner, events } = desk({ agents: [ana], tasks, models: echo('a', 'b', 'c') });
    await runner.kickoff('toy');
    const order = events.all.flatMap((e) =>
      e.type === 'task.started' || e.type === 'task.completed' ? [`${e.type.slice(5)} ${e.data.task_id}`] : [],
    );
    expect(order.slice(0, 2)).toEqual(['started a', 'started b']);
    expect(order.slice(-2)).toEqual(['started c', 'completed c']);
  });

  test.each([
    [true, ['completed', 'completed', 'completed']],
    [false, ['completed', 'skipped', 'completed']],
  ])('a conditional task when its condition is %s', async (wanted, statuses) => {
    const tasks = [
      toyTask('a', 'ana'),
      toyTask('b', 'ana', { condition: { task: 'a', field: 'go', is: true } }),
      toyTask('c', 'ana'),
    ];
    const { runner, events, model } = scripted(
      [{ text: `{"go": ${wanted}}` }, ...(wanted ? say('b ran') : []), ...say('c ran')],
      { tasks },
    );
    const document = await runner.kickoff('toy');
    expect(document.tasks.map((t) => t.status)).toEqual(statuses);
    expect(document.tasks[1]?.output).toBe(wanted ? 'b ran' : null);
    expect(events.of('task.skipped').map((e) => e.task_id)).toEqual(wanted ? [] : ['b']);
    model.assertUsed();
  });

  test('a condition may be a function of the crew, and a missing one is an error at kickoff', async () => {
    const tasks = [toyTask('a', 'ana'), toyTask('b', 'ana', { condition: 'enough' })];
    const hooks = {
      toy: { conditions: { enough: ({ last }: { last: { output: unknown } | undefined }) => last?.output === 'x' } },
    };
    const { runner } = scripted(say('x', 'done'), { tasks, deps: { hooks } });
    expect((await runner.kickoff('toy')).output).toBe('done');
    const without = scripted([], { tasks });
    await expect(without.runner.kickoff('toy')).rejects.toThrow(
      "condition 'enough' is no function of the crew's hooks",
    );
  });
});

describe('kickoff for each', () => {
  const tasks = [toyTask('a', 'ana', { description: 'Look at {symbol}.' })];

  test('of one input, of several, of none', async () => {
    const { runner } = scripted(say('1', '2', '3'), { tasks });
    const outputs = async (inputs: readonly Record<string, unknown>[]) =>
      (await runner.kickoffForEach('toy', inputs)).map((r) => (r.ok ? r.document.output : r.error.message));
    expect(await outputs([{ symbol: 'X' }])).toEqual(['1']);
    expect(await outputs([{ symbol: 'Y' }, { symbol: 'Z' }])).toEqual(['2', '3']);
    expect(await outputs([])).toEqual([]);
  });

  test('of something else is refused', async () => {
    const { runner } = scripted([], { tasks });
    await expect(runner.kickoffForEach('toy', 'X' as never)).rejects.toThrow('takes a list of inputs, not string');
    await expect(runner.kickoffForEach('toy', ['X'] as never)).rejects.toThrow('inputs[0] is not a map of inputs: "X"');
  });

  test('a failing item is seen and leaves the others alone, side by side too', async () => {
    const { runner } = scripted([{ text: 'fine' }, { fail: new Error('no') }, { text: 'fine too' }], { tasks });
    const results = await runner.kickoffForEach('toy', [
      { symbol: 'X' },
      { symbol: 'Y' },
      { other: 1 },
      { symbol: 'Z' },
    ]);
    expect(results.map((r) => (r.ok ? r.document.status : 'none'))).toEqual([
      'completed',
      'failed',
      'none',
      'completed',
    ]);
    expect(results[2]).toMatchObject({ ok: false, error: { message: expect.stringContaining('{symbol}') } });
    const many = scripted(say('1', '2', '3', '4'), { tasks });
    const symbols = ['A', 'B', 'C', 'D'].map((symbol) => ({ symbol }));
    const beside = await many.runner.kickoffForEach('toy', symbols, { concurrency: 3 });
    expect(beside.map((r) => r.index)).toEqual([0, 1, 2, 3]);
    expect(beside.every((r) => r.ok)).toBe(true);
  });
});

describe('context', () => {
  test('what a task names takes the place of everything before it', async () => {
    const tasks = [
      toyTask('a', 'ana'),
      toyTask('b', 'ana'),
      toyTask('c', 'ana', { context: ['a'] }),
      toyTask('d', 'ana'),
    ];
    const { runner } = desk({ agents: [ana], tasks, models: echo('a', 'b', 'c', 'd') });
    const { tasks: done } = await runner.kickoff('toy');
    expect(done.slice(2).map((t) => t.output)).toEqual([
      { id: 'c', saw: ['a'] },
      { id: 'd', saw: ['a', 'b', 'c'] },
    ]);
  });

  test('only outputs that are named reach the prompt', async () => {
    const tasks = [toyTask('a', 'ana'), toyTask('b', 'ana'), toyTask('c', 'ana', { context: ['a'] })];
    const { runner, model } = scripted(
      [
        ...say('apples', 'bananas'),
        {
          text: 'done',
          expect: (messages) => {
            expect(messages[1]?.text).toContain('apples');
            expect(messages[1]?.text).not.toContain('bananas');
          },
        },
      ],
      { tasks },
    );
    await runner.kickoff('toy');
    model.assertUsed();
  });
});

describe('limits a minute', () => {
  test('the crew’s requests override the agents’, and the limiter waits at the boundary', async () => {
    const tasks = ['a', 'b', 'c'].map((id) => toyTask(id, 'ana'));
    const { runner, clock, model } = scripted(say('1', '2', '3'), {
      agents: [toyAgent('ana', { max_rpm: 1 })],
      tasks,
      crew: { max_rpm: 2 },
    });
    const done = runner.kickoff('toy');
    await until(() => model.used === 2 && clock.pending > 0);
    await clock.advance(59_999);
    expect(model.used).toBe(2);
    await clock.advance(1);
    expect((await done).status).toBe('completed');
  });

  test('the crew’s tokens override the agents’, and what was used counts, not what was expected', async () => {
    const tasks = ['a', 'b'].map((id) => toyTask(id, 'ana'));
    const { runner, clock, model } = scripted([{ text: '1', usage: { input: 900, output: 90 } }, { text: '2' }], {
      agents: [toyAgent('ana', { max_tpm: 1 })],
      tasks,
      crew: { max_tpm: 1000 },
    });
    const done = runner.kickoff('toy');
    await until(() => model.used === 1 && clock.pending > 0);
    await clock.advance(60_000);
    expect((await done).status).toBe('completed');
  });
});

describe('usage', () => {
  test('equals the sum of the scripted calls; a model that agents share is counted once', async () => {
    const ben = toyAgent('ben');
    const tasks = [toyTask('a', 'ana'), toyTask('b', 'ben'), toyTask('c', 'ana')];
    const counts = [
      [7, 3],
      [11, 5],
      [13, 2],
    ] as const;
    const steps = counts.map(([input, output]) => ({ text: 'ok', usage: { input, output } }));
    const { runner } = scripted(steps, { agents: [ana, ben], tasks });
    const { usage } = await runner.kickoff('toy');
    expect(usage).toMatchObject({ model_calls: 3, input_tokens: 31, output_tokens: 10, total_tokens: 41 });
    expect(usage.by_model).toHaveLength(1);
  });
});

/** Waits for what other promises bring about; nothing here takes wall time. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}
