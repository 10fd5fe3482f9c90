import type { OpsRows } from '../../kit/ops.ts';
import type { MarketServices } from '../services.ts';
import type { MarketConfig } from '../config.ts';
import type { EscalationChannel, EscalationMessage, Severity } from './contract.ts';
import { priorityOf } from './finding.ts';

/** What the ladder is judged by. Null where nothing was measured: that rung is then not judged. */
export interface EscalationFacts {
  /** Rows condemned ÷ rows validated, percent. */
  readonly anomaly_percent: number | null;
  /** Storage used ÷ allowed, percent. */
  readonly storage_percent: number | null;
  /** Longest open gap, seconds. */
  readonly longest_gap_seconds: number | null;
  readonly exchanges_down: readonly string[];
}

export interface EscalationCondition {
  readonly level: Severity;
  readonly trigger: string;
  readonly value: string;
  readonly threshold: string;
  readonly description: string;
  readonly exchanges: readonly string[];
  readonly recommended_actions: readonly string[];
}

/**
 * The ladder: low anomaly > 2 %; medium > 5 % or storage > 80 %; high gap > 1 h or anomaly > 10 %; critical more than
 * three venues down or gap > 4 h (numbers from the configuration). One condition a trigger, at its highest level.
 */
export function escalationConditions(
  facts: EscalationFacts,
  limits: MarketConfig['operations']['escalation'],
): readonly EscalationCondition[] {
  const conditions: EscalationCondition[] = [];
  const add = (condition: EscalationCondition | null): void => {
    if (condition !== null) conditions.push(condition);
  };
  add(anomalyCondition(facts, limits));
  add(gapCondition(facts, limits));
  if (facts.storage_percent !== null && facts.storage_percent > limits.storage_percent) {
    add({
      level: 'medium',
      trigger: 'storage',
      value: `${facts.storage_percent.toFixed(1)} %`,
      threshold: `${limits.storage_percent} %`,
      description: `storage is ${facts.storage_percent.toFixed(1)} % full`,
      exchanges: [],
      recommended_actions: [
        'run optimize_schema',
        'shorten the retention (change_retention_policy)',
        'raise capacity_gb',
      ],
    });
  }
  if (facts.exchanges_down.length > limits.exchanges_down) {
    add({
      level: 'critical',
      trigger: 'exchanges_down',
      value: String(facts.exchanges_down.length),
      threshold: `> ${limits.exchanges_down}`,
      description: `${facts.exchanges_down.length} venue markets are down: ${facts.exchanges_down.join(', ')}`,
      exchanges: facts.exchanges_down,
      recommended_actions: [
        'check the network of this machine',
        'trigger_reconnect each venue',
        'resolve the escalation and resume_trading_signals when the venues are back',
      ],
    });
  }
  return conditions;
}

function anomalyCondition(
  facts: EscalationFacts,
  limits: MarketConfig['operations']['escalation'],
): EscalationCondition | null {
  const percent = facts.anomaly_percent;
  if (percent === null) return null;
  const steps = [
    ['high', limits.anomaly_percent.high],
    ['medium', limits.anomaly_percent.medium],
    ['low', limits.anomaly_percent.low],
  ] as const;
  const step = steps.find(([, limit]) => percent > limit);
  if (step === undefined) return null;
  return {
    level: step[0],
    trigger: 'anomaly_rate',
    value: `${percent.toFixed(2)} %`,
    threshold: `${step[1]} %`,
    description: `${percent.toFixed(2)} % of validated rows break a rule`,
    exchanges: [],
    recommended_actions: ['look at get_quality_issues', 'run clean_data_anomalies'],
  };
}

function gapCondition(
  facts: EscalationFacts,
  limits: MarketConfig['operations']['escalation'],
): EscalationCondition | null {
  const seconds = facts.longest_gap_seconds;
  if (seconds === null || seconds <= limits.gap_high_seconds) return null;
  const critical = seconds > limits.gap_critical_seconds;
  return {
    level: critical ? 'critical' : 'high',
    trigger: 'data_gap',
    value: `${Math.round(seconds)} s`,
    threshold: `${critical ? limits.gap_critical_seconds : limits.gap_high_seconds} s`,
    description: `the longest open gap lasts ${Math.round(seconds)} s`,
    exchanges: [],
    recommended_actions: critical
      ? ['fill_data_gaps', 'resolve the escalation and resume_trading_signals when the gap is filled']
      : ['fill_data_gaps'],
  };
}

export interface RaisedEscalation {
  readonly id: number;
  readonly level: Severity;
  readonly trigger: string;
  /** False when the same trigger was open at this level already: nothing was sent again. */
  readonly is_new: boolean;
  readonly channels_sent: readonly string[];
  /** Channels of the level that are not configured, or that failed, with the reason. */
  readonly channels_missing: readonly { readonly channel: string; readonly reason: string }[];
}

type EscalationServices = Pick<MarketServices, 'ops' | 'events' | 'clock' | 'log' | 'config' | 'channels' | 'settings'>;

/**
 * Writes an escalation, tells the channels of its level, and says which are missing; a critical one pauses trading
 * signals. The same trigger still open at
 * the same level is not raised twice.
 */
export async function raiseEscalation(
  services: EscalationServices,
  condition: EscalationCondition,
  signal: AbortSignal,
  symbols: readonly string[] = [],
): Promise<RaisedEscalation> {
  const { ops, clock } = services;
  const [open] = await ops.select('escalations', {
    where: { trigger_condition: condition.trigger, escalation_level: condition.level, resolved_at: null },
    limit: 1,
  });
  const base = { level: condition.level, trigger: condition.trigger };
  if (open !== undefined) return { ...base, id: open.id, is_new: false, channels_sent: [], channels_missing: [] };
  const row: OpsRows['escalations'] = {
    escalated_at: clock.now(),
    escalation_level: condition.level,
    trigger_condition: condition.trigger,
    trigger_value: condition.value,
    threshold_value: condition.threshold,
    affected_exchanges: condition.exchanges,
    affected_symbols: symbols,
    description: condition.description,
    recommended_actions: condition.recommended_actions,
    notification_sent: false,
    notification_channels: [],
    acknowledged_at: null,
    acknowledged_by: null,
    resolved_at: null,
    resolution_notes: null,
  };
  const id = await ops.insert('escalations', row);
  const { sent, missing } = await notify(services, condition, id, symbols, signal);
  await ops.update('escalations', id, { notification_sent: sent.length > 0, notification_channels: sent });
  services.events.emit(
    'escalation.raised',
    { escalation_id: String(id), ...base, description: condition.description, channels: [...sent] },
    { source: 'escalation', priority: priorityOf(condition.level), correlationId: `escalation:${id}` },
  );
  if (condition.level === 'critical') await pauseSignals(services, condition, id);
  return { ...base, id, is_new: true, channels_sent: sent, channels_missing: missing };
}

/** What is critical pauses trading signals, until a person resumes them. */
async function pauseSignals(services: EscalationServices, condition: EscalationCondition, id: number): Promise<void> {
  const reason = `critical escalation ${id}: ${condition.description}`;
  await services.settings.pauseSignals({ by: 'escalation', reason, clock: services.clock, events: services.events });
}

async function notify(
  services: EscalationServices,
  condition: EscalationCondition,
  id: number,
  symbols: readonly string[],
  signal: AbortSignal,
): Promise<{ sent: readonly string[]; missing: readonly { channel: string; reason: string }[] }> {
  const message: EscalationMessage = {
    escalation_id: String(id),
    level: condition.level,
    trigger: condition.trigger,
    description: condition.description,
    exchanges: condition.exchanges,
    symbols,
    recommended_actions: condition.recommended_actions,
    at: new Date(services.clock.now()).toISOString(),
  };
  const wanted = services.config.operations.escalation.channels[condition.level];
  const sent: string[] = [];
  const missing: { channel: string; reason: string }[] = [];
  for (const name of wanted) {
    const channel = (services.channels ?? []).find((c) => c.name === name);
    if (channel === undefined) {
      missing.push({ channel: name, reason: 'not configured' });
      continue;
    }
    try {
      await channel.send(message, signal);
      sent.push(name);
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      services.log.warn('escalation_channel_failed', { channel: name, escalation_id: id, reason });
      missing.push({ channel: name, reason });
    }
  }
  if (missing.length > 0) services.log.warn('escalation_channels_missing', { escalation_id: id, missing });
  return { sent, missing };
}

/** The channel that is always there: a log line at the level's weight. */
export function logChannel(log: MarketServices['log']): EscalationChannel {
  return {
    name: 'log',
    send: async (message) => {
      if (message.level === 'critical' || message.level === 'high') log.error('escalation', { ...message });
      else log.warn('escalation', { ...message });
    },
  };
}

/** Posts the escalation as JSON through `post`, which does the request and throws when it fails. */
export function webhookChannel(
  name: string,
  url: string,
  post: (url: string, body: string, signal: AbortSignal) => Promise<void>,
): EscalationChannel {
  return { name, send: (message, signal) => post(url, JSON.stringify(message), signal) };
}
