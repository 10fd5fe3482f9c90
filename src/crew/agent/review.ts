import { interrupt } from '@langchain/langgraph';
import { z } from 'zod';
import { InvalidInput } from '../../kit/errors.ts';
import type { TaskSpec } from '../spec.ts';
import { parseAnswer } from './answer.ts';
import type { AgentRecord } from './state.ts';
import type { TaskRun } from './task-run.ts';
import type { Pause } from './pause.ts';

/** What a person says of an answer: it is good, what to change, or what it is to be. */
export type Review = z.output<typeof Answer>;

const Answer = z.union([
  z.strictObject({ accept: z.literal(true) }),
  z.strictObject({ feedback: z.string().trim().min(1).max(20_000) }),
  z
    .strictObject({ edit: z.unknown() })
    .refine((given) => given.edit !== undefined, 'edit holds the answer as it is to be'),
]);

/** What the runner gives when nobody answered in time; no person can say it. */
const Expired = z.strictObject({ expired: z.literal(true) });
export const EXPIRED: z.output<typeof Expired> = { expired: true };

/** The JSON Schema of a review of a task's answer. */
export function reviewSchema(task: TaskSpec): Readonly<Record<string, unknown>> {
  const one = (field: string, schema: unknown): Record<string, unknown> => ({
    type: 'object',
    properties: { [field]: schema },
    required: [field],
    additionalProperties: false,
  });
  return {
    oneOf: [
      one('accept', { const: true }),
      one('feedback', { type: 'string', minLength: 1 }),
      one('edit', task.output_json ?? {}),
    ],
  };
}

/** A person's review, checked. Throws InvalidInput for anything else, and for an edit that the task's schema refuses. */
export function parseReview(task: TaskSpec, given: unknown): Review {
  const review = Answer.safeParse(given);
  if (!review.success) {
    throw new InvalidInput(
      `a review of ${task.id} is {"accept": true}, {"feedback": "what to change"} or {"edit": the answer as it is to be}`,
    );
  }
  if ('edit' in review.data && task.output_json !== null) {
    const parsed = parseAnswer(JSON.stringify(review.data.edit), task.output_json);
    if (!parsed.ok)
      throw new InvalidInput(`the edited answer of ${task.id} does not fit its schema: ${parsed.problem}`);
  }
  return review.data;
}

/** Shows the answer to a person, who accepts it, writes it anew or says what to change. */
export function reviewStep(run: TaskRun, record: AgentRecord, sendBack: (message: string) => AgentRecord): AgentRecord {
  const { task, agent } = run;
  const { human_input_timeout: seconds } = task;
  const now = run.scope.clock.now();
  const given: unknown = interrupt<Pause>({
    kind: 'human_input',
    task: task.id,
    agent: agent.id,
    output: record.output,
    answer: reviewSchema(task),
    expires_at: seconds === null ? null : now + seconds * 1000,
  });
  if (Expired.safeParse(given).success) {
    return task.human_input_on_timeout === 'accept'
      ? { ...record, next: 'end' }
      : { ...record, next: 'end', error: `nobody reviewed the answer within ${seconds ?? 0} s` };
  }
  const review = parseReview(task, given);
  if ('accept' in review) return { ...record, next: 'end' };
  if ('feedback' in review) return sendBack(`A person reviewed the answer: ${review.feedback}`);
  const { edit } = review;
  return { ...record, next: 'end', output: edit, raw: typeof edit === 'string' ? edit : JSON.stringify(edit) };
}
