// VoltAgent: an agent alone for turns; for durable steps its workflow chain with its state in LibSQL, a file.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, createTool, createWorkflowChain, Memory } from '@voltagent/core';
import { LibSQLMemoryAdapter } from '@voltagent/libsql';
import { z } from 'zod';
import { LookingModel } from './ai-model.mjs';

export async function open() {
  const model = new LookingModel();
  let looked = 0;
  const look = createTool({
    name: 'look',
    description: 'Looks at one of the things that there are.',
    parameters: z.object({ i: z.number().int().describe('Which one') }),
    execute: async ({ i }) => ({ n: i + looked++ }),
  });
  const define = (i) =>
    new Agent({ name: `ana_${i}`, instructions: 'You are ana.', model, tools: [look], memory: false });
  const agent = define(0);
  const run = async (turns) => {
    model.turns = turns;
    const before = looked;
    const { text } = await agent.generateText('Do it.', { maxSteps: 10_000 });
    if (text !== 'done') throw new Error(`answered ${text}`);
    return looked - before;
  };
  const folder = await mkdtemp(join(tmpdir(), 'crew-peers-volt-'));
  const memory = new Memory({ storage: new LibSQLMemoryAdapter({ url: `file:${join(folder, 'runs.db')}` }) });
  const state = z.object({ n: z.number(), text: z.string() });
  /** Its loops leave no checkpoint between rounds, so the steps are written out. */
  const chains = new Map();
  const chainOf = (steps) => {
    let built = createWorkflowChain({ id: `chain_${steps}`, name: 'chain', input: state, result: state, memory });
    for (let i = 0; i < steps; i++) {
      built = built.andThen({
        id: `step_${i}`,
        execute: async ({ data: { n } }) => ({ n: n + 1, text: 'x'.repeat(500) }),
      });
    }
    return built;
  };
  return {
    define,
    run,
    steps: {
      'workflow, LibSQL': async (steps) => {
        if (!chains.has(steps)) chains.set(steps, chainOf(steps));
        const done = await chains.get(steps).run({ n: 0, text: '' });
        if (done.status !== 'completed') throw new Error(`the workflow is ${done.status}: ${String(done.error)}`);
        return done.result.n;
      },
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
