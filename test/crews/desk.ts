import { agentCaller, createPermissionGate, loadConfig } from '../../src/crew/index.ts';
import { createIdSource } from '../../src/kit/id.ts';
import type { Invoker, ToolCall } from '../../src/kit/invoke.ts';
import { createInvoker } from '../../src/kit/pipeline.ts';
import { bindTools } from '../../src/kit/tool.ts';
import { marketConfigSchema } from '../../src/market/config.ts';
import { tools } from '../../src/market/tools/catalogue.generated.ts';
import type { Bench } from '../market/jobs/bench.ts';

/** The shipped crews over a bench: real permissions and pipeline; approvals agree, proposals are kept in memory. */
export function openDesk(bench: Bench) {
  const config = loadConfig({ dir: '.', env: {}, sections: { market: marketConfigSchema }, knownTools: tools });
  let n = 0;
  const newId = createIdSource(
    () => bench.clock.now() + n++,
    () => 0.5,
  );
  const proposed: { readonly call: ToolCall; readonly args: unknown; readonly wouldChange: unknown }[] = [];
  const called: ToolCall[] = [];
  /** What the approvals say to a call; null: a person agreed. */
  const gate: { refuse: (call: ToolCall) => Error | null } = { refuse: () => null };
  const pipeline = createInvoker({
    tools: bindTools(tools, bench.services),
    permission: createPermissionGate({
      roles: config.roles,
      agents: config.agents,
      overrides: () => [],
      clock: bench.clock,
    }),
    proposals: { record: async (proposal) => void proposed.push(proposal) },
    approvals: {
      check: async ({ call }) => {
        const refusal = gate.refuse(call);
        if (refusal !== null) throw refusal;
      },
    },
    rates: { take: () => undefined },
    ledger: { begin: async () => ({ state: 'new' }), finish: async () => undefined, leave: () => undefined },
    audit: { record: () => undefined, flush: async () => undefined },
    events: bench.events,
    clock: bench.clock,
    log: bench.services.log,
    ids: newId,
  });
  const invoker: Invoker = {
    ...pipeline,
    invoke: (call) => {
      called.push(call);
      return pipeline.invoke(call);
    },
  };
  return Object.assign(gate, {
    config,
    invoker,
    newId,
    proposed,
    called,
    caller: (id: string) => agentCaller(config.agents.find((a) => a.id === id)!),
  });
}
