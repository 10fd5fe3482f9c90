import type { Clock, Ms, Timer } from '../../kit/clock.ts';

/** A schedule at work. */
export interface Times {
  /** UTC ms; null when nothing is to come. */
  readonly nextAt: Ms | null;
  stop(): void;
}

/** Wakes at least so often, because the calendar can jump while a timer runs. */
const LONGEST_SLEEP_MS = 60_000;

/**
 * Calls `fire` at each time that `next` gives, with that time. Times that passed while nobody could wake (a busy or
 * sleeping machine, a calendar set forward) make one call.
 */
export function watchTimes(next: (after: Ms) => Ms | null, fire: (slot: Ms) => void, clock: Clock): Times {
  let nextAt = next(clock.now());
  let timer: Timer | null = null;
  const arm = (): void => {
    if (nextAt === null) return;
    timer = clock.schedule(Math.min(Math.max(0, nextAt - clock.now()), LONGEST_SLEEP_MS), wake);
  };
  const wake = (): void => {
    const now = clock.now();
    if (nextAt !== null && now >= nextAt) {
      const slot = nextAt;
      nextAt = next(now);
      fire(slot);
    } else {
      // The calendar may have been set back: what was next is then further away than it needs to be.
      nextAt = next(now);
    }
    arm();
  };
  arm();
  return {
    get nextAt() {
      return nextAt;
    },
    stop: () => timer?.cancel(),
  };
}

/** First multiple of `step` after a time. */
export function nextMultiple(step: Ms, after: Ms): Ms {
  return (Math.floor(after / step) + 1) * step;
}
