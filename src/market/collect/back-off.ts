import type { Ms } from '../../kit/clock.ts';

/**
 * Delay before try number `attempt` (from 0): uniform in [0, min(max, min · 2^attempt)), the "full jitter" of M. Brooker,
 * "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. With random 0.5, 250 and 30,000: 125, 250, 500 ms …
 */
export function backOffMs(attempt: number, minimumMs: Ms, maximumMs: Ms, random: () => number): Ms {
  const bound = Math.min(maximumMs, minimumMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random() * bound);
}
