import type { Command } from 'commander';
import type { ForeignToolRow } from '../../desk.ts';
import { contextOf } from '../context.ts';
import { type Output, printJson, printTable } from '../print.ts';

/** `crew mcp-servers ls` */
export async function mcpServers(command: Command): Promise<void> {
  const context = contextOf(command);
  const { output } = context;
  await using desk = await context.desk('inspect');
  const rows = await desk.mcpServers();
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'SERVER', value: (r) => r.id },
      { title: 'BY', value: (r) => r.transport },
      { title: 'TARGET', value: (r) => r.target, max: 60 },
      { title: 'STATE', value: (r) => r.state },
      { title: 'PROTOCOL', value: (r) => r.protocol },
      { title: 'ACCEPTED', value: (r) => r.accepted, right: true },
      { title: 'LAST ERROR', value: (r) => r.last_error, max: 60 },
    ],
    'system.yaml has no mcp_servers',
  );
}

/** `crew mcp-servers tools` */
export async function mcpTools(server: string | undefined, command: Command): Promise<void> {
  const context = contextOf(command);
  await using desk = await context.desk('inspect');
  printTools(context.output, await desk.mcpTools({ server }));
}

/** `crew mcp-servers accept|forget` */
export async function decideMcpTools(
  verb: 'accept' | 'forget',
  server: string,
  tools: readonly string[],
  command: Command,
): Promise<void> {
  const context = contextOf(command);
  const { by } = command.opts<{ by: string }>();
  await using desk = await context.desk('operate');
  const rows =
    verb === 'accept' ? await desk.acceptMcpTools({ server, tools, by }) : await desk.forgetMcpTools({ server, tools });
  printTools(context.output, rows);
}

function printTools(output: Output, rows: readonly ForeignToolRow[]): void {
  if (output.json) return printJson(output, rows);
  printTable(
    output,
    rows,
    [
      { title: 'TOOL', value: (r) => r.id },
      { title: 'STATE', value: (r) => r.state },
      { title: 'COUNTS AS', value: (r) => (r.category === null ? null : `${r.category} ${r.level ?? ''}`) },
      { title: 'ACCEPTED BY', value: (r) => r.accepted_by },
      { title: 'NOTE', value: (r) => r.note, max: 60 },
      { title: 'DESCRIPTION', value: (r) => r.description.replaceAll(/\s+/g, ' '), max: 60 },
    ],
    'no tools',
  );
}
