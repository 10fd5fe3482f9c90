import { END, type LangGraphRunnableConfig, START, StateGraph } from '@langchain/langgraph';
import { settled } from '../checkpoint/settled.ts';
import type { TaskRequest } from '../graph/task-node.ts';
import { checkStep, reviewStep } from './check-step.ts';
import { planStep } from './plan-step.ts';
import { modelStep } from './model-step.ts';
import { type AgentRecord, AgentState } from './state.ts';
import { emitAgent, type TaskRun } from './task-run.ts';
import { approvalStep, toolsStep } from './tools-step.ts';

/** Where a step finds its task in LangGraph's `configurable`. */
export const TASK_KEY = 'crew_task';

/** A task for the steps of an agent's graph. Never checkpointed: it is made anew when a run is taken up. */
export class TaskHandle {
  readonly run: TaskRun;
  readonly request: TaskRequest;

  constructor(run: TaskRun, request: TaskRequest) {
    this.run = run;
    this.request = request;
  }
}

/** The part of the compiled graph that is used. */
export interface AgentGraph {
  invoke(input: typeof AgentState.Update, config: LangGraphRunnableConfig): Promise<typeof AgentState.State>;
}

type State = typeof AgentState.State;
type Work = (
  handle: TaskHandle,
  record: AgentRecord,
  config: LangGraphRunnableConfig,
) => AgentRecord | Promise<AgentRecord>;

const TARGETS = {
  start: 'model',
  plan: 'plan',
  model: 'model',
  tools: 'tools',
  approval: 'approval',
  check: 'check',
  review: 'review',
  end: END,
} as const;

/**
 * An agent's loop as a LangGraph, one for all tasks of a runner. A model's reply is checkpointed before its calls are
 * made, and their results before the next turn. An answer is checked in a step of its own only when guardrails
 * or tripwires, which may be slow, look at it.
 */
export function buildAgentGraph(): AgentGraph {
  return new StateGraph(AgentState)
    .addNode('model', step(think))
    .addNode(
      'plan',
      step(({ run, request }, record) => planStep(run, request, record)),
    )
    .addNode(
      'tools',
      step(({ run, request }, record, config) => toolsStep(run, request, record, config)),
    )
    .addNode(
      'approval',
      step(({ run, request }, record) => approvalStep(run, request, record)),
    )
    .addNode(
      'check',
      step(({ run, request }, record) => checkStep(run, request, record)),
    )
    .addNode(
      'review',
      step(({ run }, record) => reviewStep(run, record)),
    )
    .addEdge(START, 'model')
    .addConditionalEdges('model', route, TARGETS)
    .addConditionalEdges('plan', route, TARGETS)
    .addConditionalEdges('tools', route, TARGETS)
    .addConditionalEdges('approval', route, TARGETS)
    .addConditionalEdges('check', route, TARGETS)
    .addConditionalEdges('review', route, TARGETS)
    .compile();
}

function route(state: State): AgentRecord['next'] {
  return state.agent.next;
}

function step(work: Work) {
  return async (state: State, config: LangGraphRunnableConfig): Promise<typeof AgentState.Update> => {
    const handle: unknown = config.configurable?.[TASK_KEY];
    if (!(handle instanceof TaskHandle)) throw new Error('a step of an agent was run without its task');
    const { scope } = handle.run;
    await scope.gate?.(scope.signal);
    scope.signal.throwIfAborted();
    return { agent: settled(await work(handle, state.agent, config)) };
  };
}

const think: Work = async ({ run, request }, record) => {
  if (record.next === 'start') {
    run.scope.events.emit('task.started', run.where, { correlationId: run.scope.runId });
    emitAgent(run, 'agent.started', 'task');
    if (run.agent.reasoning && run.chain.current.source !== 'playbook') return { ...record, next: 'plan' };
  }
  const after = await modelStep(run, request, record);
  const { scope, task, agent } = run;
  const guarded = scope.guardrailsOf(task).length > 0 || scope.tripwires.guards('output', agent);
  const unguarded = after.next === 'check' && !guarded;
  return unguarded ? checkStep(run, request, after) : after;
};
