import type { BaseCheckpointSaver } from '@langchain/langgraph';
import { END, START, StateGraph } from '@langchain/langgraph';
import type { AgentSpec, CrewSpec, TaskSpec } from '../spec.ts';
import { InvalidInput } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { agentSpec } from '../defaults.ts';
import type { TaskOutput } from '../agent/output.ts';
import type { Planner } from '../agent/planner.ts';
import { conditionHolds, lastCompleted } from '../condition.ts';
import type { CrewHooks } from '../hooks.ts';
import { buildHierarchicalGraph, type ManagerTurn, planNode } from './hierarchical.ts';
import type {
  CompiledCrewGraph,
  CrewGraphBuilder,
  CrewGraphDefinition,
  CrewMessage,
  CrewNode,
  TaskNodeOptions,
  UncompiledCrewGraph,
} from './define.ts';
import { createTaskNode, type TaskExecution } from './task-node.ts';
import { ruleBreaches } from '../rules.ts';
import { planTasks } from './plan.ts';
import { type CrewGraphState, CrewState } from './state.ts';
import { type CrewStructure, structureHash } from './structure.ts';
import { structureOf } from './structure-of.ts';

/** What compiling needs from the run: how to do a task, and where messages go. */
export interface CompileDeps {
  readonly runTask: TaskExecution;
  /** One turn of the manager; needed by hierarchical crews. */
  readonly managerTurn?: ManagerTurn | undefined;
  /** Writes the plans of a crew with `planning`. */
  readonly planner?: Planner | undefined;
  /** Functions that conditions of tasks name. */
  readonly hooks?: CrewHooks | undefined;
  /** Hears of tasks that do not run. */
  readonly skipped?: ((output: TaskOutput) => void) | undefined;
  /** The crew's own graph, for `process: graph`. */
  readonly definition?: CrewGraphDefinition | undefined;
  readonly checkpointer?: BaseCheckpointSaver | undefined;
  readonly announce?: ((message: CrewMessage) => void) | undefined;
  /** Run only these tasks, ordered by their context, whatever the process. */
  readonly onlyTasks?: readonly string[] | undefined;
  /** UTC ms. */
  readonly now: () => number;
}

export interface CompiledCrew {
  readonly graph: CompiledCrewGraph;
  /** What the graph is made of. Not any text. */
  readonly structure: CrewStructure;
  readonly structureHash: string;
  /** Which task a node does, and who does it. */
  readonly taskOf: ReadonlyMap<CrewNode, { readonly task: TaskSpec; readonly agent: AgentSpec }>;
  /** Tasks that can run, by key of `state.outputs`. */
  readonly taskKeys: ReadonlyMap<string, string>;
  /** Names that nodes add to the inputs of each task. */
  readonly inputNames: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Makes a LangGraph StateGraph of a crew. Sequential: one after another, `async_execution` tasks beside the next.
 * Parallel: by `context`. Hierarchical: the manager delegates. Graph: as its graph.ts says.
 * Throws InvalidInput for unknown tasks, agents without a task, a missing graph or manager, or a context cycle.
 */
export function compileCrew(
  crew: CrewSpec,
  tasks: Readonly<Record<string, TaskSpec>>,
  agents: Readonly<Record<string, AgentSpec>>,
  deps: CompileDeps,
): CompiledCrew {
  const context = new CrewCompilation(crew, tasks, agents, deps);
  const uncompiled = context.build();
  const graph = uncompiled.compile({
    ...(deps.checkpointer === undefined ? {} : { checkpointer: deps.checkpointer }),
    name: crew.id,
  });
  const its = [...new Set(context.taskKeys.values())].map((id) => context.task(id));
  const members = [
    ...new Set([
      ...crew.agents,
      ...its.flatMap((task) => task.agent ?? []),
      ...(crew.manager_agent === null ? [] : [crew.manager_agent]),
    ]),
  ];
  const structure = structureOf(graph, crew, { tasks: its, agents: members.flatMap((id) => agents[id] ?? []) });
  return {
    graph,
    structure,
    structureHash: structureHash(structure),
    taskOf: context.taskOf,
    taskKeys: context.taskKeys,
    inputNames: context.inputNames,
  };
}

class CrewCompilation implements CrewGraphBuilder {
  readonly crew: CrewSpec;
  readonly tasks: Readonly<Record<string, TaskSpec>>;
  readonly agents: Readonly<Record<string, AgentSpec>>;
  readonly taskKeys = new Map<string, string>();
  readonly taskOf = new Map<CrewNode, { readonly task: TaskSpec; readonly agent: AgentSpec }>();
  readonly inputNames = new Map<string, Set<string>>();
  readonly #deps: CompileDeps;

  constructor(
    crew: CrewSpec,
    tasks: Readonly<Record<string, TaskSpec>>,
    agents: Readonly<Record<string, AgentSpec>>,
    deps: CompileDeps,
  ) {
    this.crew = crew;
    this.tasks = tasks;
    this.agents = agents;
    this.#deps = deps;
  }

  build(): UncompiledCrewGraph {
    const { crew } = this;
    const only = this.#deps.onlyTasks;
    this.#checkRules();
    if (only !== undefined) return this.#planned(only, 'parallel');
    switch (crew.process) {
      case 'sequential':
      case 'parallel':
        return this.#planned(crew.tasks, crew.process);
      case 'hierarchical':
        return this.#hierarchical();
      case 'graph': {
        if (this.#deps.definition === undefined) {
          throw new InvalidInput(`crew ${crew.id} has process graph and no graph: add crews/${crew.id}/graph.ts`);
        }
        return this.#deps.definition.build(this);
      }
    }
  }

  /** Crews that were made in code have passed no configuration check. */
  #checkRules(): void {
    const { crew, tasks } = this;
    if (crew.tasks.length === 0) throw new InvalidInput(`crew ${crew.id} has no tasks`);
    if (crew.agents.length === 0) throw new InvalidInput(`crew ${crew.id} has no agents`);
    if (crew.process === 'hierarchical' && crew.manager_agent === null && crew.manager_llm === null) {
      throw new InvalidInput(`crew ${crew.id}: a hierarchical crew needs manager_agent or manager_llm`);
    }
    const ruled = crew.tasks.map((id) => ({ ...this.task(id), conditional: tasks[id]?.condition != null }));
    // A crew's own list may hold its manager: the framework adds it where the list was left out.
    const [breach] = ruleBreaches({ ...crew, agents: null, tasks: ruled });
    if (breach !== undefined) throw new InvalidInput(breach.message);
  }

  task(id: string): TaskSpec {
    const task = this.tasks[id];
    if (task === undefined || !this.crew.tasks.includes(id)) {
      throw new InvalidInput(`crew ${this.crew.id} has no task '${id}'${didYouMean(id, this.crew.tasks)}`);
    }
    return task;
  }

  agent(id: string | null, taskId: string): AgentSpec {
    const agent = id === null ? undefined : this.agents[id];
    if (agent === undefined) {
      const known = this.crew.agents;
      throw new InvalidInput(`task ${taskId} has no agent '${id ?? ''}'${didYouMean(id ?? '', known)}`);
    }
    return agent;
  }

  taskNode = (taskId: string, options: TaskNodeOptions = {}): CrewNode => {
    const task = this.task(taskId);
    const agent = this.agent(options.agent ?? task.agent, taskId);
    const key = options.key ?? taskId;
    this.taskKeys.set(key, taskId);
    const names = this.inputNames.get(taskId) ?? new Set<string>();
    for (const name of Object.keys(options.inputs ?? {})) names.add(name);
    this.inputNames.set(taskId, names);
    const node = createTaskNode({
      task,
      agent,
      key,
      options,
      holds: (state) => this.#holds(task, state),
      run: this.#deps.runTask,
      skipped: this.#skipped,
      now: this.#deps.now,
    });
    this.taskOf.set(node, { task, agent });
    return node;
  };

  codeNode: CrewGraphBuilder['codeNode'] = (run) => async (state) => (state.halted === null ? await run(state) : {});

  readonly #skipped = (output: TaskOutput): void => this.#deps.skipped?.(output);

  #holds({ condition, id }: TaskSpec, state: CrewGraphState): boolean {
    if (condition === null) return true;
    const { inputs, outputs } = state;
    if (typeof condition !== 'string') return conditionHolds(condition, outputs);
    const test = this.#deps.hooks?.conditions?.[condition];
    if (test === undefined)
      throw new InvalidInput(`task ${id}: condition '${condition}' is no function of the crew's hooks`);
    return test({ inputs, outputs, last: lastCompleted(outputs) });
  }

  /** The planner of this run; null when it needs no plans. */
  #planner(ids: readonly string[]): Planner | null {
    const { planner, onlyTasks } = this.#deps;
    return this.crew.planning && onlyTasks === undefined && ids.length > 0 ? (planner ?? null) : null;
  }

  announce = (message: CrewMessage): void => this.#deps.announce?.(message);

  #planned(ids: readonly string[], process: 'sequential' | 'parallel'): UncompiledCrewGraph {
    const plan = planTasks(
      ids.map((id) => this.task(id)),
      process,
    );
    const graph = new StateGraph(CrewState) as unknown as LooseGraph;
    const waitedFor = new Set<string>();
    const planner = process === this.crew.process ? this.#planner(ids) : null;
    if (planner !== null) {
      const tasks = ids.map((id) => this.task(id));
      graph.addNode(PLAN_NODE, planNode(tasks, planner)).addEdge(START, PLAN_NODE);
    }
    for (const step of plan) {
      graph.addNode(nodeName(step.task), this.taskNode(step.task, { context: step.context }));
    }
    for (const step of plan) {
      for (const id of step.after) waitedFor.add(id);
      graph.addEdge(sources(step.after.map(nodeName), planner === null ? START : PLAN_NODE), nodeName(step.task));
    }
    for (const step of plan) if (!waitedFor.has(step.task)) graph.addEdge(nodeName(step.task), END);
    return graph as unknown as UncompiledCrewGraph;
  }

  #hierarchical(): UncompiledCrewGraph {
    const { managerTurn, runTask, now } = this.#deps;
    const manager =
      this.crew.manager_agent === null
        ? ownManager(this.crew)
        : this.agent(this.crew.manager_agent, `the manager of crew ${this.crew.id}`);
    if (managerTurn === undefined)
      throw new InvalidInput(`crew ${this.crew.id} is hierarchical: no manager turn given`);
    for (const id of this.crew.tasks) this.taskKeys.set(id, id);
    return buildHierarchicalGraph({
      manager,
      tasks: this.crew.tasks.map((id) => this.task(id)),
      // The manager does none of the work itself.
      coworkers: this.crew.agents.filter((id) => id !== manager.id).map((id) => this.agent(id, `crew ${this.crew.id}`)),
      managerTurn,
      runTask,
      holds: (task, state) => this.#holds(task, state),
      skipped: this.#skipped,
      plan: this.#planner(this.crew.tasks),
      now,
      announce: this.announce,
    });
  }
}

/** The manager of a hierarchical crew that names none. */
function ownManager(crew: CrewSpec): AgentSpec {
  return agentSpec({
    id: 'manager',
    role: `the manager of the crew ${crew.name}`,
    goal: 'See that every task is done well, by whoever fits it best.',
    backstory: crew.description,
    allow_delegation: true,
    llm: crew.manager_llm,
    verbose: crew.verbose,
  });
}

const PLAN_NODE = 'plan_crew';

/** LangGraph allows no node the name of a state channel. */
function nodeName(task: string): string {
  return task in CrewState.spec ? `task_${task}` : task;
}

function sources(after: readonly string[], start: string): string | string[] {
  const [only] = after;
  if (only === undefined) return start;
  return after.length === 1 ? only : [...after];
}

/** A StateGraph whose node names are data. */
interface LooseGraph {
  addNode(name: string, node: CrewNode): LooseGraph;
  addEdge(from: string | string[], to: string): LooseGraph;
}
