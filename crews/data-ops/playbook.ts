import { definePlaybook } from '../../src/crew/index.ts';
import { aggregateToTimeframes, handleMissingData, normalizeExchangeData } from './cleaner-policies.ts';
import { handleExchangeDisconnection, monitorExchangeConnections, requestDataBackfill } from './collector-policies.ts';
import { alertOnCapacityIssues, monitorTableHealth, optimizeTablePerformance } from './schema-policies.ts';
import {
  crossExchangeConsistencyCheck,
  detectAndHandleAnomaly,
  generateDataQualityReport,
  validateIncomingData,
} from './validator-policies.ts';

/** What the crew does without a language model: one deterministic policy a task. */
export default definePlaybook({
  monitor_exchange_connections: monitorExchangeConnections,
  handle_exchange_disconnection: handleExchangeDisconnection,
  request_data_backfill: requestDataBackfill,
  validate_incoming_data: validateIncomingData,
  cross_exchange_consistency_check: crossExchangeConsistencyCheck,
  detect_and_handle_anomaly: detectAndHandleAnomaly,
  handle_missing_data: handleMissingData,
  aggregate_to_timeframes: aggregateToTimeframes,
  normalize_exchange_data: normalizeExchangeData,
  monitor_table_health: monitorTableHealth,
  optimize_table_performance: optimizeTablePerformance,
  alert_on_capacity_issues: alertOnCapacityIssues,
  generate_data_quality_report: generateDataQualityReport,
});
