import { z } from 'zod';
import type { Clock, Ms } from '../../kit/clock.ts';
import { AppError, Conflict, InvalidInput } from '../../kit/errors.ts';
import type { EventSink } from '../../kit/event.ts';
import type { OpsStore } from '../../kit/ops.ts';
import {
  ROW_ACTIONS,
  ROW_RULES,
  streamingChanges,
  type InterpolationRules,
  type MarketConfig,
  type ValidationRules,
} from '../config.ts';
import { ruleChangesSchema, withInterpolationChanges, withRuleChanges } from './rule-changes.ts';

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

const STEPS = ['low', 'medium', 'high'] as const;

/** Every setting, as its row of `desk_settings` holds it. */
const SHAPES = {
  anomaly_z: z.object({ low: z.number(), medium: z.number(), high: z.number() }).nullable(),
  trading_signals: z.object({ state: z.enum(['active', 'paused']) }),
  /** Validation rules that differ from the configured ones. */
  validation_rules: ruleChangesSchema,
  /** Actions on rows that differ from the configured ones. */
  quarantine_policy: z.partialRecord(z.enum(ROW_RULES), z.enum(ROW_ACTIONS)),
  interpolation_rules: ruleChangesSchema,
  /** `binance_futures`: markets that are not collected until somebody enables them. */
  disabled_markets: z.array(z.string()),
  /** Venue → share of its documented REST limit that is used, percent. */
  rate_limits: z.record(z.string(), z.number()),
  /** Keys of `market.collect` that differ from the configured ones. */
  streaming: streamingChanges,
  /** Days to keep rows for, where that is not the configured number. */
  retention: z.object({ days: z.number().int().min(1) }).nullable(),
} as const;

export type SettingName = keyof typeof SHAPES;
export type Settings = { readonly [N in SettingName]: z.output<(typeof SHAPES)[N]> };
export const SETTING_NAMES = Object.keys(SHAPES) as readonly SettingName[];

const AS_CONFIGURED: Settings = {
  anomaly_z: null,
  trading_signals: { state: 'active' },
  validation_rules: {},
  quarantine_policy: {},
  interpolation_rules: {},
  disabled_markets: [],
  rate_limits: {},
  streaming: {},
  retention: null,
};

/** Who changed a setting last. */
export interface SettingSource {
  readonly changed_at: Ms;
  readonly changed_by: string;
  readonly reason: string;
}

/** Who changes a setting, why, and where it is told. */
export interface SettingChange {
  readonly by: string;
  readonly reason: string;
  readonly clock: Clock;
  readonly events: EventSink;
}

type Configured = Pick<MarketConfig, 'validation' | 'interpolation' | 'collect' | 'forecasts' | 'storage'>;

/**
 * What the desk itself changed and a restart must not forget: the newest rows of `desk_settings`, held in memory.
 * A change is in force when its row is durable.
 */
export class DeskSettings {
  readonly #ops: OpsStore;
  readonly #configured: Configured;
  readonly #sources = new Map<SettingName, SettingSource>();
  #settings: Settings = AS_CONFIGURED;
  #rules: ValidationRules;
  #interpolation: InterpolationRules;

  private constructor(ops: OpsStore, configured: Configured) {
    this.#ops = ops;
    this.#configured = configured;
    this.#rules = configured.validation;
    this.#interpolation = configured.interpolation;
  }

  /** Reads what is in force. What the configuration does not allow any more falls back to what is configured. */
  static async open(ops: OpsStore, configured: Configured): Promise<DeskSettings> {
    const settings = new DeskSettings(ops, configured);
    for (const name of SETTING_NAMES) {
      const [row] = await ops.select('desk_settings', { where: { name }, limit: 1, order: 'desc' });
      if (row !== undefined) settings.#restore(name, row.value, row);
    }
    return settings;
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** Who changed a setting last; null when nobody did. */
  sourceOf(name: SettingName): SettingSource | null {
    return this.#sources.get(name) ?? null;
  }

  /** The validation rules that are in force. */
  get rules(): ValidationRules {
    return this.#rules;
  }

  /** The interpolation rules that are in force. */
  get interpolation(): InterpolationRules {
    return this.#interpolation;
  }

  /** Days for which rows are kept. */
  get retentionDays(): number {
    return this.#settings.retention?.days ?? this.#configured.storage.retention_days;
  }

  get configured(): Configured {
    return this.#configured;
  }

  get signals(): SignalState {
    const source = this.sourceOf('trading_signals');
    return {
      state: this.#settings.trading_signals.state,
      since: source?.changed_at ?? null,
      reason: source?.reason ?? null,
      changed_by: source?.changed_by ?? null,
    };
  }

  /** The configuration in which validation, interpolation, collecting and retention are those in force, whenever they are read. */
  inForce(config: MarketConfig): MarketConfig {
    const live = {
      validation: { enumerable: true, get: () => this.#rules },
      interpolation: { enumerable: true, get: () => this.#interpolation },
      collect: { enumerable: true, get: () => withStreamingChanges(config, this.#settings.streaming).collect },
      forecasts: { enumerable: true, get: () => withStreamingChanges(config, this.#settings.streaming).forecasts },
      storage: { enumerable: true, get: () => ({ ...config.storage, retention_days: this.retentionDays }) },
    };
    return Object.freeze(Object.defineProperties({ ...config }, live));
  }

  /** Least and most of each threshold that agents may set. */
  get bounds(): Readonly<Record<(typeof STEPS)[number], { readonly least: number; readonly most: number }>> {
    return boundsOf(this.#base());
  }

  /** Throws InvalidInput, naming the bound, when the thresholds are out of order or out of their bounds. */
  checkThresholds(wanted: AnomalyThresholds): void {
    const problem = problemOf(wanted, this.#base());
    if (problem !== null) throw new InvalidInput(problem);
  }

  /** Puts other anomaly thresholds in force. Throws InvalidInput as `checkThresholds`. */
  async adjustThresholds(wanted: AnomalyThresholds, change: SettingChange): Promise<void> {
    this.checkThresholds(wanted);
    await this.set('anomaly_z', wanted, change);
  }

  /**
   * Throws InvalidInput when a setting would not be allowed: the schema of the configuration judges rules as it judges
   * system.yaml.
   */
  check<N extends SettingName>(name: N, value: Settings[N]): void {
    this.#inForceWith({ ...this.#settings, [name]: value });
  }

  /** Puts a setting in force, and keeps it over restarts. Throws InvalidInput as `check`. */
  async set<N extends SettingName>(name: N, value: Settings[N], change: SettingChange): Promise<void> {
    const { by, reason, clock, events } = change;
    const settings = { ...this.#settings, [name]: value };
    this.#inForceWith(settings);
    const previous = this.#settings[name];
    const row = { changed_at: clock.now(), name, value, previous, changed_by: by, reason };
    await this.#ops.insert('desk_settings', row);
    this.#apply(settings);
    this.#sources.set(name, row);
    events.emit('desk.setting_changed', { name, value, previous, changed_by: by, reason }, { source: 'desk' });
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
    if (this.#settings.trading_signals.state === state) return false;
    await this.set('trading_signals', { state }, change);
    return true;
  }

  #restore(name: SettingName, value: unknown, row: SettingSource): void {
    const told = SHAPES[name].safeParse(value);
    if (!told.success) return;
    const settings = { ...this.#settings, [name]: told.data };
    try {
      this.#apply(settings);
    } catch (error) {
      if (error instanceof AppError) return;
      throw error;
    }
    this.#sources.set(name, row);
  }

  #apply(settings: Settings): void {
    const { rules, interpolation } = this.#inForceWith(settings);
    this.#settings = settings;
    this.#rules = rules;
    this.#interpolation = interpolation;
  }

  #base(settings: Settings = this.#settings): ValidationRules {
    return withRuleChanges(this.#configured.validation, settings.validation_rules);
  }

  /** Thresholds that were adjusted yield to the rules when these move their bounds away. */
  #inForceWith(settings: Settings): { readonly rules: ValidationRules; readonly interpolation: InterpolationRules } {
    const base = this.#base(settings);
    const adjusted = settings.anomaly_z;
    return {
      rules: {
        ...base,
        anomaly_z: adjusted !== null && problemOf(adjusted, base) === null ? adjusted : base.anomaly_z,
        row_actions: { ...base.row_actions, ...settings.quarantine_policy },
      },
      interpolation: withInterpolationChanges(this.#configured.interpolation, settings.interpolation_rules),
    };
  }
}

/** What is collected and forecast with such changes of it. */
export function withStreamingChanges(
  { collect, forecasts }: Pick<MarketConfig, 'collect' | 'forecasts'>,
  changes: Settings['streaming'],
): Pick<MarketConfig, 'collect' | 'forecasts'> {
  const { forecast_interval_seconds: interval, drift_check_interval_seconds: drift, ...collecting } = changes;
  return {
    // What is left out of changes is not there at all.
    collect: { ...collect, ...(collecting as Partial<typeof collect>) },
    forecasts: {
      ...forecasts,
      interval_seconds: interval ?? forecasts.interval_seconds,
      drift_check_seconds: drift ?? forecasts.drift_check_seconds,
    },
  };
}

function boundsOf(rules: ValidationRules): DeskSettings['bounds'] {
  const share = rules.anomaly_adjust_percent / 100;
  const around = (value: number) => ({ least: value * (1 - share), most: value * (1 + share) });
  const { low, medium, high } = rules.anomaly_z;
  return { low: around(low), medium: around(medium), high: around(high) };
}

function problemOf(wanted: AnomalyThresholds, rules: ValidationRules): string | null {
  if (!(wanted.low < wanted.medium && wanted.medium < wanted.high)) {
    return `thresholds must rise: low ${wanted.low}, medium ${wanted.medium}, high ${wanted.high} do not`;
  }
  const bounds = boundsOf(rules);
  for (const step of STEPS) {
    const { least, most } = bounds[step];
    if (wanted[step] < least || wanted[step] > most) {
      return `${step} ${wanted[step]} is outside ${least} to ${most}, ${rules.anomaly_adjust_percent} % around ${rules.anomaly_z[step]}: what lies beyond takes modify_validation_rules, or market.validation.anomaly_z of system.yaml`;
    }
  }
  return null;
}
