import { HumanMessage } from '@langchain/core/messages';
import { interrupt } from '@langchain/langgraph';
import { z } from 'zod';
import type { TaskRequest } from '../graph/task-node.ts';
import { parseAnswer } from './answer.ts';
import type { AgentRecord } from './state.ts';
import { failAttempt, type TaskRun } from './task-run.ts';
import type { Pause } from './tools-step.ts';

const REPAIR_LIMIT = 2;
const GUARDRAIL_RETRIES = 3;

/** Checks the answer: its shape, then each guardrail in order. What fails goes back to the agent, a bounded number of times. */
export async function checkStep(run: TaskRun, request: TaskRequest, record: AgentRecord): Promise<AgentRecord> {
  const parsed = parseAnswer(record.raw, run.task.output_json);
  if (!parsed.ok) {
    if (record.repairs >= REPAIR_LIMIT) return failAttempt(run, request, record, parsed.problem);
    return sendBack(
      { ...record, repairs: record.repairs + 1 },
      `${parsed.problem}. Answer again with the JSON value alone.`,
    );
  }
  let { output } = parsed;
  for (const guardrail of run.scope.guardrailsOf(run.task)) {
    const failures = record.guardrailFailures[guardrail.name] ?? 0;
    const subject = { task: run.task, agent: run.agent, output, raw: record.raw, inputs: record.inputs };
    const verdict = await guardrail.check(subject);
    const seen = { ...run.where, guardrail: guardrail.name, attempt: failures + 1 };
    const options = { correlationId: run.scope.runId };
    if (verdict.ok) {
      run.scope.events.emit('guardrail.passed', seen, options);
      if (verdict.output !== undefined) ({ output } = verdict);
      continue;
    }
    run.scope.events.emit('guardrail.failed', { ...seen, message: verdict.message }, options);
    const counted = { ...record, guardrailFailures: { ...record.guardrailFailures, [guardrail.name]: failures + 1 } };
    if (failures >= (guardrail.maxRetries ?? GUARDRAIL_RETRIES)) {
      return failAttempt(run, request, counted, `guardrail ${guardrail.name}: ${verdict.message}`);
    }
    return sendBack(counted, `${guardrail.name} does not accept the answer: ${verdict.message}`);
  }
  return { ...record, output, next: run.task.human_input ? 'review' : 'end' };
}

const Review = z.union([z.object({ accept: z.literal(true) }), z.object({ feedback: z.string().min(1) })]);

/** Shows the answer to a person, who accepts it or says what to change. */
export function reviewStep(run: TaskRun, record: AgentRecord): AgentRecord {
  const answer: unknown = interrupt<Pause>({
    kind: 'human_input',
    task: run.task.id,
    agent: run.agent.id,
    output: record.output,
  });
  const review = Review.safeParse(answer);
  if (!review.success) return { ...record, next: 'review' };
  if ('accept' in review.data) return { ...record, next: 'end' };
  return sendBack(record, `A person reviewed the answer: ${review.data.feedback}`);
}

function sendBack(record: AgentRecord, message: string): AgentRecord {
  return { ...record, next: 'model', messages: [...record.messages, new HumanMessage(message)] };
}
