import { type Question, questionFromJson } from '../../kit/question.ts';
import type { TaskQuestion, TaskSpec } from '../spec.ts';

/** What a person answered to a question of a task. */
export interface TaskAnswer {
  readonly question: string;
  readonly answer: unknown;
}

/** Answers by the names of their questions. */
export type TaskAnswers = Readonly<Record<string, TaskAnswer>>;

/** What the function may look at that says what is shown with a question of a task. */
export interface ShowContext {
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Outputs of the tasks that the task names as its context. */
  readonly context: Readonly<Record<string, unknown>>;
}

/** A question of `defineQuestion` that code gave a task, and what is shown with it. */
export interface CodeQuestion {
  readonly question: Question;
  readonly show: ((context: ShowContext) => unknown) | null;
}

/** A question of tasks.yaml in these words. Throws InvalidInput for an `otherwise` that is no answer, or without a time. */
export function questionOfTask(asked: TaskQuestion, words: string): Question {
  const { show_schema: payload, answer, answer_timeout: seconds, otherwise } = asked;
  const stands = otherwise === undefined ? {} : { otherwise: { value: otherwise } };
  return questionFromJson({
    text: words,
    payload,
    answer,
    timeoutMs: seconds === null ? null : seconds * 1000,
    ...stands,
  });
}

/** Name of a question of a task among the functions of its crew. */
export function questionKey(task: Pick<TaskSpec, 'id'>, name: string): string {
  return `${task.id}.${name}`;
}
