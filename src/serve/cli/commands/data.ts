import type { Command } from 'commander';
import { list, positiveInteger } from '../parse.ts';

/** Venues, and raw data: tape and decoder. */
export function dataCommands(program: Command): void {
  const venues = program.command('venues').description('the venues that can be collected');
  venues
    .command('ls', { isDefault: true })
    .option('--exchanges <names>', 'only these, as in binance,bybit_spot', list)
    .description('venue markets and the streams that each offers')
    .addHelpText('after', '\nExamples:\n  crew venues ls\n  crew venues ls --exchanges binance --json')
    .action(async (_options: unknown, command: Command) => (await import('../actions/venues.ts')).venuesList(command));

  const tape = program.command('tape').description('the raw log of everything received');
  tape
    .command('ls', { isDefault: true })
    .option('--dir <dir>', 'tape folder (default: tape in the data folder)')
    .description('list the segments')
    .action(async (_options: unknown, command: Command) => (await import('../actions/data.ts')).tapeList(command));
  tape
    .command('verify')
    .option('--dir <dir>', 'tape folder (default: tape in the data folder)')
    .description('check every block; exit code 1 when one is damaged')
    .action(async (_options: unknown, command: Command) => (await import('../actions/data.ts')).tapeVerify(command));
  tape
    .command('replay')
    .option('--dir <dir>', 'tape folder (default: tape in the data folder)')
    .option('--limit <n>', 'most items to give', positiveInteger)
    .option('--records', 'decode: print normalised records instead of raw items')
    .description('print the items in order, one JSON a line')
    .addHelpText('after', '\nExamples:\n  crew tape replay --limit 5\n  crew tape replay --records | head')
    .action(async (_options: unknown, command: Command) => (await import('../actions/data.ts')).tapeReplay(command));

  tape
    .command('prune')
    .option('--older-than <age>', 'segments that ended longer ago than this, as in 7d', '30d')
    .option('--dry-run', 'only tell what would go')
    .description('delete old segments; what the database still needs stays, and so does what they told of completeness')
    .addHelpText('after', '\nExamples:\n  crew tape prune --dry-run\n  crew tape prune --older-than 7d')
    .action(async (_options: unknown, command: Command) => (await import('../actions/backup.ts')).tapePrune(command));

  backupCommands(program);

  program
    .command('storage')
    .option('--dir <dir>', 'tape folder (default: tape in the data folder)')
    .option('--since <time>', 'only what was received since: ISO time, or a duration before now')
    .description('bytes by venue, market and stream on the tape and in the database, and a day at the rate seen')
    .addHelpText('after', '\nExamples:\n  crew storage\n  crew storage --since 6h --json')
    .action(async (_options: unknown, command: Command) => (await import('../actions/storage.ts')).storage(command));

  program
    .command('coverage')
    .option('--exchange <name>', 'only this venue')
    .option('--market <name>', 'only this market: futures, spot …')
    .option('--symbol <name>', 'only this symbol, as in BTCUSDT')
    .option('--stream <name>', 'only this stream, as in trades')
    .option('--since <time>', 'start: ISO time, or a duration before now', '1h')
    .option('--until <time>', 'end: ISO time, or a duration before now (default: now)')
    .option('--svg <file>', 'also draw a strip a series into this file')
    .description('what is held whole and what is missing of each series, from the completeness ledger')
    .addHelpText(
      'after',
      '\nExamples:\n  crew coverage --since 24h\n  crew coverage --stream trades --svg coverage.svg',
    )
    .action(async (_options: unknown, command: Command) => (await import('../actions/coverage.ts')).coverage(command));

  program
    .command('decode')
    .requiredOption('--exchange <name>', 'venue, as in binance')
    .option('--market <name>', 'a market of the venue: futures (or swap, linear …), spot, options')
    .option('--file <path>', 'raw frames, one JSON text a line, gzipped or not (default: stdin)')
    .option(
      '--instruments <path>',
      'JSON with contract sizes and funding intervals, or the instrument list of the venue',
    )
    .description('raw frames in, normalised records out, one JSON a line; unreadable frames are counted on stderr')
    .addHelpText('after', '\nExample:\n  crew decode --exchange binance --market futures --file frames.jsonl')
    .action(async (_options: unknown, command: Command) => (await import('../actions/data.ts')).decode(command));
}

function backupCommands(program: Command): void {
  const backup = program.command('backup').description('copies of both databases and the finished days');
  const dir = ['--dir <dir>', 'folder of the backups (default: backup.dir of system.yaml)'] as const;
  backup
    .command('ls', { isDefault: true })
    .option(...dir)
    .description('list the backups, newest first')
    .action(async (_options: unknown, command: Command) => (await import('../actions/backup.ts')).backupList(command));
  backup
    .command('create')
    .option('--tape', 'with the tape')
    .description('make one now, through the running controller when there is one; old ones beyond backup.keep go')
    .addHelpText('after', '\nExamples:\n  crew backup create\n  crew backup create --tape --json')
    .action(async (_options: unknown, command: Command) =>
      (await import('../actions/backup.ts')).backupCreate(command),
    );
  backup
    .command('verify')
    .argument('[id]', 'a backup, or latest', 'latest')
    .option(...dir)
    .description('compare every file with its hash and open the copies; exit code 1 when one is damaged')
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/backup.ts')).backupVerify(id, command),
    );
  backup
    .command('restore')
    .argument('[id]', 'a backup, or latest', 'latest')
    .option(...dir)
    .option('--force', 'move aside what the data folder holds')
    .description('put a backup into the data folder; never while a controller runs there')
    .addHelpText(
      'after',
      '\nExamples:\n  crew backup restore latest --data /srv/desk2 --dir /srv/desk/backups\n  crew backup restore --force',
    )
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('../actions/backup.ts')).backupRestore(id, command),
    );
}
