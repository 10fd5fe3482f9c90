import type { Clock, Ms } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import { type AnyEvent, EVENT_NAMES, type EventSink } from '../../kit/event.ts';
import type { ToolOutcome } from '../../kit/invoke.ts';
import type { Logger } from '../../kit/logger.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { RunDocument } from '../run/document.ts';
import type { KickoffOptions } from '../run/contract.ts';
import { parseCron } from '../schedule/cron.ts';

/** Above, below, or outside both. At least one bound is given. */
export interface Bounds {
  readonly above?: number | undefined;
  readonly below?: number | undefined;
}

/** What sets a behaviour off. Durations are seconds. */
export type BehaviourTrigger =
  /** At the times of a cron pattern. `timezone`: IANA name, default UTC. */
  | { readonly cron: string; readonly timezone?: string | undefined }
  /** Every so many seconds, at multiples counted from 1970. */
  | { readonly every: number }
  /** When an event of this type (or one of these) comes, and `when` holds. */
  | { readonly event: string | readonly string[]; readonly when?: ((event: AnyEvent) => boolean) | undefined }
  /** When a number, read from an event or sampled every so often, crosses a bound. Null: not known, nothing happens. */
  | {
      readonly threshold: Bounds &
        (
          | { readonly event: string; readonly value: (event: AnyEvent) => number | null }
          | { readonly every: number; readonly sample: (context: SampleContext) => Promise<number | null> }
        );
    }
  /** When something has not come for so long: an event, or what `lastSeen` tells (UTC ms; null: not known, nothing happens). */
  | {
      readonly absence: { readonly forSeconds: number } & (
        | { readonly event: string; readonly when?: ((event: AnyEvent) => boolean) | undefined }
        | { readonly every: number; readonly lastSeen: (context: SampleContext) => Promise<Ms | null> }
      );
    };

/** What a sampling function may use. */
export interface SampleContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Calls a tool as the behaviour's agent. */
  invoke(tool: string, args: Readonly<Record<string, unknown>>, reason: string): Promise<ToolOutcome>;
}

/** What a behaviour's action gets. */
export interface BehaviourContext extends SampleContext {
  readonly name: string;
  /** What set it off: `cron`, `every`, `event`, `threshold`, `absence` or `manual`. */
  readonly trigger: string;
  /** The event that did, if one did. */
  readonly event: AnyEvent | null;
  /** The value that crossed a bound, if one did. */
  readonly value: number | null;
  /** It makes up for a time when nothing ran. */
  readonly caughtUp: boolean;
  readonly shadow: boolean;
  readonly events: EventSink;
  readonly log: Logger;
  /** Runs a crew; in shadow mode the run is one too. */
  kickoff(crew: string, inputs?: Readonly<Record<string, unknown>>, options?: KickoffOptions): Promise<RunDocument>;
}

/** A behaviour: what sets it off, and what it then does by itself. */
export interface Behaviour {
  readonly name: string;
  readonly description: string;
  readonly trigger: BehaviourTrigger;
  /** Agent whose role and tools its calls have; without one it may call no tool. */
  readonly agent: string | null;
  /** Not again before so many seconds, per key. Default 60; 0 for `cron` and `every`. */
  readonly cooldownSeconds: number;
  /** 1 is the most urgent, 10 the least. Default 5. */
  readonly priority: number;
  /** How long one run may take, seconds: then it is aborted, and another controller may run it. Default 300. */
  readonly leaseSeconds: number;
  /** After a time when nothing ran: once, if a firing was missed. Default false. */
  readonly catchUp: boolean;
  readonly enabled: boolean;
  /** Cool-down and single run hold per key of the event (a connection, a table). Default: one key. */
  readonly key: ((event: AnyEvent) => string) | null;
  /** What it returns is kept with its `behaviour.completed` event. A thrown error is `behaviour.failed`. */
  readonly run: (context: BehaviourContext) => Promise<Readonly<Record<string, unknown>> | undefined>;
}

export type BehaviourDefinition = Pick<Behaviour, 'name' | 'trigger' | 'run'> & {
  readonly [K in Exclude<keyof Behaviour, 'name' | 'trigger' | 'run'>]?: Behaviour[K] | undefined;
};

/**
 * Checks and freezes a behaviour. Throws InvalidInput for a bad name, cron pattern, zone, duration or bound, an event
 * that does not exist, and an absence trigger that has nothing to watch.
 */
export function defineBehaviour(definition: BehaviourDefinition): Behaviour {
  const { name } = definition;
  const fail = (why: string): never => {
    throw new InvalidInput(`behaviour ${name}: ${why}`);
  };
  if (!/^[a-z][a-z0-9_]{2,63}$/.test(name)) fail('its name must be snake_case of 3 to 64 characters');
  const priority = definition.priority ?? 5;
  if (!Number.isInteger(priority) || priority < 1 || priority > 10) fail('priority is 1 (most urgent) to 10');
  if ((definition.cooldownSeconds ?? 0) < 0) fail('cooldownSeconds cannot be negative');
  if ((definition.leaseSeconds ?? 1) <= 0) fail('leaseSeconds must be more than 0');
  checkTrigger(definition.trigger, fail);
  return Object.freeze({
    name,
    description: definition.description ?? '',
    trigger: Object.freeze(definition.trigger),
    agent: definition.agent ?? null,
    cooldownSeconds: definition.cooldownSeconds ?? (isScheduled(definition.trigger) ? 0 : 60),
    priority,
    leaseSeconds: definition.leaseSeconds ?? 300,
    catchUp: definition.catchUp ?? false,
    enabled: definition.enabled ?? true,
    key: definition.key ?? null,
    run: definition.run,
  });
}

/** Whether it has times of its own, which can be missed and caught up. */
export function isScheduled(
  trigger: BehaviourTrigger,
): trigger is Extract<BehaviourTrigger, { cron: string } | { every: number }> {
  return 'cron' in trigger || 'every' in trigger;
}

function checkTrigger(trigger: BehaviourTrigger, fail: (why: string) => never): void {
  const positive = (value: unknown, what: string): void => {
    if (typeof value !== 'number' || !(value > 0)) fail(`${what} must be a number of seconds above 0`);
  };
  const event = (name: unknown): void => {
    const known: readonly string[] = EVENT_NAMES;
    if (typeof name !== 'string' || !known.includes(name)) {
      fail(`there is no event '${String(name)}'${didYouMean(String(name), known)}`);
    }
  };
  if ('cron' in trigger) parseCron(trigger.cron, trigger.timezone);
  else if ('every' in trigger) positive(trigger.every, 'every');
  else if ('event' in trigger) for (const name of [trigger.event].flat()) event(name);
  else if ('threshold' in trigger) {
    const { threshold } = trigger;
    if (threshold.above === undefined && threshold.below === undefined) fail('a threshold needs above or below');
    if ('event' in threshold) event(threshold.event);
    else positive(threshold.every, 'threshold.every');
  } else {
    const { absence } = trigger;
    positive(absence.forSeconds, 'absence.forSeconds');
    if ('event' in absence) event(absence.event);
    else if (typeof absence.lastSeen !== 'function') fail('an absence trigger needs an event or lastSeen to watch');
    else positive(absence.every, 'absence.every');
  }
}
