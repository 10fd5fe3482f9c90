import { setMaxListeners } from 'node:events';
import { DeadlineExceeded } from '../../kit/errors.ts';
import { mergeOutside } from '../../kit/outside.ts';
import { skippedOutput, type TaskExecution, type TaskRequest } from '../graph/task-node.ts';
import { withAnswers } from '../question/of-task.ts';
import { type AgentGraph, TASK_KEY, TaskHandle } from './agent-graph.ts';
import { delegationTools } from './delegation.ts';
import type { KnowledgePassage } from './knowledge.ts';
import { knowledgeTool } from './knowledge-tool.ts';
import type { InnerTool } from './inner-tool.ts';
import { type MemoryUser, outsideOfMemories } from './memory.ts';
import { memoryTools } from './memory-tools.ts';
import { quoteMemory } from './quote.ts';
import { skillTool } from './skills.ts';
import { fill } from './prompt.ts';
import type { TaskOutput } from './output.ts';
import type { RunScope } from './scope.ts';
import type { AgentRecord } from './state.ts';
import type { Recalled, Remembered } from '../memory/contract.ts';
import type { TaskSpec } from '../spec.ts';
import { beginAttempt, callerOf, emitAgent, type TaskRun } from './task-run.ts';

/**
 * How the tasks of a run are done: an agent's loop as a LangGraph of its own inside the task's node
 * (model → tools → model … → end), so that a killed run goes on in the middle of a task.
 */
export function createTaskExecution(scope: RunScope, graph: AgentGraph): TaskExecution {
  const execute: TaskExecution = async (given) => {
    let answered: TaskRequest;
    try {
      answered = withAnswers(given, scope.hooks?.questions ?? {});
    } catch (error) {
      if (error instanceof DeadlineExceeded) return unanswered(scope, given, error.message);
      throw error;
    }
    const request = await passTripwires(scope, answered);
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
      if (output.status === 'completed') await keep(run, request, record, output);
      finish(run, record, output);
      return output;
    } finally {
      timer?.cancel();
    }
  };
  return execute;
}

/** A task whose questions nobody answered in time, and that says not what stands then. */
function unanswered(scope: RunScope, { task, agent }: TaskRequest, error: string): TaskOutput {
  const now = scope.clock.now();
  const where = { run_id: scope.runId, crew: scope.crew.id, task_id: task.id, agent_id: agent.id };
  scope.events.emit('task.failed', { ...where, error }, { correlationId: scope.runId });
  return { ...skippedOutput(task.id, agent.id, error, now), status: 'failed', executions: 1 };
}

/** What an agent is given, as its tripwires let it in: before anything is searched, recalled or asked for it. */
async function passTripwires(scope: RunScope, request: TaskRequest): Promise<TaskRequest> {
  const { task, agent, inputs, context, instruction } = request;
  if (!scope.tripwires.guards('input', agent)) return request;
  const given = { inputs, context, ...(instruction === undefined ? {} : { instruction }) };
  return { ...request, ...(await scope.tripwires.pass('input', { task, agent }, given)) };
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
  const where = { run_id: scope.runId, crew: scope.crew.id, task_id: task.id, agent_id: agent.id };
  const innerTools = [
    ...delegationTools({
      crew: scope.crew,
      agents: scope.agents,
      request,
      execute,
      announce: (pattern, to, what) =>
        void scope.events.emit('crew.message', { pattern, from: agent.id, to, action: what.slice(0, 200) }),
    }),
    ...[
      skillTool(scope.skills?.of(agent.id) ?? [], (skill, file) => {
        scope.events.emit('skill.read', { ...where, skill, file }, { correlationId: scope.runId });
      }),
    ].filter((tool) => tool !== null),
    ...toolsOfMemory(scope, request, signal),
    ...[knowledgeTool(scope.knowledge, { agent, crew: scope.crew, signal })].filter((tool) => tool !== null),
  ];
  const visible = scope.invoker.visible(caller);
  const own = scope.schemas.of(visible);
  const knowledge = await searchKnowledge(scope, request, signal);
  const last = (request.depth ?? 0) > 0 ? null : ((await scope.memory?.last(userOf(request))) ?? null);
  const recalled = await recallFor(scope, request, signal);
  return {
    scope,
    task,
    agent,
    path: `${request.key}#${request.execution}`,
    caller,
    tools: [...own, ...innerTools.map((tool) => tool.schema)],
    inner: new Map(innerTools.map((tool) => [tool.schema.function.name, tool])),
    knowledge,
    memory: last?.value ?? null,
    recalled: recalled.map(quoteMemory),
    lessons: (await scope.feedback?.lessons(scope.crew.id, agent.id)) ?? [],
    outside: mergeOutside(
      request.outside,
      last === null ? [] : (last.outside ?? ['memory']),
      outsideOfMemories(recalled),
      knowledge.map((k) => `knowledge ${k.source}`),
      visible
        .filter((tool) => tool.outside === 'results_and_description')
        .map((tool) => `descriptions of ${tool.toolset}`),
    ),
    trusted: request.trusted ?? {},
    chain: await scope.chainFor(agent),
    instruction: request.instruction,
    deadline,
    signal,
    via: request.via,
    where,
  };
}

/** What the knowledge source has on the task, asked in the task's own words. */
async function searchKnowledge(
  scope: RunScope,
  { task, agent, inputs }: TaskRequest,
  signal: AbortSignal,
): Promise<readonly KnowledgePassage[]> {
  if (scope.knowledge === undefined) return [];
  return scope.knowledge.search(fill(task.description, inputs), { agent, crew: scope.crew, signal });
}

function userOf({ agent, task }: TaskRequest): MemoryUser {
  return { agent: agent.id, task: task.id };
}

/** What memory has on the task, asked in the task's own words. */
async function recallFor(scope: RunScope, request: TaskRequest, signal: AbortSignal): Promise<readonly Recalled[]> {
  const { memory } = scope;
  if (memory === undefined || memory.settings.recall === 0) return [];
  const question = fill(request.task.description, request.inputs);
  const found = await memory.recall(userOf(request), question, memory.settings.recall, signal);
  tellRecalled(scope, request, found);
  return found;
}

function toolsOfMemory(scope: RunScope, request: TaskRequest, signal: AbortSignal): readonly InnerTool[] {
  const { memory } = scope;
  if (memory === undefined) return [];
  const { tools } = memory.settings;
  if (!tools) return [];
  return memoryTools({
    memory,
    user: userOf(request),
    signal,
    saved: (kept) => tellSaved(scope, request, kept),
    recalled: (found) => tellRecalled(scope, request, found),
  });
}

function tellSaved(scope: RunScope, { agent }: TaskRequest, { memory, outcome }: Remembered): void {
  const { id, key, kind, tenant, scope: place } = memory;
  scope.events.emit(
    'memory.saved',
    { agent_id: agent.id, key: key ?? id, memory_type: kind, tenant, scope: place, outcome },
    { correlationId: scope.runId },
  );
}

function tellRecalled(scope: RunScope, { agent }: TaskRequest, found: readonly Recalled[]): void {
  scope.events.emit(
    'memory.recalled',
    {
      agent_id: agent.id,
      tenant: scope.memory?.tenant ?? '',
      found: found.length,
      best_score: found[0]?.score ?? null,
      memories: found.map(({ memory }) => memory.id),
    },
    { correlationId: scope.runId },
  );
}

async function runAgent(graph: AgentGraph, run: TaskRun, request: TaskRequest): Promise<AgentRecord> {
  const turns = (request.agent.max_iter + 40) * (request.task.max_retries + 1);
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
  const unseen = failed && run.scope.tripwires.guards('output', run.agent);
  return {
    task: request.task.id,
    agent: record.takenOverBy ?? request.agent.id,
    status: failed ? 'failed' : 'completed',
    output: failed ? null : record.output,
    // Of a failed answer: tripwires look at what is good enough to be given to somebody.
    raw: unseen ? '' : record.raw,
    error: record.error,
    executions: 1,
    tool_calls: record.calls,
    proposals: record.proposals,
    usage: record.usage,
    ...(record.outside.length === 0 ? {} : { outside: record.outside }),
    ...(request.answers === undefined ? {} : { answers: request.answers }),
    started_at: record.startedAt,
    finished_at: run.scope.clock.now(),
  };
}

/** Writes the task's file, keeps its output for the next run and tells who wants to know. */
async function keep(run: TaskRun, request: TaskRequest, record: AgentRecord, output: TaskOutput): Promise<void> {
  const { scope, task } = run;
  if (task.output_file !== null) {
    const path = fill(task.output_file, record.inputs);
    const text = fileText(task, record);
    if (scope.writeOutput !== undefined) {
      await scope.writeOutput(path, text, task.create_directory);
      const written = { ...run.where, path, characters: text.length };
      scope.events.emit('task.written', written, { correlationId: scope.runId });
    }
  }
  if (scope.memory !== undefined) {
    tellSaved(scope, request, await scope.memory.keep(userOf(request), record.output, record.outside));
  }
  if (task.callback !== null) await scope.hooks?.callbacks?.[task.callback]?.(output);
  await scope.hooks?.onTask?.(output);
}

/** With a schema the value, as JSON; else the answer as it was written, or what a guardrail made of it. */
function fileText(task: TaskSpec, { output, raw }: AgentRecord): string {
  if (task.output_json !== null) return `${JSON.stringify(output, null, 2)}\n`;
  return typeof output === 'string' ? output : raw;
}

/** Seconds: the shorter of the task's time-out and the agent's. */
function timeLimit({ task, agent }: TaskRequest): number | null {
  const limits = [task.timeout, agent.max_execution_time].filter((s) => s !== null);
  return limits.length === 0 ? null : Math.min(...limits);
}
