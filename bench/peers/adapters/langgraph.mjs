// LangGraph alone, as one writes an agent with it: a model node, its ToolNode, and a checkpointer in memory.
import { tool } from '@langchain/core/tools';
import { Annotation, END, MemorySaver, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { z } from 'zod';
import { LookingModel } from './langchain-model.mjs';

export async function open({ postgres }) {
  const model = new LookingModel();
  let looked = 0;
  const look = tool(({ i }) => ({ n: i + looked++ }), {
    name: 'look',
    description: 'Looks at one of the things that there are.',
    schema: z.object({ i: z.number().int().describe('Which one') }),
  });
  const agent = (checkpointer) => {
    const bound = model.bindTools([look]);
    return new StateGraph(MessagesAnnotation)
      .addNode('model', async ({ messages }) => ({
        messages: [await bound.invoke([{ role: 'system', content: 'You are ana.' }, ...messages])],
      }))
      .addNode('tools', new ToolNode([look]))
      .addEdge(START, 'model')
      .addConditionalEdges('model', ({ messages }) => (messages.at(-1).tool_calls.length > 0 ? 'tools' : END))
      .addEdge('tools', 'model')
      .compile({ checkpointer });
  };
  const graph = agent(new MemorySaver());
  let threads = 0;
  const run = async (turns) => {
    model.turns = turns;
    const before = looked;
    await graph.invoke(
      { messages: [{ role: 'user', content: 'Do it.' }] },
      { configurable: { thread_id: `run_${threads++}` }, recursionLimit: 10_000 },
    );
    return looked - before;
  };
  const savers = { MemorySaver: new MemorySaver() };
  if (postgres !== undefined) {
    const { PostgresSaver } = await import('@langchain/langgraph-checkpoint-postgres');
    savers.PostgresSaver = PostgresSaver.fromConnString(postgres);
    await savers.PostgresSaver.setup();
  }
  return {
    define: () => agent(undefined),
    run,
    steps: Object.fromEntries(Object.entries(savers).map(([name, saver]) => [name, chain(saver)])),
    close: () => savers.PostgresSaver?.end(),
  };
}

const State = Annotation.Root({ n: Annotation(), text: Annotation(), until: Annotation() });
let chains = 0;

/** A run of so many supersteps, each on the disk before the next, as far as the saver has one. */
export function chain(checkpointer) {
  const graph = new StateGraph(State)
    .addNode('step', ({ n }) => ({ n: n + 1, text: 'x'.repeat(500) }))
    .addEdge(START, 'step')
    .addConditionalEdges('step', ({ n, until }) => (n < until ? 'step' : END))
    .compile({ checkpointer });
  return async (steps) => {
    const { n } = await graph.invoke(
      { n: 0, text: '', until: steps },
      {
        configurable: { thread_id: `chain_${process.pid}_${chains++}` },
        durability: 'sync',
        recursionLimit: steps + 10,
      },
    );
    return n;
  };
}
