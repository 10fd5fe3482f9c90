import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatDate } from '../../../src/crew/agent/date-format.ts';
import { openSkills } from '../../../src/crew/agent/skills.ts';
import type { CrewHooks } from '../../../src/crew/hooks.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import type { AgentSpec } from '../../../src/crew/spec.ts';
import { definePlaybook } from '../../../src/crew/index.ts';
import { InvalidInput } from '../../../src/kit/errors.ts';
import { ScriptedModel, type ScriptStep, toyAgent, toyCrew, toyTask, toyTool } from '../../../src/testing/index.ts';
import { issuesOf, load } from '../config/folder.ts';
import { desk } from '../run/desk.ts';

const look = toyTool('look', ({ at }) => ({ at, seen: 'x'.repeat(300) }));
type Given = Partial<Parameters<typeof desk>[0]>;

function solo(steps: readonly ScriptStep[], agent: Partial<AgentSpec> = {}, given: Given = {}) {
  const model = new ScriptedModel(steps);
  const agents = given.agents ?? [toyAgent('ana', { tools: ['look'], ...agent })];
  return {
    ...desk({ tasks: [toyTask('work', 'ana')], models: [model.named('m')], tools: [look], ...given, agents }),
    model,
  };
}

describe('models', () => {
  test('are asked in the order that the agent gives, then in the system’s', async () => {
    const asked: string[] = [];
    const create = (name: string) => {
      asked.push(name);
      return Promise.resolve({ name, source: 'llm' as const, chat: new ScriptedModel([]) });
    };
    const source = createModelSource({ env: {}, model: 'sys', fallbacks: ['last', 'b'], playbooks: {}, create });
    const agent = toyAgent('ana', { llm: 'a', llm_fallbacks: ['b', 'c'] });
    const models = await source.modelsFor(agent, toyCrew('toy', [agent], []));
    expect(models.map((m) => m.name)).toEqual(['a', 'b', 'c', 'last']);
  });
});

describe('reasoning', () => {
  test('writes a plan, refines it until it is ready, then acts on it', async () => {
    const { runner, model, events } = solo(
      [
        { text: '1. look\nNOT READY: where?', expect: (_, tools) => expect(tools).toEqual([]) },
        { text: '1. look at 7\nREADY', expect: (m) => expect(m.at(-1)?.text).toContain('NOT READY: where?') },
        {
          text: 'done',
          expect: (m, tools) => {
            expect(tools).toEqual(['look']);
            expect(m.at(-1)?.text).toContain('1. look at 7');
          },
        },
      ],
      { reasoning: true },
    );
    expect((await runner.kickoff('toy')).output).toBe('done');
    expect(events.of('agent.planned').map((e) => [e.attempt, e.ready])).toEqual([
      [1, false],
      [2, true],
    ]);
    model.assertUsed();
  });

  test('begins after the attempts allowed, ready or not; a playbook needs no plan', async () => {
    const { runner, model } = solo([{ text: 'NOT READY' }, { text: 'done' }], {
      reasoning: true,
      max_reasoning_attempts: 1,
    });
    expect((await runner.kickoff('toy')).output).toBe('done');
    model.assertUsed();
    const playbook = definePlaybook({ work: () => ({ answer: { ok: 1 } }) });
    const quiet = solo(
      [],
      { reasoning: true },
      { models: createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: playbook } }) },
    );
    expect((await quiet.runner.kickoff('toy')).usage.model_calls).toBe(1);
  });
});

describe('a conversation that is too long', () => {
  const tooLong = new InvalidInput("400 This model's maximum context length is 8192 tokens");
  const calls = (at: number): ScriptStep => ({ calls: [{ tool: 'look', args: { at } }] });

  test('goes on from a summary when the model refuses it, and keeps the last turn whole', async () => {
    const { runner, model, events } = solo([
      calls(1),
      calls(2),
      { fail: tooLong },
      { text: 'at 1 there is x', expect: (m) => expect(m[1]?.text).toContain('CALL look {"at":1}') },
      {
        text: 'done',
        expect: (m) => {
          expect(m.map((x) => x.type)).toEqual(['system', 'human', 'human', 'ai', 'tool']);
          expect(m[2]?.text).toContain('at 1 there is x');
          expect(m[4]?.text).toContain('"at":2');
        },
      },
    ]);
    expect((await runner.kickoff('toy')).output).toBe('done');
    const [summary] = events.of('agent.summarised');
    expect(summary?.tokens_after).toBeLessThan(summary?.tokens_before ?? 0);
    model.assertUsed();
  });

  test('is shortened before the window that the agent gives is full', async () => {
    const { runner, model } = solo(
      [...Array.from({ length: 8 }, (_, i) => calls(i)), { text: 'so far nothing' }, { text: 'done' }],
      { context_window: 1000 },
    );
    await runner.kickoff('toy');
    expect(model.used).toBeGreaterThan(8);
  });

  test('fails when that is what the agent wants, and when nothing is left to shorten', async () => {
    const strict = solo([calls(1), { fail: tooLong }], { respect_context_window: false, max_retry_limit: 0 });
    expect((await strict.runner.kickoff('toy')).error).toContain('maximum context length');
    const hopeless = solo([{ fail: tooLong }]);
    expect((await hopeless.runner.kickoff('toy')).error).toContain('the conversation is too long for the model');
  });
});

describe('co-workers', () => {
  const ben = toyAgent('ben', { allow_delegation: true });
  const cy = toyAgent('cy');
  const chief = (given: Partial<AgentSpec> = {}) => toyAgent('ana', { allow_delegation: true, ...given });
  const ask = (coworker: string, question = 'Why?'): ScriptStep => ({
    calls: [{ tool: 'ask_question', args: { coworker, question } }],
  });
  const hand = (tool: string, args: Record<string, string>): ScriptStep => ({ calls: [{ tool, args }] });

  test('are asked by a tool that knows their ids', async () => {
    const { runner, events } = solo(
      [
        ask('ben'),
        { text: 'because', expect: (m) => expect(m[1]?.text).toContain('A direct answer') },
        { text: 'ben says because' },
      ],
      {},
      { agents: [chief(), ben] },
    );
    expect((await runner.kickoff('toy')).output).toBe('ben says because');
    expect(events.of('crew.message')).toMatchObject([{ pattern: 'ask_question', from: 'ana', to: 'ben' }]);
  });

  test('may hand work on as deep as the first agent allows', async () => {
    const names: (readonly string[])[] = [];
    const see = (_: unknown, tools: readonly string[]): void => void names.push(tools);
    const { runner } = solo(
      [ask('ben'), { ...ask('cy'), expect: see }, { text: 'deep', expect: see }, { text: 'up' }, { text: 'top' }],
      {},
      { agents: [chief({ max_delegation_depth: 2 }), ben, toyAgent('cy', { allow_delegation: true })] },
    );
    expect((await runner.kickoff('toy')).output).toBe('top');
    expect(names).toEqual([['delegate_work', 'ask_question'], []]);
  });

  test('are asked a bounded number of times', async () => {
    const { runner } = solo(
      [
        ask('ben'),
        { text: '1' },
        ask('ben', 'Again?'),
        { text: 'enough', expect: (m) => expect(m.at(-1)?.text).toContain('all 1 delegations of this task are used') },
      ],
      {},
      { agents: [chief({ max_delegations: 1 }), ben] },
    );
    expect((await runner.kickoff('toy')).output).toBe('enough');
  });

  test('take a task over, with what was found, and end it in their own name', async () => {
    const { runner, events } = solo(
      [
        { calls: [{ tool: 'look', args: { at: 1 } }] },
        hand('hand_off', { coworker: 'cy', reason: 'it is yours' }),
        {
          text: 'cy did it',
          expect: (m, tools) => {
            expect(m[0]?.text).toContain('You are cy role');
            expect(m[1]?.text).toContain('ana hands this task over to you: it is yours');
            expect(m[1]?.text).toContain('look by ana');
            expect(tools).toEqual([]);
          },
        },
      ],
      {},
      { agents: [toyAgent('ana', { tools: ['look'], handoffs: ['cy'] }), cy] },
    );
    const { tasks, usage } = await runner.kickoff('toy');
    expect(tasks).toMatchObject([{ id: 'work', agent: 'cy', status: 'completed', output: 'cy did it' }]);
    expect(usage.model_calls).toBe(3);
    expect(events.of('crew.message').map((m) => m.pattern)).toEqual(['hand_off']);
  });
});

describe('skills', () => {
  function folder(): string {
    const dir = mkdtempSync(join(tmpdir(), 'crew-skills-'));
    mkdirSync(join(dir, 'skills', 'audit'), { recursive: true });
    writeFileSync(
      join(dir, 'skills', 'audit', 'SKILL.md'),
      '---\nname: audit\ndescription: How to audit\n---\nRead list.txt first.',
    );
    writeFileSync(join(dir, 'skills', 'audit', 'list.txt'), 'one, two');
    symlinkSync('/etc/hostname', join(dir, 'skills', 'audit', 'out.txt'));
    return dir;
  }
  const read = (file?: string): ScriptStep => ({
    calls: [{ tool: 'read_skill', args: { skill: 'audit', ...(file === undefined ? {} : { file }) } }],
  });

  test('are named to the agent and read on demand, never outside their folder', async () => {
    const agent = toyAgent('ana', { skills: ['audit'] });
    const seen: string[] = [];
    const { runner, events } = solo(
      [
        read(),
        ...['list.txt', '../../x', 'out.txt'].map((file) => ({
          ...read(file),
          expect: (m: readonly { text: string }[]) => void seen.push(m.at(-1)?.text ?? ''),
        })),
        { text: 'done', expect: (m) => void seen.push(m.at(-1)?.text ?? '') },
      ],
      {},
      { agents: [agent], deps: { skills: openSkills(folder(), [agent]) } },
    );
    expect((await runner.kickoff('toy')).output).toBe('done');
    expect(seen[0]).toContain('Read list.txt first.');
    expect(seen[1]).toContain('one, two');
    expect(seen[2]).toContain("has no file '../../x'");
    expect(seen[3]).toContain("has no file 'out.txt'");
    expect(events.of('skill.read').map(({ skill, file }) => [skill, file])).toEqual([
      ['audit', null],
      ['audit', 'list.txt'],
    ]);
  });

  test('that are not there are an issue with its place', () => {
    const agents = {
      'agents.yaml': '\nana:\n  role: A\n  goal: B\n  backstory: C\n  skills: [audit]',
      'tasks.yaml': '',
    };
    expect(issuesOf(agents)).toEqual([
      "agents.yaml:5:12: agent ana: skill 'audit': there is no audit/SKILL.md and no skills/audit/SKILL.md",
    ]);
  });
});

describe('what an agent is told', () => {
  test('the date, what is known, and the form of the answer', async () => {
    const knowledge = { search: () => Promise.resolve([{ text: 'Fees are 2 bp.', source: 'fees.md', score: 1 }]) };
    const { runner, model } = solo(
      [
        {
          text: 'done',
          expect: (m) => {
            expect(m[0]?.text).toContain('Today is 01 January 2026 (UTC).');
            expect(m[1]?.text).toContain('[fees.md]\n> Fees are 2 bp.');
            expect(m[1]?.text).toContain('in Markdown');
          },
        },
      ],
      { inject_date: true, date_format: '%d %B %Y' },
      { tasks: [toyTask('work', 'ana', { markdown: true })], deps: { knowledge } },
    );
    await runner.kickoff('toy');
    model.assertUsed();
    expect(formatDate(0, '%A, %d %B %Y %T %%')).toBe('Thursday, 01 January 1970 00:00:00 %');
  });
});

describe('an agent alone', () => {
  test('answers in a run of its own, by a schema if one is given', async () => {
    const { runner } = solo([{ text: 'It is {braced}.' }, { text: '{"n": 7}' }]);
    expect((await runner.runAgent('ana', { prompt: 'What is {it}?' })).output).toBe('It is {braced}.');
    const output_json = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
    const document = await runner.runAgent('ana', { prompt: 'How many?', output_json });
    expect(document).toMatchObject({ crew: 'agent:ana', status: 'completed', output: { n: 7 } });
    expect(await runner.showRun(document.run_id)).toMatchObject({ output: { n: 7 } });
    await expect(runner.runAgent('anna', { prompt: '?' })).rejects.toThrow(
      "there is no agent 'anna' (did you mean ana?)",
    );
  });
});

describe('a structured answer', () => {
  const output_json = { type: 'object', properties: { a: { type: 'number' }, b: { type: 'string' } }, required: ['a'] };
  const task = [toyTask('work', 'ana', { output_json })];

  test.each([
    ['a fence that is not closed', '```json\n{"a": 1, "b": "x"', { a: 1, b: 'x' }],
    ['quotes and a comma', "Here: {'a': 1, b: 'x',}", { a: 1, b: 'x' }],
  ])('is repaired: %s', async (_, text, output) => {
    const { runner, events } = solo([{ text }], {}, { tasks: task });
    const document = await runner.kickoff('toy');
    expect(document.tasks[0]).toMatchObject({ output, raw: text.trim() });
    expect(events.of('agent.decision').map((e) => e.action)).toContain('answer_repaired');
  });

  test('that a cut leaves without what is required is not accepted; prose is not made JSON', async () => {
    const { runner } = solo([{ text: '{"b": "x' }, { text: 'a is one' }, { text: '{"a": 1}' }], {}, { tasks: task });
    expect((await runner.kickoff('toy')).output).toEqual({ a: 1 });
  });

  describe('of a model that is not held to a form by its provider', () => {
    const look = toyTool('look', () => ({ seen: true }));
    const given = (steps: readonly ScriptStep[]) => solo(steps, { tools: ['look'] }, { tools: [look], tasks: task });

    test('may come as a call of a tool, counted like any other', async () => {
      const { runner, model } = given([
        { calls: [{ tool: 'look', args: {} }], expect: (_, tools) => expect(tools).toEqual(['look', 'give_answer']) },
        { calls: [{ tool: 'give_answer', args: { a: 1, b: 'x' } }] },
      ]);
      const document = await runner.kickoff('toy');
      expect(document.tasks[0]).toMatchObject({ output: { a: 1, b: 'x' }, raw: '{"a":1,"b":"x"}' });
      expect(document.tasks[0]?.tool_calls.map(({ tool }) => tool)).toEqual(['look']);
      expect(document.usage).toMatchObject({ model_calls: 2, input_tokens: 20, output_tokens: 10 });
      model.assertUsed();
    });

    test('is dropped when it comes beside calls whose results it has not seen', async () => {
      const { runner, model } = given([
        {
          calls: [
            { tool: 'give_answer', args: { a: 0 } },
            { tool: 'look', args: {} },
          ],
        },
        { calls: [{ tool: 'give_answer', args: { a: 2 } }], expect: (m) => expect(m.at(-1)?.text).toContain('seen') },
      ]);
      expect((await runner.kickoff('toy')).output).toEqual({ a: 2 });
      model.assertUsed();
    });

    test('goes back when it does not fit, as a text would', async () => {
      const { runner, model } = given([
        { calls: [{ tool: 'give_answer', args: { b: 1 } }] },
        { text: '{"a": 3}', expect: (m) => expect(m.at(-1)?.text).toContain('does not fit the schema') },
      ]);
      expect((await runner.kickoff('toy')).output).toEqual({ a: 3 });
      model.assertUsed();
    });
  });

  test('comes from a pass of its own when the model cannot keep a form; raw is kept', async () => {
    const { runner, model, events } = solo(
      [
        { text: 'a is 1' },
        { text: 'a is 1' },
        { text: 'a is 1!' },
        { text: '{"a": 1}', expect: (m) => expect(m[1]?.text).toContain('a is 1!') },
      ],
      {},
      { tasks: task },
    );
    expect((await runner.kickoff('toy')).tasks[0]).toMatchObject({ output: { a: 1 }, raw: 'a is 1!' });
    expect(events.of('model.called').at(-1)?.purpose).toBe('structure_answer');
    model.assertUsed();
  });
});

describe('hooks and planning of a crew', () => {
  const hooked = (hooks: CrewHooks, steps: readonly ScriptStep[], given: Given = {}) =>
    solo(steps, {}, { deps: { hooks: { toy: hooks } }, ...given });

  test('hooks change inputs and output, and hear of steps and tasks', async () => {
    const heard: string[] = [];
    const { runner } = hooked(
      {
        beforeKickoff: [(inputs) => ({ ...inputs, year: 2026 }), () => undefined],
        afterKickoff: [({ output }) => `${String(output)}!`, () => undefined],
        callbacks: { tell: ({ output }) => void heard.push(`tell ${String(output)}`) },
        onTask: ({ task }) => void heard.push(`task ${task}`),
        onStep: ({ turn, text }) => void heard.push(`step ${turn} ${text}`),
      },
      [{ text: 'done', expect: (m) => expect(m[1]?.text).toContain('In 2026.') }],
      { tasks: [toyTask('work', 'ana', { description: 'In {year}.', callback: 'tell' })] },
    );
    expect((await runner.kickoff('toy')).output).toBe('done!');
    expect(heard).toEqual(['step 1 done', 'tell done', 'task work']);
  });

  test('an error in a hook stops the run', async () => {
    const boom = (): never => {
      throw new Error('boom');
    };
    const before = hooked({ beforeKickoff: [boom] }, []);
    await expect(before.runner.kickoff('toy')).rejects.toThrow('a before_kickoff hook stopped the run: boom');
    expect(await before.runner.listRuns()).toEqual([]);
    const after = await hooked({ afterKickoff: [boom] }, [{ text: 'x' }]).runner.kickoff('toy');
    expect(after).toMatchObject({ status: 'failed', error: 'an after_kickoff hook failed: boom' });
    const during = await hooked({ onTask: boom }, [{ text: 'x' }]).runner.kickoff('toy');
    expect(during).toMatchObject({ status: 'failed', error: 'boom' });
  });

  test('a planner writes a plan for each task before the first', async () => {
    const tasks = [toyTask('a', 'ana'), toyTask('b', 'ana')];
    const plans = {
      plans: [
        { task: 'a', plan: 'look twice' },
        { task: 'b', plan: 'write it down' },
      ],
    };
    const { runner, model, events } = solo(
      [
        { text: JSON.stringify(plans), expect: (m) => expect(m[1]?.text).toContain('# Task b') },
        { text: '1', expect: (m) => expect(m[1]?.text).toContain('# Plan\nlook twice') },
        { text: '2', expect: (m) => expect(m[1]?.text).toContain('# Plan\nwrite it down') },
      ],
      {},
      { tasks, crew: { planning: true } },
    );
    const document = await runner.kickoff('toy');
    expect(document).toMatchObject({ status: 'completed', usage: { model_calls: 3 } });
    expect(events.of('crew.planned')).toMatchObject([{ tasks: ['a', 'b'] }]);
    model.assertUsed();
    const bad = solo([{ text: 'no' }, { text: 'no' }], {}, { tasks, crew: { planning: true } });
    expect((await bad.runner.kickoff('toy')).error).toContain(
      'planning failed: the planner gave no plan that can be read',
    );
  });

  test('a manager looks at the results, rejects one, and has it done again by somebody else', async () => {
    const lead = toyAgent('lead');
    const give = (tool: string, args: Record<string, string>): ScriptStep => ({ calls: [{ tool, args }] });
    const manager = new ScriptedModel([
      give('delegate_work', { coworker: 'ana', task: 'work' }),
      {
        ...give('reject_work', { coworker: 'ben', task: 'work', reason: 'too thin' }),
        expect: (_, tools) => expect(tools).toEqual(['reject_work']),
      },
      { text: 'good now' },
    ]);
    const worker = new ScriptedModel([
      { text: 'thin' },
      { text: 'thick', expect: (m) => expect(m[1]?.text).toContain('rejected: too thin') },
    ]);
    const { runner } = desk({
      agents: [lead, toyAgent('ana'), toyAgent('ben')],
      tasks: [toyTask('work', 'ana')],
      crew: { process: 'hierarchical', manager_agent: 'lead', manager_review: true },
      models: { modelsFor: (a) => Promise.resolve([(a.id === 'lead' ? manager : worker).named(a.id)]) },
    });
    const { tasks } = await runner.kickoff('toy');
    expect(tasks).toMatchObject([{ id: 'work', agent: 'ben', output: 'thick' }]);
    manager.assertUsed();
    worker.assertUsed();
  });
});

test('YAML gives all of it', () => {
  const config = load(
    {
      'agents.yaml': `
ana:
  role: A
  goal: B
  backstory: C
  llm: gpt-5
  llm_fallbacks: [claude-sonnet-5, ollama/qwen]
  max_tpm: 1000
  handoffs: [ben]
ben: { role: A, goal: B, backstory: C }`,
      'tasks.yaml': `
work:
  description: D
  expected_output: E
  agent: ana
  guardrails: [short, No number without a source.]
  condition: { task: first, field: a.b, above: 3 }
first: { description: D, expected_output: E, agent: ana }`,
      'crews.yaml': `
team:
  tasks: [first, work]
  process: parallel
  planning: true
  planning_llm: gpt-5`,
    },
    {},
  );
  expect(config.agents[0]).toMatchObject({
    llm: 'openai:gpt-5',
    llm_fallbacks: ['anthropic:claude-sonnet-5', 'ollama:qwen'],
    max_tpm: 1000,
    handoffs: ['ben'],
  });
  expect(config.tasks[0]).toMatchObject({
    guardrails: ['short', 'No number without a source.'],
    condition: { task: 'first', field: 'a.b', above: 3 },
  });
  const wrong = {
    'agents.yaml': '\nana:\n  role: A\n  goal: B\n  backstory: C\n  handoffs: [bob]',
    'tasks.yaml':
      '\na: { description: D, expected_output: E, agent: ana }\nb: { description: D, expected_output: E, agent: ana, condition: { task: x } }',
  };
  expect(issuesOf(wrong)).toEqual([
    "agents.yaml:5:14: agent ana: 'bob' is not an agent",
    "tasks.yaml:2:73: task b: 'x' is not a task (did you mean a?)",
  ]);
  expect(config.crews[0]).toMatchObject({ planning: true, planning_llm: 'openai:gpt-5' });
});
