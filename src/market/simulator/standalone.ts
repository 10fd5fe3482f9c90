import type { Simulator, SimulatorOptions } from './server.ts';
import { startSimulator } from './server.ts';

/**
 * Serves the simulated markets until `signal` aborts. `onReady` gets the running simulator once all ports listen, to
 * print its addresses. Throws as `startSimulator` does.
 */
export async function serveSimulator(
  options: SimulatorOptions,
  signal: AbortSignal,
  onReady: (simulator: Simulator) => void,
): Promise<void> {
  signal.throwIfAborted();
  await using simulator = await startSimulator(options);
  onReady(simulator);
  // The listeners do not keep the process alive by themselves: a timer does until the abort.
  await new Promise<void>((resolve) => {
    const keep = (): void => {
      timer = options.clock.schedule(60_000, keep, { keepAlive: true });
    };
    let timer = options.clock.schedule(60_000, keep, { keepAlive: true });
    signal.addEventListener(
      'abort',
      () => {
        timer.cancel();
        resolve();
      },
      { once: true },
    );
  });
}
