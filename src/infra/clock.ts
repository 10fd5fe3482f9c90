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
