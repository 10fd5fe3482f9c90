import type { Ms } from '../../kit/clock.ts';
import type { Behaviour } from './define.ts';
import type { BehaviourRecord } from './store.ts';

/** A behaviour as lists show it. */
export interface BehaviourStatus {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly trigger: string;
  readonly agent: string | null;
  readonly enabled: boolean;
  readonly priority: number;
  readonly cooldown_seconds: number;
  readonly running: boolean;
  /** UTC ISO times. */
  readonly last_run: string | null;
  readonly next_run: string | null;
  readonly last_status: 'running' | 'completed' | 'failed' | null;
  readonly last_error: string | null;
  readonly fired: number;
  readonly failed: number;
}

/** Puts together what is defined, what is on disk (one record a key) and what the engine knows. */
export function describeBehaviour(
  behaviour: Behaviour,
  records: readonly BehaviourRecord[],
  now: { readonly enabled: boolean; readonly running: boolean; readonly nextAt: Ms | null },
): BehaviourStatus {
  const latest = [...records].sort((a, b) => (b.last_fired_at ?? 0) - (a.last_fired_at ?? 0))[0];
  return {
    id: behaviour.name,
    name: behaviour.name,
    description: behaviour.description,
    trigger: describeTrigger(behaviour),
    agent: behaviour.agent,
    enabled: now.enabled,
    priority: behaviour.priority,
    cooldown_seconds: behaviour.cooldownSeconds,
    running: now.running,
    last_run: iso(latest?.last_fired_at ?? null),
    next_run: now.enabled ? iso(now.nextAt) : null,
    last_status: latest?.last_status ?? null,
    last_error: latest?.last_error ?? null,
    fired: records.reduce((n, r) => n + r.fired, 0),
    failed: records.reduce((n, r) => n + r.failed, 0),
  };
}

function describeTrigger({ trigger }: Behaviour): string {
  if ('cron' in trigger) return `cron ${trigger.cron} (${trigger.timezone ?? 'UTC'})`;
  if ('every' in trigger) return `every ${trigger.every} s`;
  if ('event' in trigger) return `event ${[trigger.event].flat().join(', ')}`;
  if ('threshold' in trigger) {
    const { threshold } = trigger;
    const bounds = [
      ...(threshold.above === undefined ? [] : [`> ${threshold.above}`]),
      ...(threshold.below === undefined ? [] : [`< ${threshold.below}`]),
    ].join(' or ');
    return `threshold ${bounds} (${'event' in threshold ? threshold.event : `every ${threshold.every} s`})`;
  }
  const { absence } = trigger;
  return `absence of ${'event' in absence ? absence.event : 'data'} for ${absence.forSeconds} s`;
}

function iso(ms: Ms | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
