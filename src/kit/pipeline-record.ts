import { AppError, ApprovalRequired, RateLimited, isAbort } from './errors.ts';
import type { AuditRow, ToolFailure, ToolOutcome } from './invoke.ts';
import { elapsed, type InvokerOptions, type Stage, type Trace } from './pipeline-trace.ts';

/** The typed failure of an error. Anything but an AppError or an abort is internal: its details go to the log alone. */
export function toFailure(options: InvokerOptions, trace: Trace, error: unknown): ToolFailure {
  return {
    ok: false,
    call_id: trace.callId,
    tool: trace.toolName,
    error: options.redactor?.value(failureError(options, trace, error)) ?? failureError(options, trace, error),
    duration_ms: elapsed(options, trace),
  };
}

function failureError(options: InvokerOptions, trace: Trace, error: unknown): ToolFailure['error'] {
  if (isAbort(error) || trace.call.signal?.aborted === true) {
    return { code: 'cancelled', message: `${trace.toolName} was cancelled`, retryable: true };
  }
  if (error instanceof AppError) {
    const { code, message, retryable, details } = error;
    return {
      code,
      message,
      retryable,
      ...(error instanceof RateLimited ? { retry_after_ms: error.retryAfterMs } : {}),
      ...(error instanceof ApprovalRequired ? { approval_id: error.approvalId } : {}),
      ...(details === undefined ? {} : { details }),
    };
  }
  options.log.error('tool.internal_error', { call_id: trace.callId, tool: trace.toolName, stage: trace.stage, error });
  return {
    code: 'internal',
    message: `internal error in ${trace.toolName}; the log has its details under ${trace.callId}`,
    retryable: false,
  };
}

const REFUSING: ReadonlySet<Stage> = new Set(['look-up', 'permission', 'approval', 'rate']);

/** Stage 11: the audit row, then the event. The call is over: an event that cannot be sent is logged, not thrown. */
export function announce(options: InvokerOptions, trace: Trace, outcome: ToolOutcome): void {
  const error = outcome.ok ? null : outcome.error;
  const refused =
    error !== null && REFUSING.has(trace.stage) && error.code !== 'internal' && error.code !== 'cancelled';
  options.audit.record(auditRow(options, trace, outcome, refused));
  try {
    emitOutcome(options, trace, outcome, refused);
  } catch (failure) {
    options.log.error('tool.event_failed', { call_id: trace.callId, tool: trace.toolName, error: failure });
  }
}

function auditRow(options: InvokerOptions, trace: Trace, outcome: ToolOutcome, refused: boolean): AuditRow {
  const { call, decision } = trace;
  const error = outcome.ok ? null : outcome.error;
  return {
    call_id: trace.callId,
    time: options.clock.now(),
    caller: call.caller.id,
    agent_id: call.caller.agentId,
    role: decision?.role ?? call.caller.role,
    tool: trace.toolName,
    category: trace.category,
    args: trace.args,
    decision: decision?.allowed === true ? 'allowed' : 'denied',
    rule: decision?.rule ?? 'not decided',
    outcome: refused ? 'refused' : auditOutcome(outcome),
    error_code: error?.code ?? null,
    error_message: error?.message ?? null,
    duration_ms: outcome.duration_ms,
    run_id: call.runId ?? null,
    task_id: call.taskId ?? null,
    reason: call.reason ?? null,
  };
}

function auditOutcome(outcome: ToolOutcome): AuditRow['outcome'] {
  if (!outcome.ok) return 'failure';
  if ('proposed' in outcome) return 'proposed';
  return outcome.replayed ? 'replayed' : 'success';
}

function emitOutcome({ events }: InvokerOptions, trace: Trace, outcome: ToolOutcome, refused: boolean): void {
  const { call, callId, toolName } = trace;
  const common = {
    call_id: callId,
    tool: toolName,
    caller: call.caller.id,
    run_id: call.runId ?? null,
    task_id: call.taskId ?? null,
  };
  const emitOptions = { source: 'tools', correlationId: call.correlationId };
  const error = outcome.ok ? null : outcome.error;
  if (refused) events.emit('tool.refused', { ...common, reason: error?.message ?? '' }, emitOptions);
  else if (outcome.ok && 'proposed' in outcome)
    events.emit('tool.proposed', { ...common, proposal_id: outcome.proposal_id }, emitOptions);
  else {
    const shadow = call.shadow === true;
    const { ok, duration_ms } = outcome;
    events.emit('tool.called', { ...common, ok, error_code: error?.code ?? null, duration_ms, shadow }, emitOptions);
  }
}
