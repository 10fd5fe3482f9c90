import { z } from 'zod';
import type { Clock, Ms } from '../../kit/clock.ts';
import { Conflict, InvalidInput } from '../../kit/errors.ts';
import type { EventSink } from '../../kit/event.ts';
import type { OpsStore } from '../../kit/ops.ts';
import type { ValidationRules } from '../config.ts';

/** z-scores at which an anomaly is low, medium or high. */
export type AnomalyThresholds = ValidationRules['anomaly_z'];

/** Whether tools may give trading signals. */
export interface SignalState {
  readonly state: 'active' | 'paused';
  /** Since when, UTC ms; null when it never changed. */
  readonly since: Ms | null;
  readonly reason: string | null;
  readonly changed_by: string | null;
}

const thresholds = z.object({ low: z.number(), medium: z.number(), high: z.number() });
const signals = z.object({ state: z.enum(['active', 'paused']) });
const STEPS = ['low', 'medium', 'high'] as const;

interface Change {
  readonly name: 'anomaly_z' | 'trading_signals';
  readonly value: unknown;
  readonly previous: unknown;
  readonly by: string;
  readonly reason: string;
}

/** Who changes a setting, why, and where it is told. */
export interface SettingChange {
  readonly by: string;
  readonly reason: string;
  readonly clock: Clock;
  readonly events: EventSink;
}

/**
 * What the desk itself changed and a restart must not forget: the newest rows of `desk_settings`, held in memory.
 * A change is in force when its row is durable.
 */
export class DeskSettings {
  readonly #ops: OpsStore;
  readonly #configured: ValidationRules;
  #thresholds: AnomalyThresholds;
  #signals: SignalState;

  private constructor(ops: OpsStore, configured: ValidationRules, adjusted: AnomalyThresholds, state: SignalState) {
    this.#ops = ops;
    this.#configured = configured;
    this.#thresholds = adjusted;
    this.#signals = state;
  }

  /** Reads what is in force. Adjusted thresholds that the configuration no longer allows fall back to its own. */
  static async open(ops: OpsStore, configured: ValidationRules): Promise<DeskSettings> {
    const newest = async (name: Change['name']) =>
      (await ops.select('desk_settings', { where: { name }, limit: 1, order: 'desc' }))[0];
    const adjusted = thresholds.safeParse((await newest('anomaly_z'))?.value);
    const kept = adjusted.success && problemOf(adjusted.data, configured) === null ? adjusted.data : null;
    const row = await newest('trading_signals');
    const told = signals.safeParse(row?.value);
    const state: SignalState =
      row === undefined || !told.success
        ? { state: 'active', since: null, reason: null, changed_by: null }
        : { state: told.data.state, since: row.changed_at, reason: row.reason, changed_by: row.changed_by };
    return new DeskSettings(ops, configured, kept ?? configured.anomaly_z, state);
  }

  /** The validation rules with the anomaly thresholds that are in force. */
  get rules(): ValidationRules {
    return { ...this.#configured, anomaly_z: this.#thresholds };
  }

  get signals(): SignalState {
    return this.#signals;
  }

  /** Least and most of each threshold that agents may set. */
  get bounds(): Readonly<Record<(typeof STEPS)[number], { readonly least: number; readonly most: number }>> {
    return boundsOf(this.#configured);
  }

  /** Throws InvalidInput, naming the bound, when the thresholds are out of order or out of their bounds. */
  checkThresholds(wanted: AnomalyThresholds): void {
    const problem = problemOf(wanted, this.#configured);
    if (problem !== null) throw new InvalidInput(problem);
  }

  /** Puts other anomaly thresholds in force. Throws InvalidInput as `checkThresholds`. */
  async adjustThresholds(wanted: AnomalyThresholds, change: SettingChange): Promise<void> {
    this.checkThresholds(wanted);
    await this.#write({ name: 'anomaly_z', value: wanted, previous: this.#thresholds, ...change }, change);
    this.#thresholds = wanted;
  }

  /** From now on tools that give trading signals refuse. Gives false when they were paused already. */
  pauseSignals(change: SettingChange): Promise<boolean> {
    return this.#setSignals('paused', change);
  }

  /** Lets signals be given again. Gives false when they were. Throws Conflict while a critical escalation is open. */
  async resumeSignals(change: SettingChange): Promise<boolean> {
    const where = { escalation_level: 'critical', resolved_at: null };
    const open = await this.#ops.select('escalations', { where, limit: 20 });
    if (open.length > 0) {
      const named = open.map((e) => `${e.id} (${e.trigger_condition})`).join(', ');
      throw new Conflict(`trading signals stay paused while critical escalations are open: resolve ${named} first`);
    }
    return this.#setSignals('active', change);
  }

  async #setSignals(state: SignalState['state'], change: SettingChange): Promise<boolean> {
    if (this.#signals.state === state) return false;
    const { by, reason, clock } = change;
    const previous = { state: this.#signals.state };
    await this.#write({ name: 'trading_signals', value: { state }, previous, by, reason }, change);
    this.#signals = { state, since: clock.now(), reason, changed_by: by };
    return true;
  }

  async #write(change: Change, { clock, events }: SettingChange): Promise<void> {
    const { name, value, previous, by, reason } = change;
    await this.#ops.insert('desk_settings', { changed_at: clock.now(), name, value, previous, changed_by: by, reason });
    events.emit('desk.setting_changed', { name, value, previous, changed_by: by, reason }, { source: 'desk' });
  }
}

function boundsOf(configured: ValidationRules): DeskSettings['bounds'] {
  const share = configured.anomaly_adjust_percent / 100;
  const around = (value: number) => ({ least: value * (1 - share), most: value * (1 + share) });
  const { low, medium, high } = configured.anomaly_z;
  return { low: around(low), medium: around(medium), high: around(high) };
}

function problemOf(wanted: AnomalyThresholds, configured: ValidationRules): string | null {
  if (!(wanted.low < wanted.medium && wanted.medium < wanted.high)) {
    return `thresholds must rise: low ${wanted.low}, medium ${wanted.medium}, high ${wanted.high} do not`;
  }
  const bounds = boundsOf(configured);
  for (const step of STEPS) {
    const { least, most } = bounds[step];
    if (wanted[step] < least || wanted[step] > most) {
      return `${step} ${wanted[step]} is outside ${least} to ${most}, ${configured.anomaly_adjust_percent} % around the configured ${configured.anomaly_z[step]}: what lies beyond is changed in market.validation.anomaly_z of system.yaml`;
    }
  }
  return null;
}
