import { MemorySaver } from '@langchain/langgraph';
import type { BaseCheckpointSaver } from '@langchain/langgraph';
import type { CrewModel, ModelSource } from '../../../src/crew/model/model.ts';
import { createMemoryRunStore } from '../../../src/crew/run/memory-store.ts';
import type { CrewRunner, CrewRunnerDeps } from '../../../src/crew/run/contract.ts';
import { createCrewRunner } from '../../../src/crew/run/runner.ts';
import type { RunStore } from '../../../src/crew/run/store.ts';
import type { AgentSpec, CrewSpec, TaskSpec } from '../../../src/crew/spec.ts';
import { ManualClock } from '../../../src/kit/clock.ts';
import { createIdSource } from '../../../src/kit/id.ts';
import type { Invoker } from '../../../src/kit/invoke.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import type { BoundTool } from '../../../src/kit/tool.ts';
import { MemoryEvents, ToyInvoker, toyCrew } from '../../../src/testing/index.ts';

export interface Desk {
  readonly runner: CrewRunner;
  readonly invoker: ToyInvoker;
  readonly events: MemoryEvents;
  readonly clock: ManualClock;
  readonly store: RunStore;
  readonly saver: BaseCheckpointSaver;
  readonly crew: CrewSpec;
}

/** A runner over toy parts. Models are asked in the order given, for every agent. */
export function desk(given: {
  readonly agents: readonly AgentSpec[];
  readonly tasks: readonly TaskSpec[];
  readonly crew?: Partial<CrewSpec>;
  readonly models: readonly CrewModel[] | ModelSource;
  readonly tools?: readonly BoundTool[];
  readonly needsApproval?: readonly string[];
  readonly saver?: BaseCheckpointSaver;
  readonly store?: RunStore;
  readonly invoker?: Invoker;
  readonly deps?: Partial<CrewRunnerDeps>;
  readonly idSeed?: number;
}): Desk {
  const clock = new ManualClock();
  const events = new MemoryEvents(() => clock.now());
  const crew = toyCrew('toy', given.agents, given.tasks, given.crew);
  const invoker = new ToyInvoker(given.tools ?? [], { needsApproval: given.needsApproval ?? [], clock });
  const store = given.store ?? createMemoryRunStore();
  const saver = given.saver ?? new MemorySaver();
  const { models } = given;
  let n = given.idSeed ?? 0;
  const runner = createCrewRunner({
    crews: { toy: crew },
    agents: Object.fromEntries(given.agents.map((a) => [a.id, a])),
    tasks: Object.fromEntries(given.tasks.map((t) => [t.id, t])),
    invoker: given.invoker ?? invoker,
    models: 'modelsFor' in models ? models : { modelsFor: () => Promise.resolve(models) },
    checkpointer: saver,
    store,
    events,
    clock,
    log: silentLogger,
    newId: createIdSource(
      () => clock.now(),
      () => (n++ % 97) / 97,
    ),
    random: () => 0,
    ...given.deps,
  });
  return { runner, invoker, events, clock, store, saver, crew };
}
