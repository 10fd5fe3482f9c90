import { MemorySaver } from '@langchain/langgraph';
import { describe, expect, test } from 'vitest';
import { defineFlow } from '../../../src/crew/flow/define.ts';
import { createMemoryFlowStore } from '../../../src/crew/flow/store.ts';
import { definePlaybook } from '../../../src/crew/index.ts';
import { createModelSource } from '../../../src/crew/model/source.ts';
import { createMemoryRunStore } from '../../../src/crew/run/memory-store.ts';
import { StopRequested } from '../../../src/kit/errors.ts';
import { toyAgent, toyTask } from '../../../src/testing/index.ts';
import { flowDesk } from './desk.ts';

/** A flow of a crew between two methods; every process over the same disk notes what it does. */
function processOf(disk: ReturnType<typeof newDisk>, onStep: (step: string) => void = () => undefined) {
  const step = (name: string): void => {
    disk.done.push(name);
    onStep(name);
  };
  const flow = defineFlow({
    id: 'toy_flow',
    methods: {
      first: { start: true, run: () => step('first') },
      crew: { on: 'first', run: async ({ crew }) => (await crew('toy')).output },
      end: { on: 'crew', run: ({ input }) => (step('end'), input) },
    },
  });
  const answer = (id: string) => () => {
    step(id);
    return { answer: id };
  };
  const playbook = definePlaybook({ a: answer('a'), b: answer('b') });
  const models = createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks: { toy: playbook } });
  const { checkpointer, flowStore: store, saver, store: runs } = disk;
  const tasks = [toyTask('a', 'ana'), toyTask('b', 'ana')];
  const given = { agents: [toyAgent('ana')], tasks, models, saver, store: runs, deps: { drainMs: 60_000 } };
  return flowDesk([flow], given, { checkpointer, store, drainMs: 60_000 });
}

function newDisk() {
  return {
    done: [] as string[],
    checkpointer: new MemorySaver(),
    flowStore: createMemoryFlowStore(),
    saver: new MemorySaver(),
    store: createMemoryRunStore(),
  };
}

describe('a flow that is told to stop', () => {
  test.each(['first', 'a', 'b'])('in %s is suspended with its crew, and does nothing twice', async (at) => {
    const disk = newDisk();
    const stop = new AbortController();
    const first = processOf(disk, (name) => {
      if (name === at) stop.abort(new StopRequested('the machine goes down'));
    });
    const suspended = await first.flows.kickoff('toy_flow', {}, { signal: stop.signal });
    expect(suspended).toMatchObject({ status: 'suspended', finished_at: null, error: null });
    expect(first.events.of('flow.suspended')).toMatchObject([{ flow: 'toy_flow', run_id: suspended.run_id }]);
    expect(first.events.of('method.failed')).toEqual([]);
    const [taken] = await processOf(disk).flows.recover();
    expect(taken).toMatchObject({ run_id: suspended.run_id, status: 'completed', output: 'b' });
    expect(disk.done).toEqual(['first', 'a', 'b', 'end']);
  });

  test('by the end of its process is suspended before the crews are', async () => {
    const disk = newDisk();
    let closed: Promise<unknown> = Promise.resolve();
    const first = processOf(disk, (name) => {
      if (name === 'a') closed = first.flows.close().then(() => first.runner.close());
    });
    expect(await first.flows.kickoff('toy_flow')).toMatchObject({ status: 'suspended' });
    await closed;
    const [taken] = await processOf(disk).flows.recover();
    expect(taken).toMatchObject({ status: 'completed', output: 'b' });
    expect(disk.done).toEqual(['first', 'a', 'b', 'end']);
  });
});
