import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Behaviour, type BehaviourContext, defineBehaviour } from '../../../src/crew/behaviour/define.ts';
import { type BehaviourEngine, createBehaviourEngine } from '../../../src/crew/behaviour/engine.ts';
import { createBehaviourStore } from '../../../src/crew/behaviour/store.ts';
import type { RunDocument } from '../../../src/crew/run/document.ts';
import { Database } from '../../../src/infra/duckdb/database.ts';
import { sleep } from '../../../src/kit/clock.ts';
import type { AnyEvent } from '../../../src/kit/event.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { ManualClock, MemoryEvents, ToyInvoker, toyAgent, toyTool } from '../../../src/testing/index.ts';

let database: Database;
beforeAll(async () => {
  database = await Database.open({ path: ':memory:' });
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.run('DROP TABLE IF EXISTS behaviour_state');
});

async function engine(
  behaviours: readonly Behaviour[],
  given: { clock?: ManualClock; events?: MemoryEvents; id?: string; shadow?: boolean; queueLimit?: number } = {},
) {
  const clock = given.clock ?? new ManualClock(Date.UTC(2026, 0, 1));
  const events = given.events ?? new MemoryEvents(() => clock.now());
  const change = toyTool('change', () => ({ changed: 1 }), { effects: 'effect' });
  const invoker = new ToyInvoker([change, toyTool('look', () => 7)], { clock });
  const kickoffs: unknown[] = [];
  let n = 0;
  const made = createBehaviourEngine({
    behaviours,
    store: await createBehaviourStore(database),
    agents: { ana: toyAgent('ana', { tools: ['change'] }) },
    invoker,
    runner: {
      kickoff: (crew, inputs, options) => {
        kickoffs.push([crew, inputs, options?.trigger, options?.shadow]);
        return Promise.resolve({ run_id: 'run_1' } as RunDocument);
      },
    },
    events,
    eventSource: events,
    clock,
    log: silentLogger,
    newId: (prefix) => `${prefix}_${given.id ?? 'a'}_${n++}`,
    shadow: () => given.shadow ?? false,
    concurrency: 1,
    queueLimit: given.queueLimit ?? 64,
  });
  return { engine: made, clock, events, invoker, kickoffs };
}

/** Moves time on in steps and lets each firing end, the database's replies included. */
async function pass(clock: ManualClock, engines: readonly BehaviourEngine[], ms: number, step = 30_000): Promise<void> {
  for (let left = ms; left > 0; left -= step) {
    await clock.advance(Math.min(step, left));
    await Promise.all(engines.map((e) => e.idle()));
  }
}

function counter(name: string, given: Partial<Parameters<typeof defineBehaviour>[0]> = {}) {
  const runs: Pick<BehaviourContext, 'trigger' | 'caughtUp' | 'event' | 'value'>[] = [];
  const behaviour = defineBehaviour({
    name,
    trigger: { cron: '*/5 * * * *' },
    run: ({ trigger, caughtUp, event, value }) => {
      runs.push({ trigger, caughtUp, event, value });
      return Promise.resolve({ runs: runs.length });
    },
    ...given,
  });
  return { runs, behaviour };
}

const gap = (seconds: number | null, symbol = 'BTCUSDT') =>
  ({ exchange: 'binance', symbol, kind: 'silence', gap_start: 0, gap_end: 1, duration_seconds: seconds }) as const;

describe('a schedule', () => {
  test('fires on time, and says so', async () => {
    const { runs, behaviour } = counter('auto_validation');
    const { engine: made, clock, events } = await engine([behaviour]);
    await made.start();
    await pass(clock, [made], 16 * 60_000);
    expect(runs).toHaveLength(3);
    expect(events.types().filter((t) => t.startsWith('behaviour.'))).toEqual(
      Array.from({ length: 3 }, () => ['behaviour.fired', 'behaviour.completed']).flat(),
    );
    expect(events.of('behaviour.completed')[2]).toMatchObject({ behaviour: 'auto_validation', details: { runs: 3 } });
    expect(await made.list()).toMatchObject([
      {
        id: 'auto_validation',
        enabled: true,
        trigger: 'cron */5 * * * * (UTC)',
        last_run: '2026-01-01T00:15:00.000Z',
        next_run: '2026-01-01T00:20:00.000Z',
        last_status: 'completed',
        fired: 3,
      },
    ]);
    await made.stop();
    await pass(clock, [made], 10 * 60_000);
    expect(runs).toHaveLength(3);
  });

  test('of seconds fires at their multiples, whatever the calendar does', async () => {
    const { runs, behaviour } = counter('health', { trigger: { every: 30 } });
    const { engine: made, clock } = await engine([behaviour]);
    await made.start();
    await pass(clock, [made], 90_000);
    expect(runs).toHaveLength(3);
    clock.jump(-3_600_000);
    await pass(clock, [made], 60_000);
    clock.jump(7_200_000);
    await pass(clock, [made], 60_000);
    expect(runs.length).toBeGreaterThanOrEqual(4);
    expect(runs.length).toBeLessThanOrEqual(7);
    await made.stop();
  });

  test('missed several times is caught up once, when it is to be', async () => {
    const caught = counter('gap_detection', { catchUp: true });
    const left = counter('other');
    const first = await engine([caught.behaviour, left.behaviour]);
    await first.engine.start();
    await first.engine.stop();
    const clock = new ManualClock(Date.UTC(2026, 0, 1, 2, 1));
    const second = await engine([caught.behaviour, left.behaviour], { clock, id: 'b' });
    await second.engine.start();
    await second.engine.idle();
    expect(caught.runs).toMatchObject([{ trigger: 'cron', caughtUp: true }]);
    expect(left.runs).toEqual([]);
    expect(second.events.of('behaviour.fired')).toMatchObject([{ behaviour: 'gap_detection', caught_up: true }]);
    await pass(clock, [second.engine], 4 * 60_000);
    expect(caught.runs).toHaveLength(2);
    await second.engine.stop();
  });

  test('is run by one of two engines on one database', async () => {
    const { runs, behaviour } = counter('schedule', { catchUp: true });
    const clock = new ManualClock();
    const one = await engine([behaviour], { clock, id: 'one' });
    const two = await engine([behaviour], { clock, id: 'two' });
    await one.engine.start();
    await two.engine.start();
    await pass(clock, [one.engine, two.engine], 30 * 60_000);
    expect(runs).toHaveLength(6);
    const skipped = [...one.events.of('behaviour.skipped'), ...two.events.of('behaviour.skipped')];
    expect(skipped).toHaveLength(6);
    await one.engine.stop();
    await two.engine.stop();
  });
});

describe('an event', () => {
  test('fires when it fits, and cools down per key', async () => {
    const { runs, behaviour } = counter('auto_backfill', {
      trigger: { event: 'data.gap_detected', when: (e) => e.type === 'data.gap_detected' && e.data.kind === 'silence' },
      cooldownSeconds: 600,
      key: (e: AnyEvent) => (e.type === 'data.gap_detected' ? (e.data.symbol ?? '') : ''),
    });
    const { engine: made, clock, events } = await engine([behaviour]);
    await made.start();
    events.emit('data.gap_detected', gap(400));
    await made.idle();
    events.emit('data.gap_detected', gap(400));
    events.emit('data.gap_detected', gap(400, 'ETHUSDT'));
    events.emit('data.gap_detected', { ...gap(400), kind: 'other' });
    await made.idle();
    expect(runs).toHaveLength(2);
    expect(events.of('behaviour.skipped')).toEqual([{ behaviour: 'auto_backfill', reason: 'it cools down' }]);
    await pass(clock, [made], 600_000);
    events.emit('data.gap_detected', gap(400));
    await made.idle();
    expect(runs).toHaveLength(3);
    await made.stop();
    events.emit('data.gap_detected', gap(400, 'SOLUSDT'));
    await made.idle();
    expect(runs).toHaveLength(3);
  });

  test('over a threshold fires with its value; unknown values do nothing', async () => {
    const { runs, behaviour } = counter('threshold', {
      cooldownSeconds: 0,
      trigger: {
        threshold: {
          event: 'data.gap_detected',
          value: (e) => (e.type === 'data.gap_detected' ? e.data.duration_seconds : null),
          above: 300,
        },
      },
    });
    const { engine: made, events } = await engine([behaviour]);
    await made.start();
    for (const seconds of [299, 300, null, 301]) {
      events.emit('data.gap_detected', gap(seconds));
      await made.idle();
    }
    expect(runs.map((r) => r.value)).toEqual([301]);
    await made.stop();
  });

  test('whose condition breaks hurts neither the emitter nor other behaviours', async () => {
    const broken = counter('broken', {
      trigger: {
        event: 'data.gap_detected',
        when: () => {
          throw new Error('no such field');
        },
      },
    });
    const fine = counter('fine_one', { trigger: { event: 'data.gap_detected' } });
    const { engine: made, events } = await engine([broken.behaviour, fine.behaviour]);
    await made.start();
    events.emit('data.gap_detected', gap(1));
    await made.idle();
    expect([broken.runs.length, fine.runs.length]).toEqual([0, 1]);
    await made.stop();
    expect(await made.trigger('fine_one')).toBe('skipped');
    expect(events.of('behaviour.skipped')).toEqual([{ behaviour: 'fine_one', reason: 'the engine is stopped' }]);
  });

  test('that stays away fires once, until it was seen again', async () => {
    const { runs, behaviour } = counter('silence', {
      trigger: { absence: { event: 'data.received', forSeconds: 60 } },
      cooldownSeconds: 0,
    });
    const { engine: made, clock, events } = await engine([behaviour]);
    const received = {
      stream: 'trades',
      table: 't',
      rows: 1,
      first_event_time_us: 0,
      last_event_time_us: 0,
      duplicates: 0,
    };
    await made.start();
    await pass(clock, [made], 59_000);
    events.emit('data.received', received);
    await pass(clock, [made], 59_000);
    expect(runs).toEqual([]);
    await pass(clock, [made], 300_000);
    expect(runs).toHaveLength(1);
    events.emit('data.received', received);
    await pass(clock, [made], 60_000);
    expect(runs).toHaveLength(2);
    await made.stop();
  });

  test('a sampled threshold and a sampled absence go by what is known', async () => {
    let capacity: number | null = null;
    let seen: number | null = null;
    const over = counter('capacity', {
      trigger: { threshold: { every: 60, above: 80, sample: () => Promise.resolve(capacity) } },
      cooldownSeconds: 3600,
    });
    const away = counter('stale', {
      trigger: { absence: { every: 60, forSeconds: 120, lastSeen: () => Promise.resolve(seen) } },
      cooldownSeconds: 0,
    });
    const { engine: made, clock } = await engine([over.behaviour, away.behaviour]);
    await made.start();
    await pass(clock, [made], 300_000);
    expect([over.runs.length, away.runs.length]).toEqual([0, 0]);
    capacity = 81;
    seen = clock.now();
    await pass(clock, [made], 300_000);
    expect([over.runs.length, away.runs.length]).toEqual([1, 1]);
    await made.stop();
  });
});

describe('running', () => {
  test('calls tools as the agent, and crews, in shadow mode as in the other', async () => {
    const outcomes: unknown[] = [];
    const behaviour = defineBehaviour({
      name: 'mender',
      trigger: { event: 'streaming.stopped' },
      agent: 'ana',
      run: async ({ invoke, kickoff }) => {
        outcomes.push(await invoke('change', { a: 1 }, 'it stopped'));
        outcomes.push(await invoke('look', {}, 'not on the list'));
        await kickoff('data-ops', { why: 'stopped' });
        return {};
      },
    });
    const { engine: made, invoker, kickoffs } = await engine([behaviour], { shadow: true });
    expect(await made.trigger('mender')).toBe('completed');
    expect(outcomes).toMatchObject([
      { ok: true, proposed: true },
      { ok: false, error: { code: 'permission_denied' } },
    ]);
    expect(invoker.calls[0]).toMatchObject({
      caller: { id: 'behaviour:mender', agentId: 'ana', role: 'toy' },
      reason: 'it stopped',
      shadow: true,
    });
    expect(kickoffs).toEqual([['data-ops', { why: 'stopped' }, 'behaviour:mender', true]]);
  });

  test('a failure is an event and ends the lease; a late one is given up', async () => {
    let mode = 'throw';
    const behaviour = defineBehaviour({
      name: 'flaky',
      trigger: { event: 'system.stopped' },
      leaseSeconds: 10,
      run: async ({ clock, signal }) => {
        if (mode === 'throw') throw new Error('no luck');
        if (mode === 'late') await sleep(clock, 60_000, signal);
        return undefined;
      },
    });
    const { engine: made, clock, events } = await engine([behaviour]);
    await made.start();
    expect(await made.trigger('flaky')).toBe('failed');
    mode = 'late';
    const late = made.trigger('flaky');
    while (events.of('behaviour.fired').length < 2) await new Promise(setImmediate);
    await clock.advance(10_000);
    expect(await late).toBe('failed');
    mode = 'fine';
    expect(await made.trigger('flaky')).toBe('completed');
    expect(events.of('behaviour.failed')).toEqual([
      { behaviour: 'flaky', error: 'no luck' },
      { behaviour: 'flaky', error: 'behaviour flaky took longer than 10 s' },
    ]);
    expect(await made.list()).toMatchObject([{ fired: 3, failed: 2, last_status: 'completed', last_error: null }]);
    await made.stop();
  });

  test('a lease left by a dead controller ends with its time', async () => {
    const { runs, behaviour } = counter('leased', {
      leaseSeconds: 60,
      trigger: { event: 'system.stopped' },
      cooldownSeconds: 0,
    });
    const { engine: made, clock } = await engine([behaviour]);
    const store = await createBehaviourStore(database);
    const now = clock.now();
    const dead = { name: 'leased', key: '', owner: 'dead', now, until: now + 60_000, slot: null, notSince: null };
    expect(await store.lease(dead)).toBe('granted');
    expect(await made.trigger('leased')).toBe('skipped');
    await clock.advance(60_000);
    expect(await made.trigger('leased')).toBe('completed');
    expect(runs).toHaveLength(1);
  });

  test('disabled it fires only by hand, also after a restart', async () => {
    const { runs, behaviour } = counter('switched');
    const one = await engine([behaviour]);
    await one.engine.start();
    await one.engine.setEnabled('switched', false);
    await pass(one.clock, [one.engine], 600_000);
    expect(runs).toEqual([]);
    await one.engine.stop();
    const two = await engine([behaviour], { clock: one.clock, id: 'b' });
    await two.engine.start();
    await pass(two.clock, [two.engine], 600_000);
    expect(runs).toEqual([]);
    expect(await two.engine.list()).toMatchObject([{ enabled: false, next_run: null }]);
    expect(await two.engine.trigger('switched')).toBe('completed');
    await two.engine.stop();
  });

  test('goes by priority, and says what a full queue dropped', async () => {
    const order: string[] = [];
    let release: () => void = () => undefined;
    const make = (name: string, priority: number, hold = false): Behaviour =>
      defineBehaviour({
        name,
        priority,
        trigger: { event: 'system.stopped' },
        run: async () => {
          order.push(name);
          if (hold) await new Promise<void>((resolve) => (release = resolve));
          return undefined;
        },
      });
    const all = [make('holding', 5, true), make('low_one', 9), make('urgent', 1), make('middle', 5)];
    const { engine: made, events } = await engine(all, { queueLimit: 2 });
    await made.start();
    events.emit('system.stopped', { reason: 'test' });
    while (order.length === 0) await new Promise(setImmediate);
    release();
    await made.idle();
    expect(order).toEqual(['holding', 'urgent', 'middle']);
    expect(events.of('behaviour.skipped')).toEqual([{ behaviour: 'low_one', reason: 'too many behaviours wait' }]);
    await made.stop();
  });

  test('an unknown name or agent is refused', async () => {
    const { behaviour } = counter('known_one');
    const { engine: made } = await engine([behaviour]);
    await expect(async () => made.trigger('known_on')).rejects.toThrow(
      "there is no behaviour 'known_on' (did you mean known_one?)",
    );
    const stranger = defineBehaviour({ ...behaviour, agent: 'anna' });
    await expect(engine([stranger])).rejects.toThrow(
      "behaviour known_one acts as 'anna', who does not exist (did you mean ana?)",
    );
  });
});

describe('defineBehaviour', () => {
  const run = () => Promise.resolve(undefined);
  test('refuses what could never work', () => {
    const define = (trigger: unknown) => () => defineBehaviour({ name: 'some_name', trigger: trigger as never, run });
    expect(define({ absence: { forSeconds: 60 } })).toThrow('an absence trigger needs an event or lastSeen to watch');
    expect(define({ absence: { forSeconds: 0, event: 'data.received' } })).toThrow('forSeconds must be');
    expect(define({ event: 'data.gap' })).toThrow("there is no event 'data.gap'");
    expect(define({ cron: '99 * * * *' })).toThrow('is not a cron pattern');
    expect(define({ every: 0 })).toThrow('every must be a number of seconds above 0');
    expect(define({ threshold: { event: 'data.received', value: () => 1 } })).toThrow('needs above or below');
    expect(() => defineBehaviour({ name: 'Bad Name', trigger: { every: 5 }, run })).toThrow('snake_case');
    expect(() => defineBehaviour({ name: 'some_name', trigger: { every: 5 }, priority: 11, run })).toThrow('priority');
  });
});
