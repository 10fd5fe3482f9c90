import type { Command } from 'commander';
import { systemClock } from '../../../infra/clock.ts';
import { parseDuration } from '../../../kit/duration.ts';
import { InvalidInput } from '../../../kit/errors.ts';
import { EVENT_NAMES } from '../../../kit/event.ts';
import { didYouMean } from '../../../kit/nearest.ts';
import { contextOf } from '../context.ts';
import { paint, printFields, printJson, printTable } from '../print.ts';
import { EXIT } from '../exit.ts';
import type { EventsQuery } from '../../desk.ts';

// Loaders stand outside functions that use `await using`: inside, TypeScript leaves the path of an import() unwritten.
const loadTimeline = () => import('../../timeline.ts');
const loadPrinter = () => import('../timeline.ts');
const loadRun = () => import('./run.ts');

/** UTC ms of an ISO time, or of a duration before `now`. */
export function parseSince(text: string, now: number): number {
  const time = Date.parse(text);
  if (!Number.isNaN(time) && /\d{4}-/.test(text)) return time;
  try {
    return now - parseDuration(text);
  } catch {
    throw new InvalidInput(
      `'${text}' is neither an ISO time nor a duration: write 2026-01-01T00:00:00Z, or 10m for ten minutes ago`,
    );
  }
}

/** `crew events` */
export async function events(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output, signal } = context;
  const options = command.opts<{
    type?: readonly string[];
    since?: string;
    source?: string;
    limit: number;
    follow?: boolean;
  }>();
  for (const type of options.type ?? []) {
    const family = type.endsWith('.*') ? type.slice(0, -1) : undefined;
    if (!EVENT_NAMES.some((name) => (family === undefined ? name === type : name.startsWith(family))))
      throw new InvalidInput(`there is no event type '${type}'${didYouMean(type, EVENT_NAMES)}`);
  }
  const query: EventsQuery = {
    types: options.type,
    since: options.since === undefined ? undefined : parseSince(options.since, Date.now()),
    source: options.source,
    limit: options.limit,
  };
  await using desk = await context.desk('inspect');
  const rows = await desk.events(query);
  const line = (event: (typeof rows)[number]): string =>
    output.json
      ? `${JSON.stringify(event)}\n`
      : `${paint(output, 'dim', new Date(event.time).toISOString())} ${String(event.seq).padStart(6)} ${paint(output, 'cyan', event.type.padEnd(24))} ${JSON.stringify(event.data).slice(0, Math.max(40, output.width - 60))}\n`;
  if (options.follow !== true) {
    if (output.json) return printJson(output, rows);
    for (const event of rows) output.write(line(event));
    if (rows.length === 0) output.write('no events\n');
    return;
  }
  for (const event of rows) output.write(line(event));
  for await (const event of desk.follow({ ...query, afterSeq: rows.at(-1)?.seq }, signal)) output.write(line(event));
  process.exitCode = EXIT.interrupted;
}

/** `crew runs ls` */
export async function runs(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('inspect');
  const rows = await desk.runs(command.opts<{ crew?: string; limit: number }>());
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'ID', value: (r) => r.id },
      { title: 'CREW', value: (r) => r.crew },
      { title: 'MODE', value: (r) => r.mode },
      { title: 'STATUS', value: (r) => r.status },
      { title: 'STARTED', value: (r) => r.started_at },
      { title: 'FINISHED', value: (r) => r.finished_at },
      { title: 'TRIGGER', value: (r) => r.trigger },
    ],
    'no runs yet',
  );
}

/** `crew runs show` */
export async function showRun(id: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('inspect');
  const document = await desk.run(id);
  const events = await desk.events({ correlationId: id, limit: 100_000 });
  const { judgementsOf, timelineOf } = await loadTimeline();
  const judged = judgementsOf(id, events);
  if (output.json) return printJson(output, { ...document, judged });
  const { printRun } = await loadRun();
  printRun(output, document);
  const { printTimeline } = await loadPrinter();
  output.write('\n');
  const { finished_at: finished } = document;
  printTimeline(output, timelineOf(id, events, finished === null ? systemClock.now() : Date.parse(finished)));
  if (judged.length === 0) return;
  output.write('\n');
  printTable(
    output,
    judged,
    [
      { title: 'CRITERION', value: (r) => r.criterion },
      { title: 'SCORE', value: (r) => (r.score === null ? 'none' : r.score.toFixed(2)), right: true },
      { title: 'REASON', value: (r) => r.reason },
      { title: 'MODEL', value: (r) => r.model },
      { title: 'TOKENS', value: (r) => r.total_tokens, right: true },
    ],
    '',
  );
}

/** `crew effects ls` */
export async function effects(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('inspect');
  const rows = await desk.unknownEffects();
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'KEY', value: (r) => r.key },
      { title: 'TOOL', value: (r) => r.tool },
      { title: 'RUN', value: (r) => r.run_id },
      { title: 'BEGUN', value: (r) => r.begun_at },
    ],
    'no effect has an unknown outcome',
  );
}

/** `crew effects settle` */
export async function settleEffect(key: string, outcome: 'done' | 'void', command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const { by } = command.opts<{ by: string }>();
  await using desk = await context.desk('operate');
  const settled = await desk.settleEffect({ key, outcome, by });
  if (output.json) printJson(output, settled);
  else {
    const goesOn = settled.resumed_run === null ? '' : `; ${settled.resumed_run} goes on`;
    output.write(`${settled.key} is ${settled.outcome} (by ${settled.settled_by})${goesOn}\n`);
  }
}

/** `crew behaviours ls` */
export async function behaviours(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('inspect');
  const rows = await desk.behaviours();
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'ID', value: (r) => r.id },
      { title: 'ON', value: (r) => (r.enabled ? 'yes' : 'no') },
      { title: 'TRIGGER', value: (r) => r.trigger },
      { title: 'COOLDOWN', value: (r) => `${r.cooldown_seconds} s`, right: true },
      { title: 'LAST RUN', value: (r) => r.last_run },
      { title: 'OUTCOME', value: (r) => r.last_outcome },
      { title: 'NEXT RUN', value: (r) => r.next_run },
    ],
    'no behaviours',
  );
}

/** `crew behaviours run` */
export async function runBehaviour(name: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { output, signal } = context;
  await using desk = await context.desk('run');
  const result = await desk.runBehaviour({ name }, { signal });
  if (output.json) printJson(output, result);
  else printFields(output, result);
}

/** `crew shadow report` */
export async function shadowReport(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  const options = command.opts<{ since?: string; limit: number }>();
  await using desk = await context.desk('inspect');
  const report = await desk.shadowReport({
    since: options.since === undefined ? undefined : parseSince(options.since, Date.now()),
    limit: options.limit,
  });
  if (output.json) return printJson(output, report);
  printTable(
    output,
    report.proposals,
    [
      ...['time', 'agent', 'tool', 'reason'].map((key) => ({
        title: key.toUpperCase(),
        value: (row: Readonly<Record<string, unknown>>) => textOf(row[key]),
        max: key === 'reason' ? 70 : 40,
      })),
      { title: 'VERDICT', value: (row) => textOf(row['verdict']) },
      { title: 'BECAUSE', value: (row) => because(row['outcome']), max: 60 },
    ],
    'no proposals: run a crew with --shadow first',
  );
  const { totals } = report;
  output.write(
    `\n${totals.proposals} proposals: ${totals.right} right, ${totals.wrong} wrong, ${totals.undecided} undecided${totals.accuracy === null ? '' : `, accuracy ${(totals.accuracy * 100).toFixed(1)} %`}\n`,
  );
  if (totals.undecided > 0) {
    output.write(
      'Undecided: not yet judged, or nothing that came after can tell. A proposal is judged 30 s after it was made, by this command while a controller runs, or as a crew run with --shadow ends.\n',
    );
  }
}

function because(outcome: unknown): string | null {
  return typeof outcome === 'object' && outcome !== null && 'because' in outcome ? textOf(outcome.because) : null;
}

function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
