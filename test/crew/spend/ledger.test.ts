import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CallLedger, type ModelCall, USAGE_GROUPS } from '../../../src/crew/spend/call.ts';
import { openCallLedger } from '../../../src/crew/spend/ledger.ts';
import { createMemoryLedger } from '../../../src/crew/spend/memory-ledger.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';

const DAY = 86_400_000;
const T0 = Date.UTC(2026, 0, 1);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'calls-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const call = (call_id: string, given: Partial<ModelCall> = {}): ModelCall => ({
  call_id,
  run_id: 'run_1',
  crew: 'toy',
  task_id: 'look',
  agent_id: 'ana',
  purpose: null,
  tool: null,
  model: 'openai:a',
  provider: 'openai',
  attempt: 1,
  state: 'open',
  began_at: T0,
  latency_ms: null,
  tokens: null,
  cost_usd: null,
  most_usd: 0.5,
  most_tokens: 1000,
  price_source: 'test',
  price_as_of: '2026-01-01',
  error: null,
  ...given,
});
const tokens = (input: number, output: number, cached = 0) => ({
  input_tokens: input,
  output_tokens: output,
  cached_tokens: cached,
  cache_write_tokens: 0,
  reasoning_tokens: 1,
});

async function fill(ledger: CallLedger): Promise<void> {
  await ledger.begin(call('c1'));
  await ledger.end('c1', {
    state: 'answered',
    latency_ms: 12.5,
    tokens: tokens(100, 20, 40),
    cost_usd: 0.25,
    error: null,
  });
  await ledger.begin(call('c2', { agent_id: 'ben', task_id: 'dig', tool: 'delegate_work', began_at: T0 + DAY }));
  await ledger.end('c2', { state: 'refused', latency_ms: 3, tokens: null, cost_usd: 0, error: '429: slow down' });
  await ledger.begin(
    call('c3', { run_id: 'run_2', model: 'openai:b', most_usd: null, purpose: 'plan', began_at: T0 + DAY }),
  );
  await ledger.end('c3', { state: 'answered', latency_ms: 1, tokens: tokens(10, 2), cost_usd: null, error: null });
  await ledger.begin(call('c4', { run_id: 'run_2', began_at: T0 + 2 * DAY }));
}

describe.each(['memory', 'duckdb'])('the account in %s', (where) => {
  const open = async (name: string): Promise<{ readonly ledger: CallLedger; readonly close: () => Promise<void> }> => {
    if (where === 'memory') return { ledger: createMemoryLedger(), close: () => Promise.resolve() };
    const db = await Database.open({ path: join(folder, `${name}.duckdb`), memoryMb: 64 });
    return { ledger: await openCallLedger(db), close: () => db.close() };
  };

  test('gives the calls back as they were, newest first', async () => {
    const { ledger, close } = await open('calls');
    await fill(ledger);
    const all = await ledger.calls();
    expect(all.map((c) => c.call_id)).toEqual(['c4', 'c3', 'c2', 'c1']);
    expect(all[3]).toEqual({
      ...call('c1'),
      state: 'answered',
      latency_ms: 12.5,
      tokens: tokens(100, 20, 40),
      cost_usd: 0.25,
    });
    expect(all[0]).toEqual(call('c4', { run_id: 'run_2', began_at: T0 + 2 * DAY }));
    expect((await ledger.calls({ run: 'run_1', limit: 1 })).map((c) => c.call_id)).toEqual(['c2']);
    expect((await ledger.calls({ tool: 'delegate_work' })).map((c) => c.agent_id)).toEqual(['ben']);
    await close();
  });

  test('sums what is known, and says how much is not', async () => {
    const { ledger, close } = await open('sums');
    await fill(ledger);
    expect(await ledger.usage('run')).toEqual([
      {
        key: 'run_1',
        calls: 2,
        failed_calls: 1,
        input_tokens: 100,
        output_tokens: 20,
        cached_tokens: 40,
        reasoning_tokens: 1,
        cost_usd: 0.25,
        unknown_calls: 0,
      },
      {
        key: 'run_2',
        calls: 2,
        failed_calls: 1,
        input_tokens: 10,
        output_tokens: 2,
        cached_tokens: 0,
        reasoning_tokens: 1,
        cost_usd: 0,
        unknown_calls: 2,
      },
    ]);
    expect((await ledger.usage('day')).map((r) => [r.key, r.calls])).toEqual([
      ['2026-01-01', 1],
      ['2026-01-02', 2],
      ['2026-01-03', 1],
    ]);
    expect((await ledger.usage('tool', { run: 'run_1' })).map((r) => r.key)).toEqual([null, 'delegate_work']);
    for (const by of USAGE_GROUPS) {
      expect((await ledger.usage(by)).reduce((sum, row) => sum + row.calls, 0)).toBe(4);
    }
    await close();
  });

  test('holds against budgets the most that can be, where nothing better is known', async () => {
    const { ledger, close } = await open('spent');
    await fill(ledger);
    expect(await ledger.spent({ run: 'run_1' })).toEqual({ usd: 0.25, tokens: 120, calls: 2 });
    expect(await ledger.spent({ run: 'run_2' })).toEqual({ usd: 0.5, tokens: 1012, calls: 2 });
    expect(await ledger.spent({ since: T0 + DAY, until: T0 + 2 * DAY })).toEqual({ usd: 0, tokens: 12, calls: 2 });
    expect(await ledger.spent({ run: 'none' })).toEqual({ usd: 0, tokens: 0, calls: 0 });
    await close();
  });

  test('keeps the first answer to a pause, and forgets what is old', async () => {
    const { ledger, close } = await open('decisions');
    await fill(ledger);
    const decision = {
      pause_id: 'p1',
      run_id: 'run_1',
      budget: 'day',
      accepted: true,
      more: { usd: 2, tokens: 0, calls: 0 },
      decided_at: T0,
    };
    await ledger.decide(decision);
    await ledger.decide({ ...decision, more: { usd: 99, tokens: 0, calls: 0 } });
    expect(await ledger.decisions('run_1')).toEqual([decision]);
    expect(await ledger.prune(T0 + DAY)).toBe(1);
    expect(await ledger.decisions('run_1')).toEqual([]);
    expect((await ledger.calls()).map((c) => c.call_id)).toEqual(['c4', 'c3', 'c2']);
    await close();
  });
});
