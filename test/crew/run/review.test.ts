import { describe, expect, test } from 'vitest';
import { Conflict, InvalidInput } from '../../../src/kit/errors.ts';
import { createRunTools } from '../../../src/serve/mcp/run-tools.ts';
import type { McpAnswer, McpCallContext, McpInputNeeded, McpToolResult } from '../../../src/serve/mcp/surface.ts';
import type { Desk } from '../../../src/serve/desk.ts';
import type { TaskSpec } from '../../../src/crew/spec.ts';
import { ScriptedModel, toyAgent, toyTask } from '../../../src/testing/index.ts';
import { answerQuestion, openQuestions } from '../../../src/serve/questions.ts';
import { flowDesk } from '../flow/desk.ts';
import { desk } from './desk.ts';

const ana = toyAgent('ana');
const schema = { type: 'object', properties: { order: { type: 'number' } }, required: ['order'] };
const reviewed = (id: string, fields: Partial<TaskSpec> = {}): TaskSpec =>
  toyTask(id, 'ana', { human_input: true, max_retries: 0, ...fields });
const said = (...texts: readonly string[]): ScriptedModel => new ScriptedModel(texts.map((text) => ({ text })));

describe('a review of an answer', () => {
  test('says what may be answered, and refuses anything else while it waits on', async () => {
    const model = said('{"order": 12}');
    const { runner, events } = desk({
      agents: [ana],
      tasks: [reviewed('a', { output_json: schema })],
      models: [model.named('m')],
    });
    const { run_id, waiting_for } = await runner.kickoff('toy');
    expect(waiting_for).toMatchObject([
      {
        kind: 'human_input',
        details: { order: 12 },
        expires_at: null,
        answer: { oneOf: [{}, {}, { properties: { edit: schema } }] },
      },
    ]);
    for (const wrong of [true, {}, { accept: false }, { feedback: ' ' }, { accept: true, more: 1 }, { expired: true }])
      await expect(runner.resume(run_id, { a: wrong })).rejects.toBeInstanceOf(InvalidInput);
    await expect(runner.resume(run_id, { a: { edit: { order: 'x' } } })).rejects.toThrow('does not fit its schema');
    await expect(runner.resume(run_id, { b: { accept: true } })).rejects.toThrow("no open question at 'b'");
    expect((await runner.showRun(run_id)).status).toBe('waiting');
    const done = await runner.resume(run_id, { a: { edit: { order: 7 } } }, { by: 'alice' });
    expect(done).toMatchObject({ status: 'completed', output: { order: 7 }, tasks: [{ raw: '{"order":7}' }] });
    expect(events.of('run.answered')).toMatchObject([
      { task_id: 'a', kind: 'human_input', by: 'alice', answer: 'edit' },
    ]);
    await expect(runner.resume(run_id, { a: { accept: true } })).rejects.toThrow(
      'is completed: it waits for no answer',
    );
    expect((await runner.resume(run_id)).status).toBe('completed');
  });

  test('is one of several, answered in any order, each once', async () => {
    const scripts = [said('A'), said('B'), said('C')];
    const agents = ['ana', 'ben', 'cy'].map((id) => toyAgent(id));
    const tasks = agents.map(({ id }, i) => toyTask(['a', 'b', 'c'][i] ?? '', id, { human_input: true }));
    const { runner } = desk({
      agents,
      tasks,
      crew: { process: 'parallel' },
      models: {
        modelsFor: ({ id }) =>
          Promise.resolve([scripts[agents.findIndex((a) => a.id === id)]?.named(id) ?? said().named('none')]),
      },
    });
    const { run_id } = await runner.kickoff('toy');
    const open = async (answers: Record<string, unknown>): Promise<readonly string[]> =>
      (await runner.resume(run_id, answers)).waiting_for.map((pause) => pause.task).sort();
    expect(await open({ c: { accept: true } })).toEqual(['a', 'b']);
    await expect(open({ c: { accept: true } })).rejects.toBeInstanceOf(Conflict);
    await expect(open({ a: { accept: true }, c: { accept: true } })).rejects.toBeInstanceOf(Conflict);
    expect(await open({ a: { edit: 'better A' } })).toEqual(['b']);
    const done = await runner.resume(run_id, { b: { accept: true } });
    expect(done.tasks.map((task) => task.output)).toEqual(['better A', 'B', 'C']);
  });

  test('of two answers at once takes one', async () => {
    const { runner } = desk({ agents: [ana], tasks: [reviewed('a')], models: [said('x').named('m')] });
    const { run_id } = await runner.kickoff('toy');
    const both = await Promise.allSettled([
      runner.resume(run_id, { a: { accept: true } }),
      runner.resume(run_id, { a: { edit: 'y' } }),
    ]);
    expect(both.map((one) => one.status)).toEqual(['fulfilled', 'rejected']);
    expect((await runner.showRun(run_id)).output).toBe('x');
  });

  test('that nobody gives in time fails the task, or lets the answer stand', async () => {
    for (const [given, status] of [
      ['fail', 'failed'],
      ['accept', 'completed'],
    ] as const) {
      const task = reviewed('a', { human_input_timeout: 60, human_input_on_timeout: given });
      const { runner, clock, store } = desk({ agents: [ana], tasks: [task], models: [said('x').named('m')] });
      const { run_id, waiting_for } = await runner.kickoff('toy');
      expect(waiting_for[0]?.expires_at).toBe(clock.now() + 60_000);
      await clock.advance(60_000);
      await expect(runner.resume(run_id, { a: { accept: true } })).rejects.toBeInstanceOf(Conflict);
      for (let i = 0; i < 200 && (await store.get(run_id))?.finished_at == null; i++)
        await new Promise((resolve) => setTimeout(resolve, 5));
      const document = await runner.showRun(run_id);
      expect(document.status).toBe(status);
      if (given === 'fail') expect(document.error).toContain('nobody reviewed the answer within 60 s');
    }
  });
});

describe('a run over MCP', () => {
  /** A desk that is only a runner: what the tool asks of one. */
  const toolOf = async (models: ScriptedModel, tasks: readonly TaskSpec[]) => {
    const { runner, flows } = flowDesk([], { agents: [ana], tasks, models: [models.named('m')] });
    const row = { id: 'toy', name: 'toy', process: 'sequential', agents: [], tasks: [], description: '' };
    const partial: Partial<Desk> = {
      crews: () => Promise.resolve([row]),
      flows: () => Promise.resolve([]),
      agents: () => Promise.resolve([]),
      kickoff: ({ crew, inputs }) => runner.kickoff(crew, inputs),
      resumeRun: ({ run, answers, by }) => runner.resume(run, answers, { by }),
      questions: ({ run } = {}) => openQuestions({ runner, flows }, run),
      answerQuestion: (given) => answerQuestion({ runner, flows }, given, undefined),
    };
    return (await createRunTools(partial as Desk)).crew;
  };
  const context = (answers: Readonly<Record<string, McpAnswer>>, state: unknown, form = true): McpCallContext => ({
    signal: new AbortController().signal,
    answers,
    state,
    client: { form, model: false, roots: false },
    progress: () => Promise.resolve(),
    log: () => Promise.resolve(),
    closeStream: () => undefined,
  });
  const asked = (given: McpToolResult | McpInputNeeded): McpInputNeeded => {
    if (!('ask' in given)) throw new Error('nothing was asked');
    return given;
  };
  /** The one form of a round, and an answer to it. */
  const formOf = ({ ask }: McpInputNeeded): unknown => Object.values(ask)[0];
  const reply = ({ ask }: McpInputNeeded, answer: McpAnswer): Readonly<Record<string, McpAnswer>> => ({
    [Object.keys(ask)[0] ?? '']: answer,
  });
  const documentOf = (given: McpToolResult | McpInputNeeded): unknown =>
    'ask' in given ? null : given.structuredContent;

  test('asks the person at the client for reviews by a form, round by round', async () => {
    const tool = await toolOf(said('draft', 'better'), [reviewed('a')]);
    const first = asked(await tool.call({ crew: 'toy' }, context({}, undefined)));
    expect(formOf(first)).toMatchObject({ kind: 'form', message: 'ana asks for a review of a:\n"draft"' });
    const change: McpAnswer = { kind: 'form', action: 'accept', content: { decision: 'change', feedback: 'shorter' } };
    const second = asked(await tool.call({ crew: 'toy' }, context(reply(first, change), first.state)));
    expect(formOf(second)).toMatchObject({ message: 'ana asks for a review of a:\n"better"' });
    const yes: McpAnswer = { kind: 'form', action: 'accept', content: { decision: 'accept' } };
    const done = await tool.call({ crew: 'toy' }, context(reply(second, yes), second.state));
    expect(documentOf(done)).toMatchObject({ status: 'completed', output: 'better' });
  });

  test('says that it waits where the client cannot ask, and where its person declines', async () => {
    const tool = await toolOf(said('draft', 'draft'), [reviewed('a')]);
    expect(documentOf(await tool.call({ crew: 'toy' }, context({}, undefined, false)))).toMatchObject({
      status: 'waiting',
    });
    const first = asked(await tool.call({ crew: 'toy' }, context({}, undefined)));
    const declined = await tool.call(
      { crew: 'toy' },
      context(reply(first, { kind: 'form', action: 'decline' }), first.state),
    );
    expect(documentOf(declined)).toMatchObject({ status: 'waiting', waiting_for: [{ task: 'a' }] });
    const odd: McpAnswer = { kind: 'form', action: 'accept', content: { decision: 'change' } };
    await expect(tool.call({ crew: 'toy' }, context(reply(first, odd), first.state))).rejects.toBeInstanceOf(
      InvalidInput,
    );
  });
});
