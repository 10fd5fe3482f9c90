import type { OpsRows, OpsTable } from '../../kit/ops.ts';

/** `time` is UTC ms here and TIMESTAMP in the file; `json` any value, stored as its text. */
export type ColumnKind = 'text' | 'integer' | 'number' | 'boolean' | 'time' | 'json';

export interface Column {
  readonly kind: ColumnKind;
  readonly required: boolean;
}

export interface TableDefinition<T extends OpsTable = OpsTable> {
  readonly columns: { readonly [C in keyof OpsRows[T]]: Column };
  /** The column that `since` compares. */
  readonly time: keyof OpsRows[T] & string;
  /** The original's name, kept as a view. */
  readonly alias?: string;
}

const column = (kind: ColumnKind, required = false): Column => ({ kind, required });
const text = column('text', true);
const integer = column('integer', true);
const number = column('number', true);
const boolean = column('boolean', true);
const time = column('time', true);
const json = column('json');
const textOrNull = column('text');
const integerOrNull = column('integer');
const numberOrNull = column('number');
const timeOrNull = column('time');

/** The operations tables: every column of `kit/ops.ts`, its kind and whether it must have a value. */
export const OPS_TABLES: { readonly [T in OpsTable]: TableDefinition<T> } = {
  agent_actions: {
    time: 'timestamp',
    alias: 'agent_audit_log',
    columns: {
      timestamp: time,
      agent_id: text,
      agent_role: text,
      action_type: text,
      action_category: text,
      target_entity: textOrNull,
      target_id: textOrNull,
      action_details: json,
      decision_rationale: textOrNull,
      outcome: text,
      error_message: textOrNull,
      duration_ms: numberOrNull,
      context: json,
    },
  },
  quality_issues: {
    time: 'detected_at',
    alias: 'data_quality_issues',
    columns: {
      detected_at: time,
      exchange: text,
      symbol: text,
      data_type: text,
      issue_type: text,
      severity: text,
      problematic_value: numberOrNull,
      expected_range: textOrNull,
      actual_value: numberOrNull,
      deviation_percent: numberOrNull,
      cross_validation_result: json,
      validation_rule: textOrNull,
      action_taken: text,
      resolution_status: text,
      resolved_at: timeOrNull,
      resolution_notes: textOrNull,
      related_record_ids: json,
      context: json,
      market: textOrNull,
      fingerprint: text,
      occurrences: integer,
    },
  },
  interpolations: {
    time: 'interpolated_at',
    alias: 'interpolation_log',
    columns: {
      interpolated_at: time,
      exchange: text,
      symbol: text,
      data_type: text,
      gap_start: time,
      gap_end: time,
      gap_duration_seconds: number,
      strategy_used: text,
      records_created: integer,
      source_records_used: integerOrNull,
      confidence_score: numberOrNull,
      interpolation_parameters: json,
      validation_passed: boolean,
      notes: textOrNull,
      market: textOrNull,
    },
  },
  escalations: {
    time: 'escalated_at',
    alias: 'escalation_log',
    columns: {
      escalated_at: time,
      escalation_level: text,
      trigger_condition: text,
      trigger_value: textOrNull,
      threshold_value: textOrNull,
      affected_exchanges: json,
      affected_symbols: json,
      description: text,
      recommended_actions: json,
      notification_sent: boolean,
      notification_channels: json,
      acknowledged_at: timeOrNull,
      acknowledged_by: textOrNull,
      resolved_at: timeOrNull,
      resolution_notes: textOrNull,
    },
  },
  schema_health_metrics: {
    time: 'measured_at',
    columns: {
      measured_at: time,
      table_name: text,
      database_name: text,
      row_count: integer,
      size_bytes: integerOrNull,
      size_mb: numberOrNull,
      growth_rate_rows_per_day: numberOrNull,
      growth_rate_mb_per_day: numberOrNull,
      last_write_timestamp: timeOrNull,
      avg_query_latency_ms: numberOrNull,
      fragmentation_percent: numberOrNull,
      health_status: text,
      recommendations: json,
    },
  },
  crew_performance_metrics: {
    time: 'period_start',
    columns: {
      period_start: time,
      period_end: time,
      period_type: text,
      records_collected: integerOrNull,
      records_per_minute: numberOrNull,
      collection_success_rate: numberOrNull,
      records_validated: integerOrNull,
      validation_pass_rate: numberOrNull,
      quarantine_rate: numberOrNull,
      rejection_rate: numberOrNull,
      anomalies_detected: integerOrNull,
      anomaly_rate: numberOrNull,
      anomalies_resolved: integerOrNull,
      gaps_detected: integerOrNull,
      gaps_filled: integerOrNull,
      interpolated_records: integerOrNull,
      connection_uptime_percent: numberOrNull,
      avg_latency_ms: numberOrNull,
      disconnection_count: integerOrNull,
      tables_monitored: integerOrNull,
      tables_healthy: integerOrNull,
      optimizations_performed: integerOrNull,
      decisions_made: integerOrNull,
      tools_invoked: integerOrNull,
      avg_decision_time_ms: numberOrNull,
      escalations: integerOrNull,
      overall_quality_score: numberOrNull,
      not_known: json,
    },
  },
  exchange_connection_status: {
    time: 'timestamp',
    columns: {
      timestamp: time,
      exchange: text,
      connection_type: text,
      status: text,
      latency_ms: numberOrNull,
      last_data_received: timeOrNull,
      error_message: textOrNull,
      retry_count: integer,
      in_fallback_mode: boolean,
      market: textOrNull,
    },
  },
  agent_decisions: {
    time: 'timestamp',
    columns: {
      timestamp: time,
      agent_id: text,
      crew: text,
      tool_name: text,
      parameters: json,
      result: json,
      success: boolean,
      latency_ms: numberOrNull,
      reasoning: textOrNull,
      context: json,
    },
  },
  agent_memory: {
    time: 'last_accessed',
    columns: {
      agent_id: text,
      memory_type: text,
      key: text,
      value: json,
      expires_at: timeOrNull,
      importance: number,
      access_count: integer,
      last_accessed: timeOrNull,
    },
  },
  flow_state: {
    time: 'updated_at',
    columns: {
      flow_id: text,
      flow_name: text,
      current_step: textOrNull,
      state: json,
      started_at: time,
      updated_at: time,
      completed_at: timeOrNull,
      status: text,
      checkpoint_data: json,
    },
  },
  knowledge_base: {
    time: 'timestamp',
    columns: {
      timestamp: time,
      discovered_by: text,
      category: text,
      title: text,
      content: text,
      metadata: json,
      confidence: number,
      verified: boolean,
      verified_by: textOrNull,
      access_count: integer,
      usefulness_score: number,
    },
  },
  communication_log: {
    time: 'timestamp',
    columns: {
      timestamp: time,
      from_agent: text,
      to_agent: textOrNull,
      message_type: text,
      content: json,
      priority: integer,
      acknowledged: boolean,
      acknowledged_at: timeOrNull,
    },
  },
  agent_metrics: {
    time: 'timestamp',
    columns: { timestamp: time, agent_id: text, metric_name: text, metric_value: number, dimensions: json },
  },
  desk_settings: {
    time: 'changed_at',
    columns: { changed_at: time, name: text, value: json, previous: json, changed_by: text, reason: text },
  },
  quarantines: {
    time: 'quarantined_at',
    columns: {
      quarantine_id: text,
      quarantined_at: time,
      exchange: text,
      market: text,
      symbol: text,
      stream: text,
      reason: text,
      keys: json,
      from_us: integer,
      to_us: integer,
      rows: integer,
      released_at: timeOrNull,
      released_by: textOrNull,
    },
  },
  deletions: {
    time: 'deleted_at',
    columns: {
      deletion_id: text,
      deleted_at: time,
      exchange: text,
      market: text,
      symbol: text,
      stream: text,
      reason: text,
      deleted_by: text,
      from_us: integer,
      to_us: integer,
      rows: integer,
      copies: integer,
    },
  },
  corrections: {
    time: 'corrected_at',
    columns: {
      correction_id: text,
      corrected_at: time,
      exchange: text,
      market: text,
      symbol: text,
      stream: text,
      row_key: text,
      time_us: integer,
      column_name: text,
      old_value: numberOrNull,
      new_value: number,
      reason: text,
      corrected_by: text,
      reverted_at: timeOrNull,
      reverted_by: textOrNull,
    },
  },
};

export const OPS_TABLE_NAMES = Object.keys(OPS_TABLES) as OpsTable[];

/** Columns of a table by name, `id` and `created_at` not among them. */
export function columnsOf(table: OpsTable): Readonly<Record<string, Column>> {
  return OPS_TABLES[table].columns;
}
