import type { Clock } from './clock.ts';
import { InvalidInput, RateLimited } from './errors.ts';
import type { RateGate } from './invoke.ts';

interface Bucket {
  /** Monotonic time, ms, at which the bucket is full again. */
  fullAt: number;
  perSecond: number;
  burst: number;
}

/**
 * Token buckets, one a key: `burst` calls at once, then `perSecond`. Taking is one synchronous step, so any number
 * of concurrent callers together stay inside the limit. When callers name different limits for one key, the
 * strictest seen holds. Throws RateLimited with the time after which one call would pass, InvalidInput for a limit
 * that lets nothing through.
 */
export function createRateGate(clock: Clock): RateGate {
  const buckets = new Map<string, Bucket>();
  return {
    take(key, limit) {
      if (!(limit.perSecond > 0) || !(limit.burst >= 1)) {
        throw new InvalidInput(
          `rate limit of ${key} is ${limit.perSecond}/s with burst ${limit.burst}: it lets nothing through`,
        );
      }
      const now = clock.monotonicMs();
      const bucket = buckets.get(key) ?? { fullAt: now, perSecond: limit.perSecond, burst: limit.burst };
      bucket.perSecond = Math.min(bucket.perSecond, limit.perSecond);
      bucket.burst = Math.min(bucket.burst, limit.burst);
      buckets.set(key, bucket);
      const interval = 1000 / bucket.perSecond;
      const fullAt = Math.max(bucket.fullAt, now) + interval;
      const wait = fullAt - now - bucket.burst * interval;
      // One microsecond of slack keeps sums of fractions from refusing a call that is due.
      if (wait > 0.001) {
        const retryAfterMs = Math.ceil(wait);
        throw new RateLimited(
          `the limit of ${key} is ${bucket.perSecond} calls a second and ${bucket.burst} at once; try again in ${retryAfterMs} ms`,
          retryAfterMs,
        );
      }
      bucket.fullAt = fullAt;
    },
  };
}
