import { describe, expect, it } from 'vitest';
import { defineAgent, defineCrew, definePlaybook, defineTask, type RunDocument } from '../../../src/crew/index.ts';
import { parseEvaluation } from '../../../src/crew/evaluate/cases.ts';
import { evaluate } from '../../../src/crew/evaluate/evaluate.ts';
import { systemClock } from '../../../src/infra/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { LocalEvents } from '../../../src/crew/code/local-events.ts';
import { createJudge } from '../../../src/crew/evaluate/judge.ts';
import { scoreRule, similarity } from '../../../src/crew/evaluate/score.ts';
import { ConfigInvalid, InvalidInput, Unavailable } from '../../../src/kit/errors.ts';
import { ScriptedModel } from '../../../src/testing/index.ts';
import { z } from 'zod';

const clerk = defineAgent({ id: 'clerk', role: 'Clerk', goal: 'Count', backstory: 'You count.' });
const look = defineTask({
  id: 'look',
  description: 'How many of {article} are there?',
  expected_output: 'JSON.',
  agent: clerk,
  output: z.object({ pieces: z.number(), note: z.string() }),
});
const shop = defineCrew({
  id: 'shop',
  tasks: [look],
  playbook: definePlaybook({
    look: ({ inputs }) => ({
      answer: { pieces: inputs['article'] === 'kettle' ? 3 : 0, note: 'Three kettles stand here' },
    }),
  }),
});
const run = async (inputs: Readonly<Record<string, unknown>>): Promise<RunDocument> =>
  (await shop.kickoff({ article: String(inputs['article']) })).document;

const FILE = `
threshold: 0.8
cases:
  - name: kettle
    inputs: { article: kettle }
    rules:
      - { task: look, field: pieces, is: 3 }
      - { field: note, matches: "^Three" }
    reference: { answer: { pieces: 3, note: three kettles } }
  - name: lamp
    inputs: { article: lamp }
    threshold: 0.5
    rules: [{ field: pieces, above: 0 }]
`;

describe('an evaluation', () => {
  it('scores each run by rules and references, and says what it needed', async () => {
    const heard: string[] = [];
    const report = await evaluate({
      crew: 'shop',
      evaluation: parseEvaluation('cases.yaml', FILE),
      runs: 2,
      run,
      onRun: ({ name, run: n, score }) => heard.push(`${name} ${n} ${score.toFixed(3)}`),
    });
    // The note shares two of its four words with two of the reference: 2·2/(2+4) = 2/3; the mean over both fields is 5/6.
    const kettle = (1 + 1 + 5 / 6) / 3;
    expect(heard).toEqual(['kettle 1 0.944', 'kettle 2 0.944', 'lamp 1 0.000', 'lamp 2 0.000']);
    expect(report).toMatchObject({ crew: 'shop', runs_per_case: 2, passed: false, judging: null });
    expect(report.score).toBeCloseTo(kettle / 2, 10);
    expect(report.cases.map((c) => [c.name, c.passed, c.threshold, c.runs.length])).toEqual([
      ['kettle', true, 0.8, 2],
      ['lamp', false, 0.5, 2],
    ]);
    expect(report.cases[1]?.runs[0]?.checks).toEqual([
      { check: 'rule {"above":0,"field":"pieces"}', score: 0, reason: 'is 0' },
    ]);
  });

  it('gives a run that does not complete nothing, and a case without checks what completing is worth', async () => {
    const evaluation = parseEvaluation(
      'c.yaml',
      'cases: [{ name: any, rules: [{ calls_not: [vacuum] }] }, { name: bare }]',
    );
    const failed = { ...(await run({ article: 'lamp' })), status: 'failed' as const, error: 'the shop is closed' };
    const report = await evaluate({ crew: 'shop', evaluation, runs: 1, run: () => Promise.resolve(failed) });
    expect(report.score).toBe(0);
    expect(report.cases[0]?.runs[0]?.checks).toEqual([{ check: 'completed', score: 0, reason: 'the shop is closed' }]);
    const fine = await evaluate({ crew: 'shop', evaluation, runs: 1, run: () => run({ article: 'lamp' }) });
    expect(fine).toMatchObject({ score: 1, passed: true });
  });

  it('has a model judge by a criterion, and counts what that took', async () => {
    const evaluation = parseEvaluation(
      'c.yaml',
      'judge_model: openai:x\nthreshold: 0.7\ncases: [{ name: k, inputs: { article: kettle }, judge: { criterion: It is polite } }]',
    );
    const model = new ScriptedModel([
      {
        expect: (messages) => {
          expect(messages.at(-1)?.text).toContain('It is polite');
          expect(messages.at(-1)?.text).toContain('Three kettles stand here');
        },
        text: '{"score": 6, "reason": "curt"}',
        usage: { input: 100, output: 10 },
      },
    ]);
    const judge = createJudge(model.named('judge'), { env: {} });
    const report = await evaluate({ crew: 'shop', evaluation, runs: 1, run, judge });
    model.assertUsed();
    expect(report.cases[0]?.runs[0]?.checks).toEqual([{ check: 'judge: It is polite', score: 0.6, reason: 'curt' }]);
    expect(report).toMatchObject({ passed: false, judging: { model_calls: 1, total_tokens: 110 } });
    await expect(evaluate({ crew: 'shop', evaluation, runs: 1, run })).rejects.toBeInstanceOf(InvalidInput);
  });

  it('takes a judge that gives no grade for no judge, not for a bad grade', async () => {
    const model = new ScriptedModel(Array.from({ length: 20 }, () => ({ text: 'I like it' })));
    const events = new LocalEvents({ clock: systemClock, log: silentLogger, newId: () => 'e' });
    const told: unknown[] = [];
    events.on('run.judged', ({ data }) => void told.push(data));
    const judge = createJudge(model.named('judge'), { env: {}, events });
    await expect(judge({ criterion: 'c', inputs: {}, answer: 'a' })).rejects.toBeInstanceOf(Unavailable);
    await expect(judge({ criterion: 'c', inputs: {}, answer: 'a', run: 'run_1' })).rejects.toBeInstanceOf(Unavailable);
    expect(told).toMatchObject([
      { run_id: 'run_1', judge_run: expect.stringMatching(/^run_1\/judge_/) as unknown, criterion: 'c', score: null },
    ]);
  });

  it('tells of its grade as a part of the run that it judges', async () => {
    const events = new LocalEvents({ clock: systemClock, log: silentLogger, newId: () => 'e' });
    const told: unknown[] = [];
    events.on('run.judged', (event) => void told.push([event.correlation_id, event.data]));
    const model = new ScriptedModel([{ text: '{"score": 6, "reason": "curt"}', usage: { input: 100, output: 10 } }]);
    await createJudge(model.named('judge'), { env: {}, events })({
      criterion: 'c',
      inputs: {},
      answer: 'a',
      run: 'run_1',
    });
    expect(told).toMatchObject([
      ['run_1', { run_id: 'run_1', model: 'judge', score: 0.6, reason: 'curt', total_tokens: 110 }],
    ]);
  });
});

describe('checks', () => {
  it('look at calls, time, tokens and cost of the run', async () => {
    const document = await run({ article: 'kettle' });
    expect(scoreRule({ calls: ['stock'] }, document).reason).toBe('stock was not called');
    expect(scoreRule({ tokens_below: 1, seconds_below: 60 }, document).score).toBe(1);
    const costly = { ...document, usage: { ...document.usage, cost_usd: 0.5, unknown_cost_calls: 0 } };
    expect(scoreRule({ cost_below: 0.4 }, costly).reason).toBe('cost $0.5');
    const unknown = { ...document, usage: { ...document.usage, unknown_cost_calls: 1 } };
    expect(scoreRule({ cost_below: 9 }, unknown).reason).toBe('its cost is not known');
  });

  it('compare texts by their words, and what is made of parts by its parts', () => {
    expect(similarity('the red cat', 'a red cat')).toBeCloseTo(2 / 3, 12);
    expect(similarity('1,234.5 USD!', 'usd 1,234.5')).toBe(1);
    expect(similarity('', '')).toBe(1);
    expect(similarity('a', '')).toBe(0);
    expect(similarity({ a: 1, b: 2 }, { a: 1, b: 3, c: 4 })).toBe(0.5);
    expect(similarity([1, 2], [1, 2, 3])).toBeCloseTo(2 / 3, 12);
    expect(similarity(3, '3')).toBe(0);
    expect(similarity(null, null)).toBe(1);
  });
});

describe('a file of cases', () => {
  it('is refused with file and line for all that is wrong', () => {
    const wrong = (text: string): string => {
      try {
        parseEvaluation('cases.yaml', text);
      } catch (error) {
        if (error instanceof ConfigInvalid) return error.message;
        throw error;
      }
      return 'nothing is wrong';
    };
    expect(wrong('cases: []')).toMatch(/^cases\.yaml:1/);
    expect(wrong('cases:\n  - name: a\n    rules: [{ is_nt: 1 }]')).toMatch(/^cases\.yaml:3.*is_nt/);
    expect(wrong('cases:\n  - name: a\n    rules: [{ task: look }]')).toContain('tests nothing');
    expect(wrong('cases:\n  - name: a\n    rules: [{ matches: "(" }]')).toContain('not a regular expression');
    expect(wrong('cases:\n  - name: a\n  - name: a')).toContain('same name');
    expect(wrong('cases:\n  - name: a\n    judge: { criterion: nice }')).toMatch(/^cases\.yaml:3.*judge_model/);
    expect(wrong('cases: [')).toMatch(/^cases\.yaml:1/);
  });
});
