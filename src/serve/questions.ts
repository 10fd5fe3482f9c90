import type { CrewRunner, FlowDocument, FlowPause, FlowRunner, RunDocument, RunPause } from '../crew/index.ts';
import { Conflict } from '../kit/errors.ts';
import type { AnsweredQuestion, QuestionRow } from './question-rows.ts';

interface Runners {
  readonly runner: CrewRunner;
  readonly flows: FlowRunner;
}

interface Waiting {
  readonly run_id: string;
  readonly of: string;
}

/** Questions that wait for a person, of one run with those that it began, or of all. */
export async function openQuestions({ runner, flows }: Runners, run?: string): Promise<readonly QuestionRow[]> {
  const wanted = (id: string): boolean => run === undefined || id === run || id.startsWith(`${run}/`);
  const rows = await runner.listRuns({ status: ['waiting'], limit: 10_000 });
  const ofFlows = (await flows.list(10_000)).filter((document) => document.status === 'waiting');
  return [
    ...ofFlows.filter((f) => wanted(f.run_id)).flatMap(questionsOfFlow),
    ...rows.filter((row) => wanted(row.run_id)).flatMap(questionsOfRun),
  ];
}

/** Questions of a waiting run of a crew. */
export function questionsOfRun(row: {
  readonly run_id: string;
  readonly crew: string;
  readonly waiting_for: readonly RunPause[];
}): readonly QuestionRow[] {
  const { run_id, crew: of } = row;
  return row.waiting_for.flatMap((pause) => {
    const { question_id: id, kind, task, agent } = pause;
    return id === undefined ? [] : [{ id, kind, agent, ...terms({ run_id, of }, task, pause, kind === 'human_input') }];
  });
}

/** Questions of a waiting flow's own steps. */
export function questionsOfFlow(document: FlowDocument): readonly QuestionRow[] {
  const { run_id, flow: of } = document;
  return document.waiting_for.flatMap((pause) => {
    const { question_id: id, kind, method } = pause;
    return id === undefined ? [] : [{ id, kind, agent: null, ...terms({ run_id, of }, method, pause, false) }];
  });
}

function terms(
  run: Waiting,
  where: string,
  pause: Pick<RunPause | FlowPause, 'details' | 'answer' | 'expires_at'>,
  isReview: boolean,
): Omit<QuestionRow, 'id' | 'kind' | 'agent'> {
  const { details, answer = null, expires_at: ends = null } = pause;
  const { question, payload, problem } = Object(details) as Readonly<Record<string, unknown>>;
  const typed = !isReview && typeof question === 'string' && problem !== undefined;
  const words = !isReview && typeof details === 'string' ? details : null;
  return {
    ...run,
    where,
    question: typed ? question : words,
    shown: typed ? payload : words === null ? details : null,
    answer,
    problem: typeof problem === 'string' ? problem : null,
    expires_at: ends === null ? null : new Date(ends).toISOString(),
  };
}

/**
 * Gives a person's answer to the run that asked, which goes on. Throws Conflict when the question is not open (any more),
 * InvalidInput, naming the field, for an answer that does not fit; the run waits on then.
 */
export async function answerQuestion(
  runners: Runners,
  given: { readonly id: string; readonly answer: unknown; readonly by?: string | undefined },
  signal: AbortSignal | undefined,
): Promise<AnsweredQuestion> {
  const { id, answer, by } = given;
  const { runner, flows } = runners;
  const found = (await openQuestions(runners)).find((question) => question.id === id);
  if (found === undefined)
    throw new Conflict(`no question '${id}' is open: it was answered already, its time is past, or it never was asked`);
  const options = { by, ...(signal === undefined ? {} : { signal }) };
  const isFlow = (await flows.list(10_000)).some((document) => document.run_id === found.run_id);
  const ended: RunDocument | FlowDocument = isFlow
    ? await flows.resume(found.run_id, { [id]: answer }, options)
    : await runner.resume(found.run_id, { [id]: answer }, options);
  const { run_id, status, error } = ended;
  return { id, run_id, status, error };
}
