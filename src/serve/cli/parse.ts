import { type Command, InvalidArgumentError } from 'commander';
import { InvalidInput } from '../../kit/errors.ts';

/** `a,b` → two items; empty items are an error. */
export function list(value: string): readonly string[] {
  const items = value.split(',').map((item) => item.trim());
  if (items.some((item) => item === '')) throw new InvalidArgumentError('write names separated by commas, as in a,b');
  return items;
}

export function positiveInteger(value: string): number {
  const n = Number(value);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError('a whole number from 1 is needed');
  return n;
}

export function anyNumber(value: string): number {
  const n = Number(value);
  if (value.trim() === '' || !Number.isFinite(n)) throw new InvalidArgumentError('a number is needed');
  return n;
}

export function share(value: string): number {
  const n = anyNumber(value);
  if (n < 0 || n > 1) throw new InvalidArgumentError('a number from 0 to 1 is needed');
  return n;
}

/** Bounds as `market.simulator.speed` has them: at 0 the simulated time would stand still. */
export function speed(value: string): number {
  const n = anyNumber(value);
  if (n < 0.01 || n > 10_000) throw new InvalidArgumentError('a number from 0.01 to 10000 is needed');
  return n;
}

/** Options of commands that may start a source. */
export function withSource(command: Command): Command {
  return command
    .option('--source <source>', 'sim, live or tape:DIR (default: sim)')
    .option('--exchanges <names>', 'venues or venue markets, as in binance,bybit_spot, or all', list)
    .option('--symbols <names>', 'symbols, as in BTCUSDT,ETHUSDT', list)
    .option('--model <name>', 'playbook, openai:NAME, anthropic:NAME or ollama:NAME (default: playbook)')
    .option('--sim-seed <n>', 'seed of the simulated market', anyNumber)
    .option('--sim-fault <faults>', 'faults to inject: disconnect@5s,gap@8s/2s,spike@12s …')
    .option('--sim-speed <n>', 'simulated seconds per second', speed);
}

/** `['a=1', 'b=']` → `{ a: '1', b: '' }`. Throws InvalidInput, naming the option, for anything else. */
export function parsePairs(option: string, pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new InvalidInput(`${option} '${pair}' is not key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/**
 * What a person typed as an answer: JSON where it is JSON, else the text itself; where only a text will do, the text.
 */
export function parseTypedAnswer(text: string, schema: Readonly<Record<string, unknown>> | null): unknown {
  if (schema?.['type'] === 'string' && !text.startsWith('"')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
