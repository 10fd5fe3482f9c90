import { Command, CommanderError, Option } from 'commander';
import { LOG_LEVELS } from '../../kit/logger.ts';
import { VERSION } from '../version.ts';
import { dataCommands } from './commands/data.ts';
import { deskCommands } from './commands/desk.ts';
import { flowCommands } from './commands/flow.ts';
import { memoryCommands } from './commands/memory.ts';
import { opsCommands } from './commands/ops.ts';
import { runCommands } from './commands/run.ts';
import { usageCommands } from './commands/usage.ts';
import { EXAMPLES } from './examples.ts';

/** The whole command tree. Building it loads no action. */
export function createProgram(): Command {
  const program = new Command('crew')
    .description('Crews of agents that run a crypto market-data desk, and the framework to build your own.')
    .version(VERSION)
    .option(
      '--config <dir>',
      'folder with system.yaml, agents.yaml, tasks.yaml, crews.yaml, flows.yaml (default: the working directory, else the shipped files)',
    )
    .option('--data <dir>', 'folder of the databases and the tape (default: data)')
    .option('--json', 'print one JSON document')
    .addOption(new Option('--log-level <level>', 'how much is logged, to stderr (default: warn)').choices(LOG_LEVELS))
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showHelpAfterError('(crew --help lists the commands)')
    .showSuggestionAfterError()
    .exitOverride();
  runCommands(program);
  deskCommands(program);
  flowCommands(program);
  opsCommands(program);
  memoryCommands(program);
  usageCommands(program);
  dataCommands(program);
  program.addHelpText(
    'after',
    `
Examples:
  crew start                                       the desk on the embedded simulator
  crew run data-ops --shadow --duration 30s        let the Data Ops crew propose for 30 s
  crew query "SELECT * FROM btcusdt_binance_futures_trades ORDER BY event_time DESC LIMIT 5"
  crew mcp                                         serve the tools to an LLM client over stdio

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 refused by permission, 4 no source reachable, 130 interrupted`,
  );
  for (const command of allCommands(program)) {
    const examples = EXAMPLES[pathOf(command)];
    if (examples !== undefined) command.addHelpText('after', `\nExamples:\n  ${examples.join('\n  ')}`);
    command.exitOverride();
  }
  return program;
}

/** `tools call`: the words after `crew`. */
export function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${pathOf(parent)} ${command.name()}`;
}

/** Every command of the tree, groups too. */
export function allCommands(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)]);
}

/** Whether commander itself ended the parse: help, version, or a usage error (already printed). */
export function isUsageError(error: unknown): error is CommanderError {
  return error instanceof CommanderError;
}
