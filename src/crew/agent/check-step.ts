import { HumanMessage } from '@langchain/core/messages';
import { errorMessage } from '../../kit/errors.ts';
import type { TaskRequest } from '../graph/task-node.ts';
import { mergeUsage } from '../model/usage.ts';
import { parseAnswer } from './answer.ts';
import type { AnyGuardrail, GuardrailVerdict } from './guardrail.ts';
import { judge } from './judge.ts';
import { reviewStep as review } from './review.ts';
import type { AgentRecord } from './state.ts';
import { structure } from './structure-answer.ts';
import { failAttempt, type TaskRun } from './task-run.ts';

const REPAIR_LIMIT = 2;
const GUARDRAIL_RETRIES = 3;

/**
 * Checks the answer: its shape, then each guardrail in order, each seeing the output of the one before. What fails goes
 * back to the agent, each guardrail a bounded number of times, all of them within their time and tokens.
 */
export async function checkStep(run: TaskRun, request: TaskRequest, before: AgentRecord): Promise<AgentRecord> {
  try {
    const shaped = await shape(run, request, before);
    const guarded = shaped.next === 'check' ? await guard(run, request, shaped) : shaped;
    return guarded.next === 'end' || guarded.next === 'review' ? await passTripwires(run, guarded) : guarded;
  } catch (error) {
    if (run.scope.signal.aborted) throw run.scope.signal.reason;
    if (run.deadline.aborted) return failAttempt(run, request, before, errorMessage(run.deadline.reason));
    throw error;
  }
}

/** Reads the answer by its schema: as it is, repaired, written again by the agent, brought into shape by a pass of its own. */
async function shape(run: TaskRun, request: TaskRequest, record: AgentRecord): Promise<AgentRecord> {
  const parsed = parseAnswer(record.raw, run.task.output_json);
  if (parsed.ok) {
    if (parsed.repaired) note(run, 'answer_repaired', { characters: record.raw.length });
    return { ...record, output: parsed.output };
  }
  if (record.repairs < REPAIR_LIMIT) {
    return sendBack(
      { ...record, repairs: record.repairs + 1 },
      `${parsed.problem}. Answer again with the JSON value alone.`,
    );
  }
  const schema = run.task.output_json;
  if (schema === null || record.structured) return failAttempt(run, request, record, parsed.problem);
  const { answer, usage } = await structure(run, record.raw, schema);
  const asked = { ...record, structured: true, usage: mergeUsage(record.usage, usage) };
  if (!answer.ok)
    return failAttempt(run, request, asked, `${parsed.problem}; and a pass of its own: ${answer.problem}`);
  note(run, 'answer_structured', { characters: record.raw.length });
  return { ...asked, output: answer.output };
}

async function guard(run: TaskRun, request: TaskRequest, before: AgentRecord): Promise<AgentRecord> {
  let record = before;
  for (const guardrail of run.scope.guardrailsOf(run.task)) {
    const failures = record.guardrailFailures[guardrail.name] ?? 0;
    const { verdict, usage } = await verdictOf(run, record, guardrail);
    record = { ...record, usage: mergeUsage(record.usage, usage) };
    const seen = { ...run.where, guardrail: guardrail.name, attempt: failures + 1 };
    const options = { correlationId: run.scope.runId };
    if (verdict.ok) {
      run.scope.events.emit('guardrail.passed', seen, options);
      if (verdict.output !== undefined) record = { ...record, output: verdict.output };
      continue;
    }
    run.scope.events.emit('guardrail.failed', { ...seen, message: verdict.message }, options);
    const refused = countRefusal(run, record, guardrail.name);
    const limit = guardrail.maxRetries ?? GUARDRAIL_RETRIES;
    const spent = overBudget(run, refused);
    if (failures >= limit || spent !== null) {
      const why = spent ?? `after ${limit} ${limit === 1 ? 'retry' : 'retries'}`;
      return failAttempt(run, request, refused, `guardrail ${guardrail.name} did not pass ${why}: ${verdict.message}`);
    }
    return sendBack(refused, `${guardrail.name} does not accept the answer: ${verdict.message}`);
  }
  return { ...record, next: run.task.human_input ? 'review' : 'end' };
}

async function verdictOf(
  run: TaskRun,
  record: AgentRecord,
  guardrail: AnyGuardrail,
): Promise<{ readonly verdict: GuardrailVerdict; readonly usage: AgentRecord['usage'] }> {
  if ('rule' in guardrail) return judge(run, guardrail, record.output);
  const { output, raw, inputs } = record;
  return { verdict: await guardrail.check({ task: run.task, agent: run.agent, output, raw, inputs }), usage: [] };
}

function countRefusal(run: TaskRun, record: AgentRecord, name: string): AgentRecord {
  const failures = { ...record.guardrailFailures, [name]: (record.guardrailFailures[name] ?? 0) + 1 };
  const guarded = record.guarded ?? { sinceMs: run.scope.clock.now(), sinceTokens: tokensUsed(record) };
  return { ...record, guardrailFailures: failures, guarded };
}

/** Why the guardrails may not send the answer back once more; null when they may. */
function overBudget(run: TaskRun, record: AgentRecord): string | null {
  const { guardrail_max_seconds: seconds, guardrail_max_tokens: tokens } = run.task;
  if (record.guarded === null) return null;
  const took = (run.scope.clock.now() - record.guarded.sinceMs) / 1000;
  if (seconds !== null && took >= seconds) return `within its ${seconds} s`;
  const used = tokensUsed(record) - record.guarded.sinceTokens;
  return tokens !== null && used >= tokens ? `within its ${tokens} tokens (${used} used)` : null;
}

function tokensUsed(record: AgentRecord): number {
  return record.usage.reduce((sum, u) => sum + u.input_tokens + u.output_tokens, 0);
}

function note(run: TaskRun, action: string, details: Record<string, unknown>): void {
  const { agent_id, run_id, task_id } = run.where;
  run.scope.events.emit('agent.decision', { agent_id, action, run_id, task_id, details }, { correlationId: run_id });
}

/** Shows the answer to a person; see `review.ts`. What they write in its place is judged as the agent's was. */
export async function reviewStep(run: TaskRun, record: AgentRecord): Promise<AgentRecord> {
  const reviewed = review(run, record, (message) => sendBack(record, message));
  return reviewed.next === 'end' && reviewed.output !== record.output ? passTripwires(run, reviewed) : reviewed;
}

/** The answer as tripwires let it go; the text that no tripwire has seen does not go along. */
async function passTripwires(run: TaskRun, record: AgentRecord): Promise<AgentRecord> {
  const { scope, task, agent } = run;
  if (record.error !== null || !scope.tripwires.guards('output', agent)) return record;
  const output = await scope.tripwires.pass('output', { task, agent }, record.output, task.output_json);
  return { ...record, output, raw: typeof output === 'string' ? output : JSON.stringify(output) };
}

function sendBack(record: AgentRecord, message: string): AgentRecord {
  return { ...record, next: 'model', messages: [...record.messages, new HumanMessage(message)] };
}
