// Mastra: an agent alone for turns; for durable steps its workflow with snapshots in LibSQL, a file.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Mastra } from '@mastra/core';
import { Agent } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import { createStep, createWorkflow } from '@mastra/core/workflows';
import { LibSQLStore } from '@mastra/libsql';
import { z } from 'zod';
import { LookingModel } from './ai-model.mjs';

export async function open() {
  const model = new LookingModel();
  let looked = 0;
  const look = createTool({
    id: 'look',
    description: 'Looks at one of the things that there are.',
    inputSchema: z.object({ i: z.number().int().describe('Which one') }),
    outputSchema: z.object({ n: z.number() }),
    execute: async ({ i }) => ({ n: i + looked++ }),
  });
  const define = (i) =>
    new Agent({ id: `ana_${i}`, name: `ana_${i}`, instructions: 'You are ana.', model, tools: { look } });
  const agent = define(0);
  const run = async (turns) => {
    model.turns = turns;
    const before = looked;
    const { text } = await agent.generate('Do it.', { maxSteps: 10_000 });
    if (text !== 'done') throw new Error(`answered ${text}`);
    return looked - before;
  };
  const folder = await mkdtemp(join(tmpdir(), 'crew-peers-mastra-'));
  const storage = new LibSQLStore({ id: 'bench', url: `file:${join(folder, 'runs.db')}` });
  const state = z.object({ n: z.number(), text: z.string(), until: z.number() });
  const step = createStep({
    id: 'step',
    inputSchema: state,
    outputSchema: state,
    execute: async ({ inputData: { n, until } }) => ({ n: n + 1, text: 'x'.repeat(500), until }),
  });
  const workflow = createWorkflow({ id: 'chain', inputSchema: state, outputSchema: state })
    .dountil(step, async ({ inputData: { n, until } }) => n >= until)
    .commit();
  const mastra = new Mastra({ workflows: { chain: workflow }, storage, logger: false });
  await storage.init();
  return {
    define,
    run,
    steps: {
      'workflow, LibSQL': async (until) => {
        const started = await mastra.getWorkflow('chain').createRun();
        const done = await started.start({ inputData: { n: 0, text: '', until } });
        if (done.status !== 'success') throw new Error(`the workflow is ${done.status}: ${String(done.error)}`);
        return done.result.n;
      },
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
