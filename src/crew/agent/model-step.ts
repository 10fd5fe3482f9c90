import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { errorMessage } from '../../kit/errors.ts';
import type { TaskRequest } from '../graph/task-node.ts';
import type { AgentStep } from '../hooks.ts';
import { ContextOverflow, ModelsFailed } from '../model/chain.ts';
import { mergeUsage } from '../model/usage.ts';
import { askModel } from './ask.ts';
import { isFull, summarise } from './summarise.ts';
import type { AgentRecord, QueuedCall } from './state.ts';
import { failAttempt, playbookContext, type TaskRun } from './task-run.ts';

const MALFORMED_LIMIT = 3;
const FORCED_TURNS = 2;

/** One model turn: tool calls to make, or an answer to check. */
export async function modelStep(run: TaskRun, request: TaskRequest, before: AgentRecord): Promise<AgentRecord> {
  const { scope, agent, chain } = run;
  let record = before;
  if (record.forced === null && record.turn >= agent.max_iter) {
    record = force(record, `all ${agent.max_iter} turns are used`);
  }
  if (record.forced !== null && record.turn >= agent.max_iter + FORCED_TURNS) {
    return failAttempt(run, request, record, `no final answer, although ${record.forced}`);
  }
  try {
    if (isFull(run, record)) record = await summarise(run, record);
    const reply = await askModel(scope, agent, chain, {
      messages: record.messages,
      tools: run.tools,
      context: playbookContext(run, record),
      where: run.where,
      signal: run.signal,
      via: run.via,
      onText: listener(run, record),
      ...(agent.respect_context_window ? { overflow: 'throw' } : {}),
      ...(run.task.output_json === null ? {} : { schema: run.task.output_json }),
    });
    const used = { ...record, turn: record.turn + 1, usage: mergeUsage(record.usage, reply.usage) };
    await scope.hooks?.onStep?.(stepOf(run, used, reply.message));
    return readReply(run, request, used, reply.message);
  } catch (error) {
    if (scope.signal.aborted) throw scope.signal.reason;
    if (run.deadline.aborted) return failAttempt(run, request, record, errorMessage(run.deadline.reason));
    if (error instanceof ContextOverflow) return afterOverflow(run, request, record, error);
    if (!(error instanceof ModelsFailed)) throw error;
    const used = { ...record, usage: mergeUsage(record.usage, error.usage) };
    return failAttempt(run, request, used, error.message);
  }
}

/**
 * Undefined where models need not stream: nobody listens and `stream` is not set, it is off, or nobody may hear before
 * tripwires have looked.
 */
function listener({ scope, task, agent }: TaskRun, { turn }: AgentRecord): ((text: string) => void) | undefined {
  if (scope.tripwires.guards('output', agent)) return undefined;
  const { hooks, text: reader, runId } = scope;
  const asked = agent.stream ?? scope.crew.stream;
  if (asked === false) return undefined;
  // A model that streams anyway is heard by those too who begin to read in the middle.
  const wanted = asked === true || reader?.wantsText(runId) === true ? reader : undefined;
  if (asked === null && hooks?.onText === undefined && wanted === undefined) return undefined;
  return (text) => {
    const piece = { run_id: runId, task: task.id, agent: agent.id, turn: turn + 1, text };
    hooks?.onText?.(piece);
    wanted?.tell(piece);
  };
}

/** The model refused the conversation as too long: it goes on from a summary, a bounded number of times. */
async function afterOverflow(
  run: TaskRun,
  request: TaskRequest,
  record: AgentRecord,
  error: ContextOverflow,
): Promise<AgentRecord> {
  const used = { ...record, usage: mergeUsage(record.usage, error.usage) };
  try {
    const shorter = await summarise(run, used);
    if (shorter !== used) return { ...shorter, next: 'model' };
    return failAttempt(run, request, used, `the conversation is too long for the model: ${error.message}`);
  } catch (failure) {
    if (run.scope.signal.aborted) throw run.scope.signal.reason;
    if (run.deadline.aborted) return failAttempt(run, request, used, errorMessage(run.deadline.reason));
    if (!(failure instanceof ModelsFailed || failure instanceof ContextOverflow)) throw failure;
    return failAttempt(run, request, used, `the conversation could not be summarised: ${failure.message}`);
  }
}

function stepOf(run: TaskRun, record: AgentRecord, message: AIMessage): AgentStep {
  const calls = (message.tool_calls ?? []).map(({ name, args }) => ({ tool: name, args }));
  return { task: run.task.id, agent: run.agent.id, turn: record.turn, calls, text: message.text.trim() };
}

/** The next answer must be the last one. */
export function force(record: AgentRecord, reason: string): AgentRecord {
  return {
    ...record,
    forced: reason,
    messages: [
      ...record.messages,
      new HumanMessage(`Stop calling tools: ${reason}. Give your best final answer now, from what you know.`),
    ],
  };
}

function readReply(run: TaskRun, request: TaskRequest, record: AgentRecord, reply: AIMessage): AgentRecord {
  const { scope } = run;
  const text = reply.text.trim();
  const queue = queuedCalls(run, record, reply, text);
  if (queue.length === 0) {
    decide(run, 'answer', {});
    tell(run, 'agent.answered', { turn: record.turn, text: text.slice(0, 500) });
    const message = new AIMessage({ content: text });
    const answered = { ...record, messages: [...record.messages, message], raw: text };
    if (text !== '') return { ...answered, next: 'check' };
    return malformed(run, request, { ...answered, messages: record.messages }, 'the answer was empty');
  }
  const wrong = queue.filter((c) => c.malformed !== null);
  // Malformed calls go back in a well-formed shape, because providers refuse a history that holds others.
  const message = new AIMessage({
    content: text,
    tool_calls: queue.map((c) => ({ id: c.id, name: c.tool, args: { ...c.args }, type: 'tool_call' as const })),
  });
  decide(run, 'call_tools', { tools: queue.map((c) => c.tool), reason: queue[0]?.reason ?? '' });
  tell(run, 'agent.calls', {
    turn: record.turn,
    calls: queue.map(({ tool, args, reason }) => ({ tool, args, reason })),
  });
  const next: AgentRecord = { ...record, messages: [...record.messages, message], queue, next: 'tools' };
  if (wrong.length === 0) return next;
  scope.log.warn('agent.malformed_call', {
    run_id: scope.runId,
    task_id: run.task.id,
    calls: wrong.map((c) => c.tool),
  });
  const count = record.malformed + 1;
  if (count <= MALFORMED_LIMIT) return { ...next, malformed: count };
  return giveUpOnModel(run, request, record, 'malformed tool calls');
}

function queuedCalls(run: TaskRun, record: AgentRecord, reply: AIMessage, text: string): readonly QueuedCall[] {
  const reasons: unknown = reply.additional_kwargs['reasons'];
  const reasonOf = (id: string): string => {
    const own: unknown =
      typeof reasons === 'object' && reasons !== null
        ? Object.entries(reasons).find(([k]) => k === id)?.[1]
        : undefined;
    return typeof own === 'string' ? own : text.slice(0, 500);
  };
  const base = `${run.path}/${record.attempt}/${record.turn}`;
  const valid = (reply.tool_calls ?? []).map((call, i): QueuedCall => {
    const id = call.id ?? `call_${record.turn}_${i}`;
    const args: unknown = call.args;
    const isObject = typeof args === 'object' && args !== null && !Array.isArray(args);
    return {
      id,
      tool: call.name,
      args: isObject ? call.args : {},
      reason: reasonOf(id),
      path: `${base}.${i}`,
      malformed: isObject ? null : 'the arguments are not a JSON object',
      approvalId: null,
    };
  });
  const invalid = (reply.invalid_tool_calls ?? []).map(
    (call, i): QueuedCall => ({
      id: call.id ?? `call_${record.turn}_bad_${i}`,
      tool: call.name ?? 'unnamed_tool',
      args: { malformed_arguments: (call.args ?? '').slice(0, 500) },
      reason: '',
      path: `${base}.x${i}`,
      malformed: `the arguments are not valid JSON (${call.error ?? 'unreadable'})`,
      approvalId: null,
    }),
  );
  return [...valid, ...invalid];
}

/** Counts what cannot be used; says so to the model, and after some times leaves the model. */
function malformed(run: TaskRun, request: TaskRequest, record: AgentRecord, problem: string): AgentRecord {
  if (record.malformed + 1 > MALFORMED_LIMIT) return giveUpOnModel(run, request, record, problem);
  const message = new HumanMessage(`That cannot be used: ${problem}. Call a tool, or give the final answer.`);
  return { ...record, next: 'model', malformed: record.malformed + 1, messages: [...record.messages, message] };
}

function giveUpOnModel(run: TaskRun, request: TaskRequest, record: AgentRecord, problem: string): AgentRecord {
  const { name } = run.chain.current;
  if (run.chain.fallBack(problem, run.where)) return { ...record, next: 'model', malformed: 0, queue: [] };
  return failAttempt(run, request, record, `model ${name}: ${problem}, ${MALFORMED_LIMIT + 1} times`);
}

/** Steps of a verbose agent or crew are logged. */
function tell({ scope, agent, task }: TaskRun, event: string, fields: Readonly<Record<string, unknown>>): void {
  if (!agent.verbose && !scope.crew.verbose) return;
  scope.log.info(event, { agent_id: agent.id, task_id: task.id, ...fields });
}

function decide(run: TaskRun, action: string, details: Readonly<Record<string, unknown>>): void {
  run.scope.events.emit(
    'agent.decision',
    { agent_id: run.agent.id, action, run_id: run.scope.runId, task_id: run.task.id, details: { ...details } },
    { correlationId: run.scope.runId },
  );
}
