import type { Command } from 'commander';
import { list, positiveInteger } from '../parse.ts';

/** `memory`: what agents remember, looked at, looked up and forgotten. */
export function memoryCommands(program: Command): void {
  const memory = program
    .command('memory')
    .description('what agents remember from run to run')
    .addHelpText(
      'after',
      '\nExamples:\n  crew memory ls --scope /crew/data-ops\n  crew memory search "funding of BTCUSDT"\n  crew memory forget --about "Mr Smith" --reason "asked to"\n\nA tenant is a wall: each command sees one, by default the one of crews that name none.',
    );
  const tenant = (command: Command): Command => command.option('--tenant <name>', 'whose memory (default: default)');
  const filtered = (command: Command): Command =>
    tenant(command)
      .option('--scope <path>', 'this place and all below it, as in /crew/data-ops')
      .option('--kind <kind>', 'short_term, long_term or entity')
      .option('--agent <id>', 'what this agent wrote')
      .option('--run <id>', 'what was written in this run')
      .option('--about <text>', 'what holds this text, in any case');
  filtered(memory.command('ls', { isDefault: true }))
    .option('--limit <n>', 'most memories to give', positiveInteger, 50)
    .description('list memories, newest first')
    .action(async (_options: unknown, command: Command) => (await import('../actions/memory.ts')).memories(command));
  tenant(memory.command('search'))
    .argument('<question>')
    .option('--scope <path>', 'only this place and all below it')
    .option('--limit <n>', 'most memories to give', positiveInteger, 10)
    .description('look memories up as agents do; best first, with scores')
    .action(async (question: string, _options: unknown, command: Command) =>
      (await import('../actions/memory.ts')).searchMemory(question, command),
    );
  filtered(memory.command('forget'))
    .option('--ids <ids>', 'these memories', list)
    .requiredOption('--reason <text>', 'why, for the receipt')
    .option('--by <name>', 'who asks for it', process.env['USER'] ?? 'operator')
    .description('delete what matches all that is given; prints the proof')
    .action(async (_options: unknown, command: Command) =>
      (await import('../actions/memory.ts')).forgetMemory(command),
    );
  tenant(memory.command('reset'))
    .requiredOption('--yes', 'really everything of the tenant')
    .option('--reason <text>', 'why, for the receipt', 'reset')
    .option('--by <name>', 'who asks for it', process.env['USER'] ?? 'operator')
    .description('forget everything of a tenant; prints the proof')
    .action(async (_options: unknown, command: Command) => (await import('../actions/memory.ts')).resetMemory(command));
  tenant(memory.command('merges'))
    .description('memories that gave way to one that says the same, or nearly')
    .action(async (_options: unknown, command: Command) => (await import('../actions/memory.ts')).merges(command));
  tenant(memory.command('undo'))
    .argument('<merge>')
    .option('--by <name>', 'who decides', process.env['USER'] ?? 'operator')
    .description('bring back a memory that gave way')
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/memory.ts')).undoMerge(id, command),
    );
  memory
    .command('receipts')
    .description('proofs of forgetting; exit code 1 when one was changed or taken out')
    .action(async (_options: unknown, command: Command) => (await import('../actions/memory.ts')).receipts(command));
}
