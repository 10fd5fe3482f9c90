import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../kit/logger.ts';
import type { CrewController } from '../serve/controller.ts';
import type { ControllerOptions } from '../serve/options.ts';

export interface TestControllerOptions extends Omit<ControllerOptions, 'dataDir' | 'control'> {
  /** Connect the collectors, on the embedded simulator unless `source` says otherwise. Default: no. */
  readonly collect?: boolean | undefined;
  /** Default: agents act. */
  readonly shadow?: boolean | undefined;
}

/**
 * A controller for tests of a configuration: started, with nothing that runs by itself, no address, no key from the
 * environment, no log, and a data folder of its own that is deleted when it is disposed of. Give it a `ScriptedModel`
 * (`model.named('m')`) and a `ManualClock`. Throws as `CrewController.start`.
 */
export async function openTestController(options: TestControllerOptions = {}): Promise<CrewController> {
  const { collect = false, ...given } = options;
  // A test of a crew in code needs none of the desk: it is loaded here.
  const { TestController } = await import('./test-controller.ts');
  const dataDir = mkdtempSync(join(tmpdir(), 'crew-test-'));
  const controller = new TestController({
    source: 'sim',
    env: {},
    log: silentLogger,
    ...given,
    dataDir,
    control: false,
  });
  try {
    await controller.start({ shadow: options.shadow, autonomous: false, collect });
  } catch (error) {
    await controller[Symbol.asyncDispose]();
    throw error;
  }
  return controller;
}
