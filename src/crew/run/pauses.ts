import type { StateSnapshot } from '@langchain/langgraph';
import { z } from 'zod';
import type { Ms } from '../../kit/clock.ts';
import { parseReview } from '../agent/review.ts';
import type { TaskSpec } from '../spec.ts';
import type { RunPause } from './document.ts';
import { type OpenQuestion, questionId, requireAnswer, requireOpenQuestions } from './questions.ts';

/** All that one step waits for. */
const StoredSeveral = z.object({
  kind: z.literal('several'),
  pauses: z.array(z.looseObject({ part: z.string(), name: z.string().optional() })),
});

const StoredPause = z.object({
  kind: z.enum(['approval', 'human_input', 'effect', 'budget']),
  task: z.string(),
  agent: z.string(),
  approval_id: z.string().optional(),
  effect_key: z.string().optional(),
  budget: z.string().optional(),
  tool: z.string().optional(),
  args: z.unknown().optional(),
  output: z.unknown().optional(),
  answer: z.record(z.string(), z.unknown()).optional(),
  expires_at: z.number().nullable().optional(),
});

/** A question: of a tool's call, or of a hook or node, which says not where. */
const StoredQuestion = z.object({
  kind: z.literal('question'),
  task: z.string().optional(),
  agent: z.string().optional(),
  tool: z.string().optional(),
  n: z.number().optional(),
  question: z.string(),
  payload: z.unknown(),
  problem: z.string().nullable(),
  answer: z.record(z.string(), z.unknown()).nullable(),
  timeout_ms: z.number().nullable(),
});

/** Pauses that the checkpoint knows of, those of tasks that went on included; a question that is read first at `now` is open from then. */
export function pausesOf({ tasks, config }: StateSnapshot, now: Ms): readonly RunPause[] {
  const thread = String(config.configurable?.['thread_id']);
  return tasks.flatMap((task) =>
    task.interrupts.flatMap(({ id, value }) => {
      if (id === undefined) return [];
      const several = StoredSeveral.safeParse(value);
      if (!several.success) return [readPause({ id, seed: id, node: task.name }, value, now)];
      return several.data.pauses.map(({ part, name, ...one }) => ({
        // Its id has to outlive the interrupt, which another takes the place of when one of them is settled.
        ...readPause({ id, seed: `${thread}/${part}`, node: task.name }, one, now),
        part,
        ...(name === undefined ? {} : { name }),
      }));
    }),
  );
}

/** A place where a graph waits: the interrupt, what a question's id is made of, and the node. */
interface Place {
  readonly id: string;
  readonly seed: string;
  readonly node: string;
}

const Interrupted = z.object({ __interrupt__: z.array(z.object({ id: z.string() })) });

/** Ids of the interrupts that a graph stopped at. */
export function interruptIds(result: unknown): ReadonlySet<string> {
  return new Set(Interrupted.safeParse(result).data?.__interrupt__.map((i) => i.id));
}

function readPause(place: Place, value: unknown, now: Ms): RunPause {
  const { id, seed, node } = place;
  const asked = StoredQuestion.safeParse(value);
  if (asked.success) return readQuestion(place, asked.data, now);
  const parsed = StoredPause.safeParse(value);
  if (!parsed.success) {
    const question_id = questionId(seed, node, value);
    return { id, question_id, kind: 'custom', task: node, agent: null, approval_id: null, tool: null, details: value };
  }
  const { kind, task, agent, approval_id = null, tool = null, answer = {}, expires_at = null } = parsed.data;
  const details = detailsOf(parsed.data);
  const terms = kind === 'human_input' ? { answer, expires_at } : {};
  const named = ANSWERED.has(kind) ? { question_id: questionId(seed, task, details) } : {};
  return { id, kind, task, agent, approval_id, tool, details, ...named, ...terms };
}

function readQuestion({ id, seed, node }: Place, asked: z.output<typeof StoredQuestion>, now: Ms): RunPause {
  const { task = node, agent = null, tool = null, n, question, payload, problem, answer, timeout_ms } = asked;
  const details = { question, payload: payload ?? null, problem };
  const question_id = questionId(seed, task, details, n);
  const terms = { answer: answer ?? undefined, expires_at: timeout_ms === null ? null : now + timeout_ms };
  return { id, question_id, kind: 'question', task, agent, approval_id: null, tool, details, ...terms };
}

function detailsOf({ kind, args, effect_key, budget, output }: z.output<typeof StoredPause>): unknown {
  switch (kind) {
    case 'approval':
      return args;
    case 'effect':
      return { effect_key, args };
    case 'budget':
      return { ...(typeof output === 'object' ? output : {}), budget };
    case 'human_input':
      return output;
  }
}

/** Pauses that an answer by name ends; the others end by themselves once their approval or effect is settled. */
const ANSWERED: ReadonlySet<RunPause['kind']> = new Set(['human_input', 'budget', 'question', 'custom'] as const);

/** Whether a person's answer ends it. */
export function isAnswered({ kind }: RunPause): boolean {
  return ANSWERED.has(kind);
}

/** A pause as an open question, at its task; a named question of it at `task.name`. */
export function openQuestion(pause: RunPause): OpenQuestion & RunPause {
  return { ...pause, where: pause.name === undefined ? pause.task : `${pause.task}.${pause.name}` };
}

/** The pause that `openQuestion` was given. */
export function withoutPlace({ where: _, ...pause }: OpenQuestion & RunPause): RunPause {
  return pause;
}

/**
 * Holds answers against what a run waits for, and gives the questions that they answer. Throws Conflict for one to a question that is not open (it was answered
 * already, its time is past, or it never was asked), InvalidInput for one that is not what was asked for.
 */
export function checkAnswers(
  row: { readonly run_id: string; readonly waiting_for: readonly RunPause[] },
  answers: Readonly<Record<string, unknown>>,
  tasks: Readonly<Record<string, TaskSpec>>,
  now: number,
): readonly { readonly question: OpenQuestion; readonly answer: unknown }[] {
  const open = row.waiting_for.filter(isAnswered).map(openQuestion);
  return requireOpenQuestions(row.run_id, open, answers, now).map(({ question, answer }) => {
    const task = tasks[question.task];
    if (question.kind === 'human_input' && task !== undefined) parseReview(task, answer);
    if (question.kind === 'question') requireAnswer(question.where, question.answer, answer);
    return { question, answer };
  });
}

/** What a run waits for, in a line. */
export function waitingReason(pauses: readonly RunPause[]): string {
  if (pauses.length === 0) return 'an answer';
  return pauses
    .map((p) =>
      p.kind === 'approval'
        ? `approval ${p.approval_id ?? ''} of ${p.tool ?? ''} in ${p.task}`
        : p.kind === 'human_input'
          ? `a review of ${p.task}`
          : p.kind === 'effect'
            ? `what became of ${p.tool ?? ''} in ${p.task} (crew effects)`
            : p.kind === 'budget'
              ? `more money than a budget allows in ${p.task} (crew runs resume)`
              : p.kind === 'question'
                ? `an answer at ${p.task} to: ${questionText(p)}`
                : `an answer at ${p.task}`,
    )
    .join('; ');
}

function questionText({ details }: RunPause): string {
  const { question } = Object(details) as { readonly question?: unknown };
  return typeof question === 'string' ? question : '';
}
