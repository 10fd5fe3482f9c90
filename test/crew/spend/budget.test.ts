import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Budget, BudgetExceeded, Budgets, type Reservation } from '../../../src/crew/spend/budget.ts';
import type { ModelCall, Spent } from '../../../src/crew/spend/call.ts';
import { createMemoryLedger } from '../../../src/crew/spend/memory-ledger.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { budget } from './budgets.ts';

const subject = (run_id = 'run_1', given: object = {}) => ({
  run_id,
  crew: 'toy',
  agent_id: 'ana',
  model: 'openai:a',
  ...given,
});
const most = (usd: number, tokens = 0): Spent => ({ usd, tokens, calls: 1 });

function make(...budgets: readonly Budget[]) {
  const ledger = createMemoryLedger();
  const clock = new ManualClock();
  return { ledger, clock, budgets: new Budgets({ ledger, clock, budgets }) };
}

describe('a budget', () => {
  test('holds what a call can cost at most, and takes what it did cost', async () => {
    const { budgets } = make(budget({ usd: 1 }));
    const first = await budgets.reserve(subject(), most(0.6));
    await expect(budgets.reserve(subject(), most(0.5))).rejects.toThrow(
      'budget b allows $1 a run; $0.6 are spent or held, and the next call may take $0.5, more than the $0.4 left',
    );
    first.settle(most(0.1));
    await budgets.reserve(subject(), most(0.9));
    await expect(budgets.reserve(subject(), most(0.01))).rejects.toThrow(BudgetExceeded);
  });

  test('of a run leaves other runs alone; of a day is for all of them, until the next day', async () => {
    const { budgets, clock } = make(budget({ name: 'run', usd: 1 }), budget({ name: 'day', per: 'day', usd: 1.5 }));
    await budgets.reserve(subject('run_1'), most(1));
    await expect(budgets.reserve(subject('run_2'), most(1))).rejects.toThrow('budget day allows $1.5 a day');
    await budgets.reserve(subject('run_2'), most(0.5));
    await clock.advance(86_400_000);
    await budgets.reserve(subject('run_3'), most(1));
  });

  test('that refuses takes nothing from the others', async () => {
    const { budgets } = make(budget({ name: 'wide', usd: 10 }), budget({ name: 'narrow', usd: 1 }));
    await expect(budgets.reserve(subject(), most(2))).rejects.toThrow('narrow');
    expect(await budgets.spent(budget({ name: 'wide' }), 'run_1')).toEqual({ usd: 0, tokens: 0, calls: 0 });
  });

  test('covers a crew, an agent or a model', async () => {
    const { budgets } = make(
      budget({ name: 'c', crew: 'other', usd: 1 }),
      budget({ name: 'a', agent: 'ana', calls: 1 }),
    );
    await budgets.reserve(subject(), most(5));
    await expect(budgets.reserve(subject(), most(0))).rejects.toThrow('budget a allows 1 calls a run');
    await budgets.reserve(subject('run_1', { agent_id: 'ben' }), most(5));
    const own = [budget({ name: 'max_cost of agent ben', agent: 'ben', usd: 1 })];
    await expect(budgets.reserve(subject('run_1', { agent_id: 'ben' }), most(5), own)).rejects.toThrow('max_cost');
  });

  test('is taken up from the account after a restart, calls of unknown cost at their most', async () => {
    const { ledger, clock } = make();
    await ledger.begin({ ...ROW, began_at: clock.now() });
    const budgets = new Budgets({ ledger, clock, budgets: [budget({ per: 'month', usd: 1 })] });
    await expect(budgets.reserve(subject('run_9'), most(0.5))).rejects.toThrow('$0.7 are spent or held');
    await budgets.reserve(subject('run_9'), most(0.3));
  });

  test('that was raised for a run lets that run spend more; one that was refused ends it', async () => {
    const { ledger, budgets } = make(budget({ usd: 1, then: 'ask' }));
    await budgets.reserve(subject(), most(1));
    await expect(budgets.reserve(subject(), most(1))).rejects.toMatchObject({ budget: { then: 'ask' } });
    const decision = { run_id: 'run_1', budget: 'b', decided_at: 0 };
    await ledger.decide({ ...decision, pause_id: 'p1', accepted: true, more: { usd: 1, tokens: 0, calls: 0 } });
    await budgets.reserve(subject(), most(1));
    await ledger.decide({ ...decision, pause_id: 'p2', accepted: false, more: { usd: 0, tokens: 0, calls: 0 } });
    await expect(budgets.reserve(subject(), most(1))).rejects.toMatchObject({ budget: { then: 'stop' } });
  });

  test('is never overdrawn by calls at once, as long as none costs more than it said', async () => {
    const calls = fc.array(
      fc.record({ most: fc.integer({ min: 1, max: 50 }), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
      {
        minLength: 1,
        maxLength: 40,
      },
    );
    await fc.assert(
      fc.asyncProperty(calls, async (all) => {
        const { budgets } = make(budget({ usd: 100 }));
        let spent = 0;
        await Promise.all(
          all.map(async (one, i) => {
            const held = await budgets.reserve(subject(), most(one.most)).catch(() => null);
            if (held === null) return;
            for (let turns = 0; turns < i % 5; turns++) await Promise.resolve();
            spent += one.most * one.part;
            settle(held, one.most * one.part);
          }),
        );
        expect(spent).toBeLessThanOrEqual(100 + 1e-6);
        expect((await budgets.spent(budget({}), 'run_1')).usd).toBeCloseTo(spent, 6);
      }),
      { seed: 7, numRuns: 100 },
    );
  });
});

function settle(held: Reservation, usd: number): void {
  held.settle({ usd, tokens: 0, calls: 1 });
}

const ROW: ModelCall = {
  call_id: 'c1',
  run_id: 'run_1',
  crew: 'toy',
  task_id: 'look',
  agent_id: 'ana',
  purpose: null,
  tool: null,
  model: 'openai:a',
  provider: null,
  attempt: 1,
  state: 'open',
  began_at: 0,
  latency_ms: null,
  tokens: null,
  cost_usd: null,
  most_usd: 0.7,
  most_tokens: 10,
  price_source: null,
  price_as_of: null,
  error: null,
};
