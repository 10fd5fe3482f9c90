import { narrowedTools } from '../config/mcp-schema.ts';
import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import type { Caller } from '../../kit/invoke.ts';
import type { ModelChain } from '../model/chain.ts';
import type { ToolSchema } from '../model/model.ts';
import type { ModelUse } from '../model/where.ts';
import type { Lesson, PlaybookContext, RecalledNote } from '../playbook.ts';
import type { AgentSpec, TaskSpec } from '../spec.ts';
import type { TaskRequest } from '../graph/task-node.ts';
import type { InnerTool } from './inner-tool.ts';
import type { KnowledgePassage } from './knowledge.ts';
import { systemPrompt, taskPrompt } from './prompt.ts';
import type { RunScope } from './scope.ts';
import type { AgentRecord } from './state.ts';

/** One task while it runs: what its steps need besides the checkpointed record. */
export interface TaskRun {
  readonly scope: RunScope;
  readonly task: TaskSpec;
  readonly agent: AgentSpec;
  /** First part of the path of its tool calls: `<output key>#<execution>`. */
  readonly path: string;
  readonly caller: Caller;
  readonly tools: readonly ToolSchema[];
  readonly chain: ModelChain;
  readonly instruction: string | undefined;
  /** The framework's own tools, by name. */
  readonly inner: ReadonlyMap<string, InnerTool>;
  /** What the knowledge source had to say on the task. */
  readonly knowledge: readonly KnowledgePassage[];
  /** Kept from the run before; null when nothing. */
  readonly memory: unknown;
  /** What memory has that has to do with the task. */
  readonly recalled: readonly RecalledNote[];
  /** What people said of the agent's earlier answers. */
  readonly lessons: readonly Lesson[];
  /** Whose words from outside the task begins with. */
  readonly outside: readonly string[];
  /** What a trusted hand gave. */
  readonly trusted: Readonly<Record<string, unknown>>;
  /** Aborts when the time for the task is over. */
  readonly deadline: AbortSignal;
  /** Aborts for either reason. */
  readonly signal: AbortSignal;
  readonly where: ModelUse;
  /** The tool on whose account its models are asked. */
  readonly via?: string | undefined;
}

/** Who the agent is to the tool pipeline. A task's own tools can only narrow the agent's list. */
export function callerOf(agent: AgentSpec, task: TaskSpec): Caller {
  const own = task.tools;
  return {
    id: `agent:${agent.id}`,
    agentId: agent.id,
    role: agent.permission_role ?? '',
    tools: own === null ? agent.tools : narrowedTools(agent.tools, own),
  };
}

/** The record at the start of an attempt. Usage, calls and proposals of earlier attempts stay. */
export function beginAttempt(run: TaskRun, request: TaskRequest, earlier: AgentRecord | null): AgentRecord {
  const { scope, task, agent, instruction } = run;
  const inputs = { ...request.inputs, ...(instruction === undefined ? {} : { instruction }) };
  return {
    next: earlier === null ? 'start' : run.agent.reasoning ? 'plan' : 'model',
    attempt: earlier === null ? 0 : earlier.attempt + 1,
    turn: 0,
    inputs,
    context: request.context,
    messages: [
      new SystemMessage(
        systemPrompt(agent, inputs, { shadow: scope.shadow, hasTools: run.tools.length > 0, now: scope.clock.now() }),
      ),
      new HumanMessage(
        taskPrompt(task, inputs, request.context, {
          instruction,
          memory: run.memory,
          recalled: run.recalled,
          plan: request.plan,
          answers: request.answers ?? {},
          knowledge: run.knowledge,
          lessons: run.lessons,
        }),
      ),
    ],
    observations: [],
    queue: [],
    calls: earlier?.calls ?? [],
    proposals: earlier?.proposals ?? [],
    usage: earlier?.usage ?? [],
    outside: run.outside,
    repairs: 0,
    malformed: 0,
    guardrailFailures: {},
    guarded: null,
    structured: false,
    plan: null,
    planAttempts: 0,
    summaries: 0,
    delegations: earlier?.delegations ?? 0,
    takenOverBy: null,
    forced: null,
    raw: '',
    output: null,
    error: null,
    memory: run.memory,
    recalled: run.recalled,
    startedAt: earlier?.startedAt ?? scope.clock.now(),
  };
}

/** What a playbook's policy sees. */
export function playbookContext(run: TaskRun, record: AgentRecord): PlaybookContext {
  return {
    task: run.task,
    agent: run.agent,
    inputs: record.inputs,
    context: record.context,
    observations: record.observations,
    shadow: run.scope.shadow,
    ...(record.memory === null ? {} : { memory: record.memory }),
    ...(record.recalled === undefined || record.recalled.length === 0 ? {} : { recalled: record.recalled }),
    ...(run.knowledge.length === 0 ? {} : { knowledge: run.knowledge }),
    ...(run.lessons.length === 0 ? {} : { lessons: run.lessons }),
    ...(record.forced === null ? {} : { final: true }),
  };
}

/** Ends the attempt: another one when the task allows it, else the task has failed. */
export function failAttempt(run: TaskRun, request: TaskRequest, record: AgentRecord, error: string): AgentRecord {
  run.scope.events.emit(
    'agent.error',
    {
      agent_id: run.agent.id,
      action: 'attempt_failed',
      run_id: run.scope.runId,
      task_id: run.task.id,
      details: { attempt: record.attempt + 1, error },
    },
    { correlationId: run.scope.runId },
  );
  if (record.attempt < run.task.max_retries && !run.deadline.aborted) {
    const retried = { ...run.where, attempt: record.attempt + 2, reason: error };
    run.scope.events.emit('task.retried', retried, { correlationId: run.scope.runId });
    return beginAttempt(run, request, record);
  }
  return { ...record, next: 'end', queue: [], error };
}

/** Says that the agent began or ended its part in a task. */
export function emitAgent(
  run: TaskRun,
  type: 'agent.started' | 'agent.stopped' | 'agent.recommendation',
  action: string,
  details?: Readonly<Record<string, unknown>>,
): void {
  const { scope, where } = run;
  const data = {
    agent_id: where.agent_id,
    action,
    run_id: where.run_id,
    task_id: where.task_id,
    ...(details === undefined ? {} : { details }),
  };
  scope.events.emit(type, data, { correlationId: scope.runId });
}
