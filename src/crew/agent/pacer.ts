import { type Clock, sleep } from '../../kit/clock.ts';

/** Holds callers to so many calls, and so many tokens, a minute. */
export interface Pacer {
  /** Waits until one more call is allowed under `key`. Null: no limit. */
  take(key: string, perMinute: number | null, signal: AbortSignal): Promise<void>;
  /**
   * Waits until `expected` more tokens fit into the minute. A call that alone is above the limit waits until nothing
   * else is in the minute. Null: no limit. Until `spend`, the expected tokens count as used.
   */
  reserve(key: string, perMinute: number | null, expected: number, signal: AbortSignal): Promise<TokenReserve>;
}

/** Tokens held for one call. */
export interface TokenReserve {
  /** Puts what was used in the place of what was expected. */
  spend(tokens: number): void;
}

const MINUTE_MS = 60_000;
const NOTHING: TokenReserve = { spend: () => undefined };

interface Spent {
  readonly at: number;
  tokens: number;
}

/** A pacer over a sliding minute; callers of one key go first come, first served. */
export function createPacer(clock: Clock): Pacer {
  const taken = new Map<string, number[]>();
  const spent = new Map<string, Spent[]>();
  const turns = new Map<string, Promise<unknown>>();

  const fit = async (key: string, perMinute: number, expected: number, signal: AbortSignal): Promise<TokenReserve> => {
    const entries = spent.get(key) ?? [];
    spent.set(key, entries);
    for (;;) {
      const now = clock.monotonicMs();
      while ((entries[0]?.at ?? Infinity) <= now - MINUTE_MS) entries.shift();
      const used = entries.reduce((sum, e) => sum + e.tokens, 0);
      const [oldest] = entries;
      if (oldest === undefined || used + expected <= perMinute) {
        const entry: Spent = { at: now, tokens: expected };
        entries.push(entry);
        return { spend: (tokens) => void (entry.tokens = tokens) };
      }
      await sleep(clock, oldest.at + MINUTE_MS - now, signal);
    }
  };

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
    async reserve(key, perMinute, expected, signal) {
      if (perMinute === null) return NOTHING;
      const before = turns.get(key) ?? Promise.resolve();
      const mine = before.then(() => fit(key, perMinute, expected, signal));
      turns.set(
        key,
        mine.catch(() => undefined),
      );
      return mine;
    },
  };
}
