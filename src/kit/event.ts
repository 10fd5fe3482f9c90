import { z } from 'zod';

/**
 * Every event there is: name → payload. The map is closed; adding an event is a line here.
 * Names of the desk come first, those of the framework follow. Times in payloads are UTC ms unless named `_us`.
 */
const text = z.string();
const count = z.number().int().nonnegative();
const severity = z.enum(['low', 'medium', 'high', 'critical']);
const fields = z.record(z.string(), z.unknown());

const series = { exchange: text, market: text.optional(), symbol: text.optional(), stream: text.optional() };
const alert = z.strictObject({
  alert_type: text,
  message: text,
  severity,
  ...series,
  exchange: text.optional(),
  details: fields.optional(),
});
const listed = z.enum(['trading', 'halted', 'settled', 'absent']);
const connection = z.strictObject({
  exchange: text,
  market: text,
  connection_id: text,
  reason: text.optional(),
  attempt: count.optional(),
  delay_ms: count.optional(),
  streams: z.array(text).optional(),
});
const agentAction = z.strictObject({
  agent_id: text,
  action: text,
  run_id: text.optional(),
  task_id: text.optional(),
  details: fields.optional(),
});
const run = { run_id: text, crew: text };
const task = { ...run, task_id: text, agent_id: text };
/** Which part of a task asks a model, when not a step of it: `judge_answer`, `reason`, `summarise`. */
const asking = { ...task, purpose: text.optional() };
/** `task_id` is absent in events of earlier versions. */
const call = {
  call_id: text,
  tool: text,
  caller: text,
  run_id: text.nullable(),
  task_id: text.nullable().optional(),
};
const wired = {
  ...run,
  task_id: text.nullable(),
  agent_id: text.nullable(),
  guardrail: text,
  where: z.enum(['input', 'output', 'tool_call']),
};
const method = { flow: text, run_id: text, method: text, execution: count };

const question = { question_id: text, run_id: text, where: text };

export const EVENTS = {
  /** One a flush and table, never one a record. */
  'data.received': z.strictObject({
    stream: text,
    table: text,
    rows: count,
    first_event_time_us: z.number().nullable(),
    last_event_time_us: z.number().nullable(),
    duplicates: count,
    /** Duplicates that the venue itself sent again, not those of a backfill. */
    repeats: z.array(z.strictObject({ exchange: text, market: text, rows: count })).optional(),
  }),
  'data.quality_alert': alert,
  'data.gap_detected': z.strictObject({
    ...series,
    kind: text,
    gap_start: z.number().nullable(),
    gap_end: z.number().nullable(),
    duration_seconds: z.number().nullable(),
    details: fields.optional(),
  }),
  'streaming.started': connection,
  'streaming.stopped': connection,
  'streaming.error': connection,
  'streaming.rate_limited': z.strictObject({
    exchange: text,
    market: text,
    host: text,
    retry_after_ms: count,
    refused_in_a_row: count,
    halved_until: z.number().nullable(),
  }),
  /** How an asked symbol stands on a market, as the venue's instrument list says: `absent` is not in it. */
  'streaming.listing_changed': z.strictObject({ exchange: text, market: text, symbol: text, from: listed, to: listed }),
  'streaming.health_change': z.strictObject({
    exchanges_connected: count,
    exchanges_total: count,
    streams_active: count,
    streams_stale: count,
    records_per_minute: z.number(),
  }),
  'analysis.forecast_generated': z.strictObject({ ...series, model: text, horizon: count, details: fields.optional() }),
  /** The newest forecasts of a series erred more than those before. */
  'analysis.forecast_drift': z.strictObject({ ...series, ratio: z.number().nullable(), outcomes: count }),
  'analysis.regime_change': z.strictObject({ ...series, from: text, to: text, details: fields.optional() }),
  /** A price that just came lies too far from the last hour's: looked at whole, it may become an anomaly. */
  'data.outlier': z.strictObject({
    ...series,
    event_time_us: z.number(),
    value: z.number(),
    average: z.number(),
    deviation_percent: z.number(),
  }),
  'analysis.anomaly_detected': alert,
  'intelligence.smart_money': alert,
  'intelligence.squeeze_alert': alert,
  'intelligence.liquidation_risk': alert,
  'agent.started': agentAction,
  'agent.stopped': agentAction,
  'agent.error': agentAction,
  'agent.decision': agentAction,
  'agent.recommendation': agentAction,
  'system.health_change': z.strictObject({
    healthy: z.boolean(),
    checks: z.record(z.string(), z.boolean()),
    reason: text.optional(),
  }),
  'system.config_changed': z.strictObject({ key: text, details: fields.optional() }),
  'system.approval_required': z.strictObject({
    approval_id: text,
    tool: text,
    agent_id: text,
    args_hash: text,
    expires_at: z.number(),
    reason: text.optional(),
  }),
  custom: z.strictObject({ kind: text, details: fields.optional() }),

  'system.started': z.strictObject({ mode: z.enum(['shadow', 'active']), source: text, version: text }),
  'system.stopped': z.strictObject({ reason: text }),
  'system.recovered': z.strictObject({ what: text, action: text, lost: text.nullable(), details: fields.optional() }),
  'run.started': z.strictObject({ ...run, mode: z.enum(['shadow', 'active']), trigger: text }),
  'run.completed': z.strictObject({ ...run, duration_ms: z.number() }),
  'run.failed': z.strictObject({ ...run, error: text }),
  'run.cancelled': z.strictObject({ ...run, reason: text }),
  'run.waiting': z.strictObject({ ...run, reason: text }),
  'run.suspended': z.strictObject({ ...run, reason: text }),
  /** It goes on with another structure of its crew. */
  /** A judge was asked to grade what the run gave, in a run of its own; `score` is null when it gave no grade. */
  'run.judged': z.strictObject({
    run_id: text,
    judge_run: text,
    model: text,
    criterion: text,
    score: z.number().nullable(),
    reason: text,
    duration_ms: z.number(),
    total_tokens: count,
  }),
  'run.migrated': z.strictObject({ ...run, changes: z.array(text), kept: z.array(text) }),
  'run.resumed': z.strictObject({ ...run, from: text }),
  'task.started': z.strictObject(task),
  'task.completed': z.strictObject({ ...task, duration_ms: z.number(), tool_calls: count }),
  'task.failed': z.strictObject({ ...task, error: text }),
  'task.skipped': z.strictObject({ ...task, reason: text }),
  'task.retried': z.strictObject({ ...task, attempt: count, reason: text }),
  /** Its answer was written to a file, as `output_file` says. */
  'task.written': z.strictObject({ ...task, path: text, characters: count }),
  /** An agent read a skill's instructions, or a file (null: none) that these name. */
  'skill.read': z.strictObject({ ...task, skill: text, file: text.nullable() }),
  /** A person said of an answer what should be different, for the prompts of later ones; or took it back. */
  'feedback.kept': z.strictObject({ feedback_id: text, crew: text, task_id: text, agent_id: text, by: text }),
  'feedback.forgotten': z.strictObject({ feedback_id: text, crew: text, task_id: text, agent_id: text }),
  /** A plan that an agent wrote before acting. */
  'agent.planned': z.strictObject({ ...task, attempt: count, ready: z.boolean(), plan: text }),
  /** Older messages of a conversation gave way to a summary. */
  'agent.summarised': z.strictObject({ ...task, messages: count, tokens_before: count, tokens_after: count }),
  'crew.planned': z.strictObject({ ...run, tasks: z.array(text) }),
  'model.called': z.strictObject({
    ...asking,
    model: text,
    input_tokens: count,
    output_tokens: count,
    duration_ms: z.number(),
    /** Input that the provider had cached; absent for a playbook. */
    cached_tokens: count.optional(),
    /** USD; null: not known. Absent for a playbook, which costs nothing. */
    cost_usd: z.number().nullable().optional(),
  }),
  'model.failed': z.strictObject({ ...asking, model: text, error: text, attempt: count }),
  'model.fallback': z.strictObject({ ...asking, from: text, to: text, reason: text }),
  /** A provider failed so often that it is not asked for a while (`open`), is tried again, or is back. */
  'model.circuit': z.strictObject({ provider: text, state: z.enum(['open', 'half_open', 'closed']), failures: count }),
  /** A call of a model was not made, because it might have spent more than a budget allows. */
  'budget.exceeded': z.strictObject({
    ...task,
    model: text,
    budget: text,
    then: z.enum(['stop', 'ask']),
    reason: text,
  }),
  'budget.decided': z.strictObject({
    ...run,
    budget: text,
    accepted: z.boolean(),
    more_usd: z.number(),
    more_tokens: z.number(),
    more_calls: z.number(),
  }),
  'tool.called': z.strictObject({
    ...call,
    ok: z.boolean(),
    error_code: text.nullable(),
    duration_ms: z.number(),
    shadow: z.boolean(),
  }),
  'tool.refused': z.strictObject({ ...call, reason: text }),
  'tool.proposed': z.strictObject({ ...call, proposal_id: text }),
  'approval.decided': z.strictObject({
    approval_id: text,
    /** `seconded`: a yes that is not enough alone; `standing` and `revoked` are of approvals of further calls. */
    decision: z.enum(['approved', 'rejected', 'expired', 'used', 'seconded', 'standing', 'revoked']),
    decided_by: text,
    /** Absent when a standing approval is revoked, and in events of earlier versions. */
    tool: text.optional(),
  }),
  /** Nobody had answered for as long as the rule allows: others may now. */
  'approval.escalated': z.strictObject({ approval_id: text, tool: text, to: z.array(text), waited_ms: count }),
  /** A person answered a question of a run. */
  'run.answered': z.strictObject({ ...run, task_id: text, kind: text, by: text, answer: text }),
  /** A run asks a person; `where` is its task, step or node. */
  'question.asked': z.strictObject({ ...question, kind: text, expires_at: count.nullable() }),
  'question.answered': z.strictObject({ ...question, by: text }),
  /** Nobody answered in time. */
  'question.expired': z.strictObject(question),
  'guardrail.passed': z.strictObject({ ...task, guardrail: text, attempt: count }),
  'guardrail.failed': z.strictObject({ ...task, guardrail: text, attempt: count, message: text }),
  /** A tripwire ended the run; without task and agent: at the kickoff, or at what the crew's last hooks gave. */
  'guardrail.tripped': z.strictObject({
    ...wired,
    cause: z.enum(['tripped', 'threw', 'timed_out', 'no_verdict']),
    reason: text,
  }),
  'guardrail.rewrote': z.strictObject(wired),
  'flow.started': z.strictObject({ flow: text, run_id: text, trigger: text, state_id: text }),
  'flow.completed': z.strictObject({ flow: text, run_id: text, duration_ms: z.number(), output: z.unknown() }),
  'flow.failed': z.strictObject({ flow: text, run_id: text, error: text }),
  'flow.suspended': z.strictObject({ flow: text, run_id: text, reason: text }),
  'flow.waiting': z.strictObject({ flow: text, run_id: text, reason: text }),
  'flow.migrated': z.strictObject({ flow: text, run_id: text, changes: z.array(text), next: z.array(text) }),
  'flow.resumed': z.strictObject({ flow: text, run_id: text }),
  'method.started': z.strictObject({ ...method, trigger: text }),
  'method.completed': z.strictObject({ ...method, duration_ms: z.number(), route: text.nullable() }),
  'method.failed': z.strictObject({ ...method, error: text }),
  /** `key` is the memory's key, else its id. */
  'memory.saved': z.strictObject({
    agent_id: text,
    key: text,
    memory_type: text,
    tenant: text.optional(),
    scope: text.optional(),
    outcome: text.optional(),
  }),
  'memory.recalled': z.strictObject({
    agent_id: text,
    tenant: text,
    found: count,
    best_score: z.number().nullable(),
    memories: z.array(text),
  }),
  /** A memory gave way to one that says the same, or nearly. */
  'memory.consolidated': z.strictObject({
    tenant: text,
    consolidation: text,
    outcome: z.enum(['duplicate', 'merged']),
    kept: text,
    other: text,
    similarity: z.number(),
  }),
  'memory.forgotten': z.strictObject({ tenant: text, receipt: text, memories: count, by: text, reason: text }),
  'memory.failed': z.strictObject({ tenant: text, what: text, error: text }),
  'knowledge.searched': z.strictObject({ agent_id: text, found: count, sources: z.array(text) }),
  /** A source was read because it is new or has changed. */
  'knowledge.read': z.strictObject({ source: text, passages: count, characters: count }),
  'knowledge.failed': z.strictObject({ source: text, error: text }),
  'crew.message': z.strictObject({ pattern: text, from: text, to: text, action: text, details: fields.optional() }),
  'behaviour.fired': z.strictObject({
    behaviour: text,
    trigger: text,
    run_id: text.nullable(),
    caught_up: z.boolean(),
  }),
  'behaviour.completed': z.strictObject({ behaviour: text, duration_ms: z.number(), details: fields.optional() }),
  'behaviour.skipped': z.strictObject({ behaviour: text, reason: text }),
  'behaviour.failed': z.strictObject({ behaviour: text, error: text }),
  'escalation.raised': z.strictObject({
    escalation_id: text,
    level: severity,
    trigger: text,
    description: text,
    channels: z.array(text),
  }),
  'escalation.resolved': z.strictObject({ escalation_id: text, resolved_by: text, notes: text.optional() }),
  'desk.setting_changed': z.strictObject({
    name: text,
    value: z.unknown(),
    previous: z.unknown(),
    changed_by: text,
    reason: text,
  }),
  'storage.compacted': z.strictObject({
    database: text,
    bytes_before: count,
    bytes_after: count,
    files_written: count,
  }),
  'storage.deleted': z.strictObject({
    deletion_id: text,
    table: text,
    from_us: z.number(),
    to_us: z.number(),
    rows: count,
    copies: count,
    deleted_by: text,
    reason: text,
  }),
  'data.corrected': z.strictObject({
    correction_id: text,
    table: text,
    row_key: text,
    column: text,
    old_value: z.number().nullable(),
    new_value: z.number().nullable(),
    by: text,
    reason: text,
  }),
  'storage.archived': z.strictObject({ folder: text, files: count, bytes: count, rows: count, reason: text }),
  'backup.created': z.strictObject({
    id: text,
    folder: text,
    files: count,
    bytes: count,
    market_rows: count,
    ops_rows: count,
    deleted: z.array(text),
  }),
  'backup.failed': z.strictObject({ folder: text, error: text }),
  'storage.pruned': z.strictObject({
    what: text,
    files: count,
    bytes: count,
    reason: text,
    details: z.record(z.string(), z.unknown()).optional(),
  }),
} as const;

export type EventName = keyof typeof EVENTS;
export type EventPayload<N extends EventName> = z.infer<(typeof EVENTS)[N]>;
export const EVENT_NAMES = Object.keys(EVENTS) as EventName[];

/** What every event carries. `seq` counts from 1 without holes within a journal. `time` is UTC ms. */
export interface EventEnvelope<N extends EventName = EventName> {
  readonly id: string;
  readonly seq: number;
  readonly type: N;
  readonly time: number;
  readonly source: string;
  /** 1–10, higher is more urgent. */
  readonly priority: number;
  readonly correlation_id: string | null;
  readonly data: EventPayload<N>;
}

/** An envelope of any type that can be narrowed by its `type`. */
export type AnyEvent = { [N in EventName]: EventEnvelope<N> }[EventName];

export interface EmitOptions {
  /** 1–10; default 5 (an alert's severity sets 8, 6, 5 or 4). */
  readonly priority?: number | undefined;
  readonly correlationId?: string | undefined;
  readonly source?: string | undefined;
}

/** Where whoever emits sends events; who reads is not known here. */
export interface EventSink {
  emit<N extends EventName>(type: N, data: EventPayload<N>, options?: EmitOptions): EventEnvelope<N>;
}
