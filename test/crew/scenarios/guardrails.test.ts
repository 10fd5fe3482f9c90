import { describe, expect, test } from 'vitest';
import type { CrewHooks } from '../../../src/crew/hooks.ts';
import type { AgentSpec, TaskSpec } from '../../../src/crew/spec.ts';
import { definePlaybook } from '../../../src/crew/index.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { ScriptedModel, type ScriptStep, toyAgent, toyTask } from '../../../src/testing/index.ts';
import { desk } from '../run/desk.ts';

function one(
  steps: readonly ScriptStep[],
  task: Partial<TaskSpec>,
  hooks: CrewHooks = {},
  agent: Partial<AgentSpec> = {},
) {
  const model = new ScriptedModel(steps);
  const made = desk({
    agents: [toyAgent('ana', agent)],
    tasks: [toyTask('a', 'ana', task)],
    models: [model.named('m')],
    deps: { hooks: { toy: hooks } },
  });
  return { ...made, model };
}

const short: NonNullable<CrewHooks['guardrails']>[string] = ({ output }) =>
  String(output).length <= 5 ? { ok: true } : { ok: false, message: 'at most five letters' };

describe('guardrails', () => {
  test('one that passes may put another output in the place of the answer; raw stays', async () => {
    const { runner } = one(
      [{ text: 'abc' }],
      { guardrails: ['upper'] },
      {
        guardrails: { upper: ({ output }) => ({ ok: true, output: String(output).toUpperCase() }) },
      },
    );
    expect((await runner.kickoff('toy')).tasks[0]).toMatchObject({ output: 'ABC', raw: 'abc' });
  });

  test('one that fails sends the answer back with its message', async () => {
    const { runner, model, events } = one(
      [
        { text: 'far too long' },
        { text: 'short', expect: (m) => expect(m.at(-1)?.text).toContain('at most five letters') },
      ],
      { guardrails: ['short'] },
      { guardrails: { short } },
    );
    expect((await runner.kickoff('toy')).output).toBe('short');
    expect(events.of('guardrail.failed').map((e) => e.attempt)).toEqual([1]);
    expect(events.of('guardrail.passed').map((e) => e.attempt)).toEqual([2]);
    model.assertUsed();
  });

  test('the limit ends the task with the number of retries', async () => {
    const steps = Array.from({ length: 3 }, () => ({ text: 'far too long' }));
    const { runner, model } = one(
      steps,
      { guardrails: ['short'], guardrail_max_retries: 2 },
      { guardrails: { short } },
    );
    const { error } = await runner.kickoff('toy');
    expect(error).toContain('guardrail short did not pass after 2 retries: at most five letters');
    model.assertUsed();
  });

  test('a list is applied in order, each sees what the one before gave, each counts for itself', async () => {
    const seen: unknown[] = [];
    const hooks: CrewHooks = {
      guardrails: {
        trim: ({ output }) => ({ ok: true, output: String(output).trim() }),
        short: (subject) => {
          seen.push(subject.output);
          return short(subject);
        },
        vowels: ({ output }) =>
          /^[aeiou]+$/.test(String(output)) ? { ok: true } : { ok: false, message: 'vowels only' },
      },
    };
    const { runner, events } = one(
      [{ text: ' far too long ' }, { text: ' xyz ' }, { text: ' longer again ' }, { text: ' aei ' }],
      { guardrails: ['trim', 'short', 'vowels'], guardrail_max_retries: 2 },
      hooks,
    );
    expect((await runner.kickoff('toy')).output).toBe('aei');
    expect(seen).toEqual(['far too long', 'xyz', 'longer again', 'aei']);
    expect(events.of('guardrail.failed').map((e) => [e.guardrail, e.attempt])).toEqual([
      ['short', 1],
      ['vowels', 1],
      ['short', 2],
    ]);
  });

  test('a rule in words is judged by a model; its cost is told apart', async () => {
    const { runner, model, events } = one(
      [
        { text: 'It is 42, surely.' },
        {
          text: '```json\n{"valid": false, "feedback": "name the source"}\n```',
          expect: (m) => expect(m[1]?.text).toContain('No number without its source'),
        },
        { text: '42 (get_price)', expect: (m) => expect(m.at(-1)?.text).toContain('name the source') },
        { text: '{"valid": true, "feedback": ""}' },
      ],
      { guardrails: ['No number without its source.'] },
    );
    const document = await runner.kickoff('toy');
    expect(document.output).toBe('42 (get_price)');
    expect(document.usage.model_calls).toBe(4);
    expect(events.of('model.called').map((e) => e.purpose ?? 'step')).toEqual([
      'step',
      'judge_answer',
      'step',
      'judge_answer',
    ]);
    model.assertUsed();
  });

  test('a judge that cannot be read, or does not answer, has refused', async () => {
    const silent = one([{ text: 'x' }, { text: 'hm' }], { guardrails: ['Be kind, always.'], guardrail_max_retries: 0 });
    expect((await silent.runner.kickoff('toy')).error).toContain('no verdict that can be read');
    const broken = one(
      [{ text: 'x' }, { fail: new Error('gone') }],
      { guardrails: ['Be kind, always.'], guardrail_max_retries: 0 },
      {},
      { max_retry_limit: 0 },
    );
    expect((await broken.runner.kickoff('toy')).error).toContain('could not be judged');
  });

  test('a playbook judges by its policy judge_answer; without one the rule is refused', async () => {
    const made = (policies: Parameters<typeof definePlaybook>[0]) =>
      desk({
        agents: [toyAgent('ana')],
        tasks: [toyTask('a', 'ana', { guardrails: ['Be kind, always.'], guardrail_max_retries: 0 })],
        models: createModelSource({
          env: {},
          model: 'playbook',
          fallbacks: [],
          playbooks: { toy: definePlaybook(policies) },
        }),
      });
    const answer = () => ({ answer: { kind: true } });
    const judge_answer = () => ({ answer: { valid: true, feedback: '' } });
    expect((await made({ a: answer, judge_answer }).runner.kickoff('toy')).output).toEqual({ kind: true });
    expect((await made({ a: answer }).runner.kickoff('toy')).error).toContain('no policy for task judge_answer');
  });

  test('their time and tokens are bounded over all of them', async () => {
    const costly = one(
      [{ text: 'far too long' }, { text: 'far too long', usage: { input: 900, output: 200 } }],
      { guardrails: ['short'], guardrail_max_tokens: 1000, guardrail_max_retries: 9 },
      { guardrails: { short } },
    );
    expect((await costly.runner.kickoff('toy')).error).toContain('within its 1000 tokens (1100 used)');
    const slow = one(
      [{ text: 'far too long' }, { text: 'far too long' }],
      {
        guardrails: ['late'],
        guardrail_max_seconds: 5,
        guardrail_max_retries: 9,
      },
      {
        guardrails: {
          late: () => {
            slow.clock.jump(3000);
            return { ok: false, message: 'no' };
          },
        },
      },
    );
    expect((await slow.runner.kickoff('toy')).status).toBe('failed');
  });

  test('the name of a function that is not there is an error before anything starts', async () => {
    const { runner, model } = one([], { guardrails: ['shrot'] }, { guardrails: { short } });
    await expect(runner.kickoff('toy')).rejects.toThrow(
      "guardrail 'shrot' is no function of the crew's hooks (did you mean short?)",
    );
    expect(model.used).toBe(0);
  });
});
