import { canonicalHash } from '../../kit/hash.ts';
import { canonicalJson } from '../../kit/json.ts';
import { answerProblem, type GivenAnswer } from '../../kit/question.ts';
import { Conflict, InvalidInput } from '../../kit/errors.ts';

/** What runs of crews and of flows have in common of a question that is open. */
export interface OpenQuestion {
  /** Id of the interrupt: calls of one step may ask under one. */
  readonly id: string;
  /** Task, step or node. */
  readonly where: string;
  readonly details: unknown;
  /** Of a step that asks several at once: which of them, by a name that stays when the others are answered. */
  readonly part?: string | undefined;
  readonly question_id?: string | undefined;
  readonly answer?: Readonly<Record<string, unknown>> | null | undefined;
  readonly expires_at?: number | null | undefined;
}

/** An id of this question alone: the next one of the same step (its `n`th), and the same one asked again, have another. */
export function questionId(id: string, where: string, details: unknown, n = 0): string {
  return `q_${canonicalHash([id, where, n, details]).slice(0, 20)}`;
}

/** The answer to a question among those given by its id or by its place. */
export function answerTo(
  { question_id, where }: Pick<OpenQuestion, 'question_id' | 'where'>,
  answers: Readonly<Record<string, unknown>>,
): unknown {
  return (question_id === undefined ? undefined : answers[question_id]) ?? answers[where];
}

/** Whether the time to answer is past. */
export function isOver({ expires_at: expiresAt }: Pick<OpenQuestion, 'expires_at'>, now: number): boolean {
  return expiresAt !== undefined && expiresAt !== null && expiresAt <= now;
}

/**
 * The open question that each answer is for. Throws Conflict for one to a question that is not open (it was answered already, its time is past, or it
 * never was asked).
 */
export function requireOpenQuestions<Q extends OpenQuestion>(
  run: string,
  questions: readonly Q[],
  answers: Readonly<Record<string, unknown>>,
  now: number,
): readonly { readonly question: Q; readonly answer: unknown }[] {
  return Object.entries(answers).map(([name, answer]) => {
    const question = questions.find((q) => q.question_id === name) ?? questions.find((q) => q.where === name);
    if (question === undefined) {
      const open = questions.map((q) => q.where).join(', ');
      throw new Conflict(
        `run ${run} has no open question at '${name}': it was answered already, or never asked` +
          (open === '' ? '' : `; open: ${open}`),
      );
    }
    if (isOver(question, now)) throw new Conflict(`the time to answer '${name}' of run ${run} is past`);
    return { question, answer };
  });
}

/** Throws InvalidInput, naming the field, for an answer that the question's schema refuses. */
export function requireAnswer(where: string, schema: OpenQuestion['answer'], answer: unknown): void {
  const problem = answerProblem(schema ?? null, answer);
  if (problem !== null) throw new InvalidInput(`the answer to '${where}' does not fit: ${problem}`);
}

/** What goes back into the graph for a question: the answer, that its time is over, or nothing yet. */
export function givenAnswer(
  question: Pick<OpenQuestion, 'expires_at'>,
  answer: unknown,
  now: number,
): GivenAnswer | undefined {
  if (answer !== undefined) return { answered: answer };
  return isOver(question, now) ? { expired: true } : undefined;
}

/** Questions as they are open now, with the times that they had: a step that is made again does not ask for longer. */
export function withTimesOf<Q extends OpenQuestion>(earlier: readonly OpenQuestion[], now: readonly Q[]): readonly Q[] {
  return now.map((question) => {
    const same = earlier.find((e) => isSameAsked(e, question, now));
    return same?.expires_at === undefined || same.expires_at === null || question.expires_at === undefined
      ? question
      : { ...question, expires_at: same.expires_at };
  });
}

/**
 * Throws InvalidInput when a question that was answered is open again because its own check refused the answer. `before`:
 * all that were open when the answers came.
 */
export function requireTaken(
  answered: readonly OpenQuestion[],
  before: readonly OpenQuestion[],
  open: readonly OpenQuestion[],
): void {
  for (const question of open) {
    const problem = problemOf(question);
    if (problem === null) continue;
    const isNew = question.part === undefined && !before.some((b) => b.id === question.id);
    if (!answered.some((a) => isSamePlace(a, question) || (isNew && isSameAsked(a, question, open)))) continue;
    throw new InvalidInput(`the answer to '${question.where}' does not fit: ${problem}`);
  }
}

/** Whether a question stands where an earlier one stood: LangGraph gives each question of a step an id of its own. */
function isSameAsked(earlier: OpenQuestion, question: OpenQuestion, open: readonly OpenQuestion[]): boolean {
  if (sameText(earlier) !== sameText(question)) return false;
  if (isSamePlace(earlier, question)) return true;
  return earlier.part === undefined && question.part === undefined && !open.some((o) => o.id === earlier.id);
}

/** Whether the same step asks, by its part where it asks several at once. */
function isSamePlace(a: OpenQuestion, b: OpenQuestion): boolean {
  return a.part === b.part && (a.part !== undefined || a.id === b.id);
}

function problemOf({ details }: OpenQuestion): string | null {
  const { problem } = Object(details) as { readonly problem?: unknown };
  return typeof problem === 'string' ? problem : null;
}

function sameText({ where, details }: OpenQuestion): string {
  const { problem: _, ...rest } = Object(details) as Record<string, unknown>;
  return canonicalJson([where, rest]);
}
