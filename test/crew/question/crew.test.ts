import { MemorySaver } from '@langchain/langgraph';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ask } from '../../../src/crew/question/ask.ts';
import { createMemoryRunStore } from '../../../src/crew/run/memory-store.ts';
import { Conflict, InvalidInput } from '../../../src/kit/errors.ts';
import { defineQuestion } from '../../../src/kit/question.ts';
import { ScriptedModel, toyAgent, toyTask, toyTool } from '../../../src/testing/index.ts';
import { desk } from '../run/desk.ts';

const limit = defineQuestion({
  text: 'What may it cost at most?',
  payload: z.object({ article: z.string() }),
  answer: z.object({ limit: z.number().positive() }),
  timeoutMs: 60_000,
});
const sign = defineQuestion({ text: 'Sign?', answer: z.boolean() });

/** A tool that asks twice and counts how often it got past both. */
function ordering(done: unknown[]) {
  return toyTool(
    'order',
    ({ article }, context) => {
      const first = context.ask(limit, { article: String(article) });
      if (!context.ask(sign)) return 'not signed';
      done.push(first.limit);
      return first.limit;
    },
    { effects: 'effect' },
  );
}

const call = { calls: [{ tool: 'order', args: { article: 'lamp' } }] };

describe('a question of a tool', () => {
  test('has its call wait and be made again with the answers; the effect happens once', async () => {
    const done: unknown[] = [];
    const saver = new MemorySaver();
    const store = createMemoryRunStore();
    const model = new ScriptedModel([call, { text: 'ordered' }]);
    const given = {
      agents: [toyAgent('ana', { tools: ['order'] })],
      tasks: [toyTask('a', 'ana')],
      models: [model.named('m')],
      tools: [ordering(done)],
      saver,
      store,
    };
    const { runner, events } = desk(given);
    const { run_id, waiting_for } = await runner.kickoff('toy');
    expect(waiting_for).toMatchObject([
      {
        kind: 'question',
        task: 'a',
        agent: 'ana',
        tool: 'order',
        details: { question: 'What may it cost at most?', payload: { article: 'lamp' }, problem: null },
        answer: { properties: { limit: { type: 'number' } }, required: ['limit'] },
      },
    ]);
    const refused = runner.resume(run_id, { a: { limit: 'much' } });
    await expect(refused).rejects.toThrow("the answer to 'a' does not fit: limit: ");
    await expect(refused).rejects.toBeInstanceOf(InvalidInput);
    const id = waiting_for[0]?.question_id ?? '';
    const next = await runner.resume(run_id, { [id]: { limit: 9 } }, { by: 'alice' });
    expect(next.waiting_for).toMatchObject([{ details: { question: 'Sign?' } }]);
    await expect(runner.resume(run_id, { [id]: { limit: 1 } })).rejects.toBeInstanceOf(Conflict);
    expect(done).toEqual([]);
    await runner.close();
    // Another process takes it up.
    const second = desk({ ...given, idSeed: 50 });
    await second.runner.recover();
    const ended = await second.runner.resume(run_id, { a: true });
    expect([ended.status, ended.output, done]).toEqual(['completed', 'ordered', [9]]);
    expect(ended.tasks[0]?.tool_calls).toMatchObject([{ tool: 'order', ok: true }]);
    expect(events.of('question.asked').map((e) => [e.where, e.kind])).toEqual([
      ['a', 'question'],
      ['a', 'question'],
    ]);
    expect(events.of('question.answered')).toMatchObject([{ question_id: id, where: 'a', by: 'alice' }]);
    model.assertUsed();
  });

  test('that nobody answers in time is a failed call, which the agent hears of', async () => {
    const model = new ScriptedModel([call, { text: 'gave up' }]);
    const { runner, clock } = desk({
      agents: [toyAgent('ana', { tools: ['order'] })],
      tasks: [toyTask('a', 'ana')],
      models: [model.named('m')],
      tools: [ordering([])],
    });
    const { run_id } = await runner.kickoff('toy');
    await clock.advance(60_000);
    await expect.poll(async () => (await runner.showRun(run_id)).status).toBe('completed');
    const { tasks } = await runner.showRun(run_id);
    expect(tasks[0]?.tool_calls).toMatchObject([{ ok: false, error_code: 'deadline_exceeded' }]);
  });

  test('outside a run fails the call and says what it asks', async () => {
    const { invoker } = desk({
      agents: [toyAgent('ana')],
      tasks: [toyTask('a', 'ana')],
      models: [],
      tools: [ordering([])],
    });
    const caller = { id: 'operator', agentId: null, role: 'toy', tools: null };
    const outcome = await invoker.invoke({ tool: 'order', args: { article: 'lamp' }, caller });
    expect(outcome).toMatchObject({ ok: false, error: { code: 'answer_required', message: /What may it cost/ } });
    const answers = [{ answered: { limit: 3 } }, { answered: true }];
    expect(await invoker.invoke({ tool: 'order', args: { article: 'lamp' }, caller, answers })).toMatchObject({
      data: 3,
    });
  });
});

describe('questions of several calls of one turn', () => {
  const paid = defineQuestion({
    text: 'Pay how much?',
    payload: z.object({ to: z.string() }),
    answer: z.number().refine((n) => n < 100, 'below 100'),
    timeoutMs: 60_000,
  });
  const turn = { calls: ['ann', 'bob', 'cat'].map((to) => ({ tool: 'pay', args: { to } })) };

  function paying() {
    const done: unknown[] = [];
    const pay = toyTool('pay', ({ to }, context) => void done.push([to, context.ask(paid, { to: String(to) })]), {
      effects: 'effect',
    });
    const model = new ScriptedModel([turn, { text: 'paid' }]);
    const given = {
      agents: [toyAgent('ana', { tools: ['pay'] })],
      tasks: [toyTask('a', 'ana')],
      models: [model.named('m')],
      tools: [pay],
      saver: new MemorySaver(),
      store: createMemoryRunStore(),
    };
    return { done, given, model, ...desk(given) };
  }

  test('are open at once and answered in any order, under ids and times that stay', async () => {
    const { runner, done, given, events, clock, model } = paying();
    const { run_id, waiting_for } = await runner.kickoff('toy');
    expect(waiting_for.map((p) => p.details)).toMatchObject([
      { payload: { to: 'ann' } },
      { payload: { to: 'bob' } },
      { payload: { to: 'cat' } },
    ]);
    const [ann = '', bob = '', cat = ''] = waiting_for.map((p) => p.question_id);
    expect(new Set([ann, bob, cat]).size).toBe(3);
    await clock.advance(20_000);
    const rest = await runner.resume(run_id, { [bob]: 2 }, { by: 'alice' });
    expect(rest.waiting_for.map((p) => [p.question_id, p.expires_at])).toEqual([
      [ann, waiting_for[0]?.expires_at],
      [cat, waiting_for[2]?.expires_at],
    ]);
    await expect(runner.resume(run_id, { [bob]: 3 })).rejects.toBeInstanceOf(Conflict);
    await runner.close();
    const second = desk({ ...given, idSeed: 50 });
    await second.runner.recover();
    expect(await second.runner.resume(run_id, { [cat]: 3, [ann]: 1 })).toMatchObject({
      status: 'completed',
      output: 'paid',
    });
    expect(done).toEqual([
      ['bob', 2],
      ['ann', 1],
      ['cat', 3],
    ]);
    expect(events.of('question.asked').map((e) => e.question_id)).toEqual([ann, bob, cat]);
    model.assertUsed();
  });

  test('take an answer under the task’s name one at a time', async () => {
    const { runner, done } = paying();
    const { run_id } = await runner.kickoff('toy');
    expect((await runner.resume(run_id, { a: 1 })).waiting_for).toHaveLength(2);
    await runner.resume(run_id, { a: 2 });
    expect(await runner.resume(run_id, { a: 3 })).toMatchObject({ status: 'completed' });
    expect(done).toEqual([
      ['ann', 1],
      ['bob', 2],
      ['cat', 3],
    ]);
  });

  test('refuse an answer that the question’s own check refuses, and ask it anew beside the others', async () => {
    const { runner, done } = paying();
    const { run_id, waiting_for } = await runner.kickoff('toy');
    const [, bob = ''] = waiting_for.map((p) => p.question_id);
    await expect(runner.resume(run_id, { [bob]: 200 })).rejects.toThrow("the answer to 'a' does not fit: ");
    const open = (await runner.showRun(run_id)).waiting_for;
    expect(open.map((p) => p.details)).toMatchObject([
      { payload: { to: 'ann' }, problem: null },
      { payload: { to: 'bob' }, problem: 'the answer: below 100' },
      { payload: { to: 'cat' }, problem: null },
    ]);
    expect(open.map((p) => p.expires_at)).toEqual(waiting_for.map((p) => p.expires_at));
    expect(done).toEqual([]);
  });

  test('that nobody answers in time fail their calls alone', async () => {
    const { runner, clock, done } = paying();
    const { run_id, waiting_for } = await runner.kickoff('toy');
    await runner.resume(run_id, { [waiting_for[2]?.question_id ?? '']: 3 });
    await clock.advance(60_000);
    await expect.poll(async () => (await runner.showRun(run_id)).status).toBe('completed');
    expect((await runner.showRun(run_id)).tasks[0]?.tool_calls.map((c) => c.error_code)).toEqual([
      null,
      'deadline_exceeded',
      'deadline_exceeded',
    ]);
    expect(done).toEqual([['cat', 3]]);
  });
});

describe('a question of a hook', () => {
  test('of a guardrail, a condition and a callback waits, and asks no model again', async () => {
    const heard: unknown[] = [];
    const model = new ScriptedModel([{ text: 'one' }, { text: 'two' }]);
    const { runner } = desk({
      agents: [toyAgent('ana')],
      tasks: [
        toyTask('a', 'ana', { guardrails: ['signed'] }),
        toyTask('b', 'ana', { condition: 'wanted', callback: 'told' }),
      ],
      models: [model.named('m')],
      deps: {
        hooks: {
          toy: {
            guardrails: { signed: () => (ask(sign) ? { ok: true } : { ok: false, message: 'not signed' }) },
            conditions: { wanted: () => ask(sign) },
            callbacks: { told: () => void heard.push(ask(sign)) },
          },
        },
      },
    });
    const { run_id, waiting_for } = await runner.kickoff('toy');
    expect(waiting_for).toMatchObject([{ kind: 'question', task: 'a', agent: null, tool: null }]);
    expect((await runner.resume(run_id, { a: true })).waiting_for).toMatchObject([{ task: 'b' }]);
    expect((await runner.resume(run_id, { b: true })).waiting_for).toMatchObject([{ task: 'b' }]);
    expect(await runner.resume(run_id, { b: false })).toMatchObject({ status: 'completed', output: 'two' });
    expect(heard).toEqual([false]);
    model.assertUsed();
  });

  test('of tasks side by side are open at once; one that waits on has no more time than it had', async () => {
    const { runner, clock } = desk({
      agents: [toyAgent('ana'), toyAgent('ben')],
      tasks: [toyTask('a', 'ana', { guardrails: ['g'] }), toyTask('b', 'ben', { guardrails: ['g'] })],
      crew: { process: 'parallel' },
      models: [new ScriptedModel([{ text: 'x' }, { text: 'x' }]).named('m')],
      deps: { hooks: { toy: { guardrails: { g: () => (ask(limit, { article: 'x' }), { ok: true }) } } } },
    });
    const { run_id, waiting_for } = await runner.kickoff('toy');
    expect(waiting_for.map((p) => p.task).sort()).toEqual(['a', 'b']);
    const ends = waiting_for[0]?.expires_at;
    await clock.advance(30_000);
    const open = (await runner.resume(run_id, { b: { limit: 1 } })).waiting_for;
    expect(open).toMatchObject([{ task: 'a', expires_at: ends }]);
    await clock.advance(30_000);
    await expect.poll(async () => (await runner.showRun(run_id)).status).toBe('failed');
  });
});
