import { MemorySaver } from '@langchain/langgraph';
import type { FlowRunner, FlowRunnerDeps } from '../../../src/crew/flow/contract.ts';
import type { FlowDefinition } from '../../../src/crew/flow/define.ts';
import { createFlowRunner } from '../../../src/crew/flow/runner.ts';
import { createMemoryFlowStore } from '../../../src/crew/flow/store.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { toyAgent, toyTask } from '../../../src/testing/index.ts';
import { type Desk, desk } from '../run/desk.ts';

/** A runner of flows over a toy desk. */
export function flowDesk(
  flows: readonly FlowDefinition[],
  given: Partial<Parameters<typeof desk>[0]> = {},
  deps: Partial<FlowRunnerDeps> | 'heard' = {},
): Desk & { readonly flows: FlowRunner } {
  const agents = given.agents ?? [toyAgent('ana')];
  const made = desk({ tasks: [toyTask('a', 'ana')], models: [], ...given, agents });
  let n = 0;
  const runner = createFlowRunner({
    flows: Object.fromEntries(flows.map((f) => [f.id, f])),
    crews: made.runner,
    invoker: made.invoker,
    agentCaller: (id) => {
      const agent = agents.find((a) => a.id === id);
      return agent && { id: `agent:${id}`, agentId: id, role: 'toy', tools: agent.tools };
    },
    checkpointer: new MemorySaver(),
    store: createMemoryFlowStore(),
    events: made.events,
    clock: made.clock,
    log: silentLogger,
    newId: (prefix) => `${prefix}_${++n}`,
    uuid: () => '00000000-0000-4000-8000-00000000000' + String(++n),
    ...(deps === 'heard' ? { eventSource: made.events } : deps),
  });
  return { ...made, flows: runner };
}

/** The events as a source that others hear. */
