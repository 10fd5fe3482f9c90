import { resolve } from 'node:path';
import { systemClock } from '../infra/clock.ts';
import { DatabaseThread } from '../infra/duckdb/thread.ts';
import { Conflict } from '../kit/errors.ts';
import { awaitAddress, type ControlAddress } from './control/address.ts';
import { connectDesk } from './control/client.ts';
import type { Desk } from './desk.ts';
import type { ControllerOptions } from './options.ts';

/** A controller that is opening is waited for this long. It opens in a few seconds, unless it has a tape to replay. */
const OPENING_MS = 15_000;

/** The address of the controller on the data folder, also when it is only just opening; undefined when none runs. */
export function runningController(
  options: Pick<ControllerOptions, 'dataDir'>,
  signal?: AbortSignal,
  onWait?: (pid: number) => void,
): Promise<ControlAddress | undefined> {
  const dataDir = resolve(options.dataDir ?? 'data');
  return awaitAddress(dataDir, { clock: systemClock, atMostMs: OPENING_MS, signal, onWait });
}

/** The controller's module; the threads of its two databases load DuckDB meanwhile. */
export function loadController(): Promise<typeof import('./controller.ts')> {
  DatabaseThread.startAhead(2);
  return import('./controller.ts');
}

/**
 * The desk to talk to: the controller that runs on the data folder or is opening it, if one does; else, by what is meant to be done,
 * the files (`inspect`), a controller of this process that is not connected (`operate`), or one that is (`run`).
 */
export async function openDesk(
  options: ControllerOptions,
  mode: 'inspect' | 'operate' | 'run',
  signal?: AbortSignal,
  onWait?: (pid: number) => void,
): Promise<Desk> {
  const address = await runningController(options, signal, onWait);
  if (address !== undefined) return connectDesk(address);
  if (mode === 'inspect') {
    const { openFilesDesk } = await import('./files-desk.ts');
    return openFilesDesk(options);
  }
  const { CrewController } = await loadController();
  const controller = new CrewController(options);
  try {
    if (mode === 'operate') await controller.initialize();
    else await controller.start({ shadow: options.shadow, autonomous: false, signal });
  } catch (error) {
    await controller[Symbol.asyncDispose]();
    return connectDesk(await addressAfter(error, options, signal, onWait));
  }
  const { LocalDesk } = await import('./local-desk.ts');
  return new LocalDesk(controller, () => controller[Symbol.asyncDispose]());
}

/**
 * The address of the controller that took the data folder between our look and our own opening, which `error` refused.
 * Throws `error` when it says something else, or none is there in the end.
 */
export async function addressAfter(
  error: unknown,
  options: Pick<ControllerOptions, 'dataDir'>,
  signal?: AbortSignal,
  onWait?: (pid: number) => void,
): Promise<ControlAddress> {
  const address = error instanceof Conflict ? await runningController(options, signal, onWait) : undefined;
  if (address === undefined) throw error;
  return address;
}
