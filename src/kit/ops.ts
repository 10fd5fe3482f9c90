import type { Ms } from './clock.ts';

/**
 * Rows of the operations database (`data/crewai_data_ops.duckdb`). Times are UTC ms here and TIMESTAMP in the file;
 * every table has `id` (from a sequence) and `created_at`. `json` fields are values, stored as JSON text.
 */
export interface OpsRows {
  agent_actions: {
    timestamp: Ms;
    agent_id: string;
    agent_role: string;
    action_type: string;
    action_category: string;
    target_entity: string | null;
    target_id: string | null;
    action_details: unknown;
    decision_rationale: string | null;
    outcome: string;
    error_message: string | null;
    duration_ms: number | null;
    context: unknown;
  };
  quality_issues: {
    detected_at: Ms;
    exchange: string;
    symbol: string;
    data_type: string;
    issue_type: string;
    severity: 'low' | 'medium' | 'high' | 'critical';
    problematic_value: number | null;
    expected_range: string | null;
    actual_value: number | null;
    deviation_percent: number | null;
    cross_validation_result: unknown;
    validation_rule: string | null;
    action_taken: string;
    resolution_status: 'pending' | 'resolved' | 'ignored';
    resolved_at: Ms | null;
    resolution_notes: string | null;
    related_record_ids: unknown;
    context: unknown;
    market: string | null;
    /** Same issue of the same series: recorded once, counted on. */
    fingerprint: string;
    occurrences: number;
  };
  interpolations: {
    interpolated_at: Ms;
    exchange: string;
    symbol: string;
    data_type: string;
    gap_start: Ms;
    gap_end: Ms;
    gap_duration_seconds: number;
    strategy_used: string;
    records_created: number;
    source_records_used: number | null;
    confidence_score: number | null;
    interpolation_parameters: unknown;
    validation_passed: boolean;
    notes: string | null;
    market: string | null;
  };
  escalations: {
    escalated_at: Ms;
    escalation_level: 'low' | 'medium' | 'high' | 'critical';
    trigger_condition: string;
    trigger_value: string | null;
    threshold_value: string | null;
    affected_exchanges: unknown;
    affected_symbols: unknown;
    description: string;
    recommended_actions: unknown;
    notification_sent: boolean;
    notification_channels: unknown;
    acknowledged_at: Ms | null;
    acknowledged_by: string | null;
    resolved_at: Ms | null;
    resolution_notes: string | null;
  };
  schema_health_metrics: {
    measured_at: Ms;
    table_name: string;
    database_name: string;
    row_count: number;
    size_bytes: number | null;
    size_mb: number | null;
    growth_rate_rows_per_day: number | null;
    growth_rate_mb_per_day: number | null;
    last_write_timestamp: Ms | null;
    avg_query_latency_ms: number | null;
    fragmentation_percent: number | null;
    health_status: string;
    recommendations: unknown;
  };
  crew_performance_metrics: {
    period_start: Ms;
    period_end: Ms;
    period_type: string;
    records_collected: number | null;
    records_per_minute: number | null;
    collection_success_rate: number | null;
    records_validated: number | null;
    validation_pass_rate: number | null;
    quarantine_rate: number | null;
    rejection_rate: number | null;
    anomalies_detected: number | null;
    anomaly_rate: number | null;
    anomalies_resolved: number | null;
    gaps_detected: number | null;
    gaps_filled: number | null;
    interpolated_records: number | null;
    connection_uptime_percent: number | null;
    avg_latency_ms: number | null;
    disconnection_count: number | null;
    tables_monitored: number | null;
    tables_healthy: number | null;
    optimizations_performed: number | null;
    decisions_made: number | null;
    tools_invoked: number | null;
    avg_decision_time_ms: number | null;
    escalations: number | null;
    overall_quality_score: number | null;
    /** Why a figure is null, by its name. */
    not_known: unknown;
  };
  exchange_connection_status: {
    timestamp: Ms;
    exchange: string;
    connection_type: string;
    status: string;
    latency_ms: number | null;
    last_data_received: Ms | null;
    error_message: string | null;
    retry_count: number;
    in_fallback_mode: boolean;
    market: string | null;
  };
  agent_decisions: {
    timestamp: Ms;
    agent_id: string;
    crew: string;
    tool_name: string;
    parameters: unknown;
    result: unknown;
    success: boolean;
    latency_ms: number | null;
    reasoning: string | null;
    context: unknown;
  };
  agent_memory: {
    agent_id: string;
    memory_type: 'short_term' | 'long_term' | 'working';
    key: string;
    value: unknown;
    expires_at: Ms | null;
    importance: number;
    access_count: number;
    last_accessed: Ms | null;
  };
  flow_state: {
    flow_id: string;
    flow_name: string;
    current_step: string | null;
    state: unknown;
    started_at: Ms;
    updated_at: Ms;
    completed_at: Ms | null;
    status: string;
    checkpoint_data: unknown;
  };
  knowledge_base: {
    timestamp: Ms;
    discovered_by: string;
    category: string;
    title: string;
    content: string;
    metadata: unknown;
    confidence: number;
    verified: boolean;
    verified_by: string | null;
    access_count: number;
    usefulness_score: number;
  };
  communication_log: {
    timestamp: Ms;
    from_agent: string;
    to_agent: string | null;
    message_type: string;
    content: unknown;
    priority: number;
    acknowledged: boolean;
    acknowledged_at: Ms | null;
  };
  agent_metrics: { timestamp: Ms; agent_id: string; metric_name: string; metric_value: number; dimensions: unknown };
  /** Settings that the desk changed while it ran, one row a change: the newest of a name is in force. Never pruned. */
  desk_settings: {
    changed_at: Ms;
    name: string;
    value: unknown;
    previous: unknown;
    changed_by: string;
    reason: string;
  };
  /** Rows held apart; applied again after the market database is rebuilt from the tape. */
  quarantines: {
    quarantine_id: string;
    quarantined_at: Ms;
    exchange: string;
    market: string;
    symbol: string;
    stream: string;
    reason: string;
    keys: unknown;
    from_us: number;
    to_us: number;
    rows: number;
    released_at: Ms | null;
    released_by: string | null;
  };
  /** Stretches of raw rows that were deleted; applied again after a rebuild. Never pruned. */
  deletions: {
    deletion_id: string;
    deleted_at: Ms;
    exchange: string;
    market: string;
    symbol: string;
    stream: string;
    reason: string;
    deleted_by: string;
    from_us: number;
    to_us: number;
    rows: number;
    copies: number;
  };
  /** Values of raw rows that were corrected in the cleaned copy; applied again after a rebuild until reverted. */
  corrections: {
    correction_id: string;
    corrected_at: Ms;
    exchange: string;
    market: string;
    symbol: string;
    stream: string;
    row_key: string;
    /** Of the row: its event time, or the open time of a candle. */
    time_us: number;
    column_name: string;
    old_value: number | null;
    new_value: number;
    reason: string;
    corrected_by: string;
    reverted_at: Ms | null;
    reverted_by: string | null;
  };
}

export type OpsTable = keyof OpsRows;
export type OpsStored<T extends OpsTable> = OpsRows[T] & { readonly id: number; readonly created_at: Ms };

export interface OpsSelect<T extends OpsTable> {
  /** Equality on columns. */
  readonly where?: Partial<Record<keyof OpsRows[T] | 'id', string | number | boolean | null>> | undefined;
  /** Rows whose main time column is at or after this, UTC ms. */
  readonly since?: Ms | undefined;
  readonly limit?: number | undefined;
  /** By id; default `desc` (newest first). */
  readonly order?: 'asc' | 'desc' | undefined;
}

/** The operations tables, typed. Table and column names come only from the definitions, values only as parameters. */
export interface OpsStore {
  insert<T extends OpsTable>(table: T, row: OpsRows[T]): Promise<number>;
  update<T extends OpsTable>(table: T, id: number, changes: Partial<OpsRows[T]>): Promise<void>;
  select<T extends OpsTable>(table: T, query?: OpsSelect<T>): Promise<readonly OpsStored<T>[]>;
  count<T extends OpsTable>(table: T, query?: OpsSelect<T>): Promise<number>;
}
