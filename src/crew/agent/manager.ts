import { HumanMessage, SystemMessage, ToolMessage, AIMessage, type BaseMessage } from '@langchain/core/messages';
import { z } from 'zod';
import type { Delegation, ManagerRecord, ManagerTurn, ManagerTurnRequest } from '../graph/hierarchical.ts';
import { ModelsFailed } from '../model/chain.ts';
import type { ToolSchema } from '../model/model.ts';
import { MANAGE_TASK } from '../model/manage-policy.ts';
import { mergeUsage } from '../model/usage.ts';
import type { PlaybookContext } from '../playbook.ts';
import { taskSpec } from '../defaults.ts';
import type { TaskSpec } from '../spec.ts';
import { CONDITION } from '../graph/task-node.ts';
import { askModel } from './ask.ts';
import { compactJson } from './compact.ts';
import { innerSchema } from './inner-tool.ts';
import { systemPrompt } from './prompt.ts';
import type { RunScope } from './scope.ts';

const REMINDER_LIMIT = 2;
const REPORT_LIMIT = 4000;

/**
 * The manager of a hierarchical crew: it delegates by one typed tool and has none of its own while it manages.
 * What it leaves undelegated after two reminders is handed out by the framework, so no task is lost.
 */
export function createManagerTurn(scope: RunScope): ManagerTurn {
  return async (request) => {
    scope.signal.throwIfAborted();
    const record = request.record ?? begin(scope, request);
    const told = { ...record, queue: [], messages: [...record.messages, ...reportMessages(record, request)] };
    const ready = readyTasks(request);
    const left = openTasks(request);
    const failed = Object.values(request.state.outputs).some((output) => output.status === 'failed');
    const reviews = scope.crew.manager_review && left.length === 0 && !failed && record.turn < request.manager.max_iter;
    if (!reviews && (left.length === 0 || ready.length === 0)) return { ...told, done: true };
    if (!reviews && record.turn >= request.manager.max_iter) return handOut(scope, request, told, ready);
    let reply: AIMessage;
    let usage: ManagerRecord['usage'];
    try {
      const asked = await askModel(scope, request.manager, await scope.chainFor(request.manager), {
        messages: reviews ? [...told.messages, new HumanMessage(REVIEW)] : told.messages,
        tools: [reviews ? rejectSchema(request) : delegateSchema(request)],
        context: managerContext(scope, request, ready),
        where: {
          run_id: scope.runId,
          crew: scope.crew.id,
          task_id: MANAGE_TASK,
          agent_id: request.manager.id,
        },
        signal: scope.signal,
      });
      reply = asked.message;
      ({ usage } = asked);
    } catch (error) {
      if (!(error instanceof ModelsFailed)) throw error;
      if (reviews) throw error;
      return handOut(scope, request, { ...told, usage: mergeUsage(told.usage, error.usage) }, ready);
    }
    const used = { ...told, turn: told.turn + 1, usage: mergeUsage(told.usage, usage) };
    return reviews ? readReview(request, used, reply) : readTurn(scope, request, used, reply, ready);
  };
}

const REVIEW =
  'All tasks are done. Look at the results. Reject with reject_work what is not good enough, saying what to change and ' +
  'who is to do it; else answer with a summary.';
const REJECTION_LIMIT = 2;

function begin(scope: RunScope, request: ManagerTurnRequest): ManagerRecord {
  const { manager, tasks, coworkers, state } = request;
  const people = coworkers.map((c) => `- ${c.id}: ${c.role}. ${c.goal}`).join('\n');
  const work = tasks
    .map((t) => {
      const after = t.context.length === 0 ? '' : ` (after ${t.context.join(', ')})`;
      return `- ${t.id}${after}, for ${t.agent ?? 'anyone'}: ${t.description}`;
    })
    .join('\n');
  const messages: BaseMessage[] = [
    new SystemMessage(
      systemPrompt(manager, state.inputs, { shadow: scope.shadow, hasTools: true, now: scope.clock.now() }),
    ),
    new HumanMessage(
      `You manage this crew. Do none of the work yourself: hand every task to a co-worker with delegate_work.\n\n` +
        `# Co-workers\n${people}\n\n# Tasks\n${work}\n\n${doneBefore(request)}When all tasks are done, answer with a summary.`,
    ),
  ];
  return { turn: 0, messages, queue: [], reminders: 0, rejections: {}, done: false, answer: '', usage: [] };
}

/** What stands of a run that was migrated to the crew as it is now; empty for all others. */
function doneBefore({ tasks, state }: ManagerTurnRequest): string {
  const done = tasks.flatMap(({ id }) => {
    const output = state.outputs[id];
    return output === undefined ? [] : [`## ${id}\n${compactJson(output.output, REPORT_LIMIT)}`];
  });
  return done.length === 0 ? '' : `# Done already\n${done.join('\n')}\n\n`;
}

function reportMessages(record: ManagerRecord, { reports }: ManagerTurnRequest): readonly BaseMessage[] {
  const told = record.queue.filter((d) => !d.call_id.startsWith('fallback:'));
  return told.flatMap((delegation) => {
    const report = reports.find((r) => r.call_id === delegation.call_id);
    if (report === undefined) return [];
    const { status, output, error } = report.output;
    const content = compactJson({ task: delegation.task, status, output, error }, REPORT_LIMIT);
    return [new ToolMessage({ tool_call_id: delegation.call_id, name: 'delegate_work', content })];
  });
}

function readTurn(
  scope: RunScope,
  request: ManagerTurnRequest,
  record: ManagerRecord,
  reply: AIMessage,
  ready: readonly TaskSpec[],
): ManagerRecord {
  const calls = reply.tool_calls ?? [];
  const text = reply.text.trim();
  if (calls.length === 0) {
    if (record.reminders >= REMINDER_LIMIT) return handOut(scope, request, record, ready);
    const names = openTasks(request)
      .map((t) => t.id)
      .join(', ');
    const reminder = new HumanMessage(`These tasks are not done: ${names}. Hand them out with delegate_work.`);
    const said = text === '' ? [] : [new AIMessage({ content: text })];
    return {
      ...record,
      answer: text,
      reminders: record.reminders + 1,
      messages: [...record.messages, ...said, reminder],
    };
  }
  const queue: Delegation[] = [];
  const refusals: BaseMessage[] = [];
  calls.forEach((call, i) => {
    const id = call.id ?? `delegate_${record.turn}_${i}`;
    const problem = delegationProblem(request, ready, queue, call.name, call.args);
    if (typeof problem === 'string') {
      refusals.push(new ToolMessage({ tool_call_id: id, name: call.name, content: problem, status: 'error' }));
    } else queue.push({ ...problem, call_id: id });
  });
  const message = new AIMessage({
    content: text,
    tool_calls: calls.map((c, i) => ({
      id: c.id ?? `delegate_${record.turn}_${i}`,
      name: c.name,
      args: { ...c.args },
      type: 'tool_call' as const,
    })),
  });
  return { ...record, queue, messages: [...record.messages, message, ...refusals] };
}

const RejectArgs = z.object({ coworker: z.string(), task: z.string(), reason: z.string().min(1) });

/** What the manager rejects is done again, by whom it says, a bounded number of times each. */
function readReview(request: ManagerTurnRequest, record: ManagerRecord, reply: AIMessage): ManagerRecord {
  const calls = reply.tool_calls ?? [];
  if (calls.length === 0) return { ...record, done: true, answer: reply.text.trim() };
  const queue: Delegation[] = [];
  const refusals: BaseMessage[] = [];
  const rejections: Record<string, number> = { ...record.rejections };
  calls.forEach((call, i) => {
    const id = call.id ?? `reject_${record.turn}_${i}`;
    const parsed = RejectArgs.safeParse(call.args);
    const refuse = (content: string): void => {
      refusals.push(new ToolMessage({ tool_call_id: id, name: call.name, content, status: 'error' }));
    };
    if (!parsed.success) return refuse(`reject_work takes {coworker, task, reason}: ${parsed.error.message}`);
    const { coworker, task, reason } = parsed.data;
    if (!request.coworkers.some((c) => c.id === coworker)) return refuse(`there is no co-worker '${coworker}'`);
    if (!request.tasks.some((t) => t.id === task)) return refuse(`there is no task '${task}'`);
    if (queue.some((d) => d.task === task)) return refuse(`task ${task} is already rejected`);
    const times = rejections[task] ?? 0;
    if (times >= REJECTION_LIMIT) return refuse(`task ${task} was rejected ${times} times: take it as it is`);
    rejections[task] = times + 1;
    queue.push({ call_id: id, coworker, task, instruction: `An earlier result was rejected: ${reason}` });
  });
  const message = new AIMessage({
    content: reply.text.trim(),
    tool_calls: calls.map((c, i) => ({
      id: c.id ?? `reject_${record.turn}_${i}`,
      name: c.name,
      args: { ...c.args },
      type: 'tool_call' as const,
    })),
  });
  const messages = [...record.messages, new HumanMessage(REVIEW), message, ...refusals];
  return { ...record, queue, rejections, messages };
}

const DelegateArgs = z.object({
  coworker: z.string(),
  task: z.string(),
  instruction: z.string().optional(),
});

function delegationProblem(
  request: ManagerTurnRequest,
  ready: readonly TaskSpec[],
  queue: readonly Delegation[],
  name: string,
  args: unknown,
): Omit<Delegation, 'call_id'> | string {
  if (name !== 'delegate_work') return `there is no tool ${name}: only delegate_work`;
  const parsed = DelegateArgs.safeParse(args);
  if (!parsed.success) return `delegate_work takes {coworker, task, instruction}: ${parsed.error.message}`;
  const { coworker, task, instruction = '' } = parsed.data;
  if (!request.coworkers.some((c) => c.id === coworker)) {
    return `there is no co-worker '${coworker}': ${request.coworkers.map((c) => c.id).join(', ')}`;
  }
  if (!request.tasks.some((t) => t.id === task)) {
    return `there is no task '${task}': ${request.tasks.map((t) => t.id).join(', ')}`;
  }
  if (queue.some((d) => d.task === task)) return `task ${task} is already handed out`;
  if (request.state.outputs[task]?.status === 'completed') return `task ${task} is already done`;
  if (!ready.some((t) => t.id === task)) return `task ${task} needs the results of others first`;
  return { coworker, task, instruction };
}

/** The framework hands out what is ready, each task to its own agent. */
function handOut(
  scope: RunScope,
  request: ManagerTurnRequest,
  record: ManagerRecord,
  ready: readonly TaskSpec[],
): ManagerRecord {
  scope.log.warn('manager.did_not_delegate', { run_id: scope.runId, tasks: ready.map((t) => t.id) });
  const queue = ready.map((t) => ({
    call_id: `fallback:${t.id}`,
    coworker: coworkerFor(request, t),
    task: t.id,
    instruction: '',
  }));
  return { ...record, queue, turn: record.turn + 1 };
}

/** Not done yet; a failed task is not tried again. */
function openTasks({ tasks, state }: ManagerTurnRequest): readonly TaskSpec[] {
  return tasks.filter((t) => state.outputs[t.id] === undefined);
}

function readyTasks(request: ManagerTurnRequest): readonly TaskSpec[] {
  const ids = request.tasks.map((t) => t.id);
  const done = (id: string): boolean => {
    const output = request.state.outputs[id];
    return !ids.includes(id) || output?.status === 'completed' || output?.error === CONDITION;
  };
  return openTasks(request).filter((t) => t.context.every(done));
}

/** The task's own agent, else the first that is not the manager. */
function coworkerFor({ coworkers, manager }: ManagerTurnRequest, task: TaskSpec): string {
  const others = coworkers.filter((c) => c.id !== manager.id);
  return task.agent ?? others[0]?.id ?? manager.id;
}

function managerContext(scope: RunScope, request: ManagerTurnRequest, ready: readonly TaskSpec[]): PlaybookContext {
  const { manager, state } = request;
  return {
    task: managerTask(manager.id),
    agent: manager,
    inputs: { ...state.inputs, ready: ready.map((t) => ({ task: t.id, coworker: coworkerFor(request, t) })) },
    context: Object.values(state.outputs).map((o) => ({ task: o.task, output: o.output })),
    observations: [],
    shadow: scope.shadow,
  };
}

function managerTask(agent: string): TaskSpec {
  return taskSpec({
    id: MANAGE_TASK,
    description: 'Hand every task of the crew to a co-worker.',
    expected_output: 'A summary of what was done.',
    agent,
    tools: [],
    priority: 'high',
    max_retries: 0,
  });
}

function rejectSchema({ coworkers, tasks }: ManagerTurnRequest): ToolSchema {
  return innerSchema(
    'reject_work',
    'Rejects the result of a task and has it done again.',
    {
      task: { description: 'Whose result', choices: tasks.map((t) => t.id) },
      coworker: { description: 'Who is to do it now', choices: coworkers.map((c) => c.id) },
      reason: { description: 'What is wrong, and what to change' },
    },
    ['task', 'coworker', 'reason'],
  );
}

function delegateSchema({ coworkers, tasks }: ManagerTurnRequest): ToolSchema {
  return innerSchema(
    'delegate_work',
    'Hands a task of the crew to a co-worker, who does it with their own tools and reports back.',
    {
      coworker: { description: 'Who is to do it', choices: coworkers.map((c) => c.id) },
      task: { description: 'Which task', choices: tasks.map((t) => t.id) },
      instruction: { description: 'What to look out for; may be left out' },
    },
    ['coworker', 'task'],
  );
}
