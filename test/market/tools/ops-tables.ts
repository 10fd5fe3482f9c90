import type { OpsTable } from '../../../src/kit/ops.ts';

/** Tables that a tool with effects on operations may write. */
export const OPS_TABLES: readonly OpsTable[] = [
  'quality_issues',
  'interpolations',
  'escalations',
  'quarantines',
  'communication_log',
  'agent_metrics',
  'schema_health_metrics',
  'crew_performance_metrics',
  'exchange_connection_status',
  'desk_settings',
  'deletions',
  'corrections',
];
