import type { Command } from 'commander';
import { withSource } from '../parse.ts';

/** `crew flow`: list, run and draw flows; `crew graph`: draw a crew. */
export function flowCommands(program: Command): void {
  const flow = program.command('flow').description('flows: steps that start each other');
  flow
    .command('ls', { isDefault: true })
    .description('list the flows with what starts them')
    .action(async (_options: unknown, command: Command) => (await import('../actions/flow.ts')).listFlows(command));
  withSource(flow.command('run'))
    .argument('<flow>', 'id of the flow, as crew flow ls shows')
    .option('--input <key=value...>', 'value of a field of its state; may be repeated')
    .option('--shadow', 'agents propose and change nothing but the ops database')
    .option('--resume <run>', 'go on with this run, which waits')
    .option('--answer <step=text...>', 'answer to the question of a step, with --resume')
    .description('run a flow; starts what it needs, or uses the controller that runs')
    .addHelpText(
      'after',
      '\nExamples:\n  crew flow run health_check\n  crew flow run review --resume flow_01 --answer publish=yes',
    )
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/flow.ts')).runFlow(id, command),
    );
  flow
    .command('plot')
    .argument('<flow>', 'id of the flow')
    .option('--svg <file>', 'write a picture instead of printing Mermaid')
    .description('draw a flow: Mermaid on stdout, or an SVG file')
    .addHelpText('after', '\nExamples:\n  crew flow plot health_check\n  crew flow plot health_check --svg flow.svg')
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/flow.ts')).plotFlow(id, command),
    );
  program
    .command('graph')
    .argument('<crew>', 'id of the crew, as crew crews ls shows')
    .option('--svg <file>', 'write a picture instead of printing Mermaid')
    .description('draw the graph that a crew runs as: Mermaid on stdout, or an SVG file')
    .addHelpText('after', '\nExamples:\n  crew graph data-ops\n  crew graph data-ops --svg data-ops.svg')
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/graph.ts')).drawCrew(id, command),
    );
}
