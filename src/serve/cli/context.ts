import type { Command } from 'commander';
import { StopRequested } from '../../kit/errors.ts';
import type { LogLevel } from '../../kit/logger.ts';
import type { ControllerOptions } from '../options.ts';
import type { Desk } from '../desk.ts';
import { EXIT } from './exit.ts';
import { createLiveRegion, createOutput, type LiveRegion, type Output } from './print.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly config?: string;
  readonly data?: string;
  readonly json?: boolean;
  readonly logLevel?: LogLevel;
}

/** Options of commands that may start a source. */
export interface SourceOptions {
  readonly source?: string;
  readonly exchanges?: readonly string[];
  readonly symbols?: readonly string[];
  readonly model?: string;
  readonly simSeed?: number;
  readonly simFault?: string;
  readonly simSpeed?: number;
  readonly shadow?: boolean;
}

/** What an action gets: how to print, when to stop, and how to reach a desk. */
export interface ActionContext {
  readonly output: Output;
  readonly signal: AbortSignal;
  /** What changes on the terminal while a command works; null when a person does not see it. */
  readonly live: LiveRegion | null;
  readonly options: ControllerOptions;
  /** `inspect` reads only; `operate` may change the ops database; `run` starts collectors. A running controller wins. */
  desk(mode: 'inspect' | 'operate' | 'run'): Promise<Desk>;
}

/**
 * Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. SIGTERM suspends the runs at work, SIGINT
 * cancels those that were started here.
 */
export function interruptSignal(): AbortSignal {
  const abort = new AbortController();
  const stop = (reason: DOMException): void => {
    if (abort.signal.aborted) process.exit(EXIT.interrupted);
    abort.abort(reason);
  };
  process.on('SIGINT', () => stop(new DOMException('interrupted by SIGINT', 'AbortError')));
  process.on('SIGTERM', () => stop(new StopRequested('interrupted by SIGTERM')));
  return abort.signal;
}

/** Reads the options of a command and its parents into what the controller takes. */
export function contextOf(command: Command, overrides: Partial<ControllerOptions> = {}): ActionContext {
  const given = command.optsWithGlobals<GlobalOptions & SourceOptions>();
  const output = createOutput(given.json === true, process.env);
  const signal = interruptSignal();
  const live =
    process.stderr.isTTY && !output.json ? createLiveRegion((text) => void process.stderr.write(text)) : null;
  const options: ControllerOptions = {
    config: given.config,
    dataDir: given.data,
    logLevel: given.logLevel,
    writeLog: live?.above,
    source: given.source,
    exchanges: given.exchanges,
    symbols: given.symbols,
    model: given.model,
    shadow: given.shadow,
    simulator: { seed: given.simSeed, faults: given.simFault, speed: given.simSpeed },
    ...overrides,
  };
  return {
    output,
    signal,
    live,
    options,
    async desk(mode) {
      const { openDesk } = await import('../open.ts');
      return openDesk(options, mode, signal, (pid) => {
        process.stderr.write(`waiting for process ${pid}, which is opening or closing the data folder …\n`);
      });
    },
  };
}
