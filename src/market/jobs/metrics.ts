import type { Ms } from '../../kit/clock.ts';
import type { OpsStore, OpsStored } from '../../kit/ops.ts';
import type { MarketServices } from '../services.ts';
import { healthScore, type HealthScore } from './health.ts';
import { SEVERITIES, type Severity } from './finding.ts';
import { venueMarkets } from './venues.ts';

const DAY_MS = 86_400_000;
const LIMIT = 20_000;

export interface AgentMetrics {
  readonly agent_id: string;
  readonly actions_taken: number;
  readonly decisions_made: number;
  readonly errors: number;
  readonly last_action_at: Ms | null;
  readonly avg_response_ms: number | null;
}

/** The desk in numbers over a period, all counted from the collector's state and the rows of the ops tables. */
export interface DeskMetrics {
  readonly since: Ms;
  readonly until: Ms;
  readonly agents: readonly AgentMetrics[];
  readonly data_quality: {
    readonly records_validated: number;
    readonly validation_passed: number;
    readonly validation_failed: number;
    readonly anomalies_detected: number;
    readonly quarantined_records: number;
    /** Percent; null when nothing was validated. */
    readonly pass_rate: number | null;
    readonly issues_pending: number;
    readonly issues_resolved: number;
  };
  readonly streaming: {
    readonly exchanges_connected: number;
    readonly exchanges_total: number;
    readonly streams_active: number;
    readonly streams_stale: number;
    readonly records_stored: number;
    readonly records_per_minute: number;
    readonly data_gaps_detected: number;
    readonly reconnections: number;
    readonly backfills_requested: number;
    readonly frames_rejected: number;
    readonly store_lag_ms: number;
  };
  readonly cleaning: {
    readonly gaps_filled: number;
    readonly records_backfilled: number;
    readonly records_interpolated: number;
    readonly records_aggregated: number;
    readonly records_normalized: number;
  };
  readonly escalations: {
    readonly total: number;
    readonly by_level: Readonly<Record<Severity, number>>;
    readonly pending: number;
    readonly resolved: number;
  };
  readonly performance: {
    readonly uptime_seconds: number | null;
    readonly health: HealthScore;
  };
}

type MetricServices = Pick<MarketServices, 'collector' | 'ops' | 'config' | 'clock'>;

/** Counts everything since `since` (UTC ms). Values that nothing was measured for are null, never zero by default. */
export async function deskMetrics(services: MetricServices, since: Ms): Promise<DeskMetrics> {
  const { collector, ops, clock, config } = services;
  const now = clock.now();
  const status = collector.status();
  const venues = venueMarkets(status, now, config.operations.latency);
  const [actions, issues, escalations, openEscalations, quarantines] = await Promise.all([
    ops.select('agent_actions', { since, limit: LIMIT }),
    ops.select('quality_issues', { since, limit: LIMIT }),
    ops.select('escalations', { since, limit: LIMIT }),
    ops.select('escalations', { where: { resolved_at: null }, limit: LIMIT }),
    ops.select('quarantines', { since, limit: LIMIT }),
  ]);
  const measured = await measuredSums(ops, since);
  const validated = measured.records_validated;
  const failed = measured.records_failed;
  const passRate = validated === 0 ? null : (100 * (validated - failed)) / validated;
  const connected = venues.filter((v) => v.status !== 'disconnected').length;
  const recent = await ops.select('escalations', { where: { escalation_level: 'critical' }, since: now - DAY_MS });
  const openCriticals = openEscalations.filter((e) => e.escalation_level === 'critical');
  const criticals = new Set([...recent, ...openCriticals].map((e) => e.id)).size;
  const errors = actions.filter((a) => a.outcome === 'failure').length;
  const backfills = collector.backfills().filter((b) => b.from >= since || b.status === 'running');
  return {
    since,
    until: now,
    agents: agentMetrics(actions),
    data_quality: {
      records_validated: validated,
      validation_passed: validated - failed,
      validation_failed: failed,
      anomalies_detected: issues.filter((i) => /deviation|anomaly|out_of_range|jump/.test(i.issue_type)).length,
      quarantined_records: quarantines.filter((q) => q.released_at === null).reduce((sum, q) => sum + q.rows, 0),
      pass_rate: passRate,
      issues_pending: issues.filter((i) => i.resolution_status === 'pending').length,
      issues_resolved: issues.filter((i) => i.resolution_status === 'resolved').length,
    },
    streaming: {
      exchanges_connected: connected,
      exchanges_total: venues.length,
      streams_active: venues.reduce((sum, v) => sum + v.streams_active, 0),
      streams_stale: venues.reduce((sum, v) => sum + v.streams_stale, 0),
      records_stored: status.records_stored,
      records_per_minute: status.records_per_minute,
      data_gaps_detected: status.series.reduce((sum, s) => sum + s.gaps, 0),
      reconnections: status.connections.reduce((sum, c) => sum + c.reconnects, 0),
      backfills_requested: backfills.length,
      frames_rejected: status.frames_rejected,
      store_lag_ms: status.store_lag_ms,
    },
    cleaning: {
      gaps_filled: backfills.filter((b) => b.status === 'done' && b.stored > 0).length,
      records_backfilled: backfills.reduce((sum, b) => sum + b.stored, 0),
      records_interpolated: await interpolated(ops, since),
      records_aggregated: measured.records_aggregated,
      records_normalized: measured.records_normalized,
    },
    escalations: {
      total: escalations.length,
      by_level: byLevel(escalations),
      pending: openEscalations.length,
      resolved: escalations.filter((e) => e.resolved_at !== null).length,
    },
    performance: {
      uptime_seconds: status.started_at === null ? null : (now - status.started_at) / 1000,
      health: healthScore({
        exchanges_connected: connected,
        exchanges_total: venues.length,
        pass_rate: passRate,
        pending_escalations: openEscalations.length,
        recent_criticals: criticals,
        errors,
        actions: actions.length,
      }),
    },
  };
}

/** Work that tools measure by themselves, as `agent_metrics` rows. */
export const WORK_METRICS = [
  'records_validated',
  'records_failed',
  'records_aggregated',
  'records_normalized',
  'records_marked_validated',
] as const;
export type WorkMetric = (typeof WORK_METRICS)[number];

/** Writes one measurement of work done. `dimensions` say on what. */
export async function recordWork(
  services: Pick<MarketServices, 'ops' | 'clock'>,
  agentId: string,
  metric: WorkMetric,
  value: number,
  dimensions: Readonly<Record<string, unknown>>,
): Promise<void> {
  await services.ops.insert('agent_metrics', {
    timestamp: services.clock.now(),
    agent_id: agentId,
    metric_name: metric,
    metric_value: value,
    dimensions,
  });
}

async function measuredSums(ops: OpsStore, since: Ms): Promise<Record<WorkMetric, number>> {
  const sums: Record<WorkMetric, number> = {
    records_validated: 0,
    records_failed: 0,
    records_aggregated: 0,
    records_normalized: 0,
    records_marked_validated: 0,
  };
  for (const metric of WORK_METRICS) {
    const rows = await ops.select('agent_metrics', { where: { metric_name: metric }, since, limit: LIMIT });
    sums[metric] = rows.reduce((sum, row) => sum + row.metric_value, 0);
  }
  return sums;
}

async function interpolated(ops: OpsStore, since: Ms): Promise<number> {
  const rows = await ops.select('interpolations', { since, limit: LIMIT });
  return rows.reduce((sum, row) => sum + row.records_created, 0);
}

function agentMetrics(actions: readonly OpsStored<'agent_actions'>[]): readonly AgentMetrics[] {
  const ids = [...new Set(actions.map((a) => a.agent_id))].sort();
  return ids.map((id) => {
    const own = actions.filter((a) => a.agent_id === id);
    const durations = own.map((a) => a.duration_ms).filter((d): d is number => d !== null);
    return {
      agent_id: id,
      actions_taken: own.length,
      decisions_made: own.filter((a) => a.decision_rationale !== null).length,
      errors: own.filter((a) => a.outcome === 'failure').length,
      last_action_at: own.reduce<Ms | null>(
        (last, a) => (last === null || a.timestamp > last ? a.timestamp : last),
        null,
      ),
      avg_response_ms: durations.length === 0 ? null : durations.reduce((a, b) => a + b, 0) / durations.length,
    };
  });
}

function byLevel(rows: readonly { readonly escalation_level: Severity }[]): Record<Severity, number> {
  const counts: Record<Severity, number> = { low: 0, medium: 0, high: 0, critical: 0 };
  for (const level of SEVERITIES) counts[level] = rows.filter((row) => row.escalation_level === level).length;
  return counts;
}
