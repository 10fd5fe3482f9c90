import type { CrewGraphDefinition } from '../graph/define.ts';
import type { CrewHooks } from '../hooks.ts';
import type { CrewModel } from '../model/model.ts';
import type { Playbook } from '../playbook.ts';
import type { CrewSpec, MemorySpec } from '../spec.ts';
import type { TripwireFunctions } from '../tripwire/of-run.ts';
import type { Agent, AnyTask } from './define.ts';
import type { CodeTripwires } from './tripwires.ts';

/** Fields of crews.yaml that are given as objects in code. */
type CrewObjects =
  | 'id'
  | 'agents'
  | 'tasks'
  | 'process'
  | 'manager_agent'
  | 'manager_llm'
  | 'planning_llm'
  | 'memory'
  | 'tripwires';

/** A crew as code writes it: the fields of crews.yaml, with its parts as objects. */
export interface CrewDefinition<Tasks extends readonly AnyTask[]> extends Partial<Omit<CrewSpec, CrewObjects>> {
  readonly id: string;
  /** In order. */
  readonly tasks: Tasks;
  /** Default: those of its tasks. */
  readonly agents?: readonly Agent[] | undefined;
  readonly process?: 'sequential' | 'parallel' | 'hierarchical' | undefined;
  /** A graph of your own (`defineCrewGraph`), in the place of `process`. */
  readonly graph?: CrewGraphDefinition | undefined;
  /** Manages a hierarchical crew; does none of the work itself. */
  readonly manager?: Agent | undefined;
  /** Model of a manager that is made for the crew. */
  readonly manager_llm?: string | CrewModel | undefined;
  readonly planning_llm?: string | CrewModel | undefined;
  /** Model of agents that name none. Default: `playbook` when there is one. */
  readonly llm?: string | CrewModel | undefined;
  /** What the model `playbook` follows: the crew runs without a key or a network. */
  readonly playbook?: Playbook | undefined;
  /** What its agents remember from run to run, on the host's `memory`. */
  readonly memory?: boolean | Partial<MemorySpec> | undefined;
  /** What looks at its inputs, its agents' answers and their calls, and may end the run. */
  readonly tripwires?: CodeTripwires | undefined;
  readonly hooks?:
    | Pick<CrewHooks, 'migrate' | 'beforeKickoff' | 'afterKickoff' | 'onTask' | 'onStep' | 'onText'>
    | undefined;
}

/** What a crew is made of, checked. */
export interface CrewParts<Tasks extends readonly AnyTask[] = readonly AnyTask[]> {
  readonly id: string;
  readonly spec: CrewSpec;
  readonly definition: CrewDefinition<Tasks>;
  /** Its members; the manager is none of them. */
  readonly agents: readonly Agent[];
  /** Functions of its own tripwires, by name. */
  readonly tripwires: TripwireFunctions;
}
