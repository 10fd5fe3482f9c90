import type { LangGraphRunnableConfig } from '@langchain/langgraph';
import { mergeOutside } from '../../kit/outside.ts';
import type { TaskAnswers } from '../question/task-question.ts';
import type { TaskResult } from '../playbook.ts';
import type { AgentSpec, TaskSpec } from '../spec.ts';
import type { TaskOutput } from '../agent/output.ts';
import type { CrewNode, TaskNodeOptions } from './define.ts';
import type { CrewGraphState } from './state.ts';

/** Everything that doing one task needs from the graph. */
export interface TaskRequest {
  readonly task: TaskSpec;
  readonly agent: AgentSpec;
  /** Key of the output, and first part of the path of its tool calls. */
  readonly key: string;
  /** How often the task ran before, in this run: 0 for the first time. */
  readonly execution: number;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly context: readonly TaskResult[];
  /** Whose words from outside are in what it is given. */
  readonly outside?: readonly string[] | undefined;
  /** The inputs that came from a trusted hand; without them none did. */
  readonly trusted?: Readonly<Record<string, unknown>> | undefined;
  /** Instruction added to the task, when a manager delegates it. */
  readonly instruction?: string | undefined;
  /** The tool by which an agent handed it on: `delegate_work`, `ask_question`, `hand_off`. */
  readonly via?: string | undefined;
  /** How often it was handed on: 0 or undefined for a task of the crew itself. */
  readonly depth?: number | undefined;
  /** How far it may be handed on, as the first agent says. */
  readonly maxDepth?: number | undefined;
  /** Agents that gave the whole task away before. */
  readonly handedBy?: readonly string[] | undefined;
  /** What the crew's planner wrote for it. */
  readonly plan?: string | undefined;
  /** What people answered to the task's questions. */
  readonly answers?: TaskAnswers | undefined;
  readonly config: LangGraphRunnableConfig;
}

/** Does one task. Resolves for expected failures too (status `failed`); rejects for aborts, interrupts and bugs. */
export type TaskExecution = (request: TaskRequest) => Promise<TaskOutput>;

/** Why a task is skipped whose condition does not hold: those that name it go on without it. */
export const CONDITION = 'its condition does not hold';

/** Builds the node of a task: skip when halted or not wanted, else run it and merge what it gave. */
export function createTaskNode(node: {
  readonly task: TaskSpec;
  readonly agent: AgentSpec;
  readonly key: string;
  readonly options: TaskNodeOptions;
  /** The task's own condition. */
  readonly holds: (state: CrewGraphState) => boolean;
  readonly run: TaskExecution;
  readonly skipped: (output: TaskOutput) => void;
  readonly now: () => number;
}): CrewNode {
  const { task, agent, key, options, holds, run, skipped, now } = node;
  const told = (output: TaskOutput, state: CrewGraphState) => ({
    issues: options.issues?.(output, state) ?? [],
    notes: options.notes?.(output, state) ?? {},
  });
  return async (state, config) => {
    const standing = state.carried.includes(key) ? state.outputs[key] : undefined;
    if (standing !== undefined) return { carried: { used: key }, ...told(standing, state) };
    const reason = skipReason(state, options) ?? (holds(state) ? null : CONDITION);
    if (reason !== null) {
      const output = skippedOutput(task.id, agent.id, reason, now());
      skipped(output);
      return { outputs: { [key]: output } };
    }
    const plan = state.planning?.plans[task.id];
    const output = await run({
      task,
      agent,
      key,
      execution: state.outputs[key]?.executions ?? 0,
      inputs: { ...state.inputs, ...extraInputs(state, options) },
      context: contextOf(state, [...task.context, ...(options.context ?? [])]),
      outside: outsideOf(state, options.inputs === undefined ? [...task.context, ...(options.context ?? [])] : null),
      trusted: trustedOf(state),
      ...(plan === undefined ? {} : { plan }),
      answers: state.outputs[key]?.answers,
      config,
    });
    if (output.status !== 'completed') {
      const halt = output.status === 'failed' && options.onFailure !== 'continue';
      return {
        outputs: { [key]: output },
        ...(halt ? { halted: `task ${key} failed: ${output.error ?? 'no reason given'}` } : {}),
      };
    }
    return { outputs: { [key]: output }, ...told(output, state) };
  };
}

/** The output of a task that did not run. */
export function skippedOutput(task: string, agent: string, reason: string, now: number): TaskOutput {
  return {
    task,
    agent,
    status: 'skipped',
    output: null,
    raw: '',
    error: reason,
    executions: 0,
    tool_calls: [],
    proposals: [],
    usage: [],
    started_at: now,
    finished_at: now,
  };
}

/** Outputs of completed tasks, by key, each once, in the order asked for. */
export function contextOf(state: CrewGraphState, keys: readonly string[]): readonly TaskResult[] {
  return [...new Set(keys)].flatMap((key) => {
    const output = state.outputs[key];
    return output?.status === 'completed' ? [{ task: key, output: output.output }] : [];
  });
}

/** Whose words from outside are in the inputs and in the outputs of the given keys; null: of all. */
export function outsideOf(state: CrewGraphState, keys: readonly string[] | null): readonly string[] {
  const outputs = (keys ?? Object.keys(state.outputs)).map((key) => state.outputs[key]?.outside);
  return mergeOutside(state.outside, ...outputs);
}

/** The run's inputs, unless they came from outside themselves. */
export function trustedOf({ inputs, outside }: CrewGraphState): Readonly<Record<string, unknown>> {
  return outside.length === 0 ? inputs : {};
}

function skipReason(state: CrewGraphState, options: TaskNodeOptions): string | null {
  if (state.halted !== null) return state.halted;
  if (options.when !== undefined && !options.when(state)) return CONDITION;
  return null;
}

function extraInputs(state: CrewGraphState, options: TaskNodeOptions): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(options.inputs ?? {}).map(([name, read]) => [name, read(state)]));
}
