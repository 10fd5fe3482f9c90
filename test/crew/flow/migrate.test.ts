import { MemorySaver } from '@langchain/langgraph';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineFlow, type FlowDefinition } from '../../../src/crew/flow/define.ts';
import { createMemoryFlowStore } from '../../../src/crew/flow/store.ts';
import { createMemoryRunStore } from '../../../src/crew/run/memory-store.ts';
import { Conflict } from '../../../src/kit/errors.ts';
import { defineQuestion } from '../../../src/kit/question.ts';
import { ScriptedModel, toyAgent, toyTask } from '../../../src/testing/index.ts';
import { flowDesk } from './desk.ts';

const sign = defineQuestion({ text: 'Sign?', answer: z.boolean() });
const state = z.object({ n: z.number().default(0) });

/** `look` runs a crew, `sign` asks, `end` ends. */
function before(ran: string[]): FlowDefinition {
  return defineFlow({
    id: 'f',
    state,
    methods: {
      look: {
        start: true,
        run: async ({ crew, update, state: { n } }) => {
          ran.push('look');
          update({ n: n + 1 });
          return (await crew('toy')).output;
        },
      },
      sign: { on: 'look', run: ({ ask }) => ask(sign) },
      end: { on: 'sign', run: ({ input }) => input },
    },
  });
}

/** `sign` is `confirm` now, and `tell` has come. */
function after(ran: string[], migrate?: FlowDefinition['migrate']): FlowDefinition {
  return defineFlow({
    id: 'f',
    state: state.extend({ told: z.string().default('') }),
    migrate,
    methods: {
      look: { start: true, run: () => void ran.push('look again') },
      confirm: { on: 'look', run: ({ ask, input }) => [input, ask(sign)] },
      tell: { on: 'confirm', run: ({ update }) => (ran.push('tell'), update({ told: 'yes' })) },
      end: { on: 'tell', run: () => 'over' },
    },
  });
}

function newDisk() {
  const models = [new ScriptedModel([{ text: 'seen' }]).named('m')];
  return {
    ran: [] as string[],
    given: {
      agents: [toyAgent('ana')],
      tasks: [toyTask('a', 'ana')],
      models,
      saver: new MemorySaver(),
      store: createMemoryRunStore(),
    },
    flows: { checkpointer: new MemorySaver(), store: createMemoryFlowStore() },
  };
}

/** A run of the flow as it was, waiting at `sign`. */
async function waiting(disk: ReturnType<typeof newDisk>): Promise<string> {
  const { flows } = flowDesk([before(disk.ran)], disk.given, disk.flows);
  const { run_id, status } = await flows.kickoff('f');
  expect(status).toBe('waiting');
  await flows.close();
  return run_id;
}

describe('a run of a flow whose methods are not what they were', () => {
  test('is refused with what changed, and stays as it was', async () => {
    const disk = newDisk();
    const run = await waiting(disk);
    const { flows } = flowDesk([after(disk.ran)], disk.given, disk.flows);
    const refused = flows.resume(run, { sign: true });
    await expect(refused).rejects.toBeInstanceOf(Conflict);
    await expect(refused).rejects.toThrow(
      [
        `flow f has other methods than when run ${run} began:`,
        '  + method confirm',
        '  + method tell',
        '  ~ method end (start, triggers or routes)',
        '  - method sign',
        'Bring them back, give the flow a migrate function, or start a new run',
      ].join('\n'),
    );
    await flows.recover();
    expect(await flows.show(run)).toMatchObject({ status: 'waiting', waiting_for: [{ method: 'sign' }] });
    await flows.close();
    // With the methods that it had it goes on.
    const again = flowDesk([before(disk.ran)], disk.given, disk.flows);
    expect(await again.flows.resume(run, { sign: true })).toMatchObject({ status: 'completed', output: true });
    expect(disk.ran).toEqual(['look']);
  });

  test('is migrated by the flow: what stands is not run again, what is open is asked anew', async () => {
    const disk = newDisk();
    const run = await waiting(disk);
    const given: unknown[] = [];
    const flow = after(disk.ran, (old) => {
      given.push(old);
      return { state: { ...old.state, told: 'no' }, next: { confirm: old.outputs['look'] } };
    });
    const { flows, events } = flowDesk([flow], disk.given, disk.flows);
    await expect(flows.resume(run, { sign: true })).rejects.toThrow('has to be migrated first');
    const asked = await flows.resume(run);
    expect(given.at(-1)).toMatchObject({
      run_id: run,
      flow: 'f',
      state: { n: 1 },
      outputs: { look: 'seen' },
      open: ['sign'],
    });
    expect(asked).toMatchObject({
      run_id: run,
      status: 'waiting',
      waiting_for: [{ method: 'confirm' }],
      state: { n: 1, told: 'no' },
    });
    expect(events.of('flow.migrated')).toMatchObject([{ run_id: run, next: ['confirm'] }]);
    await flows.close();
    // Another process: the thread is that of the new methods by now.
    const second = flowDesk([flow], disk.given, disk.flows);
    const done = await second.flows.resume(run, { confirm: true });
    expect(done).toMatchObject({ status: 'completed', output: 'over', state: { n: 1, told: 'yes' } });
    expect(done.state['id']).toBe(asked.state['id']);
    expect(done.methods.map((m) => [m.id, m.runs, m.output])).toEqual([
      ['look', 1, 'seen'],
      ['confirm', 1, ['seen', true]],
      ['tell', 1, null],
      ['end', 1, 'over'],
    ]);
    expect(disk.ran).toEqual(['look', 'tell']);
  });

  test('begins anew when the process died between the record and the thread', async () => {
    const disk = newDisk();
    const run = await waiting(disk);
    const { store } = disk.flows;
    const flow = after(disk.ran, () => ({ next: { confirm: 'x' } }));
    class Died extends Error {}
    const dying = {
      ...disk.flows,
      checkpointer: Object.assign(Object.create(disk.flows.checkpointer) as MemorySaver, {
        deleteThread: () => Promise.reject(new Died()),
      }),
    };
    await expect(flowDesk([flow], disk.given, dying).flows.resume(run)).rejects.toBeInstanceOf(Died);
    expect((await store.get(run))?.seed).toMatchObject({ next: { confirm: 'x' } });
    const { flows } = flowDesk([flow], disk.given, disk.flows);
    expect(await flows.resume(run)).toMatchObject({ status: 'waiting', waiting_for: [{ method: 'confirm' }] });
    expect(await flows.resume(run, { confirm: false })).toMatchObject({ status: 'completed', output: 'over' });
    expect(disk.ran).toEqual(['look', 'tell']);
  });

  const wrong: readonly [string, FlowDefinition['migrate'], string][] = [
    ['gives nothing', () => null, 'lets this run not go on'],
    [
      'names what is not there',
      () => ({ next: { conform: 1 } }),
      "there is no method 'conform' now (did you mean confirm?)",
    ],
    ['runs nothing', () => ({ next: {} }), 'next names no method'],
    ['gives no state of the flow', () => ({ state: { n: 'x' }, next: { confirm: 1 } }), 'Its migrate function failed'],
    ['throws', () => Promise.reject(new Error('no idea')), 'Its migrate function failed: no idea'],
  ];
  test.each(wrong)('is refused when its migrate function %s', async (_, migrate, why) => {
    const disk = newDisk();
    const run = await waiting(disk);
    const { flows } = flowDesk([after(disk.ran, migrate)], disk.given, disk.flows);
    await expect(flows.resume(run)).rejects.toThrow(why);
    expect(await flows.show(run)).toMatchObject({ status: 'waiting' });
  });
});
