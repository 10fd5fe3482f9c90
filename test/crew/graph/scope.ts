import { createPacer } from '../../../src/crew/agent/pacer.ts';
import type { RunScope } from '../../../src/crew/agent/scope.ts';
import { createToolSchemas } from '../../../src/crew/agent/tool-schema.ts';
import { ModelChain } from '../../../src/crew/model/chain.ts';
import type { CrewModel } from '../../../src/crew/model/model.ts';
import { createSpendMeter } from '../../../src/crew/spend/create.ts';
import { createMemoryLedger } from '../../../src/crew/spend/memory-ledger.ts';
import type { CrewSpec } from '../../../src/crew/spec.ts';
import { type Clock, ManualClock } from '../../../src/kit/clock.ts';
import { createIdSource } from '../../../src/kit/id.ts';
import type { Invoker } from '../../../src/kit/invoke.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { MemoryEvents } from '../../../src/testing/index.ts';

/** A run's scope for tests that compile graphs themselves. All agents share one chain. */
export function testScope(
  crew: CrewSpec,
  invoker: Invoker,
  models: readonly CrewModel[],
  given: Partial<RunScope> & { readonly clock?: Clock } = {},
): RunScope & { readonly events: MemoryEvents } {
  const clock = given.clock ?? new ManualClock();
  const events = new MemoryEvents(() => clock.now());
  const meter = createSpendMeter({
    ledger: createMemoryLedger(),
    events,
    clock,
    log: silentLogger,
    newId: createIdSource(
      () => clock.now(),
      () => 0,
    ),
  });
  const chain = new ModelChain(models, { clock, events, meter, random: () => 0, timeoutMs: 2000 });
  return {
    runId: 'run_1',
    crew,
    shadow: false,
    signal: new AbortController().signal,
    invoker,
    clock,
    log: silentLogger,
    pacer: createPacer(clock),
    schemas: createToolSchemas(),
    chainFor: () => Promise.resolve(chain),
    agents: {},
    guardrailsOf: () => [],
    tripwires: { guards: () => false, pass: (_, __, value) => Promise.resolve(value) },
    ...given,
    events,
  };
}
