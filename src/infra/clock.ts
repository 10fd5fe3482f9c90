import type { Clock, Ms, Timer } from '../kit/clock.ts';

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs: Ms, callback: () => void, options): Timer {
    const timer = setTimeout(callback, Math.min(delayMs, 2_147_483_647));
    if (options?.keepAlive !== true) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/**
 * A signal that aborts after `timeoutMs`, or with `outer`, whichever comes first; `isLate` tells that it was the time.
 * Disposed, its timer goes. In place of `AbortSignal.any([outer, AbortSignal.timeout(ms)])`: nothing but the timer holds
 * such a timeout, weakly, and on Node 20 it is collected as garbage before its time, and then never comes.
 */
export function abortAfter(
  timeoutMs: Ms,
  outer?: AbortSignal,
): Disposable & { signal: AbortSignal; isLate(): boolean } {
  const controller = new AbortController();
  let late = false;
  const onAbort = (): void => controller.abort(outer?.reason);
  const timer = systemClock.schedule(timeoutMs, () => {
    late = !controller.signal.aborted;
    controller.abort(new DOMException('the time is over', 'TimeoutError'));
  });
  if (outer?.aborted === true) onAbort();
  else outer?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    isLate: () => late,
    [Symbol.dispose]: () => {
      timer.cancel();
      outer?.removeEventListener('abort', onAbort);
    },
  };
}
