import { isGraphDrained, isGraphInterrupt } from '@langchain/langgraph';
import { errorMessage } from '../../kit/errors.ts';
import { guardrailsOf } from '../agent/guardrails-of.ts';
import { createManagerTurn } from '../agent/manager.ts';
import { createPlanner } from '../agent/planner.ts';
import { createTaskExecution } from '../agent/run-task.ts';
import type { RunScope } from '../agent/scope.ts';
import { type CompiledCrew, compileCrew } from '../graph/compile.ts';
import type { TaskExecution } from '../graph/task-node.ts';
import type { CrewHooks } from '../hooks.ts';
import type { CrewSpec } from '../spec.ts';
import type { RunTripwires } from '../tripwire/of-run.ts';
import type { ModelChains } from './chains.ts';
import type { RunnerParts } from './contract.ts';
import { type RunEvents, withDetails } from './run-events.ts';
import type { RunRow } from './store.ts';

/** What a run is made of, beside its row. */
export interface RunMaterial {
  readonly parts: RunnerParts;
  readonly crew: CrewSpec;
  readonly tasks: RunnerParts['tasks'];
  readonly hooks: CrewHooks;
  readonly events: RunEvents;
  /** Ends its steps. */
  readonly signal: AbortSignal;
  readonly chains: ModelChains;
  readonly tripwires: RunTripwires;
}

/** The graph of a run's crew, whose steps are this run's. Throws InvalidInput for a crew that has none. */
export function compileRun(row: RunRow, material: RunMaterial): CompiledCrew {
  const { parts, crew, tasks, hooks, events } = material;
  const { agents, graphs, checkpointer, clock } = parts;
  const scope = scopeOf(row, material);
  return compileCrew(crew, tasks, agents, {
    runTask: recorded(row.run_id, material, createTaskExecution(scope, parts.agentGraph)),
    managerTurn: createManagerTurn(scope),
    planner: createPlanner(scope),
    hooks,
    // A task that its condition keeps from running; one that a failure before it keeps is told by the run.
    skipped: ({ task, agent, error }) =>
      void events.emit('task.skipped', {
        run_id: row.run_id,
        crew: row.crew,
        task_id: task,
        agent_id: agent,
        reason: error ?? '',
      }),
    definition: graphs?.[crew.id],
    checkpointer,
    announce: (message) => void events.emit('crew.message', withDetails(message)),
    onlyTasks: row.only_tasks ?? undefined,
    now: () => clock.now(),
  });
}

function scopeOf({ run_id, shadow, inputs }: RunRow, material: RunMaterial): RunScope {
  const { parts, crew, hooks, events, signal, chains, tripwires } = material;
  const { invoker, clock, log, pacer, schemas, agents, memory, guardrails, skills, knowledge, writeOutput, gate } =
    parts;
  return {
    runId: run_id,
    crew,
    shadow,
    signal,
    invoker,
    events,
    clock,
    log: log.child({ run_id }),
    pacer,
    schemas,
    chainFor: (agent) => chains.of(agent, crew),
    agents,
    ...(crew.memory === null || memory === undefined ? {} : { memory: memory.of(crew, { id: run_id, inputs }) }),
    guardrailsOf: (task) => [...guardrailsOf(task, hooks), ...(guardrails?.(task) ?? [])],
    tripwires,
    hooks,
    text: parts.text,
    feedback: parts.feedback,
    skills,
    knowledge,
    ...(shadow || writeOutput === undefined ? {} : { writeOutput }),
    ...(gate === undefined ? {} : { gate }),
  };
}

/** Keeps the table `run_tasks` beside the graph. */
function recorded(runId: string, { parts, signal }: RunMaterial, run: TaskExecution): TaskExecution {
  const { store, clock } = parts;
  return async (request) => {
    await store.taskStarted(runId, request.task.id, request.agent.id, clock.now());
    try {
      const output = await run(request);
      await store.taskEnded(runId, output);
      return output;
    } catch (error) {
      const stopped = signal.aborted || isGraphDrained(error);
      const status = isGraphInterrupt(error) ? 'waiting' : stopped ? 'not_run' : 'failed';
      const reason = status === 'failed' ? errorMessage(error) : null;
      await store.taskStopped(runId, request.task.id, { status, error: reason, time: clock.now() });
      throw error;
    }
  };
}
