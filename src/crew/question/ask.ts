import { interrupt } from '@langchain/langgraph';
import { type Ask, putQuestion, type Question, readAnswer } from '../../kit/question.ts';

/**
 * Asks inside a step of a graph, and again when the question's own schema refuses the answer. `n`: how many questions the
 * step has asked before.
 */
export function askInStep(
  question: Question,
  payload: unknown,
  where: { readonly n?: number | undefined } = {},
): unknown {
  let problem: string | null = null;
  for (;;) {
    const asked = putQuestion(question, payload, problem);
    const read = readAnswer(question, interrupt<unknown, unknown>({ ...where, kind: 'question', ...asked }));
    if (read.ok) return read.value;
    ({ problem } = read);
  }
}

/**
 * Asks a person from a guardrail, a condition or a callback of a task, or from a node of a graph of one's own: the run
 * waits, on disk, and what asked is run again from its beginning with the answer. So ask before you act, and not from
 * `onStep`, whose model would be asked again. Steps of flows and tools ask by their context.
 *
 * @example
 * ```ts
 * guardrails: {
 *   signed: ({ output }) => {
 *     const { ok, reason } = ask(sign, { report: output });
 *     return ok ? { ok: true } : { ok: false, message: reason };
 *   },
 * },
 * ```
 */
export const ask: Ask = <P, A>(question: Question<P, A>, ...[payload]: readonly unknown[]): A =>
  // The value was parsed by the schema that the question's type was taken from.
  askInStep(question, payload) as A;
