import { resolve } from 'node:path';
import type { Command } from 'commander';
import { parseDuration } from '../../../kit/duration.ts';
import { InvalidInput } from '../../../kit/errors.ts';
import { abortAfter, systemClock } from '../../../infra/clock.ts';
import { stderrLogger } from '../../../infra/logger.ts';
import { marketsOf } from '../../../market/collect/markets.ts';
import { marketKey } from '../../../market/domain/records.ts';
import { venues } from '../../../market/exchanges/catalogue.generated.ts';
import { contextOf } from '../context.ts';
import { EXIT } from '../exit.ts';
import { printFields, printJson } from '../print.ts';

// Loaders stand outside functions that use `await using`: inside, TypeScript leaves the path of an import() unwritten.
const loadTruth = () => import('../../../market/simulator/truth.ts');
const loadServer = () => import('../../../market/simulator/server.ts');

const DEFAULT_SEED = 7;

/** `crew sim` */
export async function sim(command: Command): Promise<void> {
  const options = command.opts<{
    seed?: number;
    export?: string;
    from?: string;
    duration: string;
    faults?: string;
    speed?: number;
    exchanges?: readonly string[];
    symbols?: readonly string[];
  }>();
  const { output, signal, options: common } = contextOf(command);
  const durationMs = parseDuration(options.duration);
  const seed = options.seed ?? DEFAULT_SEED;
  if (options.export !== undefined) {
    const { exportTruth } = await loadTruth();
    const from = options.from === undefined ? Math.floor(Date.now() / 1000) * 1000 : Date.parse(options.from);
    if (Number.isNaN(from)) throw new InvalidInput(`--from '${options.from ?? ''}' is not an ISO time`);
    const files = await exportTruth({
      seed,
      from,
      durationMs,
      dir: resolve(options.export),
      markets: options.exchanges,
      symbols: options.symbols,
      signal,
    });
    if (output.json) printJson(output, { seed, from: new Date(from).toISOString(), duration_ms: durationMs, files });
    else for (const file of files) output.write(`${String(file.records).padStart(9)}  ${file.path}\n`);
    return;
  }
  const { startSimulator } = await loadServer();
  const log = stderrLogger(common.logLevel ?? 'info', false);
  await using simulator = await startSimulator({
    seed,
    speed: options.speed ?? 1,
    faults: options.faults === undefined ? [] : [options.faults],
    clock: systemClock,
    log,
    symbols: options.symbols,
    markets: marketsOf(venues, options.exchanges ?? ['all']).map((m) => marketKey(m.exchange, m.market)),
  });
  if (output.json) printJson(output, { seed, addresses: simulator.addresses });
  else {
    for (const [market, addresses] of Object.entries(simulator.addresses))
      printFields(
        output,
        Object.fromEntries(Object.entries(addresses).map(([name, url]) => [`${market} ${name}`, url])),
      );
  }
  using stop = abortAfter(durationMs, signal);
  await new Promise<void>((done) => stop.signal.addEventListener('abort', () => done(), { once: true }));
  if (signal.aborted) process.exitCode = EXIT.interrupted;
}
