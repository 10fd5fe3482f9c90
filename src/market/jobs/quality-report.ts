import type { Ms } from '../../kit/clock.ts';
import type { MarketServices } from '../services.ts';
import { deskMetrics, type DeskMetrics } from './metrics.ts';
import { openGaps } from './open-gaps.ts';
import { periodFigures, type PeriodFigures } from './performance.ts';
import { capacity, measureTables } from './schema-health.ts';

export type ReportPeriod = 'hour' | 'day' | 'week';

/** How long each period is. */
export const REPORT_MS: Readonly<Record<ReportPeriod, Ms>> = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 };

/** One report: what was collected, checked, found, filled and stored in a period, and what to do about it. */
export interface QualityReport {
  readonly period: ReportPeriod;
  readonly from: Ms;
  readonly to: Ms;
  /** The health score of the period. */
  readonly overall_score: number;
  readonly collection: DeskMetrics['streaming'] & { readonly uptime_seconds: number | null };
  /** What was measured over the period itself; `collection` is the state at its end. */
  readonly performance: Omit<PeriodFigures, 'not_known'>;
  /** Why a figure of `performance` is null. */
  readonly not_known: Readonly<Record<string, string>>;
  readonly validation: DeskMetrics['data_quality'];
  /** Issues found, by type. */
  readonly anomalies: Readonly<Record<string, number>>;
  readonly interpolation: DeskMetrics['cleaning'] & { readonly open_gaps: number };
  readonly schema: {
    readonly tables: number;
    readonly tables_healthy: number;
    readonly tables_empty: number;
    readonly rows: number;
    readonly used_bytes: number;
    readonly used_percent: number;
    readonly fragmentation_percent: number;
    readonly days_to_full: number | null;
  };
  readonly incidents: readonly { readonly at: Ms; readonly level: string; readonly what: string }[];
  readonly targets_missed: readonly string[];
  readonly advice: readonly string[];
}

type ReportServices = Pick<MarketServices, 'collector' | 'store' | 'ops' | 'config' | 'clock'>;

/** Makes the report of the period that ends now and writes it to `crew_performance_metrics`. */
export async function qualityReport(services: ReportServices, period: ReportPeriod): Promise<QualityReport> {
  const to = services.clock.now();
  const from = to - REPORT_MS[period];
  const [metrics, issues, escalations, gaps, schema] = await Promise.all([
    deskMetrics(services, from),
    services.ops.select('quality_issues', { since: from, limit: 20_000 }),
    services.ops.select('escalations', { since: from, limit: 1000 }),
    openGaps(services),
    measureTables(services, undefined, false),
  ]);
  const { not_known: notKnown, ...figures } = await periodFigures(services, from, to);
  const anomalies: Record<string, number> = {};
  for (const issue of issues) anomalies[issue.issue_type] = (anomalies[issue.issue_type] ?? 0) + issue.occurrences;
  const used = capacity(schema.storage, schema.tables, services.config);
  const report: QualityReport = {
    period,
    from,
    to,
    overall_score: metrics.performance.health.score,
    collection: { ...metrics.streaming, uptime_seconds: metrics.performance.uptime_seconds },
    performance: figures,
    not_known: notKnown,
    validation: { ...metrics.data_quality },
    anomalies,
    interpolation: { ...metrics.cleaning, open_gaps: gaps.length },
    schema: {
      tables: schema.tables.length,
      tables_healthy: schema.tables.filter((t) => t.status === 'healthy').length,
      tables_empty: schema.tables.filter((t) => t.status === 'empty').length,
      rows: schema.tables.reduce((sum, t) => sum + t.rows, 0),
      used_bytes: used.used_bytes,
      used_percent: used.used_percent,
      fragmentation_percent: schema.storage.fragmentation_percent,
      days_to_full: used.days_to_full,
    },
    incidents: escalations.map((e) => ({ at: e.escalated_at, level: e.escalation_level, what: e.description })),
    targets_missed: targetsMissed(metrics, figures, services.config),
    advice: advice(metrics, gaps.length, used.level),
  };
  await writeReport(services, report, metrics, figures, schema.tables.length);
  return report;
}

function targetsMissed(
  metrics: DeskMetrics,
  figures: Omit<PeriodFigures, 'not_known'>,
  config: MarketServices['config'],
): readonly string[] {
  const { targets } = config.operations;
  const missed: string[] = [];
  const { records_per_minute: rate } = metrics.streaming;
  if (rate < targets.records_per_minute_alert) {
    missed.push(`${rate.toFixed(0)} records a minute, ${targets.records_per_minute} are aimed at`);
  }
  const { pass_rate: passRate } = metrics.data_quality;
  if (passRate !== null && passRate < targets.pass_rate_percent) {
    missed.push(`${passRate.toFixed(2)} % of rows pass, ${targets.pass_rate_percent} % are aimed at`);
  }
  const { exchanges_connected: up, exchanges_total: total } = metrics.streaming;
  if (total > 0 && (100 * up) / total < targets.uptime_percent) missed.push(`${up} of ${total} venue markets are up`);
  const { connection_uptime_percent: uptime, avg_latency_ms: latency } = figures;
  if (uptime !== null && uptime < targets.uptime_percent) {
    missed.push(`${uptime.toFixed(2)} % connected over the period, ${targets.uptime_percent} % are aimed at`);
  }
  if (latency !== null && latency > config.operations.latency.warning_ms) {
    missed.push(
      `${latency.toFixed(0)} ms from venue to here, ${config.operations.latency.warning_ms} ms are a warning`,
    );
  }
  return missed;
}

function advice(metrics: DeskMetrics, openGapCount: number, level: string): readonly string[] {
  const advised: string[] = [];
  if (openGapCount > 0) advised.push(`${openGapCount} gap(s) are open: fill_data_gaps`);
  if (metrics.streaming.streams_stale > 0)
    advised.push(`${metrics.streaming.streams_stale} stream(s) are stale: get_stream_status`);
  if (metrics.data_quality.validation_failed > 0) advised.push('rows break rules: clean_data_anomalies');
  if (metrics.escalations.pending > 0)
    advised.push(`${metrics.escalations.pending} escalation(s) wait: get_escalations`);
  if (level !== 'ok') advised.push('storage runs short: optimize_schema, then apply_retention');
  return advised;
}

async function writeReport(
  services: Pick<MarketServices, 'ops'>,
  report: QualityReport,
  metrics: DeskMetrics,
  figures: Omit<PeriodFigures, 'not_known'>,
  tables: number,
): Promise<void> {
  const quality = metrics.data_quality;
  const share = (part: number): number | null =>
    quality.records_validated === 0 ? null : (100 * part) / quality.records_validated;
  const calls = metrics.agents.reduce((sum, a) => sum + a.actions_taken, 0);
  const latencies = metrics.agents.flatMap((a) => (a.avg_response_ms === null ? [] : [a.avg_response_ms]));
  await services.ops.insert('crew_performance_metrics', {
    period_start: report.from,
    period_end: report.to,
    period_type: report.period,
    ...figures,
    records_validated: quality.records_validated,
    validation_pass_rate: quality.pass_rate,
    quarantine_rate: share(quality.quarantined_records),
    rejection_rate: share(quality.validation_failed),
    anomalies_detected: quality.anomalies_detected,
    anomaly_rate: share(quality.anomalies_detected),
    anomalies_resolved: quality.issues_resolved,
    interpolated_records: metrics.cleaning.records_interpolated,
    tables_monitored: tables,
    tables_healthy: report.schema.tables_healthy,
    decisions_made: metrics.agents.reduce((sum, a) => sum + a.decisions_made, 0),
    tools_invoked: calls,
    avg_decision_time_ms: latencies.length === 0 ? null : latencies.reduce((a, b) => a + b, 0) / latencies.length,
    escalations: metrics.escalations.total,
    overall_quality_score: report.overall_score,
    not_known: report.not_known,
  });
}
