/** Times are integer UTC: milliseconds (`Ms`) or, where the wire has them, microseconds (`Us`). */
export type Ms = number;
export type Us = number;

/** A timer that was set; cancelling twice is harmless. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time. The real one is `infra/clock.ts`; tests inject `ManualClock`.
 * `monotonicMs` never goes back and has no relation to the calendar: use it for durations.
 */
export interface Clock {
  now(): Ms;
  monotonicMs(): number;
  /** Runs `callback` once after `delayMs`. Does not keep the process alive unless `keepAlive`. */
  schedule(delayMs: Ms, callback: () => void, options?: { readonly keepAlive?: boolean }): Timer;
}

/** Resolves after `delayMs`; rejects with the signal's reason when aborted first. */
export function sleep(clock: Clock, delayMs: Ms, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = clock.schedule(
      delayMs,
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      { keepAlive: true },
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that moves only when told to. `advance` fires what falls due, in order of time, then of setting. */
export class ManualClock implements Clock {
  #now: Ms;
  #monotonic = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(startMs: Ms = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): Ms {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#monotonic;
  }

  schedule(delayMs: Ms, callback: () => void): Timer {
    const entry: Pending = { at: this.#monotonic + Math.max(0, delayMs), order: this.#order++, callback };
    this.#pending.add(entry);
    return { cancel: () => void this.#pending.delete(entry) };
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Moves time on by `ms`, firing timers as they fall due and letting promises settle in between. */
  async advance(ms: Ms): Promise<void> {
    const end = this.#monotonic + ms;
    for (;;) {
      const next = [...this.#pending].filter((p) => p.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined) break;
      this.#pending.delete(next);
      this.#now += next.at - this.#monotonic;
      this.#monotonic = next.at;
      next.callback();
      await settle();
    }
    this.#now += end - this.#monotonic;
    this.#monotonic = end;
    await settle();
  }

  /** Jumps the calendar without moving the monotonic clock (a clock jump). */
  jump(ms: Ms): void {
    this.#now += ms;
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await Promise.resolve();
}
