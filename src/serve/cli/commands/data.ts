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
    .requiredOption('--market <name>', 'a market of the venue, as in futures or spot')
    .option('--file <path>', 'raw frames, one JSON text a line (default: stdin)')
    .option(
      '--instruments <path>',
      'JSON with contract sizes and funding intervals, or the instrument list of the venue',
    )
    .description('raw frames in, normalised records out, one JSON a line; unreadable frames are counted on stderr')
    .addHelpText('after', '\nExample:\n  crew decode --exchange binance --market futures --file frames.jsonl')
    .action(async (_options: unknown, command: Command) => (await import('../actions/data.ts')).decode(command));
}
