import { EXPIRED } from '../agent/review.ts';
import type { RunPause } from './document.ts';
import { openQuestion } from './pauses.ts';
import { answerTo, givenAnswer, isOver } from './questions.ts';
import type { RunEvents } from './run-events.ts';

/** Tells of the questions that were not open before. */
export function tellAsked(
  events: RunEvents,
  run_id: string,
  before: readonly RunPause[],
  pauses: readonly RunPause[],
): void {
  const known = new Set(before.map((pause) => pause.question_id));
  for (const { question_id, task, kind, expires_at = null } of pauses) {
    if (question_id === undefined || known.has(question_id)) continue;
    events.emit('question.asked', { question_id, run_id, where: task, kind, expires_at });
  }
}

/** What a person said at a pause, and for the record who; undefined while nobody has, the sign of time run out when it is too late. */
export function takeAnswer(
  events: RunEvents,
  { run_id, crew }: { readonly run_id: string; readonly crew: string },
  pause: RunPause,
  given: {
    readonly answers: Readonly<Record<string, unknown>>;
    readonly by: string | undefined;
    readonly now: number;
  },
): unknown {
  const { now, by = 'not said' } = given;
  const { kind, task: task_id, question_id = pause.id } = pause;
  const answer = answerTo(openQuestion(pause), given.answers);
  const where = { question_id, run_id, where: task_id };
  if (answer === undefined) {
    if (!isOver(pause, now)) return undefined;
    events.emit('question.expired', where);
    return EXPIRED;
  }
  const [what = 'answer'] = kind === 'human_input' ? Object.keys(Object(answer) as object) : [];
  events.emit('run.answered', { run_id, crew, task_id, kind, by, answer: what });
  events.emit('question.answered', { ...where, by });
  return kind === 'question' ? givenAnswer(pause, answer, now) : answer;
}

/** What goes back into the graph, by interrupt: of a step that waits for several at once, by their parts, those that there are. */
export function resumeValues(
  pauses: readonly RunPause[],
  answerOf: (pause: RunPause) => unknown,
): Readonly<Record<string, unknown>> {
  const resume: Record<string, unknown> = {};
  const parts: Record<string, Record<string, unknown>> = {};
  for (const pause of pauses) {
    const answer = answerOf(pause);
    if (answer === undefined) continue;
    const { id, part } = pause;
    if (part === undefined) resume[id] = answer;
    else resume[id] = { parts: Object.assign((parts[id] ??= {}), { [part]: answer }) };
  }
  return resume;
}
