import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { NotFound } from '../../../kit/errors.ts';
import { didYouMean } from '../../../kit/nearest.ts';
import { contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import type { Desk } from '../../desk.ts';
import { parsePairs, parseTypedAnswer } from '../parse.ts';
import { paint, printFields, printJson, printTable } from '../print.ts';

/** `crew flow ls` */
export async function listFlows(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('inspect');
  const rows = await desk.flows();
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'ID', value: (r) => r.id },
      { title: 'TRIGGER', value: (r) => r.trigger ?? 'by hand' },
      { title: 'ENABLED', value: (r) => r.enabled },
      { title: 'STEPS', value: (r) => r.steps.join(', ') },
      { title: 'WHAT IT IS FOR', value: (r) => r.description, max: 90 },
    ],
    'no flows: define some in flows.yaml',
  );
}

/** `crew flow run` */
export async function runFlow(id: string, command: Command): Promise<void> {
  const options = command.opts<{
    input?: readonly string[];
    shadow?: boolean;
    resume?: string;
    answer?: readonly string[];
  }>();
  const inputs = parsePairs('--input', options.input ?? []);
  const context = contextOf(command);
  const { output, signal } = context;
  await using desk = await context.desk('run');
  const known = (await desk.flows()).map((flow) => flow.id);
  if (!known.includes(id)) throw noFlow(id, known);
  const given = parsePairs('--answer', options.answer ?? []);
  const resume =
    options.resume === undefined
      ? undefined
      : { run: options.resume, answers: await typed(desk, options.resume, given) };
  const document = await desk.runFlow({ flow: id, inputs, shadow: options.shadow, resume }, { signal });
  if (output.json) printJson(output, document);
  else {
    const colour = document.status === 'completed' ? 'green' : document.status === 'failed' ? 'red' : 'yellow';
    output.write(
      `${paint(output, 'bold', document.flow)} ${paint(output, colour, document.status)} (${document.mode})\n`,
    );
    printFields(output, {
      run: document.run_id,
      started: document.started_at,
      finished: document.finished_at,
      ...(document.error === null ? {} : { error: document.error }),
      ...(document.waiting_for.length === 0 ? {} : { 'waiting for': document.waiting_for }),
    });
    output.write('\n');
    printTable(
      output,
      document.methods,
      [
        { title: 'STEP', value: (m) => m.id },
        { title: 'RUNS', value: (m) => m.runs, right: true },
        { title: 'OUTPUT', value: (m) => (m.output === null ? null : JSON.stringify(m.output)), max: 110 },
      ],
      'no step ran',
    );
  }
  if (document.status === 'suspended')
    process.stderr.write(
      `crew: flow run ${document.run_id} is suspended between two steps; crew flow run ${document.flow} --resume ${document.run_id} goes on with it\n`,
    );
  if (signal.aborted) process.exitCode = EXIT.interrupted;
  else if (document.status === 'failed' || document.status === 'cancelled') process.exitCode = EXIT.failed;
}

/** `crew flow plot` */
export async function plotFlow(id: string, command: Command): Promise<void> {
  const { output, options } = contextOf(command);
  const { svg } = command.opts<{ svg?: string }>();
  const { loadDeskConfig } = await import('../../config.ts');
  const { flowFromSpec, flowMermaid, flowSvg } = await import('../../../crew/index.ts');
  const { flows } = await loadDeskConfig(options);
  const spec = flows.find((flow) => flow.id === id);
  if (spec === undefined)
    throw noFlow(
      id,
      flows.map((flow) => flow.id),
    );
  const flow = flowFromSpec(spec);
  if (svg === undefined) {
    const mermaid = flowMermaid(flow);
    if (output.json) printJson(output, { flow: id, mermaid });
    else output.write(mermaid);
    return;
  }
  await writeFile(svg, flowSvg(flow));
  if (output.json) printJson(output, { flow: id, file: svg });
  else output.write(`${svg}\n`);
}

function noFlow(id: string, known: readonly string[]): NotFound {
  return new NotFound(`there is no flow '${id}'${didYouMean(id, known)}; flows: ${known.join(', ') || 'none'}`);
}

/** Answers as the questions want them: where one has a schema, JSON. */
async function typed(
  desk: Desk,
  run: string,
  given: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>> {
  const asked = await desk.questions({ run });
  const schemaOf = (name: string): Readonly<Record<string, unknown>> | null =>
    asked.find((q) => q.id === name || (q.run_id === run && q.where === name))?.answer ?? null;
  return Object.fromEntries(
    Object.entries(given).map(([name, text]) => {
      const schema = schemaOf(name);
      return [name, schema === null ? text : parseTypedAnswer(text, schema)];
    }),
  );
}
