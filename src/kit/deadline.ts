import { setMaxListeners } from 'node:events';
import type { Clock, Ms } from './clock.ts';

/**
 * Runs `work` with a signal that aborts at the deadline or with `outer`, and does not wait longer than that for work
 * that ignores its signal. Rejects with `late()` after `timeoutMs`, with the reason of `outer` when that aborts first.
 */
export function withDeadline<T>(
  options: {
    readonly clock: Clock;
    readonly timeoutMs: Ms;
    readonly outer: AbortSignal | undefined;
    readonly late: () => Error;
  },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, timeoutMs, outer, late } = options;
  if (outer?.aborted === true) return Promise.reject(outer.reason as Error);
  const controller = new AbortController();
  // Many calls of one run share its signal, and a tool may hand its own to many queries: that is no leak to warn of.
  setMaxListeners(0, controller.signal, ...(outer === undefined ? [] : [outer]));
  return new Promise<T>((resolve, reject) => {
    const stop = (reason: Error): void => {
      release();
      reject(reason);
      controller.abort(reason);
    };
    const onAbort = (): void => stop(outer?.reason as Error);
    const timer = clock.schedule(timeoutMs, () => stop(late()), { keepAlive: true });
    const release = (): void => {
      timer.cancel();
      outer?.removeEventListener('abort', onAbort);
    };
    outer?.addEventListener('abort', onAbort, { once: true });
    work(controller.signal).then(
      (value) => {
        release();
        resolve(value);
      },
      (error: unknown) => {
        release();
        reject(error);
      },
    );
  });
}
