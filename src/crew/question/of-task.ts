import { GivenAnswer, putQuestion, type Question, readAnswer } from '../../kit/question.ts';
import { type PausePart, pauseForParts } from '../agent/pause.ts';
import { filled, filledText } from '../filled.ts';
import type { TaskRequest } from '../graph/task-node.ts';
import { type CodeQuestion, questionKey, questionOfTask, type TaskAnswer } from './task-question.ts';

/**
 * Asks people what a task asks before its agent begins, all at once, and gives the request with their answers: as inputs,
 * which are trusted, and as what the agent is told. What was answered already (in an execution before, by an agent that
 * handed the task on) is not asked again. Throws DeadlineExceeded when nobody answered in time and nothing stands then.
 */
export function withAnswers(request: TaskRequest, inCode: Readonly<Record<string, CodeQuestion>>): TaskRequest {
  const { task } = request;
  const names = Object.keys(task.ask);
  if (names.length === 0) return request;
  const answers: Record<string, TaskAnswer> = { ...request.answers };
  const problems: Record<string, string> = {};
  const isOpen = (name: string): boolean => !Object.hasOwn(answers, name);
  const questions = names
    .filter(isOpen)
    .map((name) => [name, prepare(request, name, inCode[questionKey(task, name)])] as const);
  for (;;) {
    const open = questions.filter(([name]) => isOpen(name));
    if (open.length === 0) break;
    const given = pauseForParts(open.map(([name, q]) => partOf(request, name, q, problems[name] ?? null)));
    for (const [name, { question }] of open) {
      const part = partName(request, name);
      if (!Object.hasOwn(given, part)) continue;
      const read = readAnswer(question, GivenAnswer.parse(given[part]));
      if (read.ok) answers[name] = { question: question.text, answer: read.value };
      else problems[name] = read.problem;
    }
  }
  // In the order of the questions, whoever answered first.
  const ordered = Object.fromEntries(
    names.flatMap((name) => (answers[name] === undefined ? [] : [[name, answers[name]]])),
  );
  const values = Object.fromEntries(Object.entries(ordered).map(([name, { answer }]) => [name, answer]));
  return {
    ...request,
    answers: ordered,
    inputs: { ...request.inputs, ...values },
    trusted: { ...request.trusted, ...values },
  };
}

interface Prepared {
  readonly question: Question;
  readonly payload: unknown;
}

function prepare(request: TaskRequest, name: string, inCode: CodeQuestion | undefined): Prepared {
  const context = Object.fromEntries(request.context.map(({ task, output }) => [task, output]));
  const seen = { ...context, ...request.inputs };
  const asked = request.task.ask[name];
  if (asked === undefined) throw new Error(`task ${request.task.id} asks no ${name}`);
  const where = `task ${request.task.id}, ask.${name}`;
  const words = filledText(asked.question, seen, where);
  if (inCode === undefined) {
    return {
      question: questionOfTask(asked, words),
      payload: asked.show === null ? null : filled(asked.show, seen, where),
    };
  }
  return {
    question: { ...inCode.question, text: words },
    payload: inCode.show?.({ inputs: request.inputs, context }),
  };
}

function partOf(
  request: TaskRequest,
  name: string,
  { question, payload }: Prepared,
  problem: string | null,
): PausePart {
  const where = { part: partName(request, name), name, task: request.task.id, agent: request.agent.id };
  return { kind: 'question', ...where, ...putQuestion(question, payload, problem) };
}

function partName({ key, execution }: TaskRequest, name: string): string {
  return `${key}#${execution}?${name}`;
}
