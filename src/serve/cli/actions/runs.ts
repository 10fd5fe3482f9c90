import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { Conflict, errorMessage, InvalidInput } from '../../../kit/errors.ts';
import { writeFileAtomic } from '../../../infra/files.ts';
import { diffRuns } from '../../../crew/run/diff.ts';
import type { Desk, RunDocument } from '../../desk.ts';
import { contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import { parsePairs } from '../parse.ts';
import { printJson, printTable } from '../print.ts';

const Edit = z.strictObject({
  inputs: z.record(z.string(), z.unknown()).optional(),
  outputs: z.record(z.string(), z.unknown()).optional(),
});
/** Most events of a run that an export holds. */
const MOST_EVENTS = 100_000;

// Loaders stand outside functions that use `await using`: inside, TypeScript leaves the path of an import() unwritten.
const loadRun = () => import('./run.ts');
const loadHtml = () => import('../../run-html.ts');

/** `crew runs resume` */
export async function resumeRun(run: string, command: Command): Promise<void> {
  const { answer = [], by } = command.opts<{ answer?: readonly string[]; by?: string }>();
  const given = Object.entries(parsePairs('--answer', answer));
  const answers = Object.fromEntries(given.map(([task, text]) => [task, parseJson(`--answer ${task}`, text)]));
  await work(command, (desk, signal) => desk.resumeRun({ run, answers, by }, { signal }));
}

/** `crew runs cancel` */
export async function cancelRun(run: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const { reason } = command.opts<{ reason: string }>();
  await using desk = await context.desk('operate');
  const cancelled = await desk.cancelRun({ run, reason });
  if (!cancelled) throw new Conflict(`run ${run} had already ended`);
  if (output.json) printJson(output, { run, cancelled });
  else output.write(`${run} cancelled\n`);
}

/** `crew runs replay` and `crew runs fork` */
export async function forkRun(run: string, command: Command): Promise<void> {
  const { from, at, edit, active } = command.opts<{ from?: string; at?: string; edit?: string; active?: boolean }>();
  const changes = edit === undefined ? undefined : readEdit(edit);
  const request = { run, from, at, edit: changes, shadow: active !== true };
  await work(command, (desk, signal) => desk.forkRun(request, { signal }));
}

/** `crew runs history` */
export async function runSteps(id: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('operate');
  const steps = await desk.runSteps(id);
  if (output.json) return printJson(output, steps);
  printTable(
    output,
    steps,
    [
      { title: 'CHECKPOINT', value: (s) => s.checkpoint_id },
      { title: 'STEP', value: (s) => s.step, right: true },
      { title: 'TIME', value: (s) => s.time },
      { title: 'GAVE', value: (s) => s.gave.join(', ') },
      { title: 'DONE BEFORE', value: (s) => s.done.join(', '), max: 80 },
    ],
    'no checkpoints of this run are kept',
  );
}

/** `crew runs diff` */
export async function diff(a: string, b: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('inspect');
  const differences = diffRuns(await desk.run(a), await desk.run(b));
  if (differences.length > 0) process.exitCode = EXIT.failed;
  if (output.json) return printJson(output, differences);
  printTable(
    output,
    differences,
    [
      { title: 'WHERE', value: (d) => d.path },
      { title: a, value: (d) => JSON.stringify(d.a), max: 60 },
      { title: b, value: (d) => JSON.stringify(d.b), max: 60 },
    ],
    'the runs came out alike',
  );
}

/** `crew runs export` */
export async function exportRun(id: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { out, html } = command.opts<{ out?: string; html?: boolean }>();
  await using desk = await context.desk('inspect');
  const document = await desk.run(id);
  const events = await desk.events({ correlationId: id, limit: MOST_EVENTS });
  const calls = html === true ? await desk.modelCalls({ run: id, limit: MOST_EVENTS }) : [];
  const text =
    html === true
      ? (await loadHtml()).runHtml({ document, events, calls: [...calls].reverse() })
      : `${JSON.stringify({ format: 'crew-run', version: 1, document, events }, null, 2)}\n`;
  if (out === undefined) context.output.write(text);
  else await writeFileAtomic(out, text, 0o600);
}

async function work(command: Command, ask: (desk: Desk, signal: AbortSignal) => Promise<RunDocument>): Promise<void> {
  const context = contextOf(command);
  const { output, signal } = context;
  await using desk = await context.desk('run');
  const document = await ask(desk, signal);
  if (output.json) printJson(output, document);
  else (await loadRun()).printRun(output, document);
  (await loadRun()).tellSuspended(document);
  if (signal.aborted) process.exitCode = EXIT.interrupted;
  else if (document.status === 'failed' || document.status === 'cancelled') process.exitCode = EXIT.failed;
}

function readEdit(path: string): z.output<typeof Edit> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new InvalidInput(`--edit ${path} cannot be read: ${errorMessage(error)}`, { cause: error });
  }
  const parsed = Edit.safeParse(parseJson(`--edit ${path}`, text));
  if (parsed.success) return parsed.data;
  throw new InvalidInput(`--edit ${path} is not {"inputs": {…}, "outputs": {…}}: ${z.prettifyError(parsed.error)}`);
}

function parseJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidInput(`${what} is not JSON: ${errorMessage(error)}`, { cause: error });
  }
}
