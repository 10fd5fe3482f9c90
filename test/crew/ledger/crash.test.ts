import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openLedger, type StoredLedger } from '../../../src/crew/ledger/ledger.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import type { EffectLedger, Invoker, ToolOutcome } from '../../../src/kit/invoke.ts';
import { createInvoker } from '../../../src/kit/pipeline.ts';
import { createRateGate } from '../../../src/kit/rate-gate.ts';
import { bindTools, defineTool } from '../../../src/kit/tool.ts';
import { operator, RecordingLogger, RecordingSink } from '../../kit/tool-fakes.ts';

/** Where a process may die around one effect. */
const POINTS = ['before the intent', 'after the intent', 'after the effect', 'after the result'] as const;
type Point = (typeof POINTS)[number];

const EFFECTS = 200;
const clock = new ManualClock();
/** What the world outside has seen: order → how often it was placed. It outlives each process. */
type World = Map<string, number>;

const input = z.object({ order: z.string().describe('Which order') });
const output = z.object({ placed: z.string() });
const definition = (name: string, world: World, looks: boolean) =>
  defineTool<unknown, typeof input, typeof output>({
    name,
    title: name,
    toolset: 'toy',
    category: 'system_config',
    access: 'WRITE',
    effects: 'effect',
    description: 'Places an order in the world outside.',
    input,
    output,
    examples: [],
    preview: ({ order }) => Promise.resolve({ order }),
    run: ({ order }) => {
      world.set(order, (world.get(order) ?? 0) + 1);
      return Promise.resolve(placed(order));
    },
    ...(looks ? { reconcile: ({ order }) => Promise.resolve(world.has(order) ? placed(order) : null) } : {}),
  });
const placed = (order: string) => ({
  data: { placed: order },
  provenance: { as_of: null, source: 'world', complete: true, stale_ms: null },
});

/** A pipeline over the ledger's table, as a process has it that dies at `point` of its next effect. */
async function life(
  db: Database,
  world: World,
  point: Point | null,
): Promise<{
  readonly invoker: Invoker;
  readonly ledger: StoredLedger;
  readonly died: Promise<void>;
}> {
  const ledger = await openLedger({ db, clock });
  let die: () => void = () => undefined;
  const died = new Promise<void>((resolve) => (die = resolve));
  const dead = async <T>(): Promise<T> => {
    die();
    return new Promise<T>(() => undefined);
  };
  const mortal: EffectLedger = {
    leave: (key) => ledger.leave(key),
    begin: async (key, call) => {
      if (point === 'before the intent') return dead();
      const entry = await ledger.begin(key, call);
      return point === 'after the intent' ? dead() : entry;
    },
    finish: async (key, result) => {
      if (point === 'after the effect') return dead();
      await ledger.finish(key, result);
      return point === 'after the result' ? dead() : undefined;
    },
  };
  let id = 0;
  const invoker = createInvoker({
    tools: bindTools([definition('place_order', world, true), definition('place_blind', world, false)], {}),
    permission: {
      decide: () => ({
        allowed: true,
        rule: 'test',
        role: 'operator',
        category: 'system_config',
        held: 'ADMIN',
        needed: 'WRITE',
      }),
    },
    proposals: { record: () => Promise.resolve() },
    approvals: { check: () => Promise.resolve() },
    rates: createRateGate(clock),
    ledger: mortal,
    audit: { record: () => undefined, flush: () => Promise.resolve() },
    events: new RecordingSink(),
    clock,
    log: new RecordingLogger(),
    ids: (prefix) => `${prefix}_${id++}`,
  });
  return { invoker, ledger, died };
}

describe('a crash around an effect', () => {
  let db: Database;
  beforeAll(async () => {
    db = await Database.open({ path: ':memory:' });
  });
  afterAll(() => db.close());

  const place = (invoker: Invoker, tool: string, order: string): Promise<ToolOutcome> =>
    invoker.invoke({ tool, args: { order }, caller: operator, runId: 'run_1', path: `work#0/0/${order}.0` });

  it.each(POINTS)(`%s: none of ${EFFECTS} effects happens twice, none is lost`, { timeout: 120_000 }, async (point) => {
    const world: World = new Map();
    let asked = 0;
    for (let i = 0; i < EFFECTS; i++) {
      const order = `${point} ${i}`;
      // Every other tool cannot look for itself, so that a person has to.
      const tool = i % 2 === 0 ? 'place_order' : 'place_blind';
      const first = await life(db, world, point);
      await Promise.race([place(first.invoker, tool, order), first.died]);

      const next = await life(db, world, null);
      let outcome = await place(next.invoker, tool, order);
      if (!outcome.ok) {
        expect(outcome.error).toMatchObject({ code: 'conflict', details: { effect: 'unknown' } });
        const [unknown] = await next.ledger.unknown();
        expect(unknown).toMatchObject({ tool: 'place_blind', run_id: 'run_1' });
        await next.ledger.settle(unknown?.key ?? '', world.has(order) ? 'done' : 'void', 'ada');
        asked += 1;
        outcome = await place(next.invoker, tool, order);
      }
      expect(outcome.ok).toBe(true);
      expect(await place(next.invoker, tool, order)).toMatchObject({ ok: true, replayed: true });
    }
    expect(world.size).toBe(EFFECTS);
    expect([...world.values()].every((times) => times === 1)).toBe(true);
    expect(asked).toBe(point === 'after the intent' || point === 'after the effect' ? EFFECTS / 2 : 0);
    expect(await (await openLedger({ db, clock })).unknown()).toEqual([]);
  });

  it('an effect that failed in an unforeseen way is no longer at work, and can be settled', async () => {
    const ledger = await openLedger({ db, clock });
    const call = { tool: 'place_order', argsHash: 'y', runId: 'run_2' };
    expect(await ledger.begin('left', call)).toEqual({ state: 'new' });
    ledger.leave('left');
    expect((await ledger.unknown()).map((effect) => effect.key)).toEqual(['left']);
    expect(await ledger.begin('left', call)).toEqual({ state: 'unknown' });
    await ledger.settle('left', 'void', 'ada');
    expect(await ledger.begin('left', call)).toEqual({ state: 'new' });
  });
});
