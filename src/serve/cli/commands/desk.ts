import { type Command, Option } from 'commander';
import { positiveInteger, withSource } from '../parse.ts';

/** What the system consists of: crews, agents, tasks, tools, status. */
export function deskCommands(program: Command): void {
  program
    .command('status')
    .description('what runs: state, connections, streams, health')
    .action(async (_options: unknown, command: Command) => (await import('../actions/desk.ts')).status(command));

  for (const [name, what] of [
    ['crews', 'crews of the system'],
    ['agents', 'agents with their roles and tools'],
    ['tasks', 'tasks with their agents and triggers'],
  ] as const) {
    const group = program.command(name).description(what);
    group
      .command('ls', { isDefault: true })
      .description(`list the ${name}`)
      .action(async (_options: unknown, command: Command) =>
        (await import('../actions/desk.ts')).listRows(name, command),
      );
  }

  const tools = program.command('tools').description('tools: list, describe, call');
  tools
    .command('ls', { isDefault: true })
    .description('list the tools')
    .option('--toolset <name>', 'only this toolset')
    .option('--search <words>', 'only tools that match')
    .option('--agent <id>', 'only tools that this agent may use')
    .action(async (_options: unknown, command: Command) => (await import('../actions/desk.ts')).tools(command));
  tools
    .command('show')
    .alias('describe')
    .argument('<name>', 'name or alias')
    .description('input, output and examples of a tool')
    .action(async (name: string, _options: unknown, command: Command) =>
      (await import('../actions/desk.ts')).describeTool(name, command),
    );
  withSource(tools.command('call'))
    .argument('<name>', 'name or alias')
    .option('--args <json>', 'arguments as a JSON object', '{}')
    .option('--agent <id>', "act as this agent; without it, with the operator's role")
    .option('--reason <text>', 'why; kept in the audit')
    .option('--shadow', 'a tool with effects is proposed, not run')
    .description('call a tool through the full pipeline')
    .addHelpText(
      'after',
      `\nExamples:\n  crew tools call get_stream_status\n  crew tools call get_table_stats --args '{"table":"btcusdt_binance_futures_trades"}' --agent schema_manager`,
    )
    .action(async (name: string, _options: unknown, command: Command) =>
      (await import('../actions/desk.ts')).callTool(name, command),
    );

  program
    .command('permissions')
    .description('who may do what')
    .command('explain')
    .argument('<agent>')
    .argument('<tool>')
    .description('the rule that decides; exit code 0 allowed, 3 denied')
    .addHelpText('after', '\nExample:\n  crew permissions explain cleaner vacuum_tables')
    .action(async (agent: string, tool: string, _options: unknown, command: Command) =>
      (await import('../actions/desk.ts')).explain(agent, tool, command),
    );

  program
    .command('query')
    .argument('<sql>', 'one SELECT')
    .option('--limit <rows>', 'most rows to give', positiveInteger, 1000)
    .option('--timeout <time>', 'longest running time, as in 10s', '10s')
    .option('--database <name>', 'market or ops', 'market')
    .description('read the databases with SQL, while everything runs')
    .addHelpText(
      'after',
      '\nExamples:\n  crew query "SELECT count(*) FROM btcusdt_binance_futures_trades"\n  crew query --database ops "SELECT * FROM quality_issues ORDER BY id DESC LIMIT 10" --json',
    )
    .action(async (sql: string, _options: unknown, command: Command) =>
      (await import('../actions/desk.ts')).query(sql, command),
    );

  program
    .command('doctor')
    .description('check that everything needed is there: Node, folders, databases, tape, configuration')
    .action(async (_options: unknown, command: Command) => (await import('../actions/doctor.ts')).doctor(command));

  program
    .command('init')
    .argument('<dir>', 'folder to write to; existing files are kept')
    .description('write a configuration to start your own from')
    .addOption(
      new Option('--template <name>', 'desk: the shipped one; crew: a crew with a tool of its own, nothing of markets')
        .choices(['desk', 'crew'])
        .default('desk'),
    )
    .action(async (dir: string, _options: unknown, command: Command) =>
      (await import('../actions/init.ts')).init(dir, command),
    );

  program
    .command('import')
    .argument('<dir>', 'a CrewAI project, or the folder of its agents.yaml and tasks.yaml')
    .option('--out <dir>', 'folder to write to; must be absent or empty (default: the crew’s name)')
    .description('write a CrewAI project as a TypeScript one')
    .addHelpText(
      'after',
      '\nExample:\n  crew import ../news_room --out news-room && cd news-room && npm install && npm start -- openai:gpt-5-mini topic=gold\n\nThe YAML also runs as it is: crew run --config ../news_room --model openai:gpt-5-mini --input topic=gold',
    )
    .action(async (dir: string, _options: unknown, command: Command) =>
      (await import('../actions/import.ts')).importProject(dir, command),
    );

  program
    .command('completion')
    .argument('<shell>', 'bash, zsh or fish')
    .description('print a completion script')
    .addHelpText('after', '\nExample:\n  source <(crew completion bash)')
    .action(async (shell: string) => (await import('../actions/completion.ts')).completion(shell, program));
}
