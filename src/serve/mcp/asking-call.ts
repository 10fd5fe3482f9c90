import { questionOf } from '../../kit/question.ts';
import type { ToolFailure } from '../../kit/invoke.ts';
import type { CallOptions, QuestionRow } from '../desk.ts';
import { approvalForms, type McpClient, takeAnswers } from './asking.ts';
import { answerIn, questionForm } from './forms.ts';
import type { McpCallContext, McpInputNeeded } from './surface.ts';

const ANSWER = 'answer';

/** What a call kept when it asked: the answers so far, and the question that was put; sealed, so it is ours. */
interface Kept {
  readonly answers?: readonly unknown[] | undefined;
  readonly asked?: QuestionRow | undefined;
}

/** What the person at the client said to what one call of a tool asked, an approval given to the desk; all answers so far. */
export async function answersToCall(
  client: McpClient,
  context: McpCallContext,
  options: CallOptions,
): Promise<{ readonly answers: readonly unknown[]; readonly declined: boolean }> {
  if (context.state === undefined) return { answers: [], declined: false };
  const { answers = [], asked } = Object(context.state) as Kept;
  if (asked === undefined) {
    const { said } = await takeAnswers(client, undefined, context, options);
    return { answers, declined: !said };
  }
  const given = context.answers[ANSWER];
  if (given?.kind !== 'form' || given.action !== 'accept') return { answers, declined: true };
  return { answers: [...answers, answerIn(asked, given.content)], declined: false };
}

/** The form for what a failed call waits for: a yes that the client's role may give, or an answer. Undefined: for neither. */
export async function askForCall(
  client: McpClient,
  error: ToolFailure['error'],
  answers: readonly unknown[],
  context: McpCallContext,
): Promise<McpInputNeeded | undefined> {
  if (!context.client.form) return undefined;
  if (error.code === 'approval_required') {
    const ask = await approvalForms(client, error.approval_id === undefined ? [] : [error.approval_id]);
    return Object.keys(ask).length === 0 ? undefined : { ask, state: { answers } };
  }
  const found = questionOf(error);
  if (found === null) return undefined;
  const { question, payload, answer, problem } = found.asked;
  const asked: QuestionRow = {
    id: ANSWER,
    run_id: '',
    of: '',
    where: ANSWER,
    agent: null,
    kind: 'question',
    question,
    shown: payload,
    answer,
    problem,
    expires_at: null,
  };
  return { ask: { [ANSWER]: questionForm(asked, problem) }, state: { answers: answers.slice(0, found.index), asked } };
}
