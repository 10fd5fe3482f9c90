import type { BaseCheckpointSaver, LangGraphRunnableConfig, StateSnapshot } from '@langchain/langgraph';
import type { AgentSpec, CrewSpec, TaskSpec } from '../spec.ts';
import type { TaskOutput } from '../agent/output.ts';
import type { CrewGraphState, CrewGraphUpdate, CrewIssue } from './state.ts';

/** A node of a crew graph: state in, update out. */
export type CrewNode = (state: CrewGraphState, config: LangGraphRunnableConfig) => Promise<CrewGraphUpdate>;

/** How a task sits in a hand-written graph. */
export interface TaskNodeOptions {
  /** Key of its output in `state.outputs`; default: the task's id. */
  readonly key?: string | undefined;
  /** Agent that does it instead of the task's own. */
  readonly agent?: string | undefined;
  /** Further inputs, by name, from the state: for placeholders and for the playbook (`context.inputs`). */
  readonly inputs?: Readonly<Record<string, (state: CrewGraphState) => unknown>> | undefined;
  /** Outputs that the task sees, besides its own `context`: keys of `state.outputs`. Absent ones are left out. */
  readonly context?: readonly string[] | undefined;
  /** Skips the task (its status is `skipped`) unless true. */
  readonly when?: ((state: CrewGraphState) => boolean) | undefined;
  /** Issues that its output holds; appended to `state.issues`. Called only when it completed. */
  readonly issues?: ((output: TaskOutput, state: CrewGraphState) => readonly CrewIssue[]) | undefined;
  /** Notes to keep; merged into `state.notes`. Called only when it completed. */
  readonly notes?: ((output: TaskOutput, state: CrewGraphState) => Readonly<Record<string, unknown>>) | undefined;
  /** `fail` (the default) halts the run: later task nodes skip. `continue` leaves it to the graph's routes. */
  readonly onFailure?: 'fail' | 'continue' | undefined;
}

/** A message between agents, as the crew's communication patterns name it. */
export interface CrewMessage {
  readonly pattern: string;
  readonly from: string;
  readonly to: string;
  readonly action: string;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** What a graph.ts gets to build from. */
export interface CrewGraphBuilder {
  readonly crew: CrewSpec;
  readonly tasks: Readonly<Record<string, TaskSpec>>;
  readonly agents: Readonly<Record<string, AgentSpec>>;
  /** A node that runs a task of the crew. Throws InvalidInput when the crew has no such task or agent. */
  taskNode(taskId: string, options?: TaskNodeOptions): CrewNode;
  /** A node of plain code: no model, no tools. It does not run once the run is halted. */
  codeNode(run: (state: CrewGraphState) => CrewGraphUpdate | Promise<CrewGraphUpdate>): CrewNode;
  /** Emits `crew.message`: use it inside `codeNode`. */
  announce(message: CrewMessage): void;
}

/** The part of a compiled LangGraph that runs use. Structural, because a graph's type lists its node names. */
export interface CompiledCrewGraph {
  invoke(input: unknown, config?: Readonly<Record<string, unknown>>): Promise<unknown>;
  getState(config: { readonly configurable: Readonly<Record<string, unknown>> }): Promise<StateSnapshot>;
  readonly builder: {
    readonly nodes: object;
    readonly allEdges: Iterable<readonly [string, string]>;
    readonly branches: Readonly<Record<string, object>>;
  };
}

/** What a graph.ts gives back: a LangGraph StateGraph over `CrewState`, not compiled. */
export interface UncompiledCrewGraph {
  compile(options?: { checkpointer?: BaseCheckpointSaver; name?: string }): CompiledCrewGraph;
}

export interface CrewGraphDefinition {
  readonly build: (builder: CrewGraphBuilder) => UncompiledCrewGraph;
}

/**
 * Defines a crew's own graph: the default export of `crews/<crew>/graph.ts`. Every node is one checkpointed step.
 *
 * @example
 * ```ts
 * import { CrewState, END, START, StateGraph, defineCrewGraph } from 'orderflow-crew/crew';
 *
 * export default defineCrewGraph((builder) =>
 *   new StateGraph(CrewState)
 *     .addNode(
 *       'validate',
 *       builder.taskNode('validate_incoming_data', {
 *         issues: (output) => issuesOf(output.output),
 *       }),
 *     )
 *     .addNode(
 *       'clean',
 *       builder.taskNode('handle_missing_data', {
 *         context: ['validate_incoming_data'],
 *         inputs: { issues: (state) => state.issues },
 *         onFailure: 'continue',
 *       }),
 *     )
 *     .addNode('schema', builder.taskNode('monitor_table_health'))
 *     .addEdge(START, 'validate')
 *     .addConditionalEdges('validate', (state) => (state.issues.length > 0 ? 'clean' : 'schema'), ['clean', 'schema'])
 *     .addEdge('clean', 'schema')
 *     .addEdge('schema', END),
 * );
 * ```
 */
export function defineCrewGraph(build: (builder: CrewGraphBuilder) => UncompiledCrewGraph): CrewGraphDefinition {
  return Object.freeze({ build });
}
