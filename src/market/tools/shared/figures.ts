import { z } from 'zod';
import type { DeskMetrics } from '../../jobs/metrics.ts';
import type { QualityReport } from '../../jobs/quality-report.ts';
import { measure } from '../../domain/measure.ts';

/** Groups of the desk's figures, as `get_metrics` and `get_data_quality_report` tell them. */

export const qualityFigures = z.object({
  records_validated: measure.count,
  validation_passed: measure.count,
  validation_failed: measure.count,
  anomalies_detected: measure.count,
  quarantined_records: measure.count,
  pass_rate: measure.percent.nullable(),
  issues_pending: measure.count,
  issues_resolved: measure.count,
}) satisfies z.ZodType<DeskMetrics['data_quality']>;

export const streamingFigures = z.object({
  exchanges_connected: measure.count,
  exchanges_total: measure.count,
  streams_active: measure.count,
  streams_stale: measure.count,
  records_stored: measure.count,
  records_per_minute: measure.perMinute,
  data_gaps_detected: measure.count.describe('Count of holes since the desk started, in each series that has them'),
  reconnections: measure.count,
  backfills_requested: measure.count,
  frames_rejected: measure.count,
  store_lag_ms: measure.milliseconds,
}) satisfies z.ZodType<DeskMetrics['streaming']>;

export const cleaningFigures = z.object({
  gaps_filled: measure.count,
  records_backfilled: measure.count,
  records_interpolated: measure.count,
  records_aggregated: measure.count,
  records_normalized: measure.count,
}) satisfies z.ZodType<DeskMetrics['cleaning']>;

export const periodFiguresShape = z.object({
  records_collected: measure.count,
  records_per_minute: measure.perMinute.nullable(),
  collection_success_rate: z.number().describe('Held part of the time of the collected series, percent').nullable(),
  connection_uptime_percent: measure.percent.nullable(),
  avg_latency_ms: measure.milliseconds.nullable(),
  disconnection_count: measure.count.nullable(),
  gaps_detected: measure.count.describe(
    'Count of losses told as issues in the period; that of a connection is one for all its series',
  ),
  gaps_filled: measure.count,
  optimizations_performed: measure.count,
}) satisfies z.ZodType<QualityReport['performance']>;

export const storageFigures = z.object({
  tables: measure.count,
  tables_healthy: measure.count,
  tables_empty: measure.count,
  rows: measure.count,
  used_bytes: measure.bytes,
  used_percent: measure.percent,
  fragmentation_percent: measure.percent,
  days_to_full: measure.days.nullable(),
}) satisfies z.ZodType<QualityReport['schema']>;
