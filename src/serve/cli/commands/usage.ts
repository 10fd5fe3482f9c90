import { type Command, Option } from 'commander';
import { USAGE_GROUPS } from '../../../crew/spend/call.ts';
import { positiveInteger } from '../parse.ts';

/** What models were asked, what it cost, and what may be spent. */
export function usageCommands(program: Command): void {
  const usage = program.command('usage').description('calls of models: tokens, cost, prices, budgets');
  narrowed(usage.command('sum', { isDefault: true }))
    .addOption(
      new Option('--by <what>', 'what to sum by; tool: on whose account an agent worked, as delegate_work')
        .choices([...USAGE_GROUPS])
        .default('model'),
    )
    .description('sums of tokens and cost')
    .action(async (_options: unknown, command: Command) => (await import('../actions/usage.ts')).sums(command));
  narrowed(usage.command('calls'))
    .option('--limit <n>', 'most calls to give', positiveInteger, 50)
    .description('the calls themselves, newest first')
    .action(async (_options: unknown, command: Command) => (await import('../actions/usage.ts')).calls(command));
  usage
    .command('prices')
    .option('--model <name>', 'only this model')
    .description('prices in use, USD for a million tokens, with source and day')
    .action(async (_options: unknown, command: Command) => (await import('../actions/usage.ts')).prices(command));
  usage
    .command('budgets')
    .option('--run <id>', 'the run that budgets per run are shown for')
    .description('budgets of system.yaml, with what is spent and held now')
    .action(async (_options: unknown, command: Command) => (await import('../actions/usage.ts')).budgets(command));
}

function narrowed(command: Command): Command {
  return command
    .option('--since <time>', 'ISO time, or how long ago, as in 1d')
    .option('--until <time>', 'ISO time, or how long ago')
    .option('--run <id>', 'only this run')
    .option('--crew <id>', 'only this crew')
    .option('--agent <id>', 'only this agent')
    .option('--task <id>', 'only this task')
    .option('--model <name>', 'only this model, as in openai:gpt-5-mini');
}
