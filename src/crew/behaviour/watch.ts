import type { Clock, Ms, Timer } from '../../kit/clock.ts';
import type { AnyEvent } from '../../kit/event.ts';
import { parseCron } from '../schedule/cron.ts';
import { nextMultiple, watchTimes as atTimes } from '../schedule/times.ts';
import type { Behaviour, Bounds, SampleContext } from './define.ts';

/** What set a behaviour off. */
export interface Firing {
  readonly trigger: string;
  readonly event: AnyEvent | null;
  readonly value: number | null;
  /** Time of the schedule, UTC ms; null when there is none. */
  readonly slot: Ms | null;
  readonly caughtUp: boolean;
}

/** A trigger at work. */
export interface Watch {
  /** Next time by its schedule, UTC ms; null when it has none. */
  readonly nextAt: Ms | null;
  hear(event: AnyEvent): void;
  stop(): void;
}

export interface WatchDeps {
  readonly clock: Clock;
  readonly fire: (firing: Firing) => void;
  /** Runs a sampling function; its failure is the host's to report. */
  readonly sample: <T>(work: (context: SampleContext) => Promise<T>) => Promise<T | null>;
}

const NONE = { event: null, value: null, slot: null, caughtUp: false } as const;

/** First time of a schedule after `after`; null for triggers without one. */
export function nextTime(behaviour: Behaviour, after: Ms): Ms | null {
  const { trigger } = behaviour;
  if ('cron' in trigger) return parseCron(trigger.cron, trigger.timezone).next(after);
  if ('every' in trigger) return nextMultiple(trigger.every * 1000, after);
  return null;
}

/** Puts a behaviour's trigger to work. */
export function watch(behaviour: Behaviour, deps: WatchDeps): Watch {
  const { trigger } = behaviour;
  if ('cron' in trigger) {
    const schedule = parseCron(trigger.cron, trigger.timezone);
    return timed(
      (after) => schedule.next(after),
      (slot) => deps.fire({ ...NONE, trigger: 'cron', slot }),
      deps.clock,
    );
  }
  if ('every' in trigger) {
    const step = trigger.every * 1000;
    return timed(
      (after) => nextMultiple(step, after),
      (slot) => deps.fire({ ...NONE, trigger: 'every', slot }),
      deps.clock,
    );
  }
  if ('event' in trigger) {
    const names = new Set([trigger.event].flat());
    return watchEvents((event) => {
      if (names.has(event.type) && (trigger.when?.(event) ?? true)) deps.fire({ ...NONE, trigger: 'event', event });
    });
  }
  if ('threshold' in trigger) return watchThreshold(trigger.threshold, deps);
  return watchAbsence(trigger.absence, deps);
}

function watchThreshold(
  threshold: Extract<Behaviour['trigger'], { threshold: unknown }>['threshold'],
  deps: WatchDeps,
): Watch {
  const judge = (value: number | null, event: AnyEvent | null): void => {
    if (value !== null && crosses(value, threshold)) deps.fire({ ...NONE, trigger: 'threshold', event, value });
  };
  if ('event' in threshold) {
    return watchEvents((event) => {
      if (event.type === threshold.event) judge(threshold.value(event), event);
    });
  }
  return watchSample(threshold.every, deps.clock, async () => judge(await deps.sample(threshold.sample), null));
}

/** Fires once when the time is over; again only after the thing was seen again. */
function watchAbsence(absence: Extract<Behaviour['trigger'], { absence: unknown }>['absence'], deps: WatchDeps): Watch {
  const limit = absence.forSeconds * 1000;
  if (!('event' in absence)) {
    let reported: Ms | null = null;
    return watchSample(absence.every, deps.clock, async () => {
      const seen = await deps.sample(absence.lastSeen);
      if (seen === null || deps.clock.now() - seen < limit || reported === seen) return;
      reported = seen;
      deps.fire({ ...NONE, trigger: 'absence', value: deps.clock.now() - seen });
    });
  }
  let timer: Timer;
  const arm = (): void => {
    timer = deps.clock.schedule(limit, () => deps.fire({ ...NONE, trigger: 'absence', value: limit }));
  };
  arm();
  return {
    nextAt: null,
    hear: (event) => {
      if (event.type !== absence.event || !(absence.when?.(event) ?? true)) return;
      timer.cancel();
      arm();
    },
    stop: () => timer.cancel(),
  };
}

function watchEvents(hear: (event: AnyEvent) => void): Watch {
  return { nextAt: null, hear, stop: () => undefined };
}

function timed(...parts: Parameters<typeof atTimes>): Watch {
  const times = atTimes(...parts);
  return {
    get nextAt() {
      return times.nextAt;
    },
    hear: () => undefined,
    stop: () => times.stop(),
  };
}

function watchSample(everySeconds: number, clock: Clock, sample: () => Promise<void>): Watch {
  let busy = false;
  return timed(
    (after) => nextMultiple(everySeconds * 1000, after),
    () => {
      if (busy) return;
      busy = true;
      void sample().finally(() => {
        busy = false;
      });
    },
    clock,
  );
}

function crosses(value: number, { above, below }: Bounds): boolean {
  return (above !== undefined && value > above) || (below !== undefined && value < below);
}
