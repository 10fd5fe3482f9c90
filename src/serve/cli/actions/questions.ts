import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import { parseTypedAnswer } from '../parse.ts';
import { printJson, printTable } from '../print.ts';

/** `crew questions ls` */
export async function questions(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const { run } = command.opts<{ run?: string }>();
  await using desk = await context.desk('inspect');
  const rows = await desk.questions({ run });
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'ID', value: (r) => r.id },
      { title: 'RUN', value: (r) => r.run_id },
      { title: 'WHERE', value: (r) => `${r.of}/${r.where}` },
      { title: 'KIND', value: (r) => r.kind },
      { title: 'QUESTION', value: (r) => r.question ?? '', max: 60 },
      { title: 'SHOWN', value: (r) => (r.shown === null ? '' : JSON.stringify(r.shown)), max: 60 },
      { title: 'ANSWER', value: (r) => (r.answer === null ? 'anything' : JSON.stringify(r.answer)), max: 80 },
      { title: 'EXPIRES', value: (r) => r.expires_at },
      { title: 'REFUSED', value: (r) => r.problem, max: 60 },
    ],
    'no run asks a person',
  );
}

/** `crew questions answer` */
export async function answerQuestion(id: string, text: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { output, signal } = context;
  const { by } = command.opts<{ by: string }>();
  await using desk = await context.desk('run');
  const schema = (await desk.questions()).find((question) => question.id === id)?.answer ?? null;
  const answered = await desk.answerQuestion({ id, answer: parseTypedAnswer(text, schema), by }, { signal });
  if (output.json) printJson(output, answered);
  else
    output.write(`${answered.run_id} is ${answered.status}${answered.error === null ? '' : `: ${answered.error}`}\n`);
  if (signal.aborted) process.exitCode = EXIT.interrupted;
  else if (answered.status === 'failed' || answered.status === 'cancelled') process.exitCode = EXIT.failed;
}
