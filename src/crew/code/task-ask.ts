import { isQuestion, type Question } from '../../kit/question.ts';
import { type CodeQuestion, questionKey, type ShowContext } from '../question/task-question.ts';
import type { TaskQuestion } from '../spec.ts';

/** A question with what is shown beside it; made by `askWith`. */
export interface ShownQuestion {
  readonly question: Question;
  readonly show: (context: ShowContext) => unknown;
}

/** What a task asks: a question that shows nothing, or one with what it shows. */
export type TaskAsk = Question<undefined> | ShownQuestion;

/**
 * A question for `ask` of a task, with what the person is shown: a function of the inputs and of the outputs of the
 * task's context, typed by the question's payload.
 *
 * @example
 * ```ts
 * const buy = defineTask({
 *   id: 'buy',
 *   description: 'Buy {article} for at most {price}.',
 *   expected_output: 'The order.',
 *   agent: buyer,
 *   ask: { price: askWith(price, ({ inputs }) => ({ article: String(inputs['article']) })) },
 * });
 * ```
 */
export function askWith<P, A>(question: Question<P, A>, show: (context: ShowContext) => P): ShownQuestion {
  return Object.freeze({ question, show });
}

/** The questions as tasks.yaml would have them: what is shown, and the schema's own checks, stay with the code. */
export function askedAs(ask: Readonly<Record<string, TaskAsk>>): Readonly<Record<string, TaskQuestion>> {
  return mapped(ask, (_, { question }) => ({
    question: question.text,
    show: null,
    show_schema: null,
    answer: question.answerSchema,
    answer_timeout: question.timeoutMs === null ? null : question.timeoutMs / 1000,
    ...(question.otherwise === null ? {} : { otherwise: question.otherwise.value }),
  }));
}

/** The questions themselves, by the names that a run looks them up by. */
export function questionsOf(
  task: string,
  ask: Readonly<Record<string, TaskAsk>>,
): Readonly<Record<string, CodeQuestion>> {
  const named = Object.entries(mapped(ask, (_, asked) => asked));
  return Object.freeze(Object.fromEntries(named.map(([name, asked]) => [questionKey({ id: task }, name), asked])));
}

function mapped<T>(
  ask: Readonly<Record<string, TaskAsk>>,
  change: (name: string, asked: CodeQuestion) => T,
): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries(ask).map(([name, given]) => [
      name,
      change(name, isQuestion(given) ? { question: given, show: null } : given),
    ]),
  );
}
