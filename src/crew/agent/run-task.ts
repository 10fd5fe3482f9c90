import { setMaxListeners } from 'node:events';
import { DeadlineExceeded } from '../../kit/errors.ts';
import type { TaskExecution, TaskRequest } from '../graph/task-node.ts';
import { type AgentGraph, buildAgentGraph, TASK_KEY, TaskHandle } from './agent-graph.ts';
import { createDelegation } from './delegation.ts';
import type { TaskOutput } from './output.ts';
import type { RunScope } from './scope.ts';
import type { AgentRecord } from './state.ts';
import { beginAttempt, callerOf, emitAgent, type TaskRun } from './task-run.ts';

/**
 * How the tasks of a run are done: an agent's loop as a LangGraph of its own inside the task's node
 * (model → tools → model … → end), so that a killed run goes on in the middle of a task.
 */
export function createTaskExecution(scope: RunScope): TaskExecution {
  const graph = buildAgentGraph();
  const execute: TaskExecution = async (request) => {
    const limit = timeLimit(request);
    const late = new AbortController();
    const timer =
      limit === null
        ? null
        : scope.clock.schedule(limit * 1000, () =>
            late.abort(new DeadlineExceeded(`task ${request.task.id} took longer than ${limit} s`)),
          );
    try {
      const run = await createTaskRun(scope, request, late.signal, execute);
      const record = await runAgent(graph, run, request);
      const output = outputOf(run, request, record);
      if (output.status === 'completed') await keep(run, record);
      finish(run, record, output);
      return output;
    } finally {
      timer?.cancel();
    }
  };
  return execute;
}

async function createTaskRun(
  scope: RunScope,
  request: TaskRequest,
  deadline: AbortSignal,
  execute: TaskExecution,
): Promise<TaskRun> {
  const { task, agent } = request;
  const caller = callerOf(agent, task);
  const signal = AbortSignal.any([scope.signal, deadline]);
  setMaxListeners(0, signal);
  const delegation = createDelegation({
    crew: scope.crew,
    agents: scope.agents,
    request,
    execute,
    announce: (to, work) =>
      void scope.events.emit('crew.message', {
        pattern: 'delegate_work',
        from: agent.id,
        to,
        action: work.slice(0, 200),
      }),
  });
  const own = scope.schemas.of(scope.invoker.visible(caller));
  return {
    scope,
    task,
    agent,
    path: `${request.key}#${request.execution}`,
    caller,
    tools: delegation === null ? own : [...own, delegation.schema],
    delegation,
    memory: request.delegated === true ? null : ((await scope.memory?.recall(agent.id, task.id)) ?? null),
    chain: await scope.chainFor(agent),
    instruction: request.instruction,
    deadline,
    signal,
    where: { run_id: scope.runId, crew: scope.crew.id, task_id: task.id, agent_id: agent.id },
  };
}

async function runAgent(graph: AgentGraph, run: TaskRun, request: TaskRequest): Promise<AgentRecord> {
  const turns = (request.agent.max_iter + 20) * (request.task.max_retries + 1);
  const state = await graph.invoke(
    { agent: beginAttempt(run, request, null) },
    {
      ...request.config,
      configurable: { ...request.config.configurable, [TASK_KEY]: new TaskHandle(run, request) },
      recursionLimit: 4 * turns + 20,
    },
  );
  return state.agent;
}

function finish(run: TaskRun, record: AgentRecord, output: TaskOutput): void {
  const { scope, where } = run;
  const options = { correlationId: scope.runId };
  const duration_ms = Math.max(0, output.finished_at - output.started_at);
  if (output.status === 'completed') {
    scope.events.emit('task.completed', { ...where, duration_ms, tool_calls: record.calls.length }, options);
  } else {
    scope.events.emit('task.failed', { ...where, error: output.error ?? '' }, options);
  }
  emitAgent(run, 'agent.stopped', output.status);
}

function outputOf(run: TaskRun, request: TaskRequest, record: AgentRecord): TaskOutput {
  const failed = record.error !== null;
  return {
    task: request.task.id,
    agent: request.agent.id,
    status: failed ? 'failed' : 'completed',
    output: failed ? null : record.output,
    raw: record.raw,
    error: record.error,
    executions: 1,
    tool_calls: record.calls,
    proposals: record.proposals,
    usage: record.usage,
    started_at: record.startedAt,
    finished_at: run.scope.clock.now(),
  };
}

/** Writes the task's file and keeps its output for the next run. */
async function keep(run: TaskRun, record: AgentRecord): Promise<void> {
  const { scope, task, agent } = run;
  if (task.output_file !== null) await scope.writeOutput?.(task.output_file, record.raw);
  if (scope.memory === undefined) return;
  await scope.memory.remember(agent.id, task.id, record.output);
  const kept = { agent_id: agent.id, key: `task:${task.id}`, memory_type: 'working' };
  scope.events.emit('memory.saved', kept, { correlationId: scope.runId });
}

/** Seconds: the shorter of the task's time-out and the agent's. */
function timeLimit({ task, agent }: TaskRequest): number | null {
  const limits = [task.timeout, agent.max_execution_time].filter((s) => s !== null);
  return limits.length === 0 ? null : Math.min(...limits);
}
