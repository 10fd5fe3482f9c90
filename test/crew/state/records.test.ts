import { describe, expect, it } from 'vitest';
import { type CrewRecords, createCrewRecords } from '../../../src/crew/state/records.ts';
import { createSchema } from '../../../src/events/ops/schema.ts';
import { createOpsStore } from '../../../src/events/ops/store.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { InvalidInput, NotFound } from '../../../src/kit/errors.ts';

const HOUR = 3_600_000;

async function open(): Promise<{ db: Database; records: CrewRecords; clock: ManualClock }> {
  const db = await Database.open({ path: ':memory:' });
  await createSchema(db);
  const clock = new ManualClock();
  return { db, clock, records: createCrewRecords(createOpsStore(db, clock), clock, { maxEntries: 3 }) };
}

describe('what the original could not write at all', () => {
  it('keeps flow state, messages and metrics', async () => {
    const { db, records } = await open();
    await using _ = db;
    await records.flows.save('f1', { name: 'full', state: { n: 1 } });
    await records.messages.send({ from: 'a', to: 'b', type: 'info', content: 'x' });
    await records.recordMetric('a', 'latency', 1.5);
    expect(await records.statistics()).toMatchObject({ flow_state: 1, communication_log: 1, agent_metrics: 1 });
  });
});

describe('flows', () => {
  it('save step by step and keep start, checkpoints and end', async () => {
    const { db, records, clock } = await open();
    await using _ = db;
    const t0 = clock.now();
    await Promise.all([
      records.flows.save('f', { name: 'full', state: { n: 1 }, currentStep: 'data', checkpoint: 'c1' }),
      records.flows.save('f', { name: 'full', state: { n: 2 }, currentStep: 'analytics', checkpoint: { c: 2 } }),
    ]);
    clock.jump(5000);
    await records.flows.save('f', { name: 'full', state: { n: 3 }, status: 'completed' });
    expect(await records.flows.get('f')).toMatchObject({
      state: { n: 3 },
      status: 'completed',
      started_at: t0,
      updated_at: t0 + 5000,
      completed_at: t0 + 5000,
      checkpoint_data: [
        { step: 'data', timestamp: t0, data: 'c1' },
        { step: 'analytics', timestamp: t0, data: { c: 2 } },
      ],
    });
    expect(await records.flows.get('other')).toBeUndefined();
    expect((await records.flows.list('completed')).length).toBe(1);
    expect((await records.statistics()).flow_state).toBe(1);
  });
});

describe('messages', () => {
  it('reach the addressee and, without one, all; urgent first, then oldest', async () => {
    const { db, records, clock } = await open();
    await using _ = db;
    const send = async (to: string | null, content: string, priority?: number): Promise<number> => {
      clock.jump(1);
      return records.messages.send({ from: 'x', to, type: 'alert', content, priority });
    };
    await send('a', 'first');
    await send('b', 'not for a', 10);
    const urgent = await send(null, 'to all', 9);
    await send('a', 'second');
    const contents = async (options = {}): Promise<unknown[]> =>
      (await records.messages.inbox('a', options)).map((m) => m.content);
    expect(await contents()).toEqual(['to all', 'first', 'second']);
    expect(await contents({ limit: 1 })).toEqual(['to all']);
    await records.messages.acknowledge(urgent);
    expect(await contents({ unacknowledgedOnly: true })).toEqual(['first', 'second']);
    await expect(records.messages.acknowledge(999)).rejects.toBeInstanceOf(NotFound);
    await expect(send('a', 'x', 11)).rejects.toBeInstanceOf(InvalidInput);
  });
});

describe('memory', () => {
  it('has one value a key, also when it is set twice at once, and counts accesses', async () => {
    const { db, records, clock } = await open();
    await using _ = db;
    await Promise.all([1, 2, 3].map((n) => records.memory.set('a', 'k', { n })));
    expect(await records.memory.get('a', 'k')).toEqual({ n: 3 });
    await records.memory.get('a', 'k');
    const [entry] = await records.memory.entries('a');
    expect(entry).toMatchObject({ access_count: 2, last_accessed: clock.now(), memory_type: 'working' });
    expect((await records.statistics()).agent_memory).toBe(1);
    expect(await records.memory.get('b', 'k', 'none')).toBe('none');
  });

  it('forgets by type: short term after an hour, working after a day, long term never', async () => {
    const { db, records, clock } = await open();
    await using _ = db;
    for (const type of ['short_term', 'working', 'long_term'] as const)
      await records.memory.set('a', type, 1, { type });
    const keys = async (): Promise<string[]> => (await records.memory.entries('a')).map((e) => e.key).sort();
    clock.jump(HOUR);
    expect(await keys()).toEqual(['long_term', 'working']);
    clock.jump(23 * HOUR);
    expect(await keys()).toEqual(['long_term']);
    expect(await records.memory.get('a', 'working')).toBeNull();
    await records.memory.set('a', 'brief', 1, { expiresInMs: 10 });
    clock.jump(10);
    expect(await records.memory.get('a', 'brief', 'gone')).toBe('gone');
  });

  it('gives up the least important first, then the least recently used', async () => {
    const { db, records, clock } = await open();
    await using _ = db;
    await records.memory.set('a', 'dull', 1, { importance: 0.1 });
    await records.memory.set('a', 'used', 1);
    await records.memory.set('a', 'idle', 1);
    clock.jump(1000);
    await records.memory.get('a', 'used');
    await records.memory.set('a', 'new', 1);
    expect((await records.memory.entries('a')).map((e) => e.key)).toEqual(['new', 'idle', 'used']);
    await records.memory.set('a', 'newer', 1);
    expect((await records.memory.entries('a')).map((e) => e.key)).toEqual(['newer', 'new', 'used']);
    expect(await records.memory.clear('a', 'newer')).toBe(1);
    expect(await records.memory.clear('a')).toBe(2);
    expect(await records.memory.entries('a')).toEqual([]);
    await expect(records.memory.set('a', 'k', 1, { importance: 2 })).rejects.toBeInstanceOf(InvalidInput);
  });
});

describe('knowledge', () => {
  it('is found by category, text and confidence, the most useful first, and can be verified', async () => {
    const { db, records } = await open();
    await using _ = db;
    const add = (title: string, confidence: number, usefulness: number, category = 'gaps'): Promise<number> =>
      records.knowledge.add({ discoveredBy: 'v', category, title, content: `About ${title}.`, confidence, usefulness });
    await add('Bybit pauses', 0.9, 0.2);
    const best = await add('Binance pauses', 0.6, 0.8);
    await add('Spread', 0.4, 0.8, 'prices');
    const titles = async (query: Parameters<typeof records.knowledge.search>[0]): Promise<string[]> =>
      (await records.knowledge.search(query)).map((k) => k.title);
    expect(await titles({})).toEqual(['Binance pauses', 'Spread', 'Bybit pauses']);
    expect(await titles({ text: 'ABOUT b' })).toEqual(['Binance pauses', 'Bybit pauses']);
    expect(await titles({ category: 'gaps', minConfidence: 0.7 })).toEqual(['Bybit pauses']);
    await records.knowledge.verify(best, 'operator');
    const [found] = await records.knowledge.search({ limit: 1 });
    expect(found).toMatchObject({ verified: true, verified_by: 'operator', access_count: 2 });
    await expect(add('x', 1.5, 0)).rejects.toBeInstanceOf(InvalidInput);
  });
});

describe('decisions and metrics', () => {
  it('come back by agent, tool, success and time', async () => {
    const { db, records, clock } = await open();
    await using _ = db;
    const decide = (tool_name: string, success: boolean): Promise<number> =>
      records.recordDecision({
        agent_id: 'a',
        crew: 'data-ops',
        tool_name,
        parameters: { x: 1 },
        result: null,
        success,
        latency_ms: 2,
        reasoning: 'because',
        context: null,
      });
    const ids = [await decide('t1', true), await decide('t2', false), await decide('t1', false)];
    expect((await records.decisions('a')).map((d) => d.id)).toEqual(ids.toReversed());
    expect((await records.decisions('a', { tool: 't1', successOnly: true })).map((d) => d.id)).toEqual([ids[0]]);
    await records.recordMetric('a', 'm', 1);
    clock.jump(25 * HOUR);
    await records.recordMetric('a', 'm', 2, { unit: 'ms' });
    await records.recordMetric('a', 'm', 3);
    await records.recordMetric('a', 'other', 4);
    expect((await records.metrics('a', { name: 'm' })).map((m) => m.metric_value)).toEqual([2, 3]);
    expect((await records.metrics('a', { withinMs: 48 * HOUR })).map((m) => m.metric_value)).toEqual([1, 2, 3, 4]);
  });
});
