// orderflow-crew as packed and installed: an agent with a granted tool, in a crew of one task, on its host.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineAgent, defineCrew, defineTask, defineTool, openRunsFile } from 'orderflow-crew/crew';
import { z } from 'zod';
import { LookingModel } from './langchain-model.mjs';
import { chain } from './langgraph.mjs';

export async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'crew-peers-'));
  const file = await openRunsFile({ path: join(folder, 'runs.duckdb') });
  const model = new LookingModel();
  const llm = { name: 'looking', source: 'llm', chat: model };
  let looked = 0;
  const look = defineTool({
    name: 'look',
    title: 'Look',
    toolset: 'bench',
    category: 'exchange_data',
    access: 'READ_ONLY',
    effects: 'none',
    description: 'Looks at one of the things that there are.',
    input: z.strictObject({ i: z.number().int().describe('Which one') }),
    output: z.object({ n: z.number() }),
    examples: [{ title: 'The first', input: { i: 0 } }],
    run: ({ i }) =>
      Promise.resolve({
        data: { n: i + looked++ },
        provenance: { as_of: null, source: 'bench', complete: true, stale_ms: null },
      }),
  });
  const define = (i) =>
    defineAgent({
      id: `ana_${i}`,
      role: 'Looks',
      goal: 'Look at what there is',
      backstory: 'You are ana.',
      tools: [look],
      llm,
      max_iter: 10_000,
    });
  const crew = (i) =>
    defineCrew({
      id: 'bench',
      tasks: [defineTask({ id: 'do', description: 'Do it.', expected_output: 'A word.', agent: define(i) })],
    });
  const runOf = (runnable) => async (turns) => {
    model.turns = turns;
    const before = looked;
    const { status, document } = await runnable.kickoff();
    if (status !== 'completed') throw new Error(document.error ?? `the run is ${status}`);
    return looked - before;
  };
  const durable = crew(1).on(file);
  return {
    define,
    defineWhole: crew,
    run: runOf(crew(0)),
    runDurable: runOf(durable),
    steps: { 'DuckDB behind its journal': chain(file.checkpointer) },
    close: async () => {
      await durable.host[Symbol.asyncDispose]();
      await file[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
