import type { Command } from 'commander';
import { anyNumber, list, positiveInteger, share, speed, withSource } from '../parse.ts';

/** `start`, `run`, `mcp`, `sim`: commands that may run for long. */
export function runCommands(program: Command): void {
  withSource(program.command('start'))
    .description('start the controller: collectors, crews and behaviours, until Ctrl-C')
    .option('--shadow', 'agents propose and change nothing but the ops database')
    .option('--duration <time>', 'stop after this time from the first connection, as in 30s or 5m')
    .addHelpText(
      'after',
      '\nExamples:\n  crew start\n  crew start --exchanges binance --symbols BTCUSDT,ETHUSDT --shadow\n  crew start --sim-fault disconnect@5s,gap@8s/2s',
    )
    .action(async (_options: unknown, command: Command) => (await import('../actions/start.ts')).start(command));

  withSource(program.command('run'))
    .argument(
      '[crew]',
      'id of the crew, as crew crews ls shows, or agent:ID for one agent; may be left out where there is one crew',
    )
    .description('run one crew; starts what it needs, or uses the controller that runs')
    .option('--shadow', 'agents propose and change nothing but the ops database')
    .option('--duration <time>', 'work this long from the first connection, as in 30s (default: one round)')
    .option('--input <key=value...>', 'value for a {placeholder} of the tasks; may be repeated')
    .addHelpText(
      'after',
      '\nExamples:\n  crew run data-ops --shadow --source sim --duration 30s --json\n  crew run operations\n  crew run data-ops --model openai:gpt-5-mini --input symbol=BTCUSDT',
    )
    .action(async (crew: string | undefined, _options: unknown, command: Command) =>
      (await import('../actions/run.ts')).run(crew, command),
    );

  withSource(program.command('test'))
    .argument('<crew>', 'id of the crew, as crew crews ls shows')
    .option('-n, --n <runs>', 'runs of each case', positiveInteger, 1)
    .option('--cases <file>', 'file of cases (default: crews/CREW/evaluation.yaml of the configuration)')
    .option('--threshold <score>', 'mean score from which it passes, 0 to 1, instead of the file’s', share)
    .option('--active', 'let it act instead of propose')
    .description('score runs of a crew by rules, reference answers or a judge; status 1 below the threshold')
    .addHelpText(
      'after',
      '\nExamples:\n  crew test operations -n 5\n  crew test desk --cases cases.yaml --threshold 0.8 --json',
    )
    .action(async (crew: string, _options: unknown, command: Command) =>
      (await import('../actions/test.ts')).testCrew(crew, command),
    );

  withSource(program.command('train'))
    .argument('<crew>', 'id of the crew, as crew crews ls shows')
    .option('-n, --n <rounds>', 'runs to look at, one after the other', positiveInteger, 1)
    .option('--input <key=value...>', 'value for a {placeholder} of the tasks; may be repeated')
    .option('--run <id>', 'say something of this run instead of running the crew')
    .option('--feedback <task=text...>', 'what should be different, instead of being asked; may be repeated')
    .option('--by <name>', 'who says it, for the record', process.env['USER'] ?? 'operator')
    .option('--active', 'let it act instead of propose')
    .option('--list', 'show the feedback that is kept')
    .option('--forget <id>', 'take a piece of feedback back')
    .description('keep what people say of a crew’s answers: later prompts of the agents have it')
    .addHelpText(
      'after',
      '\nExamples:\n  crew train operations -n 2\n  crew train desk --run run_1 --feedback report="half as long" --by alice\n  crew train desk --list',
    )
    .action(async (crew: string, _options: unknown, command: Command) =>
      (await import('../actions/train.ts')).trainCrew(crew, command),
    );

  withSource(program.command('mcp'))
    .description('serve the tools to LLM clients over MCP: stdio, or Streamable HTTP with --http')
    .option('--http <port>', 'listen on this port instead of stdio (0: any free one)', anyNumber)
    .option('--host <address>', 'address to listen on; anything but loopback needs a token', '127.0.0.1')
    .option('--token-env <name>', 'environment variable that holds the token for --http', 'MCP_TOKEN')
    .option('--toolsets <names>', 'toolsets to list in full, a,b or all (default: a small set with search)')
    .option('--shadow', 'tools with effects are proposed, not run')
    .addHelpText('after', '\nExamples:\n  crew mcp\n  crew mcp --http 3333 --toolsets all')
    .action(async (_options: unknown, command: Command) => (await import('../actions/mcp.ts')).mcp(command));

  program
    .command('sim')
    .description('run the simulated venues alone, or export what they will do')
    .option('--seed <n>', 'seed of the market', anyNumber)
    .option('--export <dir>', 'write the truth as JSON lines into this folder and stop')
    .option('--from <time>', 'begin of the export, ISO time (default: now)')
    .option('--duration <time>', 'length of the export, or how long to serve', '60s')
    .option('--faults <faults>', 'faults to inject while serving')
    .option('--speed <n>', 'simulated seconds per second', speed)
    .option('--exchanges <names>', 'venues or venue markets, as in binance,bybit_spot', list)
    .option('--symbols <names>', 'symbols, as in BTCUSDT,ETHUSDT', list)
    .addHelpText(
      'after',
      '\nExamples:\n  crew sim --seed 7 --export truth --duration 60s\n  crew sim --seed 7 --duration 10m --faults disconnect@5s',
    )
    .action(async (_options: unknown, command: Command) => (await import('../actions/sim.ts')).sim(command));
}
