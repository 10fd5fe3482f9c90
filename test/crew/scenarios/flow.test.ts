import { MemorySaver } from '@langchain/langgraph';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineFlow, type FlowMethodDefinition } from '../../../src/crew/flow/define.ts';
import { createMemoryFlowStore } from '../../../src/crew/flow/store.ts';
import { all, any, type FlowTrigger } from '../../../src/crew/flow/trigger.ts';
import { definePlaybook } from '../../../src/crew/index.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { toyAgent, toyTask, toyTool } from '../../../src/testing/index.ts';
import { flowDesk } from '../flow/desk.ts';

type Methods = Record<
  string,
  Omit<FlowMethodDefinition<{ readonly id: string }>, 'run'> & {
    run?: FlowMethodDefinition<{ readonly id: string }>['run'];
  }
>;

/** A flow whose methods only say that they ran, in `order`. */
function traced(methods: Methods) {
  const order: string[] = [];
  const flow = defineFlow({
    id: 'toy_flow',
    methods: Object.fromEntries(
      Object.entries(methods).map(([id, m]) => [
        id,
        {
          ...m,
          run: (context) => {
            order.push(id);
            return m.run?.(context) ?? id;
          },
        },
      ]),
    ),
  });
  return { order, ...flowDesk([flow]) };
}

const on = (trigger: FlowTrigger) => ({ on: trigger });

describe('flow', () => {
  test('a sequence, with each method getting what the one before gave', async () => {
    const inputs: unknown[] = [];
    const see = (c: { input: unknown }) => void inputs.push(c.input);
    const { flows, order } = traced({ one: { start: true }, two: { ...on('one'), run: see }, three: on('two') });
    const document = await flows.kickoff('toy_flow');
    expect(order).toEqual(['one', 'two', 'three']);
    expect(inputs).toEqual(['one']);
    expect(document).toMatchObject({ status: 'completed', output: 'three' });
  });

  test('several starts', async () => {
    const { flows, order } = traced({ a: { start: true }, b: { start: true }, end: on(all('a', 'b')) });
    await flows.kickoff('toy_flow');
    expect(order).toEqual(['a', 'b', 'end']);
  });

  test('a cycle of three rounds, in exact order', async () => {
    const { flows, order } = traced({
      work: { start: true, ...on('again') },
      check: { ...on('work'), routes: ['again', 'done'], run: ({ execution }) => (execution < 2 ? 'again' : 'done') },
      end: on('done'),
    });
    await flows.kickoff('toy_flow');
    expect(order).toEqual(['work', 'check', 'work', 'check', 'work', 'check', 'end']);
  });

  test('a loop that does not end is stopped at its bound', async () => {
    const { flows } = traced({ work: { start: true, on: 'work', maxRuns: 5 } });
    const document = await flows.kickoff('toy_flow');
    expect(document).toMatchObject({ status: 'failed', error: expect.stringContaining('method work has run 5 times') });
    expect(document.methods[0]?.runs).toBe(5);
  });

  test('all waits for each of them, any for one, nested too', async () => {
    const { flows, order } = traced({
      a: { start: true },
      b: on('a'),
      c: on('b'),
      both: on(all('a', 'c')),
      either: on(any('b', 'nowhere')),
      nested: on(all('a', any('c', 'nowhere'))),
      odd: { ...on('a'), routes: ['nowhere', 'left'], run: () => 'left' },
      once: on(any('both', 'nested')),
    });
    await flows.kickoff('toy_flow');
    expect(order).toEqual(['a', 'b', 'odd', 'c', 'either', 'both', 'nested', 'once']);
  });

  test('a router leads one way, and two routers on one trigger lead two ways', async () => {
    const { flows, order } = traced({
      begin: { start: true },
      left: { ...on('begin'), routes: ['l1', 'l2'], run: () => 'l2' },
      right: { ...on('begin'), routes: ['r1', 'r2'], run: () => 'r1' },
      l_one: on('l1'),
      l_two: on('l2'),
      r_one: on('r1'),
    });
    await flows.kickoff('toy_flow');
    expect(order).toEqual(['begin', 'left', 'right', 'l_two', 'r_one']);
  });

  test('a router that gives none of its routes is an error', async () => {
    const { flows } = traced({ a: { start: true, routes: ['x'], run: () => 'y' } });
    expect((await flows.kickoff('toy_flow')).error).toContain("router a gave 'y', which is none of its routes: x");
  });

  test('asynchronous methods are waited for', async () => {
    const { flows, order } = traced({
      slow: { start: true, run: () => new Promise((resolve) => setImmediate(() => resolve('slow'))) },
      after: on('slow'),
    });
    expect((await flows.kickoff('toy_flow')).output).toBe('after');
    expect(order).toEqual(['slow', 'after']);
  });

  test('an exception stops the methods that wait, and is told', async () => {
    const { flows, order, events } = traced({
      a: {
        start: true,
        run: () => {
          throw new Error('boom');
        },
      },
      b: on('a'),
    });
    expect(await flows.kickoff('toy_flow')).toMatchObject({ status: 'failed', error: 'boom' });
    expect(order).toEqual(['a']);
    expect(events.of('method.failed')).toMatchObject([{ method: 'a', error: 'boom' }]);
    expect(events.of('flow.failed')).toHaveLength(1);
  });

  test('a second kickoff runs all again, with another state', async () => {
    const { flows, order } = traced({ a: { start: true }, b: on('a') });
    const [first, second] = [await flows.kickoff('toy_flow'), await flows.kickoff('toy_flow')];
    expect(order).toEqual(['a', 'b', 'a', 'b']);
    expect(first.state['id']).not.toBe(second.state['id']);
  });

  test('the id of the state is a UUID of 36 characters, the same during a run, with a schema and without', async () => {
    const ids: unknown[] = [];
    const methods = {
      a: { start: true, run: ({ state }: { state: { id: string } }) => void ids.push(state.id) },
      b: { on: 'a', run: ({ state }: { state: { id: string } }) => void ids.push(state.id) },
    };
    const plain = defineFlow({ id: 'plain', methods });
    const typed = defineFlow({ id: 'typed', state: z.object({ n: z.number().default(0) }), methods });
    const { flows } = flowDesk([plain, typed], {}, { uuid: () => crypto.randomUUID() });
    const documents = [await flows.kickoff('plain'), await flows.kickoff('typed')];
    expect(ids).toEqual(documents.flatMap((d) => [d.state['id'], d.state['id']]));
    expect(ids.every((id) => typeof id === 'string' && /^[0-9a-f-]{36}$/.test(id))).toBe(true);
  });

  test('typed state is checked, and its reducers join what methods side by side give', async () => {
    const flow = defineFlow({
      id: 'sums',
      state: z.object({ seen: z.array(z.string()).default([]), n: z.number().default(1) }),
      reducers: { seen: (known, more) => [...known, ...more], n: (known, by) => known + by },
      methods: {
        a: { start: true, run: ({ update }) => update({ seen: ['a'], n: 2 }) },
        b: { start: true, run: ({ update }) => update({ seen: ['b'], n: 3 }) },
        bad: { on: all('a', 'b'), run: ({ state, update }) => (state.n === 6 ? null : update({ n: 'x' as never })) },
      },
    });
    const { flows } = flowDesk([flow]);
    expect((await flows.kickoff('sums')).state).toMatchObject({ seen: ['a', 'b'], n: 6 });
    expect(await flows.kickoff('sums', { n: 5 })).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('n'),
    });
    await expect(flows.kickoff('sums', { n: 'x' })).rejects.toThrow('flow sums: ✖ Invalid input: expected number');
  });

  test('what came with the trigger is given to the start methods', async () => {
    const seen: unknown[] = [];
    const { flows } = traced({ a: { start: true, run: ({ input, payload }) => void seen.push(input, payload) } });
    await flows.kickoff('toy_flow', {}, { payload: { alert: 1 }, trigger: 'event data.gap_detected' });
    expect(seen).toEqual([{ alert: 1 }, { alert: 1 }]);
  });

  test('events come in order, with their fields', async () => {
    const { flows, events } = traced({
      a: { start: true },
      b: { ...on('a'), routes: ['r'], run: () => 'r' },
      c: on('r'),
    });
    const { run_id, state } = await flows.kickoff('toy_flow');
    expect(events.types()).toEqual([
      'flow.started',
      ...['a', 'b', 'c'].flatMap(() => ['method.started', 'method.completed']),
      'flow.completed',
    ]);
    expect(events.of('flow.started')[0]).toEqual({
      flow: 'toy_flow',
      run_id,
      trigger: 'manual',
      state_id: state['id'],
    });
    expect(events.of('method.started')[1]).toEqual({
      flow: 'toy_flow',
      run_id,
      method: 'b',
      execution: 0,
      trigger: 'a',
    });
    expect(events.of('method.completed').map((e) => e.route)).toEqual([null, 'r', null]);
    expect(events.of('flow.completed')[0]).toMatchObject({ run_id, output: 'c' });
    expect(events.all.every((e) => e.correlation_id === run_id)).toBe(true);
  });
});

describe('a flow is refused', () => {
  test.each([
    [{ a: { on: 'a' } }, 'no method is a start'],
    [{ a: { start: true }, b: {} }, 'nothing starts method b'],
    [
      { start: { start: true }, b: on('strat') },
      "method b waits for 'strat', which is no method and no route (did you mean start?)",
    ],
    [{ a: { start: true, routes: ['b'] }, b: on('a') }, "route 'b' of a has the name of a method"],
    [{ a: { start: true, routes: [] } }, 'router a has no routes'],
  ] as const)('%j', (methods, message) => {
    expect(() => traced(methods)).toThrow(message);
  });
});

describe('the steps of a flow', () => {
  const answered = createModelSource({
    env: {},
    model: 'playbook',
    fallbacks: [],
    playbooks: {
      toy: definePlaybook({ a: ({ inputs }) => ({ answer: { got: inputs['x'] ?? null } }) }),
      'agent:ana': definePlaybook({ answer: ({ inputs }) => ({ answer: { said: inputs['prompt'] } }) }),
    },
  });

  test('are crews, agents, tools and other flows, and child runs bear the flow’s path', async () => {
    const inner = defineFlow({
      id: 'inner',
      state: z.object({ y: z.number() }),
      methods: { only: { start: true, run: ({ state }) => state.y * 2 } },
    });
    const outer = defineFlow({
      id: 'outer',
      methods: {
        crew: { start: true, run: async ({ crew }) => (await crew('toy', { x: 1 })).output },
        agent: { on: 'crew', run: async ({ agent }) => (await agent('ana', { prompt: 'hi' })).output },
        tool: { on: 'agent', run: ({ tool }) => tool('look', { at: 3 }, { agent: 'ana' }) },
        flow: { on: 'tool', run: async ({ subflow }) => (await subflow('inner', { y: 4 })).output },
      },
    });
    const tools = [toyTool('look', ({ at }) => at)];
    const { flows, runner } = flowDesk([outer, inner], {
      agents: [toyAgent('ana', { tools: ['look'] })],
      models: answered,
      tools,
    });
    const doc = await flows.kickoff('outer');
    const { methods, run_id } = doc;
    expect(methods.map((m) => m.output)).toMatchObject([{ got: 1 }, { said: 'hi' }, { ok: true, data: 3 }, 8]);
    expect((await runner.listRuns()).map((r) => r.run_id).sort()).toEqual([
      `${run_id}/agent#0.0`,
      `${run_id}/crew#0.0`,
    ]);
    expect((await flows.list()).map((f) => f.run_id)).toContain(`${run_id}/flow#0.0`);
  });

  test('fail the flow with their reason', async () => {
    const flow = defineFlow({
      id: 'f',
      methods: {
        tool: { start: true, run: ({ tool }) => tool('nothing', {}, { agent: 'ana' }) },
      },
    });
    expect((await flowDesk([flow]).flows.kickoff('f')).error).toContain('nothing: there is no tool nothing');
  });

  test('wait for people: a question, and a crew that waits, are answered and not done again', async () => {
    const flow = defineFlow({
      id: 'f',
      methods: {
        crew: { start: true, run: async ({ crew }) => (await crew('toy')).output },
        question: { on: 'crew', run: ({ ask, input }) => ({ answered: ask({ publish: input }) }) },
      },
    });
    const tasks = [toyTask('a', 'ana', { human_input: true })];
    const { flows, runner, events } = flowDesk([flow], { tasks, models: answered });
    const first = await flows.kickoff('f');
    expect(first).toMatchObject({ status: 'waiting', waiting_for: [{ method: 'crew', kind: 'run' }] });
    const child = `${first.run_id}/crew#0.0`;
    expect(await flows.resume(first.run_id)).toMatchObject({ status: 'waiting' });
    await runner.resume(child, { a: { accept: true } });
    const second = await flows.resume(first.run_id);
    expect(second).toMatchObject({
      status: 'waiting',
      waiting_for: [{ method: 'question', details: { publish: { got: null } } }],
    });
    expect(await flows.resume(first.run_id, { question: 'yes' })).toMatchObject({
      status: 'completed',
      output: { answered: 'yes' },
    });
    expect(events.of('task.completed')).toHaveLength(1);
  });

  test('that were done are not done again after a stop', async () => {
    const ran: string[] = [];
    let broken = true;
    const flow = defineFlow({
      id: 'f',
      methods: {
        a: { start: true, run: () => void ran.push('a') },
        b: {
          on: 'a',
          run: ({ signal }) => {
            ran.push('b');
            if (broken)
              return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('killed'))));
            return 'done';
          },
        },
      },
    });
    const saver = new MemorySaver();
    const store = createMemoryFlowStore();
    const killed = flowDesk([flow], {}, { checkpointer: saver, store });
    const abort = new AbortController();
    const gone = killed.flows.kickoff('f', {}, { signal: abort.signal, runId: 'r1' });
    while (ran.length < 2) await new Promise((resolve) => setImmediate(resolve));
    const left = await store.get('r1');
    abort.abort(new Error('killed'));
    await gone;
    // As a killed process leaves it: the record says that it runs.
    if (left !== null) await store.save(left);
    broken = false;
    const [again] = await flowDesk([flow], {}, { checkpointer: saver, store }).flows.recover();
    expect(again).toMatchObject({ status: 'completed', output: 'done' });
    expect(ran).toEqual(['a', 'b', 'b']);
    const other = defineFlow({ id: 'f', methods: { a: { start: true, run: () => 1 } } });
    if (left !== null) await store.save(left);
    const [refused] = await flowDesk([other], {}, { checkpointer: saver, store }).flows.recover();
    expect(refused?.error).toMatch(/has other methods than when run \w+ began:\n  - method b/);
  });
});
