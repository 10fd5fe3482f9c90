import type { Clock, Ms, Timer } from '../kit/clock.ts';
import { Unavailable } from '../kit/errors.ts';

export interface RateLimitStatus {
  readonly host: string;
  /** Weight spent in the last 60 s. */
  readonly used_weight: number;
  /** Weight allowed per 60 s now (halved for five minutes after a refusal). */
  readonly limit: number;
  readonly blocked_until: Ms | null;
  /** Until when we ask half as often after a refusal; null when we do not hold back. */
  readonly halved_until: Ms | null;
  /** Refusals (418, 429 and the venue's own codes) since the last answer. */
  readonly refused_in_a_row: number;
}

/** So much weight in a time shorter than a minute: venues that count over seconds refuse a minute's worth at once. */
export interface RateBurst {
  readonly weight: number;
  readonly perMs: Ms;
}

interface Waiter {
  readonly weight: number;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

interface Host {
  perMinute: number;
  burst: RateBurst | undefined;
  /** Share of `perMinute` that is used. */
  share: number;
  readonly spent: { readonly at: number; weight: number }[];
  used: number;
  /** On the monotonic clock. */
  blockedUntil: number;
  slowUntil: number;
  refused: number;
  /** When something was let through last, on the monotonic clock. */
  spentAt: number;
  readonly queue: Waiter[];
  timer: Timer | undefined;
}

const WINDOW_MS = 60_000;
const SLOW_MS = 300_000;
/** What is spent within this time is counted as one. */
const GRAIN_MS = 100;
/** After a refusal those who waited go one by one, until the first is answered: together they would all be refused. */
const PROBE_MS = 1_000;

/**
 * Weight per minute and host, shared by all callers, first come first served. The window slides, so a burst never
 * passes twice the limit over a minute's edge. After a refusal one request a second goes until one is answered. A host never configured is not limited, only blocked.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #hosts = new Map<string, Host>();

  constructor(options: { readonly clock: Clock }) {
    this.#clock = options.clock;
  }

  /** Sets the budget of a host; where several markets share a host the smallest holds. */
  configure(host: string, weightPerMinute: number, burst?: RateBurst): void {
    const entry = this.#host(host);
    entry.perMinute = Math.min(entry.perMinute, weightPerMinute);
    if (burst === undefined) return;
    const held = entry.burst;
    if (held === undefined || burst.weight / burst.perMs < held.weight / held.perMs) entry.burst = burst;
  }

  /** Uses so much of a host's budget from now on; 1 is all of it. Who waits is judged by it too. */
  scale(host: string, share: number): void {
    const entry = this.#host(host);
    entry.share = share;
    this.#arm(entry);
  }

  /** Resolves when `weight` may be spent, and spends it. Rejects with the signal's reason when aborted first. */
  acquire(host: string, weight: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const entry = this.#host(host);
    if (entry.queue.length === 0 && this.#delay(entry, weight) === 0) {
      this.#spend(entry, weight);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        weight,
        resolve: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        reject: (reason) => {
          signal?.removeEventListener('abort', onAbort);
          reject(reason);
        },
      };
      const onAbort = (): void => {
        const at = entry.queue.indexOf(waiter);
        if (at >= 0) entry.queue.splice(at, 1);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      entry.queue.push(waiter);
      this.#arm(entry);
    });
  }

  /** Lets nothing through to `host` for `ms`, and half as much for five minutes after. Never shortens a block. */
  block(host: string, ms: Ms): void {
    const entry = this.#host(host);
    const now = this.#clock.monotonicMs();
    entry.blockedUntil = Math.max(entry.blockedUntil, now + ms);
    entry.slowUntil = Math.max(entry.slowUntil, entry.blockedUntil + SLOW_MS);
    this.#arm(entry);
  }

  /** How long `host` lets nothing through, ms; 0 when it does. */
  blockedForMs(host: string): Ms {
    return Math.max(0, this.#host(host).blockedUntil - this.#clock.monotonicMs());
  }

  /** Whether `host` refused us within the last five minutes: whoever asks regularly then asks half as often. */
  isHalved(host: string): boolean {
    return this.#host(host).slowUntil > this.#clock.monotonicMs();
  }

  /** Notes that `host` refused a request for its rate, or answered one. Gives the refusals in a row. */
  note(host: string, refused: boolean): number {
    const entry = this.#host(host);
    const before = entry.refused;
    entry.refused = refused ? before + 1 : 0;
    if (!refused && before > 0) this.#arm(entry);
    return entry.refused;
  }

  /** Whoever waits is told that nothing is asked any more, and no timer keeps the process. */
  close(): void {
    for (const [host, entry] of this.#hosts) {
      entry.timer?.cancel();
      entry.timer = undefined;
      for (const { reject } of entry.queue.splice(0)) reject(new Unavailable(`nothing is asked of ${host} any more`));
    }
  }

  status(): readonly RateLimitStatus[] {
    const now = this.#clock.monotonicMs();
    return [...this.#hosts].map(([host, entry]) => {
      this.#expire(entry, now);
      const limit = this.#limit(entry, now);
      return {
        host,
        used_weight: entry.used,
        limit: Number.isFinite(limit) ? limit : 0,
        blocked_until: this.#wallTime(entry.blockedUntil, now),
        halved_until: this.#wallTime(entry.slowUntil, now),
        refused_in_a_row: entry.refused,
      };
    });
  }

  #host(name: string): Host {
    let entry = this.#hosts.get(name);
    if (entry === undefined) {
      entry = {
        perMinute: Number.POSITIVE_INFINITY,
        burst: undefined,
        share: 1,
        spent: [],
        used: 0,
        blockedUntil: Number.NEGATIVE_INFINITY,
        slowUntil: Number.NEGATIVE_INFINITY,
        refused: 0,
        spentAt: Number.NEGATIVE_INFINITY,
        queue: [],
        timer: undefined,
      };
      this.#hosts.set(name, entry);
    }
    return entry;
  }

  /** A future moment of the monotonic clock as UTC ms; null for a past one. */
  #wallTime(at: number, now: number): Ms | null {
    return at > now ? Math.round(this.#clock.now() + at - now) : null;
  }

  #limit(entry: Host, now: number): number {
    const usual = entry.perMinute * entry.share;
    return now < entry.slowUntil ? usual / 2 : usual;
  }

  /** Milliseconds until `weight` fits; 0 when it does now. A weight over the whole limit passes on an empty window. */
  #delay(entry: Host, weight: number): number {
    const now = this.#clock.monotonicMs();
    if (entry.blockedUntil > now) return entry.blockedUntil - now;
    if (entry.refused > 0 && entry.spentAt + PROBE_MS > now) return entry.spentAt + PROBE_MS - now;
    this.#expire(entry, now);
    const minute = untilFits(entry.spent, entry.used + weight - this.#limit(entry, now), WINDOW_MS, now);
    return Math.max(minute, this.#burstDelay(entry, weight, now));
  }

  #burstDelay(entry: Host, weight: number, now: number): number {
    const { burst } = entry;
    if (burst === undefined) return 0;
    // The last of what is counted as one may be younger than its first.
    const windowMs = burst.perMs + GRAIN_MS;
    const recent = entry.spent.slice(entry.spent.findLastIndex((item) => item.at + windowMs <= now) + 1);
    const used = recent.reduce((sum, item) => sum + item.weight, 0);
    const allowed = (burst.weight * this.#limit(entry, now)) / entry.perMinute;
    return untilFits(recent, used + weight - allowed, windowMs, now);
  }

  #expire(entry: Host, now: number): void {
    while (entry.spent[0] !== undefined && entry.spent[0].at + WINDOW_MS <= now) {
      entry.used -= entry.spent.shift()?.weight ?? 0;
    }
  }

  #spend(entry: Host, weight: number): void {
    const now = this.#clock.monotonicMs();
    const last = entry.spent.at(-1);
    if (last !== undefined && now - last.at < GRAIN_MS) last.weight += weight;
    else entry.spent.push({ at: now, weight });
    entry.used += weight;
    entry.spentAt = now;
  }

  #arm(entry: Host): void {
    entry.timer?.cancel();
    entry.timer = undefined;
    const next = entry.queue[0];
    if (next === undefined) return;
    entry.timer = this.#clock.schedule(this.#delay(entry, next.weight), () => this.#release(entry), {
      keepAlive: true,
    });
  }

  #release(entry: Host): void {
    for (let next = entry.queue[0]; next !== undefined; next = entry.queue[0]) {
      if (this.#delay(entry, next.weight) > 0) break;
      entry.queue.shift();
      this.#spend(entry, next.weight);
      next.resolve();
    }
    this.#arm(entry);
  }
}

/** Milliseconds until enough of what was spent leaves its window; what is over the whole limit waits for all of it. */
function untilFits(
  spent: readonly { readonly at: number; readonly weight: number }[],
  excess: number,
  windowMs: number,
  now: number,
): number {
  if (excess <= 0 || spent.length === 0) return 0;
  let left = excess;
  for (const item of spent) {
    left -= item.weight;
    if (left <= 0) return Math.max(1, item.at + windowMs - now);
  }
  return Math.max(1, (spent.at(-1)?.at ?? now) + windowMs - now);
}
