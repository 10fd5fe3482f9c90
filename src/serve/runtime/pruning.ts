import type { Clock, Ms } from '../../kit/clock.ts';
import { errorMessage } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';

const EVERY_MS: Ms = 3_600_000;

/**
 * Runs `work` every hour until disposed, never two at a time; a failure is logged as `<name>.prune_failed` and tried
 * again an hour later. Disposing waits for a run under way.
 */
export function keepPruned(options: {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly work: () => Promise<unknown>;
}): AsyncDisposable {
  const { name, clock, log, work } = options;
  let running = Promise.resolve();
  let timer = clock.schedule(EVERY_MS, turn);
  function turn(): void {
    running = running
      .then(work)
      .catch((error: unknown) => log.error(`${name}.prune_failed`, { error: errorMessage(error) }))
      .then(() => undefined);
    timer = clock.schedule(EVERY_MS, turn);
  }
  return {
    async [Symbol.asyncDispose]() {
      timer.cancel();
      await running;
    },
  };
}
