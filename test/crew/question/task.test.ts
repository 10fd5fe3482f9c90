import { MemorySaver } from '@langchain/langgraph';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { askWith, defineAgent, defineCrew, defineTask } from '../../../src/crew/index.ts';
import { createMemoryRunStore } from '../../../src/crew/run/memory-store.ts';
import type { TaskQuestion } from '../../../src/crew/spec.ts';
import { Conflict, InvalidInput } from '../../../src/kit/errors.ts';
import { defineQuestion } from '../../../src/kit/question.ts';
import { ScriptedModel, toyAgent, toyTask, toyTool } from '../../../src/testing/index.ts';
import { issuesOf, load } from '../config/folder.ts';
import { desk } from '../run/desk.ts';

const question = (words: string, terms: Partial<TaskQuestion> = {}): TaskQuestion => ({
  question: words,
  show: null,
  show_schema: null,
  answer: null,
  answer_timeout: null,
  ...terms,
});

const price = question('What may {article} cost at most?', {
  show: { article: '{article}', found: '{look}' },
  answer: { type: 'object', properties: { limit: { type: 'number' } }, required: ['limit'] },
  answer_timeout: 60,
});

describe('questions of a task', () => {
  const look = toyTask('look', 'ana');
  const buy = toyTask('buy', 'ana', {
    description: 'Buy {article}, colour {colour}.',
    context: ['look'],
    ask: { price, colour: question('Which colour?') },
  });
  const scripted = () =>
    new ScriptedModel([
      { text: 'two shops' },
      {
        text: 'bought',
        expect: (messages) => {
          const text = messages.at(-1)?.text ?? '';
          expect(text).toContain('# Task\nBuy lamp, colour red.');
          expect(text).toContain('# What a person answered\n- price: What may lamp cost at most?\n  {"limit":9}');
          expect(text).toContain('- colour: Which colour?\n  red');
        },
      },
    ]);

  test('are asked at once before its agent begins, and told to it', async () => {
    const model = scripted();
    const given = {
      agents: [toyAgent('ana')],
      tasks: [look, buy],
      models: [model.named('m')],
      saver: new MemorySaver(),
      store: createMemoryRunStore(),
    };
    const { runner, events } = desk(given);
    const waiting = await runner.kickoff('toy', { article: 'lamp' });
    const { run_id, waiting_for } = waiting;
    expect(waiting.tasks.map((t) => t.status)).toEqual(['completed', 'waiting']);
    expect(model.used).toBe(1);
    expect(waiting_for).toMatchObject([
      {
        kind: 'question',
        task: 'buy',
        name: 'price',
        tool: null,
        details: {
          question: 'What may lamp cost at most?',
          payload: { article: 'lamp', found: 'two shops' },
          problem: null,
        },
        answer: { required: ['limit'] },
      },
      { name: 'colour', details: { question: 'Which colour?', payload: null } },
    ]);
    const refused = runner.resume(run_id, { 'buy.price': { limit: 'much' } });
    await expect(refused).rejects.toThrow("the answer to 'buy.price' does not fit: limit: ");
    await expect(refused).rejects.toBeInstanceOf(InvalidInput);
    await expect(runner.resume(run_id, { buy: 'red' })).rejects.toThrow('open: buy.price, buy.colour');
    const half = await runner.resume(run_id, { 'buy.colour': 'red' }, { by: 'alice' });
    expect(half.waiting_for.map((p) => p.question_id)).toEqual([waiting_for[0]?.question_id]);
    await expect(runner.resume(run_id, { 'buy.colour': 'blue' })).rejects.toBeInstanceOf(Conflict);
    await runner.close();
    const second = desk({ ...given, idSeed: 50 });
    await second.runner.recover();
    const ended = await second.runner.resume(run_id, { [waiting_for[0]?.question_id ?? '']: { limit: 9 } });
    expect([ended.error, ended.output]).toEqual([null, 'bought']);
    expect(events.of('question.asked').map((e) => [e.where, e.kind])).toEqual([
      ['buy', 'question'],
      ['buy', 'question'],
    ]);
    expect(events.of('question.answered')).toMatchObject([{ where: 'buy', by: 'alice' }]);
    model.assertUsed();
  });

  test('are not asked again when the task waits for something else, or runs on after a stop', async () => {
    const pay = toyTool('pay', () => 'paid', { effects: 'effect' });
    const model = new ScriptedModel([{ calls: [{ tool: 'pay', args: {} }] }, { text: 'done' }]);
    const given = {
      agents: [toyAgent('ana', { tools: ['pay'] })],
      tasks: [toyTask('a', 'ana', { ask: { sign: question('Sign?'), seal: question('Seal?') } })],
      models: [model.named('m')],
      tools: [pay],
      needsApproval: ['pay'],
      saver: new MemorySaver(),
      store: createMemoryRunStore(),
    };
    const first = desk(given);
    const { run_id } = await first.runner.kickoff('toy');
    await first.runner.resume(run_id, { 'a.sign': 'yes' });
    const paused = await first.runner.resume(run_id, { 'a.seal': 'yes' });
    expect(paused.waiting_for).toMatchObject([{ kind: 'approval' }]);
    await first.runner.close();
    const second = desk({ ...given, idSeed: 50 });
    second.invoker.approved.add('approval_pay');
    expect(await second.runner.resume(run_id)).toMatchObject({ status: 'completed', output: 'done' });
    expect([...first.events.of('question.asked'), ...second.events.of('question.asked')]).toHaveLength(2);
    model.assertUsed();
  });

  test('take what stands when nobody answers in time; without it the task fails', async () => {
    const run = async (terms: Partial<TaskQuestion>) => {
      const { runner, clock, events } = desk({
        agents: [toyAgent('ana')],
        tasks: [toyTask('a', 'ana', { description: 'Do {n}.', ask: { n: question('How many?', terms) } })],
        models: [new ScriptedModel([{ text: 'did' }]).named('m')],
      });
      const { run_id } = await runner.kickoff('toy');
      await clock.advance(60_000);
      await expect.poll(async () => (await runner.showRun(run_id)).status).not.toBe('waiting');
      await expect.poll(async () => (await runner.showRun(run_id)).status).not.toBe('running');
      return { document: await runner.showRun(run_id), failed: events.of('task.failed') };
    };
    const stands = await run({ answer: { type: 'number' }, answer_timeout: 60, otherwise: 3 });
    expect(stands.document).toMatchObject({ status: 'completed', output: 'did' });
    const { document, failed } = await run({ answer_timeout: 60 });
    const error = "nobody answered 'How many?' in time; ask again, or say what stands then";
    expect(document).toMatchObject({ status: 'failed', tasks: [{ status: 'failed', error }] });
    expect(failed).toMatchObject([{ task_id: 'a', error }]);
  });

  test('of tasks under a manager are asked once, though it has the work done again', async () => {
    const manager = new ScriptedModel([
      { calls: [{ tool: 'delegate_work', args: { coworker: 'ana', task: 'a' } }] },
      { calls: [{ tool: 'reject_work', args: { coworker: 'ana', task: 'a', reason: 'thin' } }] },
      { text: 'good' },
    ]).named('manager');
    const worker = new ScriptedModel([{ text: 'thin' }, { text: 'thick' }]).named('worker');
    const { runner, events } = desk({
      agents: [toyAgent('ana'), toyAgent('boss', { allow_delegation: true })],
      tasks: [toyTask('a', 'ana', { ask: { sign: question('Sign?') } })],
      crew: { process: 'hierarchical', manager_agent: 'boss', manager_review: true, agents: ['ana'], planning: false },
      models: { modelsFor: (agent) => Promise.resolve([agent.id === 'boss' ? manager : worker]) },
    });
    const { run_id } = await runner.kickoff('toy');
    const done = await runner.resume(run_id, { 'a.sign': true });
    expect(done).toMatchObject({ status: 'completed', tasks: [{ output: 'thick' }] });
    expect(events.of('question.asked')).toHaveLength(1);
  });

  test('name only what there is', async () => {
    const { runner } = desk({
      agents: [toyAgent('ana')],
      tasks: [
        toyTask('a', 'ana', { description: 'For {n}.', ask: { n: question('{n} or {m}?', { show: { x: '{y.z}' } }) } }),
      ],
      models: [new ScriptedModel([]).named('m')],
    });
    await expect(runner.kickoff('toy', {})).rejects.toThrow(
      'inputs are missing for task a, ask.n: {n}; task a, ask.n: {m}; task a, ask.n: {y}',
    );
  });
});

describe('ask of tasks.yaml', () => {
  const files = (ask: string) => ({
    'agents.yaml': 'ana: { role: R, goal: G, backstory: B }\n',
    'tasks.yaml': `a:\n  description: Do {n} and {sure}\n  expected_output: Text\n  agent: ana\n  ask:\n${ask}\n`,
  });

  test('is a text, or a question with its terms', () => {
    const config = load(
      files(
        '    sure: Sure?\n    n: { question: How many?, answer: { type: number }, answer_timeout: 1h, otherwise: 3 }',
      ),
    );
    expect(config.tasks[0]?.ask).toEqual({
      sure: question('Sure?'),
      n: question('How many?', { answer: { type: 'number' }, answer_timeout: 3600, otherwise: 3 }),
    });
  });

  test.each([
    ['    n: { answer: { type: number } }', /^tasks\.yaml:6:5: a\.ask\.n\.question: is required/],
    ['    n m: Sure?', /^tasks\.yaml:6:.*is not a name/],
    ['    n: { question: Q?, answer: { type: nothing } }', /^tasks\.yaml:6:.*a\.ask\.n/],
    ['    n: { question: Q?, otherwise: 3 }', /^tasks\.yaml:6:\d+: task a, ask\.n: .*needs a time/],
    [
      '    n: { question: Q?, answer: { type: number }, answer_timeout: 1h, otherwise: many }',
      /^tasks\.yaml:6:\d+: task a, ask\.n: question 'Q\?': its otherwise is no answer/,
    ],
  ])('%s is an issue with its place', (ask, message) => {
    const issues = issuesOf(files(ask));
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatch(message);
  });
});

describe('ask of a task in code', () => {
  const limit = defineQuestion({
    text: 'What may {article} cost at most?',
    payload: z.object({ article: z.string() }),
    answer: z.object({ limit: z.number().refine((n) => n < 100, 'below 100') }),
  });
  const sign = defineQuestion({ text: 'Sign?', answer: z.boolean() });
  const prose = { role: 'R', goal: 'G', backstory: 'B' };

  test('is typed, shows what its function says and checks answers by the schema’s own checks', async () => {
    const model = new ScriptedModel([{ text: 'bought' }]);
    const agent = defineAgent({ id: 'ana', ...prose, llm: model.named('m') });
    const buy = defineTask({
      id: 'buy',
      description: 'Buy {article} for {price}.',
      expected_output: 'Text',
      agent,
      ask: { price: askWith(limit, ({ inputs }) => ({ article: String(inputs['article']) })), sign },
    });
    const crew = defineCrew({ id: 'shop', tasks: [buy] });
    expectTypeOf(crew.kickoff).parameter(0).toExtend<{ readonly article: unknown }>();
    // @ts-expect-error a question that shows something needs it
    defineTask({ id: 't', description: 'D', expected_output: 'E', agent, ask: { limit } });

    const { document } = await crew.kickoff({ article: 'lamp' });
    expect(document.waiting_for).toMatchObject([
      { name: 'price', details: { question: 'What may lamp cost at most?', payload: { article: 'lamp' } } },
      { name: 'sign' },
    ]);
    const { runner } = crew.host;
    await expect(runner.resume(document.run_id, { 'buy.price': { limit: 200 }, 'buy.sign': true })).rejects.toThrow(
      "the answer to 'buy.price' does not fit: limit: below 100",
    );
    const ended = await runner.resume(document.run_id, { 'buy.price': { limit: 20 } });
    expect([ended.error, ended.output]).toEqual([null, 'bought']);
    model.assertUsed();
  });

  test('refuses a name that is none', () => {
    const task = { id: 't', description: 'D', expected_output: 'E' };
    expect(() => defineTask({ ...task, ask: { 'a b': sign } })).toThrow(/task t: ask.*is not a name/);
  });
});
