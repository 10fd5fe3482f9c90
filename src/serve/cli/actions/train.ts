import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { InvalidInput } from '../../../kit/errors.ts';
import type { Desk, RunDocument } from '../../desk.ts';
import { type ActionContext, contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import { parsePairs } from '../parse.ts';
import { type Output, printJson, printTable } from '../print.ts';

interface TrainOptions {
  readonly n: number;
  readonly input?: readonly string[];
  readonly run?: string;
  readonly feedback?: readonly string[];
  readonly by: string;
  readonly active?: boolean;
  readonly list?: boolean;
  readonly forget?: string;
}

type Given = Awaited<ReturnType<Desk['giveFeedback']>>;

/** `crew train` */
export async function trainCrew(crew: string, command: Command): Promise<void> {
  const options = command.opts<TrainOptions>();
  const context = contextOf(command);
  const { output } = context;
  if (options.list === true) {
    await using desk = await context.desk('inspect');
    return printFeedback(output, await desk.feedback({ crew }));
  }
  if (options.forget !== undefined) {
    await using desk = await context.desk('operate');
    return printFeedback(output, [await desk.forgetFeedback({ id: options.forget })]);
  }
  const said = parsePairs('--feedback', options.feedback ?? []);
  await using desk = await context.desk(options.run === undefined ? 'run' : 'operate');
  const given: Given[] = [];
  using answers = new Answers();
  if (options.run !== undefined) {
    const document = await desk.run(options.run);
    if (document.crew !== crew)
      throw new InvalidInput(`run ${options.run} is of crew ${document.crew}, not of ${crew}`);
    given.push(...(await review(desk, document, said, options.by, answers)));
  } else given.push(...(await rounds(crew, desk, context, said, options, answers)));
  printFeedback(output, given);
}

async function rounds(
  crew: string,
  desk: Desk,
  { signal }: ActionContext,
  said: Readonly<Record<string, string>>,
  options: TrainOptions,
  answers: Answers,
): Promise<readonly Given[]> {
  const inputs = parsePairs('--input', options.input ?? []);
  const given: Given[] = [];
  for (let round = 1; round <= options.n; round++) {
    const document = await desk.kickoff(
      { crew, inputs, shadow: options.active !== true, trigger: 'train' },
      { signal },
    );
    process.stderr.write(`round ${round} of ${options.n}: run ${document.run_id} ${document.status}\n`);
    if (document.status !== 'completed') process.exitCode = EXIT.failed;
    given.push(...(await review(desk, document, said, options.by, answers)));
    if (signal.aborted) break;
  }
  return given;
}

/** What was said on the command line; else each answer is shown, and a person asked. An empty line says that it is good. */
async function review(
  desk: Desk,
  document: RunDocument,
  said: Readonly<Record<string, string>>,
  by: string,
  answers: Answers,
): Promise<readonly Given[]> {
  const given: Given[] = [];
  const keep = async (task: string, text: string): Promise<void> => {
    given.push(await desk.giveFeedback({ run: document.run_id, task, text, by }));
  };
  if (Object.keys(said).length > 0) {
    for (const [task, text] of Object.entries(said)) await keep(task, text);
    return given;
  }
  for (const task of document.tasks.filter((one) => one.status === 'completed')) {
    const answer = typeof task.output === 'string' ? task.output : JSON.stringify(task.output, null, 2);
    process.stderr.write(
      `\n${task.id} (${task.agent ?? '–'}):\n${answer}\nWhat should be different? (empty: nothing) `,
    );
    const line = await answers.next();
    if (line === null) break;
    if (line.trim() !== '') await keep(task.id, line);
  }
  return given;
}

/** Lines of stdin, from one reader for all questions: a second one would lose those that a pipe sends at once. */
class Answers implements Disposable {
  #reader: ReturnType<typeof createInterface> | undefined;
  #lines: AsyncIterator<string> | undefined;

  /** Null when there are no more. */
  async next(): Promise<string | null> {
    this.#reader ??= createInterface({ input: process.stdin });
    this.#lines ??= this.#reader[Symbol.asyncIterator]();
    const line = await this.#lines.next();
    return line.done === true ? null : line.value;
  }

  [Symbol.dispose](): void {
    this.#reader?.close();
  }
}

function printFeedback(output: Output, rows: readonly Given[]): void {
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'ID', value: (r) => r.id },
      { title: 'TASK', value: (r) => r.task },
      { title: 'AGENT', value: (r) => r.agent },
      { title: 'BY', value: (r) => r.given_by },
      { title: 'TIME', value: (r) => new Date(r.given_at).toISOString() },
      { title: 'FEEDBACK', value: (r) => r.text, max: 100 },
    ],
    'no feedback',
  );
}
