import type { StateSnapshot } from '@langchain/langgraph';
import { z } from 'zod';
import type { Ms } from '../../kit/clock.ts';
import { Conflict } from '../../kit/errors.ts';
import { pausesOf } from '../run/pauses.ts';
import { type OpenQuestion, questionId, requireAnswer, requireOpenQuestions } from '../run/questions.ts';
import type { FlowDocument, FlowPause } from './document.ts';
import { methodOfNode } from './graph.ts';

/** What a step of a flow waits for when it is not a typed question. */
const Waiting = z.object({ kind: z.enum(['question', 'run']), details: z.unknown() });
const Nested = z.object({ run_id: z.string().optional(), approval_id: z.string().optional() });

/** What a flow's thread waits for; a typed question that is read first at `now` is open from then. */
export function flowPauses(snapshot: StateSnapshot, now: Ms): readonly FlowPause[] {
  return pausesOf(snapshot, now).map(({ id, task, kind, details, question_id, answer, expires_at }) => {
    const method = methodOfNode(task);
    if (kind === 'question') return { id, method, kind, details, question_id, answer, expires_at };
    const waiting = Waiting.safeParse(details).data ?? { kind: 'question' as const, details };
    if (waiting.kind === 'run') return { id, method, ...waiting };
    return { id, method, ...waiting, question_id: questionId(id, method, waiting.details) };
  });
}

/** A pause as an open question, at its method. */
export function openFlowQuestion(pause: FlowPause): OpenQuestion & FlowPause {
  return { ...pause, where: pause.method };
}

/** The pause that `openFlowQuestion` was given. */
export function withoutMethodPlace({ where: _, ...pause }: OpenQuestion & FlowPause): FlowPause {
  return pause;
}

/** The run of its own, or the request for approval, that a pause waits for. */
export function nestedOf({ kind, details }: FlowPause): z.output<typeof Nested> {
  return kind === 'run' ? (Nested.safeParse(details).data ?? {}) : {};
}

/**
 * The questions that answers are for. Throws Conflict for one to a question that is not open, InvalidInput for one that is
 * not what was asked for.
 */
export function checkFlowAnswers(
  { run_id, waiting_for }: FlowDocument,
  answers: Readonly<Record<string, unknown>>,
  now: Ms,
): readonly OpenQuestion[] {
  const nested = waiting_for.find((p) => p.kind === 'run' && Object.hasOwn(answers, p.method));
  if (nested !== undefined) {
    const { run_id: run, approval_id: approval } = nestedOf(nested);
    const what = run === undefined ? `request ${approval ?? ''} for approval` : `run ${run}`;
    throw new Conflict(`method ${nested.method} of run ${run_id} waits for ${what}: answer there`);
  }
  const open = waiting_for.filter((p) => p.kind === 'question').map(openFlowQuestion);
  return requireOpenQuestions(run_id, open, answers, now).map(({ question, answer }) => {
    requireAnswer(question.where, question.answer, answer);
    return question;
  });
}

/** Whether a question has types: what comes back to it is wrapped then. */
export function isTyped({ kind, expires_at }: FlowPause): boolean {
  return kind === 'question' && expires_at !== undefined;
}
