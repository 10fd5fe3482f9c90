import { MemorySaver } from '@langchain/langgraph';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { defineFlow } from '../../../src/crew/flow/define.ts';
import { flowFromSpec } from '../../../src/crew/flow/from-spec.ts';
import { createMemoryFlowStore } from '../../../src/crew/flow/store.ts';
import { createMemoryRunStore } from '../../../src/crew/run/memory-store.ts';
import { Conflict, InvalidInput } from '../../../src/kit/errors.ts';
import { defineQuestion } from '../../../src/kit/question.ts';
import { ScriptedModel, toyAgent, toyTask, toyTool } from '../../../src/testing/index.ts';
import { issuesOf, load } from '../config/folder.ts';
import { flowDesk } from '../flow/desk.ts';

const limit = defineQuestion({
  text: 'What may it cost at most?',
  payload: z.object({ article: z.string() }),
  answer: z.object({ limit: z.number().positive(), currency: z.enum(['EUR', 'USD']) }),
});
const even = defineQuestion({
  text: 'An even number?',
  answer: z.number().refine((n) => n % 2 === 0, 'must be even'),
  timeoutMs: 60_000,
});
const stands = defineQuestion({ text: 'Go on?', answer: z.boolean(), timeoutMs: 60_000, otherwise: false });

/** A flow that asks in three steps side by side, and goes on when all have answered. */
const asking = defineFlow({
  id: 'asking',
  state: z.object({ article: z.string().default('lamp') }),
  methods: {
    cost: {
      start: true,
      run: ({ ask, state }) => {
        const given = ask(limit, { article: state.article });
        expectTypeOf(given).toEqualTypeOf<{ limit: number; currency: 'EUR' | 'USD' }>();
        return given.limit;
      },
    },
    number: { start: true, run: ({ ask }) => ask(even) },
    free: { start: true, run: ({ ask }) => ask({ anything: true }) },
    end: { on: { all: ['cost', 'number', 'free'] }, run: ({ input }) => input },
  },
});

function disk() {
  return { checkpointer: new MemorySaver(), store: createMemoryFlowStore() };
}

describe('a question of a flow', () => {
  test('is one of several, answered in any order, each once; what does not fit is refused by its field', async () => {
    const { flows, events } = flowDesk([asking]);
    const waiting = await flows.kickoff('asking');
    const { run_id, status, waiting_for } = waiting;
    expect([status, waiting_for.map((p) => p.method)]).toEqual(['waiting', ['cost', 'number', 'free']]);
    expect(waiting_for[0]).toMatchObject({
      kind: 'question',
      details: { question: 'What may it cost at most?', payload: { article: 'lamp' }, problem: null },
      answer: { properties: { limit: { type: 'number' }, currency: { enum: ['EUR', 'USD'] } } },
      expires_at: null,
    });
    expect(events.of('question.asked').map((e) => e.where)).toEqual(['cost', 'number', 'free']);
    for (const [wrong, why] of [
      [{ limit: -1, currency: 'EUR' }, /limit: /],
      [{ limit: 1, currency: 'GBP' }, /currency: /],
      ['much', /the answer: /],
    ] as const) {
      const refused = flows.resume(run_id, { cost: wrong });
      await expect(refused).rejects.toThrow(why);
      await expect(refused).rejects.toBeInstanceOf(InvalidInput);
    }
    expect((await flows.show(run_id)).waiting_for).toHaveLength(3);
    const id = (method: string): string => waiting_for.find((p) => p.method === method)?.question_id ?? '';
    const some = await flows.resume(run_id, { [id('free')]: 'yes' }, { by: 'alice' });
    expect(some.waiting_for.map((p) => p.method).sort()).toEqual(['cost', 'number']);
    await expect(flows.resume(run_id, { [id('free')]: 'no' })).rejects.toBeInstanceOf(Conflict);
    await expect(flows.resume(run_id, { free: 'no' })).rejects.toThrow("no open question at 'free'");
    await flows.resume(run_id, { number: 4 });
    const done = await flows.resume(run_id, { cost: { limit: 5, currency: 'EUR' } });
    expect([done.status, done.methods.map((m) => m.output)]).toEqual(['completed', [5, 4, 'yes', 'yes']]);
    await expect(flows.resume(run_id, { cost: { limit: 5, currency: 'EUR' } })).rejects.toThrow('is completed');
    expect(events.of('question.answered').map((e) => [e.where, e.by])).toEqual([
      ['free', 'alice'],
      ['number', 'not said'],
      ['cost', 'not said'],
    ]);
  });

  test('is asked again when its own check, which JSON Schema cannot say, refuses the answer', async () => {
    const { flows, clock } = flowDesk([
      defineFlow({ id: 'f', methods: { number: { start: true, run: ({ ask }) => ask(even) } } }),
    ]);
    const { run_id, waiting_for } = await flows.kickoff('f');
    await clock.advance(10_000);
    await expect(flows.resume(run_id, { number: 3 })).rejects.toThrow(
      "the answer to 'number' does not fit: the answer: must be even",
    );
    const open = await flows.show(run_id);
    expect(open.waiting_for).toMatchObject([{ details: { problem: 'the answer: must be even' } }]);
    // It has the time that it had.
    expect(open.waiting_for[0]?.expires_at).toBe(waiting_for[0]?.expires_at);
    expect(await flows.resume(run_id, { number: 2 })).toMatchObject({ status: 'completed', output: 2 });
  });

  test('of two answers at once takes one', async () => {
    const { flows } = flowDesk([asking]);
    const { run_id } = await flows.kickoff('asking');
    const both = await Promise.allSettled([flows.resume(run_id, { number: 2 }), flows.resume(run_id, { number: 4 })]);
    expect(both.map((b) => b.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await flows.show(run_id)).waiting_for.map((p) => p.method).sort()).toEqual(['cost', 'free']);
  });

  test('that nobody answers in time ends the flow, or lets stand what it says; another answer gives it no more time', async () => {
    const one = defineFlow({
      id: 'one',
      methods: {
        go: { start: true, run: ({ ask }) => ask(stands) },
        other: { start: true, run: ({ ask }) => ask('anything') },
        end: { on: { all: ['go', 'other'] }, run: () => 'over' },
      },
    });
    const two = defineFlow({ id: 'two', methods: { number: { start: true, run: ({ ask }) => ask(even) } } });
    const { flows, clock, events } = flowDesk([one, two]);
    const first = await flows.kickoff('one');
    const second = await flows.kickoff('two');
    await clock.advance(30_000);
    await flows.resume(first.run_id, { other: 1 });
    await clock.advance(30_000);
    await expect.poll(async () => (await flows.show(first.run_id)).status).toBe('completed');
    expect((await flows.show(first.run_id)).methods[0]).toMatchObject({ id: 'go', output: false });
    await expect.poll(async () => (await flows.show(second.run_id)).status).toBe('failed');
    expect((await flows.show(second.run_id)).error).toContain("nobody answered 'An even number?' in time");
    expect(events.of('question.expired').map((e) => e.where)).toEqual(['number', 'go']);
    await expect(flows.resume(second.run_id, { number: 2 })).rejects.toBeInstanceOf(Conflict);
  });

  test('waits on disk: the next process has it, answers it and takes its time as over', async () => {
    const kept = disk();
    const first = flowDesk([asking], {}, kept);
    const { run_id, waiting_for } = await first.flows.kickoff('asking');
    await first.flows.close();
    const second = flowDesk([asking], {}, kept);
    await second.flows.recover();
    expect((await second.flows.show(run_id)).waiting_for).toEqual(waiting_for);
    await second.flows.resume(run_id, { cost: { limit: 7, currency: 'USD' }, free: 0 });
    await second.clock.advance(60_000);
    await expect.poll(async () => (await second.flows.show(run_id)).status).toBe('failed');
  });

  test('of a step that asks twice has an id of its own, so a late answer to the first is refused', async () => {
    const twice = defineFlow({
      id: 'twice',
      methods: { a: { start: true, run: ({ ask }) => [ask(even), ask(even), ask('and?')] } },
    });
    const { flows } = flowDesk([twice]);
    const { run_id, waiting_for } = await flows.kickoff('twice');
    const first = waiting_for[0]?.question_id ?? '';
    expect((await flows.resume(run_id, { [first]: 2 })).status).toBe('waiting');
    await expect(flows.resume(run_id, { [first]: 4 })).rejects.toBeInstanceOf(Conflict);
    await flows.resume(run_id, { a: 4 });
    expect(await flows.resume(run_id, { a: 'no' })).toMatchObject({ status: 'completed', output: [2, 4, 'no'] });
  });

  test('of a sub-flow, a crew and a tool is answered where it is, and the flow goes on by itself', async () => {
    const inner = defineFlow({ id: 'inner', methods: { n: { start: true, run: ({ ask }) => ask(even) } } });
    const outer = defineFlow({
      id: 'outer',
      methods: {
        sub: { start: true, run: async ({ subflow }) => (await subflow('inner')).output },
        crew: { start: true, run: async ({ crew }) => (await crew('toy')).output },
        tool: { start: true, run: ({ tool }) => tool('order', {}, { agent: 'ana' }) },
        end: { on: { all: ['sub', 'crew', 'tool'] }, run: () => 'over' },
      },
    });
    const order = toyTool('order', (_, { ask }) => ask(limit, { article: 'lamp' }).limit);
    const { flows, runner, events } = flowDesk(
      [inner, outer],
      {
        agents: [toyAgent('ana', { tools: ['order'] })],
        tasks: [toyTask('a', 'ana', { human_input: true })],
        models: [new ScriptedModel([{ text: 'said' }]).named('m')],
        tools: [order],
        store: createMemoryRunStore(),
      },
      'heard',
    );
    const { run_id, waiting_for } = await flows.kickoff('outer');
    expect(waiting_for.map((p) => [p.method, p.kind])).toEqual([
      ['sub', 'run'],
      ['crew', 'run'],
      ['tool', 'question'],
    ]);
    const run = (at: number): string => z.object({ run_id: z.string() }).parse(waiting_for[at]?.details).run_id;
    await expect(flows.resume(run_id, { sub: 2 })).rejects.toThrow(`waits for run ${run(0)}: answer there`);
    await flows.resume(run(0), { n: 2 });
    await runner.resume(run(1), { a: { accept: true } });
    await expect.poll(async () => (await flows.show(run_id)).waiting_for.map((p) => p.method)).toEqual(['tool']);
    const done = await flows.resume(run_id, { tool: { limit: 9, currency: 'EUR' } });
    expect(done).toMatchObject({ status: 'completed', output: 'over' });
    expect(done.methods.slice(0, 2).map((m) => m.output)).toEqual([2, 'said']);
    expect(done.methods[2]?.output).toMatchObject({ data: 9 });
    expect(events.of('flow.failed')).toEqual([]);
  });
});

const base = {
  'agents.yaml': '\nana:\n  role: A\n  goal: B\n  backstory: C\n  tools: []',
  'tasks.yaml': '\na:\n  description: D\n  expected_output: E\n  agent: ana',
  'crews.yaml': '\ntoy:\n  tasks: [a]',
};

describe('a question in flows.yaml', () => {
  test('shows values of the state, and takes what its schema takes', async () => {
    const text = `
publish:
  state: { title: News }
  steps:
    sign:
      start: true
      ask: "Publish {title}?"
      show: { title: "{title}" }
      show_schema: { type: object, properties: { title: { type: string } }, required: [title] }
      answer:
        type: object
        properties: { publish: { type: boolean }, note: { type: string, maxLength: 20 } }
        required: [publish]
        additionalProperties: false
      answer_timeout: 1h
      otherwise: { publish: false }
      save: signed
    out:
      after: sign
      routes: [{ to: go, when: { field: signed.publish, is: true } }, { to: stay }]`;
    const [spec] = load({ ...base, 'flows.yaml': text }).flows;
    if (spec === undefined) throw new Error('no flow');
    const { flows, clock } = flowDesk([flowFromSpec(spec)]);
    const { run_id, waiting_for } = await flows.kickoff('publish', { title: 'Gold' });
    expect(waiting_for).toMatchObject([
      {
        method: 'sign',
        details: { question: 'Publish Gold?', payload: { title: 'Gold' } },
        expires_at: clock.now() + 3_600_000,
      },
    ]);
    await expect(flows.resume(run_id, { sign: { publish: 'yes' } })).rejects.toThrow(/publish: /);
    await expect(flows.resume(run_id, { sign: { publish: true, by: 'me' } })).rejects.toBeInstanceOf(InvalidInput);
    expect(await flows.resume(run_id, { sign: { publish: true } })).toMatchObject({
      status: 'completed',
      output: 'go',
    });
    const late = await flows.kickoff('publish');
    await clock.advance(3_600_000);
    await expect.poll(async () => (await flows.show(late.run_id)).output).toBe('stay');
    // What is shown is checked before anybody is asked.
    expect(await flows.kickoff('publish', { title: 7 })).toMatchObject({ status: 'failed' });
  });

  test('names each mistake with its place', () => {
    const wrong = `
f:
  steps:
    b: { start: true, answer: { type: string } }
    c: { start: true, ask: C, answer: { type: string }, answer_timeout: 60, otherwise: 7 }
    d: { start: true, ask: D, otherwise: x }`;
    expect(issuesOf({ ...base, 'flows.yaml': wrong })).toEqual([
      'flows.yaml:3:31: flow f, step b: answer belongs to a question: say what to ask',
      "flows.yaml:4:88: flow f, step c: question 'C': its otherwise is no answer: the answer: Invalid input: expected string, received number",
      "flows.yaml:5:42: flow f, step d: question 'D': what stands when time is over needs a time",
    ]);
    const schema = `\nf:\n  steps:\n    a: { start: true, ask: A, answer: { type: nonsense } }`;
    expect(issuesOf({ ...base, 'flows.yaml': schema })).toEqual([
      'flows.yaml:3:39: f.steps.a.answer: is not a JSON Schema that can be checked: Unsupported type: nonsense, got {"type":"nonsense"}',
    ]);
  });
});
