import { type Clock, sleep } from '../../kit/clock.ts';

/** Holds callers to so many calls a minute. */
export interface Pacer {
  /** Waits until one more call is allowed under `key`. Null: no limit. */
  take(key: string, perMinute: number | null, signal: AbortSignal): Promise<void>;
}

const MINUTE_MS = 60_000;

/** A pacer over a sliding minute; callers of one key go first come, first served. */
export function createPacer(clock: Clock): Pacer {
  const taken = new Map<string, number[]>();
  return {
    async take(key, perMinute, signal) {
      if (perMinute === null) return;
      const times = taken.get(key) ?? [];
      taken.set(key, times);
      const now = clock.monotonicMs();
      while (times.length > 0 && (times[0] ?? 0) <= now - MINUTE_MS) times.shift();
      const earlier = times[times.length - perMinute];
      const at = earlier === undefined ? now : Math.max(now, earlier + MINUTE_MS);
      times.push(at);
      if (at > now) await sleep(clock, at - now, signal);
    },
  };
}
