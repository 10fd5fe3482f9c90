import { describe, expect, test } from 'vitest';
import type { CrewRunnerDeps } from '../../../src/crew/run/contract.ts';
import { createSpendMeter, type SpendOptions } from '../../../src/crew/spend/create.ts';
import { createMemoryLedger } from '../../../src/crew/spend/memory-ledger.ts';
import type { AgentSpec, CrewSpec, TaskSpec } from '../../../src/crew/spec.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { createIdSource } from '../../../src/kit/id.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import {
  MemoryEvents,
  ScriptedModel,
  type ScriptStep,
  toyAgent,
  toyTask,
  toyTool,
} from '../../../src/testing/index.ts';
import { desk } from '../run/desk.ts';
import { budget } from './budgets.ts';

const prices = {
  // Worked by hand below: 100 in and 10 out cost 100 × 2 + 10 × 10 = 300 millionths of a dollar.
  'openai:a': { input: 2, output: 10, cached_input: 0.5, cache_write: null, source: 'test', as_of: '2026-01-01' },
  'openai:b': { input: 1, output: 1, cached_input: null, cache_write: null, source: 'test', as_of: '2026-01-01' },
};
const look = toyTool('look', () => ({ seen: 1 }));
const ana = toyAgent('ana', { tools: ['look'], max_retry_limit: 1, allow_delegation: true });
const ben = toyAgent('ben', { max_tokens: 100 });
const usage = { input: 100, output: 10 };

function make(given: {
  readonly steps: readonly ScriptStep[];
  readonly agents?: readonly AgentSpec[];
  readonly tasks?: readonly TaskSpec[];
  readonly crew?: Partial<CrewSpec>;
  readonly spend?: SpendOptions;
  readonly fallback?: readonly ScriptStep[];
  readonly name?: string;
}) {
  const clock = new ManualClock();
  const events = new MemoryEvents(() => clock.now());
  const ledger = createMemoryLedger();
  let n = 0;
  const newId = createIdSource(
    () => clock.now(),
    () => (n++ % 97) / 97,
  );
  const spend = createSpendMeter({ prices, ...given.spend, ledger, events, clock, log: silentLogger, newId });
  const model = new ScriptedModel(given.steps);
  const second = given.fallback === undefined ? undefined : new ScriptedModel(given.fallback);
  const models = [
    model.named(given.name ?? 'openai:a', { maxOutputTokens: 100 }),
    ...(second === undefined ? [] : [second.named('openai:b')]),
  ];
  const deps: Partial<CrewRunnerDeps> = { spend, events, clock };
  const made = desk({
    agents: given.agents ?? [ana, ben],
    tasks: given.tasks ?? [toyTask('work', 'ana')],
    tools: [look],
    models,
    ...(given.crew === undefined ? {} : { crew: given.crew }),
    deps,
  });
  return { ...made, events, ledger, model, spend, clock };
}

describe('the account of a run', () => {
  test('has a row for each call, and its sums are those of the script and of the document', async () => {
    const steps: ScriptStep[] = [
      { calls: [{ tool: 'look', args: {} }], usage: { input: 100, output: 10, cached: 40 } },
      { calls: [{ tool: 'delegate_work', args: { coworker: 'ben', work: 'Look too.' } }], usage },
      { text: 'ben saw it', usage: { input: 50, output: 5 } },
      { text: 'done', usage: { input: 200, output: 20 } },
    ];
    const { runner, ledger, model, events } = make({ steps });
    const document = await runner.kickoff('toy');
    model.assertUsed();
    expect(document.status).toBe('completed');
    const rows = [...(await ledger.calls())].reverse();
    expect(rows.map((r) => [r.run_id, r.task_id, r.agent_id, r.tool, r.state, r.tokens?.input_tokens])).toEqual([
      [document.run_id, 'work', 'ana', null, 'answered', 100],
      [document.run_id, 'work', 'ana', null, 'answered', 100],
      [document.run_id, 'work_for_ben', 'ben', 'delegate_work', 'answered', 50],
      [document.run_id, 'work', 'ana', null, 'answered', 200],
    ]);
    // (60 × 2 + 40 × 0.5 + 100) + (200 + 100) + (100 + 50) + (400 + 200) = 240 + 300 + 150 + 600 millionths
    expect(document.usage).toMatchObject({
      model_calls: 4,
      input_tokens: 450,
      output_tokens: 45,
      unknown_cost_calls: 0,
    });
    expect(document.usage.cost_usd).toBeCloseTo(0.00129, 12);
    const [sum] = await ledger.usage('run');
    expect(sum).toMatchObject({
      key: document.run_id,
      calls: 4,
      input_tokens: 450,
      output_tokens: 45,
      cached_tokens: 40,
    });
    expect(sum?.cost_usd).toBe(document.usage.cost_usd);
    const told = events.of('model.called').reduce((total, e) => total + (e.cost_usd ?? Number.NaN), 0);
    expect(told).toBeCloseTo(0.00129, 12);
    expect(rows[0]).toMatchObject({ price_source: 'test', price_as_of: '2026-01-01', attempt: 1, error: null });
  });

  test('counts a model that two agents share once for each call, also at once', async () => {
    const steps: ScriptStep[] = Array.from({ length: 6 }, () => ({ text: 'x', usage }));
    const tasks = ['a', 'b', 'c'].map((id) => toyTask(id, id === 'b' ? 'ben' : 'ana'));
    const { runner, ledger } = make({ steps, tasks, crew: { process: 'parallel' } });
    await runner.kickoffForEach('toy', [{}, {}], { concurrency: 2 });
    const [sum] = await ledger.usage('model');
    expect(sum).toMatchObject({ calls: 6, input_tokens: 600, output_tokens: 60 });
    expect(sum?.cost_usd).toBeCloseTo(6 * 0.0003, 12);
  });

  test('tells a refusal, which costs nothing, from a call that nobody knows the cost of', async () => {
    const refused = Object.assign(new Error('slow down'), { status: 429, headers: { 'retry-after-ms': '0' } });
    const { runner, ledger, clock } = make({
      steps: [{ fail: refused }, { fail: new Error('socket hang up') }],
      fallback: [{ text: 'at last', usage: null }],
    });
    const running = runner.kickoff('toy');
    for (let i = 0; i < 40; i++) await clock.advance(1000);
    const document = await running;
    expect(document.status).toBe('completed');
    const rows = [...(await ledger.calls())].reverse();
    expect(rows.map((r) => [r.model, r.attempt, r.state, r.cost_usd, r.error])).toEqual([
      ['openai:a', 1, 'refused', 0, '429: slow down'],
      ['openai:a', 2, 'failed', null, 'socket hang up'],
      ['openai:b', 1, 'answered', null, null],
    ]);
    expect(document.usage).toMatchObject({ failed_calls: 2, cost_usd: 0, unknown_cost_calls: 2 });
  });

  test('says of a model without a price that its cost is not known', async () => {
    const { runner, ledger } = make({ steps: [{ text: 'x', usage }], name: 'openai:nobody-knows' });
    const document = await runner.kickoff('toy');
    expect(document.usage).toMatchObject({ cost_usd: 0, unknown_cost_calls: 1 });
    expect(await ledger.calls()).toMatchObject([{ cost_usd: null, price_source: null, tokens: { input_tokens: 100 } }]);
  });
});

describe('a budget of a run', () => {
  const endless: ScriptStep[] = Array.from({ length: 30 }, (_, i) => ({
    calls: [{ tool: 'look', args: { i } }],
    usage: { input: 1000, output: 100 },
  }));

  test('stops it before the call that might exceed it, with nothing spent beyond', async () => {
    const cheap = toyAgent('ana', { tools: ['look'], max_tokens: 100, max_iter: 40 });
    const spend = { budgets: [budget({ name: 'small', usd: 0.02 })] };
    const { runner, ledger, model, events } = make({ steps: endless, agents: [cheap, ben], spend });
    const document = await runner.kickoff('toy');
    expect(document.status).toBe('failed');
    expect(document.error).toMatch(/budget small allows \$0\.02 a run/);
    expect(document.usage.cost_usd).toBeLessThanOrEqual(0.02);
    // Each call costs 1,000 × 2 + 100 × 10 = 3,000 millionths: at least four of them fit beside the most of a fifth.
    expect(model.used).toBeGreaterThanOrEqual(4);
    expect((await ledger.calls()).length).toBe(model.used);
    expect(events.of('budget.exceeded')).toMatchObject([{ budget: 'small', then: 'stop', agent_id: 'ana' }]);
  });

  test('refuses a model without a price, and counts calls and tokens without one', async () => {
    const usd = make({ steps: [], name: 'openai:nobody-knows', spend: { budgets: [budget({ usd: 5 })] } });
    expect((await usd.runner.kickoff('toy')).error).toMatch(/openai:nobody-knows has no price, so budget b cannot/);
    expect(usd.model.used).toBe(0);
    const calls = make({ steps: endless, name: 'openai:nobody-knows', spend: { budgets: [budget({ calls: 2 })] } });
    expect((await calls.runner.kickoff('toy')).error).toMatch(/budget b allows 2 calls a run; 2 calls are spent/);
    expect(calls.model.used).toBe(2);
  });

  test('may be the crew’s or the agent’s own', async () => {
    const crew = make({ steps: endless, crew: { max_cost: 0.000001 } });
    expect((await crew.runner.kickoff('toy')).error).toMatch(/budget max_cost of crew toy allows \$0.000001 a run/);
    const poor = toyAgent('ana', { max_cost: 0.000002 });
    const agent = make({ steps: endless, agents: [poor] });
    expect((await agent.runner.kickoff('toy')).error).toMatch(/budget max_cost of agent ana allows \$0.000002/);
    expect(crew.model.used + agent.model.used).toBe(0);
  });

  test('that asks lets the run wait; more money lets it go on, once, and a no ends it', async () => {
    const steps: ScriptStep[] = [
      { calls: [{ tool: 'look', args: {} }], usage },
      { text: 'done', usage },
    ];
    const spend = { budgets: [budget({ name: 'careful', calls: 1, then: 'ask' })] };
    const { runner, model, events } = make({ steps, spend });
    const waiting = await runner.kickoff('toy');
    expect(waiting).toMatchObject({
      status: 'waiting',
      waiting_for: [
        { kind: 'budget', task: 'work', agent: 'ana', details: { budget: 'careful', unit: 'calls', limit: 1 } },
      ],
    });
    await expect(runner.resume(waiting.run_id, { work: { accept: 'yes' } })).rejects.toThrow(
      '{"accept": true, "calls"',
    );
    expect(model.used).toBe(1);
    const done = await runner.resume(waiting.run_id, { work: { accept: true, calls: 1 } });
    expect(done).toMatchObject({ status: 'completed', tasks: [{ output: 'done' }] });
    model.assertUsed();
    expect(events.of('budget.decided')).toMatchObject([{ budget: 'careful', accepted: true, more_calls: 1 }]);

    const other = make({ steps, spend });
    const again = await other.runner.kickoff('toy');
    const refused = await other.runner.resume(again.run_id, { work: { accept: false } });
    expect(refused).toMatchObject({ status: 'failed', error: expect.stringMatching(/budget careful/) as string });
    expect(other.model.used).toBe(1);
  });

  test('makes models hold their answers to a limit where the agent sets none', async () => {
    const asked: (number | null)[] = [];
    const { runner } = make({ steps: [] });
    expect(runner.active).toEqual([]);
    const model = new ScriptedModel([
      { text: 'x', usage },
      { text: 'y', usage },
    ]).named('openai:a');
    const modelsFor = (agent: AgentSpec) => {
      asked.push(agent.max_tokens);
      return Promise.resolve([model]);
    };
    const limited = desk({
      agents: [ana],
      tasks: [toyTask('work', 'ana')],
      models: { modelsFor },
      crew: { max_cost: 1 },
      deps: { spend: make({ steps: [] }).spend },
    });
    await limited.runner.kickoff('toy');
    expect(asked.at(-1)).toBe(8192);
    const free = desk({ agents: [ana], tasks: [toyTask('work', 'ana')], models: { modelsFor } });
    await free.runner.kickoff('toy');
    expect(asked.at(-1)).toBeNull();
  });
});

describe('a provider that fails', () => {
  const down = (): ScriptStep => ({ fail: Object.assign(new Error('down'), { status: 503 }) });

  test('is left alone after some failures in a row; fallbacks answer at once, and later it is tried again', async () => {
    const steps = [down(), down(), { text: 'back', usage }];
    const fallback = Array.from({ length: 2 }, () => ({ text: 'stand-in', usage }));
    const quick = toyAgent('ana', { max_retry_limit: 0 });
    const spend = { circuit: { failures: 2, openMs: 60_000 } };
    const { runner, model, events, clock } = make({ steps, agents: [quick], fallback, spend });
    const output = async (): Promise<unknown> => (await runner.kickoff('toy')).output;
    expect(await output()).toBe('stand-in');
    expect(await output()).toBe('stand-in');
    expect(model.used).toBe(2);
    expect(events.of('model.circuit')).toMatchObject([{ provider: 'openai:a', state: 'open', failures: 2 }]);
    await clock.advance(60_000);
    expect(await output()).toBe('back');
    expect(events.of('model.circuit').map((e) => e.state)).toEqual(['open', 'half_open', 'closed']);
  });

  test('without a fallback fails the run at once, saying for how long', async () => {
    const quick = toyAgent('ana', { max_retry_limit: 0 });
    const spend = { circuit: { failures: 1, openMs: 60_000 } };
    const { runner, model } = make({
      steps: [down()],
      agents: [quick],
      spend,
      tasks: [toyTask('work', 'ana', { max_retries: 0 })],
    });
    await runner.kickoff('toy');
    expect((await runner.kickoff('toy')).error).toMatch(
      /failed 1 times in a row and is not asked for 60 s more; last: .*503/,
    );
    expect(model.used).toBe(1);
  });
});
