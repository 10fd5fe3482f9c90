import { z } from 'zod';
import type { Ms } from './clock.ts';
import { AppError, DeadlineExceeded, InvalidInput } from './errors.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

/** A question to a person, with the types of what they are shown and of what they answer; made by `defineQuestion`. */
export interface Question<P = unknown, A = unknown> {
  readonly isQuestion: true;
  readonly text: string;
  /** What is shown beside the text must fit this. */
  readonly payload: z.ZodType | null;
  readonly answer: z.ZodType | null;
  /** JSON Schema of the answer; null: any. */
  readonly answerSchema: JsonSchema | null;
  /** Time to answer; null: any. */
  readonly timeoutMs: Ms | null;
  /** What stands when nobody has answered in time; null: the question fails then. */
  readonly otherwise: { readonly value: unknown } | null;
  /** For the compiler alone. */
  readonly '~payload'?: P;
  readonly '~answer'?: A;
}

/** A question as it was put to people; plain JSON. */
export interface AskedQuestion {
  readonly question: string;
  readonly payload: unknown;
  /** JSON Schema of what may be answered; null: anything. */
  readonly answer: JsonSchema | null;
  /** Time to answer from when it is asked first; null: any. */
  readonly timeout_ms: number | null;
  /** Why the answer before was not taken; null for the first. */
  readonly problem: string | null;
}

/** What comes back to a question: what a person said, or that nobody did in time. A person can only say the first. */
export type GivenAnswer = { readonly answered: unknown } | { readonly expired: true };

/** What a run gives back to a question, read. */
export const GivenAnswer: z.ZodType<GivenAnswer> = z.union([
  z.strictObject({ answered: z.unknown() }),
  z.strictObject({ expired: z.literal(true) }),
]);

/** Asks a person and gives what they answered. What comes before it is done again when the answer is there. */
export type Ask = <P, A>(question: Question<P, A>, ...payload: undefined extends P ? [P?] : [P]) => A;

/** A call can only go on once a person has answered: `details` holds which question of it, and the question. */
export class AnswerRequired extends AppError {
  readonly code = 'answer_required' as const;

  constructor(tool: string, index: number, asked: AskedQuestion) {
    super(`${tool} asks a person: ${asked.problem === null ? '' : `(${asked.problem}) `}${asked.question}`, {
      details: { index, asked },
    });
  }
}

const Required = z.object({
  index: z.number().int().nonnegative(),
  asked: z.object({
    question: z.string(),
    payload: z.unknown(),
    answer: z.record(z.string(), z.unknown()).nullable(),
    timeout_ms: z.number().nullable(),
    problem: z.string().nullable(),
  }),
});

/** The question that a failed call waits for; null when it failed for another reason. */
export function questionOf(failure: {
  readonly code: string;
  readonly details?: unknown;
}): { readonly index: number; readonly asked: AskedQuestion } | null {
  if (failure.code !== 'answer_required') return null;
  const { index, asked } = Required.parse(failure.details);
  return { index, asked: { ...asked, payload: asked.payload ?? null } };
}

/** Whether something is a question of `defineQuestion`. */
export function isQuestion(given: unknown): given is Question {
  return typeof given === 'object' && given !== null && 'isQuestion' in given && given.isQuestion === true;
}

/**
 * Defines a question: what people are shown, what they may answer, until when. Throws InvalidInput for schemas that
 * JSON Schema cannot say, and for an `otherwise` that is no answer.
 *
 * @example
 * ```ts
 * const price = defineQuestion({
 *   text: 'What may it cost at most?',
 *   payload: z.object({ article: z.string() }),
 *   answer: z.object({ limit: z.number().positive(), currency: z.enum(['EUR', 'USD']) }),
 *   timeoutMs: 3_600_000,
 *   otherwise: { limit: 100, currency: 'EUR' },
 * });
 * ```
 */
export function defineQuestion<A extends z.ZodType, P extends z.ZodType = z.ZodUndefined>(definition: {
  readonly text: string;
  readonly payload?: P | undefined;
  readonly answer: A;
  readonly timeoutMs?: Ms | undefined;
  readonly otherwise?: z.input<A> | undefined;
}): Question<z.input<P>, z.output<A>> {
  const { text, payload = null, answer, timeoutMs = null, otherwise } = definition;
  return makeQuestion({
    text,
    payload,
    answer,
    answerSchema: jsonSchemaOf(text, answer),
    timeoutMs,
    ...(otherwise === undefined ? {} : { otherwise: { value: otherwise } }),
  });
}

/** A question whose schemas are JSON Schemas, as YAML has them; null: anything. Throws InvalidInput as `defineQuestion`. */
export function questionFromJson(definition: {
  readonly text: string;
  readonly payload: JsonSchema | null;
  readonly answer: JsonSchema | null;
  readonly timeoutMs: Ms | null;
  readonly otherwise?: { readonly value: unknown } | undefined;
}): Question {
  const { text, payload, answer } = definition;
  return makeQuestion({
    ...definition,
    payload: payload === null ? null : zodOf(text, payload),
    answer: answer === null ? null : zodOf(text, answer),
    answerSchema: answer,
  });
}

function makeQuestion<P, A>(
  parts: Pick<Question<P, A>, 'text' | 'payload' | 'answer' | 'answerSchema' | 'timeoutMs'> & {
    readonly otherwise?: { readonly value: unknown } | undefined;
  },
): Question<P, A> {
  const { text, answer, timeoutMs, otherwise = null } = parts;
  if (timeoutMs !== null && !(timeoutMs > 0)) throw new InvalidInput(`question '${text}': its time must be above 0 ms`);
  if (otherwise !== null && timeoutMs === null)
    throw new InvalidInput(`question '${text}': what stands when time is over needs a time`);
  const problem = otherwise === null || answer === null ? null : problemOf(answer.safeParse(otherwise.value));
  if (problem !== null) throw new InvalidInput(`question '${text}': its otherwise is no answer: ${problem}`);
  return Object.freeze({ ...parts, otherwise, isQuestion: true as const });
}

/** The question as it is put now. Throws InvalidInput for a payload that does not fit. */
export function putQuestion(question: Question, payload: unknown, problem: string | null): AskedQuestion {
  const { text, answerSchema, timeoutMs } = question;
  const wrong = question.payload === null ? null : problemOf(question.payload.safeParse(payload));
  if (wrong !== null) throw new InvalidInput(`what is shown with '${text}' does not fit its schema: ${wrong}`);
  return { question: text, payload: payload ?? null, answer: answerSchema, timeout_ms: timeoutMs, problem };
}

/**
 * What came back as the question's own schema has it, or why it is none. Throws DeadlineExceeded when nobody answered in time and the question
 * says not what stands then.
 */
export function readAnswer(
  question: Question,
  given: unknown,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string } {
  const { text, answer, otherwise } = question;
  const parsed = GivenAnswer.parse(given);
  if ('expired' in parsed && otherwise === null)
    throw new DeadlineExceeded(`nobody answered '${text}' in time; ask again, or say what stands then`);
  const said = 'expired' in parsed ? otherwise?.value : parsed.answered;
  if (answer === null) return { ok: true, value: said };
  const result = answer.safeParse(said);
  return result.success
    ? { ok: true, value: result.data }
    : { ok: false, problem: problemOf(result) ?? 'it does not fit' };
}

/** The `ask` of a call: gives the answers that it came with, in the order of its questions, and at the first without one ends it. */
export function askerOf(tool: string, answers: readonly GivenAnswer[] = []): Ask {
  let asked = 0;
  return <P, A>(question: Question<P, A>, ...[payload]: readonly unknown[]): A => {
    const index = asked++;
    const given = answers[index];
    const read = given === undefined ? null : readAnswer(question, given);
    // The value was parsed by the schema that the question's type was taken from.
    if (read?.ok === true) return read.value as A;
    throw new AnswerRequired(tool, index, putQuestion(question, payload, read?.problem ?? null));
  };
}

/** Why an answer does not fit a question's JSON Schema, by field; null when it does. */
export function answerProblem(schema: JsonSchema | null, answer: unknown): string | null {
  return schema === null ? null : problemOf(z.fromJSONSchema(schema).safeParse(answer));
}

function problemOf(result: z.ZodSafeParseResult<unknown>): string | null {
  if (result.success) return null;
  const issues = result.error.issues.slice(0, 8);
  return issues.map((i) => `${i.path.join('.') || 'the answer'}: ${i.message}`).join('; ');
}

function zodOf(text: string, schema: JsonSchema): z.ZodType {
  try {
    return z.fromJSONSchema(schema);
  } catch (cause) {
    throw new InvalidInput(`question '${text}': not a JSON Schema that can be checked: ${String(cause)}`, { cause });
  }
}

function jsonSchemaOf(text: string, schema: z.ZodType): JsonSchema {
  try {
    // The input side: what people write, before transforms and defaults.
    const { $schema: _, '~standard': __, ...rest } = z.toJSONSchema(schema, { io: 'input' });
    return rest;
  } catch (cause) {
    throw new InvalidInput(`question '${text}': its answer has no JSON Schema: ${String(cause)}`, { cause });
  }
}
