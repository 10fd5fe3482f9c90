import type { BaseCheckpointSaver } from '@langchain/langgraph';
import { MemorySaver } from '@langchain/langgraph';
import { describe, expect, test } from 'vitest';
import { definePlaybook, type PlaybookContext } from '../../../src/crew/index.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { createMemoryRunStore } from '../../../src/crew/run/memory-store.ts';
import type { RunDocument } from '../../../src/crew/run/document.ts';
import { StopRequested } from '../../../src/kit/errors.ts';
import { ToyInvoker, toyAgent, toyTask, toyTool } from '../../../src/testing/index.ts';
import { desk } from './desk.ts';

const ana = toyAgent('ana', { tools: ['look'], allow_delegation: true });
const ben = toyAgent('ben', { tools: ['look'] });
const carl = toyAgent('carl', { tools: ['look', 'change'] });
const agents = [ana, ben, carl];
const tasks = [
  toyTask('left', 'ana'),
  toyTask('right', 'carl'),
  toyTask('join', 'carl', { context: ['left', 'right'] }),
];

/** What is on the disk of the machine: it outlives each process. */
class World {
  /** How often each step was done: a turn of a model, a call of a tool. */
  readonly done = new Map<string, number>();
  /** Told of each step when it begins. */
  onStep: (count: number) => void = () => undefined;
  note(step: string): void {
    this.done.set(step, (this.done.get(step) ?? 0) + 1);
    this.onStep(this.done.size);
  }
}

/** A process that stops for good after so many durable writes: no later write, call or note of it happens. */
class Life {
  dead = false;
  readonly died: Promise<void>;
  #die: () => void = () => undefined;
  #writes = 0;
  readonly #last: number;

  constructor(last: number) {
    this.#last = last;
    this.died = new Promise((resolve) => (this.#die = resolve));
  }

  /** Gives the result unless the process died before it came. */
  async of<T>(work: () => Promise<T>, isWrite: boolean): Promise<T> {
    if (this.dead) return new Promise<T>(() => undefined);
    const result = await work();
    if (isWrite && ++this.#writes >= this.#last) {
      this.dead = true;
      this.#die();
    }
    return this.dead ? new Promise<T>(() => undefined) : result;
  }

  saver(saver: BaseCheckpointSaver): BaseCheckpointSaver {
    return new Proxy(saver, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (name !== 'put' && name !== 'putWrites') return value.bind(target) as unknown;
        return (...args: unknown[]) => this.of(async () => value.apply(target, args) as unknown, true);
      },
    });
  }
}

function process(world: World, life: Life, saver: BaseCheckpointSaver, store: ReturnType<typeof createMemoryRunStore>) {
  const noted = (step: string): void => {
    if (!life.dead) world.note(step);
  };
  const turn = ({ task, agent, observations }: PlaybookContext): void =>
    noted(`turn ${task.id} ${agent.id} ${observations.length}`);
  const look = (what: string) => ({ calls: [{ tool: 'look', args: { what }, reason: 'to see' }] });
  const playbook = definePlaybook({
    left: (context) => {
      turn(context);
      const args = { coworker: 'ben', work: 'Look closely.' };
      if (context.observations.length === 0)
        return { calls: [{ tool: 'delegate_work', args, reason: 'ben sees better' }] };
      return { answer: { heard: context.observations.map((o) => o.result) } };
    },
    left_for_ben: (context) => {
      turn(context);
      return context.observations.length < 2 ? look(`ben ${context.observations.length}`) : { answer: 'ben saw it' };
    },
    right: (context) => {
      turn(context);
      const { observations } = context;
      if (observations.length < 2) return look(`carl ${observations.length}`);
      if (observations.length === 2) return { calls: [{ tool: 'change', args: { to: 7 }, reason: 'to mend' }] };
      return { answer: { saw: observations.length } };
    },
    join: (context) => {
      turn(context);
      return { answer: context.context };
    },
  });
  const tool = (name: string, effects: 'none' | 'effect') =>
    toyTool(
      name,
      (input) => {
        noted(`${name} ${JSON.stringify(input)}`);
        return { [name]: input };
      },
      { effects },
    );
  return desk({
    agents,
    tasks,
    crew: { process: 'parallel' },
    tools: [tool('look', 'none'), tool('change', 'effect')],
    models: createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: playbook } }),
    saver: life.saver(saver),
    store,
    deps: { drainMs: 60_000 },
  });
}

/** Runs until it is killed after `kill` writes (or to the end), then goes on in a new process. */
async function killed(
  kill: number,
): Promise<{ readonly document: RunDocument; readonly world: World; readonly died: boolean }> {
  const world = new World();
  const saver = new MemorySaver();
  const store = createMemoryRunStore();
  const life = new Life(kill);
  const first = process(world, life, saver, store);
  const { done } = await first.runner.start('toy', {}, { runId: 'run_1' });
  const ended = await Promise.race([done, life.died]);
  if (ended !== undefined) return { document: ended, world, died: false };
  const next = process(world, new Life(Infinity), saver, store);
  const [taken] = await next.runner.recover();
  if (taken === undefined) throw new Error('the run was not taken up');
  return { document: await taken.done, world, died: true };
}

const outcome = (document: RunDocument): unknown => ({
  status: document.status,
  output: document.output,
  tasks: document.tasks.map(({ id, status, output, tool_calls }) => [
    id,
    status,
    output,
    tool_calls.map((c) => c.tool),
  ]),
  calls: document.usage.model_calls,
});

describe('a run killed after any durable write', () => {
  test('ends as if it had not been, and repeats at most the steps that were at work', {
    timeout: 300_000,
  }, async () => {
    const whole = await killed(Infinity);
    expect(whole.document.status).toBe('completed');
    expect([...whole.world.done.values()].every((times) => times === 1)).toBe(true);
    expect(whole.world.done.size).toBe(15);
    let points = 0;
    for (let kill = 1; ; kill++) {
      const { document, world, died } = await killed(kill);
      if (!died) break;
      points = kill;
      expect(outcome(document), `killed after write ${kill}`).toEqual(outcome(whole.document));
      expect([...world.done.keys()].sort()).toEqual([...whole.world.done.keys()].sort());
      const repeated = [...world.done].filter(([, times]) => times > 1);
      // Two branches can be at work at the moment of the kill; each repeats the one step that had not ended.
      expect(repeated.length, `killed after write ${kill}: ${JSON.stringify(repeated)}`).toBeLessThanOrEqual(2);
      expect(repeated.every(([, times]) => times === 2)).toBe(true);
    }
    expect(points).toBeGreaterThan(40);
  });
});

describe('a run that is told to stop while a step is at work', () => {
  /** Asks for a stop in the middle of the step that begins as the `at`th, then goes on in a new process. */
  async function stopped(at: number) {
    const world = new World();
    const saver = new MemorySaver();
    const store = createMemoryRunStore();
    const first = process(world, new Life(Infinity), saver, store);
    const stop = new AbortController();
    world.onStep = (count) => {
      if (count === at) stop.abort(new StopRequested('the machine goes down'));
    };
    const document = await first.runner.kickoff('toy', {}, { runId: 'run_1', signal: stop.signal });
    if (!stop.signal.aborted) return { document, world, asked: false, suspended: null };
    const next = process(world, new Life(Infinity), saver, store);
    const [taken] = await next.runner.recover();
    const suspended = document.status === 'suspended' ? { document, events: first.events } : null;
    return { document: (await taken?.done) ?? document, world, asked: true, suspended };
  }

  test('ends the step, is suspended, and repeats none when it is taken up', { timeout: 120_000 }, async () => {
    const whole = await stopped(Infinity);
    let suspended = 0;
    for (let at = 1; ; at++) {
      const ended = await stopped(at);
      if (!ended.asked) break;
      expect(outcome(ended.document), `stopped at step ${at}`).toEqual(outcome(whole.document));
      expect([...ended.world.done], `stopped at step ${at}`).toEqual(
        expect.arrayContaining([...whole.world.done.keys()].map((step) => [step, 1])),
      );
      if (ended.suspended === null) continue;
      suspended++;
      expect(ended.suspended.document).toMatchObject({ status: 'suspended', finished_at: null, error: null });
      expect(ended.suspended.events.of('run.suspended')).toMatchObject([{ reason: 'the machine goes down' }]);
      expect(ended.suspended.events.of('run.cancelled')).toEqual([]);
    }
    // Only a stop in the last of the 15 steps comes too late: the run is over with it.
    expect(suspended).toBe(14);
  });

  test('gives up a step that does not end in time', async () => {
    let reached = (): void => undefined;
    const atWork = new Promise<void>((resolve) => (reached = resolve));
    const gate = (): Promise<never> => {
      reached();
      return new Promise(() => undefined);
    };
    const playbook = definePlaybook({ work: () => ({ answer: 'never' }) });
    const models = createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: playbook } });
    const made = desk({ agents: [carl], tasks: [toyTask('work', 'carl')], models, deps: { drainMs: 5000, gate } });
    const { runId, done } = await made.runner.start('toy');
    await atWork;
    const closed = made.runner.close();
    await made.clock.advance(5000);
    await closed;
    expect(await done).toMatchObject({ status: 'suspended' });
    expect((await made.store.get(runId))?.status).toBe('suspended');
  });
});

describe('a run with an effect of which nobody knows whether it happened', () => {
  test('waits for a person, and goes on once it is settled', async () => {
    const change = toyTool('change', () => ({ changed: 1 }), { effects: 'effect' });
    const playbook = definePlaybook({
      work: ({ observations }) =>
        observations.length === 0
          ? { calls: [{ tool: 'change', args: { to: 7 }, reason: 'to mend' }] }
          : { answer: observations.map((o) => o.result) },
    });
    const toy = new ToyInvoker([change]);
    let settled = false;
    const made = desk({
      agents: [carl],
      tasks: [toyTask('work', 'carl')],
      models: createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: playbook } }),
      invoker: {
        find: (name) => toy.find(name),
        visible: (caller) => toy.visible(caller),
        invoke: async (call) => {
          if (settled) return toy.invoke(call);
          const details = { key: 'k1', effect: 'unknown' };
          const error = { code: 'conflict' as const, message: 'its outcome is not known', retryable: false, details };
          return { ok: false, call_id: 'c', tool: call.tool, error, duration_ms: 0 };
        },
      },
    });
    const waiting = await made.runner.kickoff('toy');
    expect(waiting).toMatchObject({
      status: 'waiting',
      waiting_for: [{ kind: 'effect', task: 'work', tool: 'change', details: { effect_key: 'k1', args: { to: 7 } } }],
    });
    expect(made.events.of('run.waiting')[0]?.reason).toBe('what became of change in work (crew effects)');
    expect((await made.runner.resume(waiting.run_id)).status).toBe('waiting');
    settled = true;
    expect(await made.runner.resume(waiting.run_id)).toMatchObject({ status: 'completed', output: [{ changed: 1 }] });
  });
});
