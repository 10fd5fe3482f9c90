import { resolve } from 'node:path';
import { readAddress } from './control/address.ts';
import { connectDesk } from './control/client.ts';
import type { Desk } from './desk.ts';
import type { ControllerOptions } from './options.ts';

/**
 * The desk to talk to: the controller that runs on the data folder, if one does; else, by what is meant to be done,
 * the files (`inspect`), a controller of this process that is not connected (`operate`), or one that is (`run`).
 */
export async function openDesk(
  options: ControllerOptions,
  mode: 'inspect' | 'operate' | 'run',
  signal?: AbortSignal,
): Promise<Desk> {
  const address = readAddress(resolve(options.dataDir ?? 'data'));
  if (address !== undefined) return connectDesk(address);
  if (mode === 'inspect') {
    const { openFilesDesk } = await import('./files-desk.ts');
    return openFilesDesk(options);
  }
  const { CrewController } = await import('./controller.ts');
  const controller = new CrewController(options);
  if (mode === 'operate') await controller.initialize();
  else await controller.start({ shadow: options.shadow, autonomous: false, signal });
  const { LocalDesk } = await import('./local-desk.ts');
  return new LocalDesk(controller, () => controller[Symbol.asyncDispose]());
}
