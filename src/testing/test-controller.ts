import { rmSync } from 'node:fs';
import { CrewController } from '../serve/controller.ts';
import type { ControllerOptions } from '../serve/options.ts';

/** Takes its data folder away when it is disposed of; `stop` leaves it, so that it can be started again. */
export class TestController extends CrewController {
  readonly #dataDir: string;

  constructor(options: ControllerOptions & { readonly dataDir: string }) {
    super(options);
    this.#dataDir = options.dataDir;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    try {
      await super[Symbol.asyncDispose]();
    } finally {
      rmSync(this.#dataDir, { recursive: true, force: true });
    }
  }
}
