import { ToolMessage } from '@langchain/core/messages';
import type { LangGraphRunnableConfig } from '@langchain/langgraph';
import { errorMessage } from '../../kit/errors.ts';
import type { ToolOutcome } from '../../kit/invoke.ts';
import { mergeOutside, wordsOf } from '../../kit/outside.ts';
import { GivenAnswer, questionOf } from '../../kit/question.ts';
import { canonicalJson } from '../../kit/json.ts';
import type { TaskRequest } from '../graph/task-node.ts';
import type { Observation } from '../playbook.ts';
import type { Proposal, TaskToolCall } from './call.ts';
import { compactJson } from './compact.ts';
import type { InnerOutcome, InnerTool } from './inner-tool.ts';
import { mergeUsage } from '../model/usage.ts';
import { type PausePart, pauseForParts } from './pause.ts';
import { force } from './model-step.ts';
import type { AgentRecord, QueuedCall } from './state.ts';
import { emitAgent, failAttempt, type TaskRun } from './task-run.ts';

/** Characters of one tool result that a model gets. */
const RESULT_LIMIT = 8000;
/** Same call with the same result so often: no progress. */
const SAME_CALL_LIMIT = 3;

/**
 * Makes the queued calls: side by side when all of them only read, else one after another. Calls that need a
 * person's approval or answer stay in the queue, and so do effects of which nobody knows whether they happened.
 */
export async function toolsStep(
  run: TaskRun,
  request: TaskRequest,
  before: AgentRecord,
  config: LangGraphRunnableConfig,
): Promise<AgentRecord> {
  if (before.forced !== null) return refuseAll(before);
  const record = { ...before, queue: await passTripwires(run, before.queue) };
  if (record.queue.some((c) => innerTool(run, c) !== undefined)) return innerStep(run, request, record, config);
  const readOnly = record.queue.every((c) => run.scope.invoker.find(c.tool)?.effects === 'none');
  try {
    const outcomes: (ToolOutcome | null)[] = [];
    if (readOnly) outcomes.push(...(await Promise.all(record.queue.map((c) => makeCall(run, record, c)))));
    else for (const call of record.queue) outcomes.push(await makeCall(run, record, call));
    return settle(run, record, record.queue, outcomes);
  } catch (error) {
    return afterAbort(run, request, record, error);
  }
}

/** The calls as tripwires let them go: all of a turn are judged before the first is made. */
async function passTripwires(run: TaskRun, queue: readonly QueuedCall[]): Promise<readonly QueuedCall[]> {
  const { scope, task, agent } = run;
  if (!scope.tripwires.guards('tool_call', agent)) return queue;
  const passed: QueuedCall[] = [];
  for (const call of queue) {
    const { tool, args, malformed } = call;
    const asked = { tool, args };
    const judged = malformed === null ? await scope.tripwires.pass('tool_call', { task, agent }, asked) : asked;
    passed.push({ ...call, args: judged.args });
  }
  return passed;
}

function innerTool(run: TaskRun, call: QueuedCall): InnerTool | undefined {
  return call.malformed === null ? run.inner.get(call.tool) : undefined;
}

/** Makes one call of a framework tool by itself in its step; the other calls of the turn come in steps of their own. */
async function innerStep(
  run: TaskRun,
  request: TaskRequest,
  record: AgentRecord,
  config: LangGraphRunnableConfig,
): Promise<AgentRecord> {
  const at = record.queue.findIndex((c) => innerTool(run, c) !== undefined);
  const call = record.queue[at];
  const tool = call === undefined ? undefined : innerTool(run, call);
  if (call === undefined || tool === undefined) return record;
  let outcome: InnerOutcome;
  try {
    outcome = await tool.run(call, record, config);
  } catch (error) {
    return afterAbort(run, request, record, error);
  }
  const { by } = outcome;
  const done: AgentRecord = {
    ...record,
    calls: [...record.calls, ...(by?.tool_calls ?? [])],
    proposals: [...record.proposals, ...(by?.proposals ?? [])],
    outside: mergeOutside(
      record.outside,
      by?.outside,
      tool.outside === null ? [] : [tool.outside],
      outcome.kind === 'said' ? outcome.outside : [],
    ),
    usage: mergeUsage(record.usage, by?.usage ?? []),
    delegations: record.delegations + (by === undefined ? 0 : 1),
  };
  if (outcome.kind === 'over') {
    const { agent, output, raw, error } = outcome.by;
    return { ...done, queue: [], next: 'end', output, raw, error, takenOverBy: agent };
  }
  const { ok, result } = outcome;
  const observation: Observation = { tool: call.tool, args: call.args, ok, result, proposed: false };
  const rest = record.queue.filter((_, i) => i !== at);
  return {
    ...done,
    messages: [...record.messages, toolMessage(call, observation, null)],
    observations: [...record.observations, observation],
    queue: rest,
    next: rest.length > 0 ? 'tools' : 'model',
  };
}

/** Waits for the people whom the calls need, and makes those again that have what they waited for. */
export async function approvalStep(run: TaskRun, request: TaskRequest, record: AgentRecord): Promise<AgentRecord> {
  if (record.queue.length === 0) return { ...record, next: 'model' };
  const given = pauseForParts(record.queue.map((call) => pauseOf(run, call)));
  const asked = record.queue.filter(({ path }) => Object.hasOwn(given, path)).map((call) => answered(call, given));
  try {
    // One after another: they may have effects.
    const outcomes: (ToolOutcome | null)[] = [];
    for (const call of asked) outcomes.push(await makeCall(run, record, call));
    const settled = settle(run, record, asked, outcomes);
    const again = new Map(settled.queue.map((call) => [call.path, call]));
    const queue = record.queue.flatMap(
      (call) => again.get(call.path) ?? (Object.hasOwn(given, call.path) ? [] : [call]),
    );
    return { ...settled, queue, next: queue.length > 0 ? 'approval' : 'model' };
  } catch (error) {
    return afterAbort(run, request, record, error);
  }
}

/** What a call waits for. */
function pauseOf(run: TaskRun, { path: part, tool, args, effectKey, question, approvalId }: QueuedCall): PausePart {
  const where = { part, task: run.task.id, agent: run.agent.id, tool };
  if (question !== undefined) return { kind: 'question', ...where, n: question.index, ...question.asked };
  return effectKey === undefined
    ? { kind: 'approval', ...where, args, approval_id: approvalId ?? '' }
    : { kind: 'effect', ...where, args, effect_key: effectKey };
}

/** A call as it is made with what people gave. */
function answered(call: QueuedCall, given: Readonly<Record<string, unknown>>): QueuedCall {
  const { question, answers = [] } = call;
  if (question === undefined) return call;
  const answer = GivenAnswer.parse(given[call.path]);
  return { ...call, question: undefined, answers: [...answers.slice(0, question.index), answer] };
}

function makeCall(run: TaskRun, record: AgentRecord, call: QueuedCall): Promise<ToolOutcome | null> {
  if (call.malformed !== null) return Promise.resolve(null);
  const { scope, task } = run;
  return scope.invoker.invoke({
    tool: call.tool,
    args: call.args,
    caller: run.caller,
    reason: call.reason,
    runId: scope.runId,
    taskId: task.id,
    path: call.path,
    answers: call.answers,
    correlationId: scope.runId,
    // All calls of a turn were written before any of their results was read.
    origin: { outside: record.outside, trusted: run.trusted },
    shadow: scope.shadow,
    signal: run.signal,
  });
}

function settle(
  run: TaskRun,
  record: AgentRecord,
  queue: readonly QueuedCall[],
  outcomes: readonly (ToolOutcome | null)[],
): AgentRecord {
  const messages: ToolMessage[] = [];
  const observations: Observation[] = [];
  const calls: TaskToolCall[] = [];
  const proposals: Proposal[] = [];
  const waiting: QueuedCall[] = [];
  const read: string[] = [];
  queue.forEach((call, i) => {
    const outcome = outcomes[i] ?? null;
    if (outcome !== null && !outcome.ok && outcome.error.code === 'approval_required') {
      waiting.push({ ...call, approvalId: outcome.error.approval_id ?? '' });
      return;
    }
    const question = outcome === null || outcome.ok ? null : questionOf(outcome.error);
    if (question !== null) {
      waiting.push({ ...call, question });
      return;
    }
    const effectKey = unknownEffect(outcome);
    if (effectKey !== null) {
      waiting.push({ ...call, effectKey });
      return;
    }
    const observation = observe(call, outcome);
    if (outcome !== null) read.push(...wordsOf(outcome, run.scope.invoker));
    observations.push(observation);
    messages.push(toolMessage(call, observation, outcome));
    calls.push(callRecord(run, call, outcome));
    if (outcome?.ok === true && 'proposed' in outcome) {
      const { proposal_id, would_change } = outcome;
      const { tool, args, reason } = call;
      proposals.push({ proposal_id, agent: run.agent.id, tool, args, reason, would_change });
      emitAgent(run, 'agent.recommendation', tool, { proposal_id });
    }
  });
  const next: AgentRecord = {
    ...record,
    messages: [...record.messages, ...messages],
    observations: [...record.observations, ...observations],
    calls: [...record.calls, ...calls],
    proposals: [...record.proposals, ...proposals],
    outside: mergeOutside(record.outside, read),
    queue: waiting,
    next: waiting.length > 0 ? 'approval' : 'model',
  };
  return waiting.length > 0 ? next : detectLoop(run, next, observations);
}

/** Key of the effect when the ledger refused the call because nobody knows whether it happened; else null. */
function unknownEffect(outcome: ToolOutcome | null): string | null {
  if (outcome === null || outcome.ok || outcome.error.code !== 'conflict') return null;
  const { effect, key } = outcome.error.details ?? {};
  return effect === 'unknown' && typeof key === 'string' ? key : null;
}

function observe(call: QueuedCall, outcome: ToolOutcome | null): Observation {
  const { tool, args } = call;
  if (outcome === null) {
    const result = { code: 'invalid_input', message: call.malformed, retryable: false };
    return { tool, args, ok: false, result, proposed: false };
  }
  if (!outcome.ok) return { tool, args, ok: false, result: outcome.error, proposed: false };
  if ('proposed' in outcome) return { tool, args, ok: true, result: outcome.would_change, proposed: true };
  return { tool, args, ok: true, result: outcome.data, proposed: false };
}

function toolMessage(call: QueuedCall, observation: Observation, outcome: ToolOutcome | null): ToolMessage {
  const { ok, result, proposed } = observation;
  const provenance = outcome?.ok === true && 'provenance' in outcome ? { provenance: outcome.provenance } : {};
  const edited = editedArgs(outcome);
  const told = edited === null ? {} : { note: 'a person changed the arguments before it ran', args: edited };
  const body = proposed
    ? { ok, proposed: true, note: 'recorded as a proposal, not carried out', would_change: result }
    : ok
      ? { ok, data: result, ...told, ...provenance }
      : { ok, error: result };
  return new ToolMessage({
    tool_call_id: call.id,
    name: call.tool,
    content: compactJson(body, RESULT_LIMIT),
    status: ok ? 'success' : 'error',
  });
}

function callRecord(run: TaskRun, call: QueuedCall, outcome: ToolOutcome | null): TaskToolCall {
  const { tool, args, reason } = call;
  if (outcome === null) {
    const none = { ok: false, proposed: false, effect: false, error_code: 'invalid_input' as const, duration_ms: 0 };
    return { call_id: call.id, agent: run.agent.id, tool, args, reason, ...none };
  }
  const proposed = outcome.ok && 'proposed' in outcome;
  return {
    call_id: outcome.call_id,
    agent: run.agent.id,
    tool: outcome.tool,
    args: editedArgs(outcome) ?? args,
    reason,
    ok: outcome.ok,
    proposed,
    effect: outcome.ok && !proposed && run.scope.invoker.find(tool)?.effects === 'effect',
    error_code: outcome.ok ? null : outcome.error.code,
    duration_ms: outcome.duration_ms,
  };
}

/** What a person put in the place of the arguments; null: they stayed. */
function editedArgs(outcome: ToolOutcome | null): Readonly<Record<string, unknown>> | null {
  return outcome?.ok === true && 'data' in outcome ? (outcome.edited_args ?? null) : null;
}

function detectLoop(run: TaskRun, record: AgentRecord, fresh: readonly Observation[]): AgentRecord {
  for (const { tool, args, result } of fresh) {
    const [askedFor, given] = [canonicalJson(args), canonicalJson(result)];
    // The arguments first: they are short, and in a long task they mostly differ.
    const same = record.observations.filter(
      (o) => o.tool === tool && canonicalJson(o.args) === askedFor && canonicalJson(o.result) === given,
    ).length;
    if (same < SAME_CALL_LIMIT) continue;
    const reason = `${tool} was called ${same} times with the same arguments and gave the same result`;
    run.scope.events.emit(
      'agent.decision',
      {
        agent_id: run.agent.id,
        action: 'loop_detected',
        run_id: run.scope.runId,
        task_id: run.task.id,
        details: { tool, times: same },
      },
      { correlationId: run.scope.runId },
    );
    return force(record, reason);
  }
  return record;
}

function refuseAll(record: AgentRecord): AgentRecord {
  const messages = record.queue.map(
    (call) =>
      new ToolMessage({
        tool_call_id: call.id,
        name: call.tool,
        content: JSON.stringify({ ok: false, error: { message: `not called: ${record.forced ?? ''}` } }),
        status: 'error',
      }),
  );
  return { ...record, messages: [...record.messages, ...messages], queue: [], next: 'model' };
}

function afterAbort(run: TaskRun, request: TaskRequest, record: AgentRecord, error: unknown): AgentRecord {
  if (run.scope.signal.aborted) throw run.scope.signal.reason;
  if (run.deadline.aborted) return failAttempt(run, request, record, errorMessage(run.deadline.reason));
  throw error;
}
