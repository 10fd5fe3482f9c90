import type { EventSink } from '../../kit/event.ts';
import type { CrewHooks } from '../hooks.ts';
import type { AgentSpec, CrewSpec } from '../spec.ts';
import type { TripwireTripped } from '../tripwire/contract.ts';
import { createRunTripwires, type RunTripwires, type TripwireFunctions } from '../tripwire/of-run.ts';
import type { RunnerParts } from './contract.ts';
import type { RunDocument } from './document.ts';

/** The tripwires of a run. */
export function openTripwires(
  crew: CrewSpec,
  hooks: CrewHooks,
  { clock, log, redactor }: RunnerParts,
  run: {
    readonly id: string;
    readonly events: EventSink;
    readonly signal: AbortSignal;
    readonly tripped: (error: TripwireTripped) => void;
  },
): RunTripwires {
  const { id: runId, ...rest } = run;
  return createRunTripwires({ ...rest, runId, crew, functions: hooks.tripwires ?? {}, clock, log, redactor });
}

/** A crew's agents and its manager. */
export function membersOf(crew: CrewSpec, agents: Readonly<Record<string, AgentSpec>>): readonly AgentSpec[] {
  const ids = new Set([...crew.agents, ...(crew.manager_agent === null ? [] : [crew.manager_agent])]);
  return [...ids].flatMap((id) => agents[id] ?? []);
}

/** The document of a run that a tripwire ended, with the task in which it did. */
export function withTrip(document: RunDocument, { trip, message }: TripwireTripped): RunDocument {
  const tasks = document.tasks.map((task) =>
    task.id === trip.task && task.status === 'not_run' ? { ...task, status: 'failed' as const, error: message } : task,
  );
  return { ...document, tasks, tripped: trip };
}

/** The tripwires of agents that run alone are those that they have in their crews. */
export function hooksOfSolo(agents: readonly string[], { crews, hooks = {} }: RunnerParts): CrewHooks {
  const own = Object.values(crews).filter((crew) => agents.some((id) => crew.agents.includes(id)));
  const functions: TripwireFunctions[] = own.map((crew) => hooks[crew.id]?.tripwires ?? {});
  return { tripwires: Object.assign({}, ...functions) as TripwireFunctions };
}
