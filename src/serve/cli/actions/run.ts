import { resolve } from 'node:path';
import type { Command } from 'commander';
import { parseDuration } from '../../../kit/duration.ts';
import { InvalidInput } from '../../../kit/errors.ts';
import type { ControllerOptions } from '../../options.ts';
import { parsePairs } from '../parse.ts';
import type { RunDocument, StreamRow } from '../../desk.ts';
import { contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import { type Output, paint, printFields, printJson, printTable } from '../print.ts';

/** `crew run <crew>` */
export async function run(named: string | undefined, command: Command): Promise<void> {
  const options = command.opts<{ duration?: string; input?: readonly string[]; shadow?: boolean }>();
  const durationMs = options.duration === undefined ? undefined : parseDuration(options.duration);
  const inputs = parsePairs('--input', options.input ?? []);
  const context = contextOf(command);
  const { output, signal, live } = context;
  const { configHome } = await import('../../../crew/config/load.ts');
  const given = context.options.config;
  // Where a folder holds several configurations, as a CrewAI flow does, the crew's name chooses.
  const chosen =
    given === undefined ? context.options : { ...context.options, config: configHome(resolve(given), named) };
  const crew = named ?? (await onlyCrew(chosen));
  const { runCrew } = await import('../../session.ts');
  const document = await runCrew({
    options: chosen,
    crew,
    inputs,
    shadow: options.shadow,
    durationMs,
    signal,
    onProgress: live?.show ?? (() => undefined),
  });
  live?.show('');
  if (output.json) printJson(output, document);
  else printRun(output, document);
  tellSuspended(document);
  if (signal.aborted) process.exitCode = EXIT.interrupted;
  else if (document.status === 'failed' || document.status === 'cancelled') process.exitCode = EXIT.failed;
}

/** Says how to go on with a run that was stopped on its way. */
export function tellSuspended({ status, run_id }: RunDocument): void {
  if (status !== 'suspended') return;
  process.stderr.write(
    `crew: run ${run_id} is suspended between two steps; crew runs resume ${run_id} goes on with it\n`,
  );
}

/** The crew of a configuration that has one. Throws InvalidInput when there are several, with their names. */
async function onlyCrew(options: ControllerOptions): Promise<string> {
  const { loadDeskConfig } = await import('../../config.ts');
  const { crews } = await loadDeskConfig(options);
  const [first] = crews;
  if (first !== undefined && crews.length === 1) return first.id;
  const names = crews.map((crew) => crew.id).join(', ');
  throw new InvalidInput(names === '' ? 'there is no crew: add tasks.yaml' : `name one of the crews: ${names}`);
}

/** A run for people: what was done, proposed and found. */
export function printRun(output: Output, document: RunDocument): void {
  const streams = document.streams as readonly StreamRow[];
  const ofMarkets = document.source !== null;
  const how = [document.mode, ...(ofMarkets ? [`source ${document.source}`] : []), `model ${document.model ?? '–'}`];
  const colour = document.status === 'completed' ? 'green' : document.status === 'failed' ? 'red' : 'yellow';
  output.write(
    `${paint(output, 'bold', document.crew)} ${paint(output, colour, document.status)} (${how.join(', ')})\n`,
  );
  printFields(output, {
    run: document.run_id,
    started: document.started_at,
    finished: document.finished_at,
    ...(ofMarkets ? { 'health score': document.health_score } : {}),
    events: document.events.total,
    ...(ofMarkets ? { 'quality issues': document.quality_issues.length } : {}),
    ...(document.error === null ? {} : { error: document.error }),
  });
  output.write('\n');
  printTable(
    output,
    document.tasks,
    [
      { title: 'TASK', value: (t) => t.id },
      { title: 'AGENT', value: (t) => t.agent },
      { title: 'STATUS', value: (t) => t.status },
      {
        title: 'CALLS',
        value: (t) => t.tool_calls.length,
        right: true,
      },
      { title: 'OUTPUT', value: (t) => outputText(t.output), max: 100 },
    ],
    'no task ran',
  );
  if (document.proposed_actions.length > 0) {
    output.write('\n');
    printTable(
      output,
      document.proposed_actions,
      [
        { title: 'PROPOSED BY', value: (p) => p.agent },
        { title: 'TOOL', value: (p) => p.tool },
        { title: 'ARGUMENTS', value: (p) => JSON.stringify(p.args), max: 60 },
        { title: 'REASON', value: (p) => p.reason, max: 100 },
      ],
      '',
    );
  }
  // The table shortens it; an answer in prose is what the run was for, and of a crew that has no desk any answer.
  if (typeof document.output === 'string') output.write(`\n${document.output}\n`);
  else if (!ofMarkets && document.output !== null) output.write(`\n${JSON.stringify(document.output, null, 2)}\n`);
  if (streams.length > 0) {
    const rows = streams.reduce((sum, s) => sum + s.rows, 0);
    const live = streams.filter((s) => s.state === 'live').length;
    output.write(`\n${streams.length} streams (${live} live), ${rows.toLocaleString('en')} rows\n`);
  }
}

function outputText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'object' && 'summary' in value && typeof value.summary === 'string') return value.summary;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
