import { Annotation, END, START, Send, StateGraph } from '@langchain/langgraph';
import type { BaseMessage } from '@langchain/core/messages';
import type { LangGraphRunnableConfig } from '@langchain/langgraph';
import type { AgentSpec, TaskSpec } from '../spec.ts';
import type { TaskOutput } from '../agent/output.ts';
import type { Planner } from '../agent/planner.ts';
import type { CrewMessage, CrewNode, UncompiledCrewGraph } from './define.ts';
import { type CrewGraphState, CrewState } from './state.ts';
import { CONDITION, contextOf, outsideOf, skippedOutput, type TaskExecution, trustedOf } from './task-node.ts';
import type { ModelUsage } from '../model/usage.ts';

/** One piece of work that the manager hands to a co-worker. */
export interface Delegation {
  /** Id of the manager's `delegate_work` call, or `fallback:<task>` when the framework hands out what was left. */
  readonly call_id: string;
  readonly coworker: string;
  /** A task of the crew. */
  readonly task: string;
  readonly instruction: string;
}

/** What the manager has said and heard so far. */
export interface ManagerRecord {
  readonly turn: number;
  readonly messages: readonly BaseMessage[];
  /** Delegations of the last turn, to be done now. */
  readonly queue: readonly Delegation[];
  /** How often it was told that tasks are left. */
  readonly reminders: number;
  /** How often it rejected the result of each task. */
  readonly rejections: Readonly<Record<string, number>>;
  readonly done: boolean;
  readonly answer: string;
  readonly usage: readonly ModelUsage[];
}

/** A finished delegation, to be told to the manager. */
export interface DelegationReport {
  readonly call_id: string;
  readonly output: TaskOutput;
}

export interface ManagerTurnRequest {
  readonly manager: AgentSpec;
  readonly tasks: readonly TaskSpec[];
  readonly coworkers: readonly AgentSpec[];
  readonly record: ManagerRecord | null;
  readonly reports: readonly DelegationReport[];
  readonly state: CrewGraphState;
  readonly config: LangGraphRunnableConfig;
}

/** One model turn of the manager: delegations, or the final answer. */
export type ManagerTurn = (request: ManagerTurnRequest) => Promise<ManagerRecord>;

/** CrewState and what the manager needs. */
export const HierarchicalState = Annotation.Root({
  ...CrewState.spec,
  manager: Annotation<ManagerRecord | null>({ reducer: (_, next) => next, default: () => null }),
  reports: Annotation<readonly DelegationReport[]>({
    reducer: (known, more) => [...known, ...more],
    default: () => [],
  }),
});

const EMPTY: ManagerRecord = {
  turn: 0,
  messages: [],
  queue: [],
  reminders: 0,
  rejections: {},
  done: false,
  answer: '',
  usage: [],
};

type State = typeof HierarchicalState.State;

interface DelegateInput {
  readonly delegation: Delegation;
  readonly state: CrewGraphState;
}

/** manager → delegate (one node per delegation, side by side) → manager … → end. Each is a checkpointed step. */
export function buildHierarchicalGraph(parts: {
  readonly manager: AgentSpec;
  readonly tasks: readonly TaskSpec[];
  readonly coworkers: readonly AgentSpec[];
  readonly managerTurn: ManagerTurn;
  readonly runTask: TaskExecution;
  readonly holds: (task: TaskSpec, state: CrewGraphState) => boolean;
  readonly skipped: (output: TaskOutput) => void;
  readonly plan: Planner | null;
  readonly now: () => number;
  readonly announce: (message: CrewMessage) => void;
}): UncompiledCrewGraph {
  const { manager, tasks, coworkers, managerTurn, runTask, announce, plan } = parts;

  const managerNode = async (state: State, config: LangGraphRunnableConfig) => {
    const failed = Object.values(state.outputs).find((output) => output.status === 'failed');
    if (state.halted !== null) return { manager: { ...EMPTY, done: true } };
    const record = await managerTurn({
      manager,
      tasks,
      coworkers,
      record: state.manager,
      reports: state.reports.filter((r) => isOpen(state.manager, r)),
      state,
      config,
    });
    if (!record.done) return { manager: record };
    const left = tasks.filter((task) => state.outputs[task.id] === undefined);
    return {
      manager: record,
      outputs: Object.fromEntries(
        left.map((t) => [t.id, skippedOutput(t.id, t.agent ?? manager.id, 'not delegated', parts.now())]),
      ),
      ...(failed === undefined ? {} : { halted: `task ${failed.task} failed: ${failed.error ?? 'no reason given'}` }),
    };
  };

  const delegateNode = async ({ delegation, state }: DelegateInput, config: LangGraphRunnableConfig) => {
    const task = tasks.find((t) => t.id === delegation.task);
    const coworker = coworkers.find((a) => a.id === delegation.coworker);
    if (task === undefined || coworker === undefined) {
      throw new Error(`a delegation names what the crew has not: ${delegation.task}, ${delegation.coworker}`);
    }
    if (!parts.holds(task, state)) {
      const output = skippedOutput(task.id, coworker.id, CONDITION, parts.now());
      parts.skipped(output);
      return { outputs: { [task.id]: output }, reports: [{ call_id: delegation.call_id, output }] };
    }
    const written = state.planning?.plans[task.id];
    announce({ pattern: 'delegate_work', from: manager.id, to: coworker.id, action: task.id });
    const output = await runTask({
      task,
      agent: coworker,
      key: task.id,
      execution: state.outputs[task.id]?.executions ?? 0,
      inputs: state.inputs,
      context: contextOf(state, task.context),
      // What a manager adds, it may have from any report.
      outside: outsideOf(state, delegation.instruction === '' ? task.context : null),
      trusted: trustedOf(state),
      ...(delegation.instruction === '' ? {} : { instruction: delegation.instruction }),
      ...(written === undefined ? {} : { plan: written }),
      answers: state.outputs[task.id]?.answers,
      config,
    });
    return { outputs: { [task.id]: output }, reports: [{ call_id: delegation.call_id, output }] };
  };

  const route = (state: State): string | Send[] => {
    const record = state.manager;
    if (record === null || record.done) return END;
    if (record.queue.length === 0) return 'manage';
    const { inputs, outside, outputs, issues, notes, planning, carried, seeded, halted } = state;
    const shared: CrewGraphState = { inputs, outside, outputs, issues, notes, planning, carried, seeded, halted };
    return record.queue.map(
      (delegation) => new Send('delegate', { delegation, state: shared } satisfies DelegateInput),
    );
  };

  const graph = new StateGraph(HierarchicalState)
    .addNode('manage', managerNode)
    .addNode('delegate', delegateNode as never)
    .addConditionalEdges('manage', route, ['delegate', 'manage', END])
    .addEdge('delegate', 'manage');
  if (plan === null) return graph.addEdge(START, 'manage');
  return graph.addNode('plan_crew', planNode(tasks, plan)).addEdge(START, 'plan_crew').addEdge('plan_crew', 'manage');
}

/** The planner's step, before all others. */
export function planNode(tasks: readonly TaskSpec[], plan: Planner): CrewNode {
  return async (state) => {
    // A run that was migrated has its plans, unless there are new tasks.
    if (tasks.every(({ id }) => state.planning?.plans[id] !== undefined)) return {};
    const planning = await plan(tasks, state.inputs);
    return { planning, ...(planning.error === null ? {} : { halted: `planning failed: ${planning.error}` }) };
  };
}

function isOpen(record: ManagerRecord | null, report: DelegationReport): boolean {
  return record?.queue.some((d) => d.call_id === report.call_id) ?? false;
}
