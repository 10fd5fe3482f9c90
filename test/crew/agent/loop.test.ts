import { describe, expect, test } from 'vitest';
import type { TaskGuardrail } from '../../../src/crew/agent/guardrail.ts';
import { sleep } from '../../../src/kit/clock.ts';
import { ScriptedModel, type ScriptStep, toyAgent, toyTask, toyTool } from '../../../src/testing/index.ts';
import { desk } from '../run/desk.ts';

type Given = Omit<Parameters<typeof desk>[0], 'agents' | 'tasks' | 'models'> & {
  readonly agent?: Parameters<typeof toyAgent>[1];
  readonly task?: Parameters<typeof toyTask>[2];
};

function loop(steps: readonly ScriptStep[], given: Given = {}) {
  const model = new ScriptedModel(steps);
  const agent = toyAgent('ana', { tools: ['look', 'count', 'rest'], ...given.agent });
  let counted = 0;
  const made = desk({
    tools: [
      toyTool('look', () => ({ rows: [1, 2, 3] })),
      toyTool('count', () => ({ n: ++counted })),
      toyTool('secret', () => 'hidden'),
    ],
    ...given,
    agents: [agent],
    tasks: [toyTask('work', 'ana', given.task)],
    models: [model.named('m')],
  });
  return { ...made, model, run: (inputs = {}) => made.runner.kickoff('toy', inputs) };
}

const call = (tool: string, args = {}): ScriptStep => ({ calls: [{ tool, args }] });
const last = (messages: readonly { text: string }[]): string => messages.at(-1)?.text ?? '';

describe('an agent', () => {
  test('is told who it is, what to do, with which tools and after what', async () => {
    const { run, model } = loop(
      [
        {
          text: 'done',
          expect: (messages, tools) => {
            const [system, task] = messages.map((m) => m.text);
            expect(system).toContain('You are Chief of BTC.');
            expect(system).toContain('Your goal: ana goal');
            expect(task).toContain('Watch BTC.');
            expect(task).toContain('# Expected answer');
            expect(tools).toEqual(['look', 'count']);
          },
        },
      ],
      { agent: { role: 'Chief of {symbol}' }, task: { description: 'Watch {symbol}.' } },
    );
    expect((await run({ symbol: 'BTC' })).status).toBe('completed');
    model.assertUsed();
  });

  test('gets only the tools that its task narrows its list to', async () => {
    const { run } = loop([{ text: 'done', expect: (_, tools) => expect(tools).toEqual(['count']) }], {
      task: { tools: ['count', 'secret'] },
    });
    expect((await run()).status).toBe('completed');
  });

  test('cannot call a tool outside its list', async () => {
    const { run } = loop([
      call('secret'),
      { text: 'ok', expect: (m) => expect(last(m)).toContain('permission_denied') },
    ]);
    const document = await run();
    expect(document.tasks[0]?.tool_calls).toMatchObject([
      { tool: 'secret', ok: false, error_code: 'permission_denied' },
    ]);
  });

  test('must answer when its turns are used up', async () => {
    const { run, model } = loop(
      [
        call('count'),
        call('count'),
        { text: 'my best answer', expect: (m) => expect(last(m)).toContain('all 2 turns are used') },
      ],
      { agent: { max_iter: 2 } },
    );
    const document = await run();
    expect(document.tasks[0]).toMatchObject({ status: 'completed', output: 'my best answer' });
    model.assertUsed();
  });

  test('fails when it calls on after that; no further call is made', async () => {
    const { run, invoker } = loop([call('count'), call('count'), call('count')], { agent: { max_iter: 1 } });
    const document = await run();
    expect(document.error).toContain('no final answer, although all 1 turns are used');
    expect(invoker.calls).toHaveLength(1);
  });

  test('is stopped when the same call gives the same result again and again, not when it makes progress', async () => {
    const same = loop([
      call('look'),
      call('look'),
      call('look'),
      { text: 'enough', expect: (m) => expect(last(m)).toContain('look was called 3 times') },
    ]);
    expect((await same.run()).tasks[0]?.output).toBe('enough');
    expect(same.events.of('agent.decision').filter((d) => d.action === 'loop_detected')).toHaveLength(1);
    const moving = loop([call('count'), call('count'), call('count'), call('count'), { text: 'counted' }]);
    expect((await moving.run()).tasks[0]).toMatchObject({ output: 'counted', tool_calls: { length: 4 } });
  });

  test('gets large results shortened', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => ({ i, text: 'x'.repeat(20) }));
    const { run } = loop(
      [
        call('look'),
        {
          text: 'ok',
          expect: (m) => {
            expect(last(m).length).toBeLessThanOrEqual(8000);
            expect(last(m)).toContain('more');
          },
        },
      ],
      { tools: [toyTool('look', () => rows)] },
    );
    expect((await run()).status).toBe('completed');
  });

  test('an empty answer is asked for again, and given up after some', async () => {
    const again = loop([
      { text: '' },
      { text: 'there', expect: (m) => expect(last(m)).toContain('the answer was empty') },
    ]);
    expect((await again.run()).tasks[0]?.output).toBe('there');
    const never = loop([{ text: '' }, { text: ' ' }, { text: '' }, { text: '' }]);
    expect((await never.run()).error).toContain('the answer was empty, 4 times');
  });
});

describe('a structured answer', () => {
  const output_json = {
    type: 'object',
    properties: { score: { type: 'number', minimum: 0, maximum: 100 } },
    required: ['score'],
    additionalProperties: false,
  };

  test('is read from bare, fenced and wrapped JSON', async () => {
    for (const text of ['{"score": 7}', '```json\n{"score": 7}\n```', 'Here it is: {"score": 7}. Done.']) {
      const { run } = loop([{ text }], { task: { output_json } });
      expect((await run()).tasks[0]?.output).toEqual({ score: 7 });
    }
  });

  test('is sent back with what is wrong, twice at most', async () => {
    const mended = loop(
      [
        { text: '{"score": 170}' },
        { text: '{"score": 17}', expect: (m) => expect(last(m)).toContain('score: Too big') },
      ],
      { task: { output_json } },
    );
    expect((await mended.run()).tasks[0]?.output).toEqual({ score: 17 });
    const never = loop([{ text: 'no' }, { text: 'no' }, { text: 'no' }], { task: { output_json } });
    expect((await never.run()).error).toContain('the answer holds no JSON value');
  });

  test('without a schema is JSON when all of it is', async () => {
    const { run } = loop([{ text: '{"free": [1]}' }]);
    expect((await run()).tasks[0]?.output).toEqual({ free: [1] });
  });
});

describe('limits', () => {
  test('of time end a task, whatever it waits for', async () => {
    const { run, clock, model, events } = loop([{ hang: true }], { task: { timeout: 30, max_retries: 3 } });
    const done = run();
    while (model.used === 0) await new Promise(setImmediate);
    await clock.advance(30_000);
    expect(await done).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('took longer than 30 s') as string,
    });
    expect(events.of('task.failed')).toHaveLength(1);
  });

  test('of time hold for tools too', async () => {
    const { run, clock, invoker } = loop([call('rest')], {
      agent: { max_execution_time: 5 },
      tools: [toyTool('rest', () => sleep(clockOf(), 60_000).then(() => 1))],
    });
    function clockOf() {
      return clock;
    }
    const done = run();
    while (invoker.calls.length === 0) await new Promise(setImmediate);
    await clock.advance(60_000);
    const document = await done;
    expect(document.error).toContain('took longer than 5 s');
  });

  test('of calls a minute hold the agent back', async () => {
    const { run, clock, model } = loop([call('count'), call('count'), { text: 'done' }], { agent: { max_rpm: 2 } });
    const done = run();
    while (model.used < 2 || clock.pending === 0) await new Promise(setImmediate);
    await clock.advance(59_000);
    expect(model.used).toBe(2);
    await clock.advance(1_000);
    expect((await done).status).toBe('completed');
  });

  test('a failed task is tried again from its start, and keeps what it used', async () => {
    const { run, model } = loop([call('count'), { fail: new Error('broken') }, call('count'), { text: 'second try' }], {
      task: { max_retries: 1 },
    });
    const document = await run();
    expect(document.tasks[0]).toMatchObject({ status: 'completed', output: 'second try', tool_calls: { length: 2 } });
    expect(document.usage).toMatchObject({ model_calls: 3, failed_calls: 1, input_tokens: 30 });
    model.assertUsed();
  });
});

describe('guardrails', () => {
  const short: TaskGuardrail = {
    name: 'short',
    maxRetries: 1,
    check: ({ raw }) => (raw.length < 10 ? { ok: true } : { ok: false, message: 'too long' }),
  };
  const upper: TaskGuardrail = {
    name: 'upper',
    check: ({ output }) => ({ ok: true, output: String(output).toUpperCase() }),
  };

  test('send an answer back, and each sees what the one before gave', async () => {
    const { run, events } = loop(
      [{ text: 'much too long an answer' }, { text: 'brief', expect: (m) => expect(last(m)).toContain('too long') }],
      { deps: { guardrails: () => [short, upper] } },
    );
    expect((await run()).tasks[0]?.output).toBe('BRIEF');
    expect(events.of('guardrail.failed')).toMatchObject([{ guardrail: 'short', attempt: 1, message: 'too long' }]);
    expect(events.of('guardrail.passed').map((p) => p.guardrail)).toEqual(['short', 'upper']);
  });

  test('fail the task when it does not learn', async () => {
    const { run } = loop([{ text: 'much too long an answer' }, { text: 'still much too long' }], {
      deps: { guardrails: () => [short] },
    });
    expect((await run()).error).toContain('guardrail short did not pass after 1 retry: too long');
  });
});

describe('a paused host', () => {
  test('holds the agent before its next step', async () => {
    let open: () => void = () => undefined;
    let held = 0;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { run, model } = loop([{ text: 'done' }], {
      deps: {
        gate: () => {
          held++;
          return gate;
        },
      },
    });
    const done = run();
    while (held === 0) await new Promise(setImmediate);
    expect(model.used).toBe(0);
    open();
    expect((await done).status).toBe('completed');
  });
});
