import type { AuditLog, AuditRow } from '../../kit/invoke.ts';
import type { OpsRows, OpsStore } from '../../kit/ops.ts';
import type { Logger } from '../../kit/logger.ts';

/** Keeps, beside the audit, the tables `agent_actions` and `agent_decisions` for calls that agents make. */
export function withAgentTables(audit: AuditLog, ops: OpsStore, log: Logger): AuditLog {
  let writing: Promise<unknown> = Promise.resolve();
  return {
    record(row) {
      audit.record(row);
      if (row.agent_id === null) return;
      const agentId = row.agent_id;
      writing = writing
        .then(() =>
          Promise.all([
            ops.insert('agent_actions', actionOf(row, agentId)),
            ops.insert('agent_decisions', decisionOf(row, agentId)),
          ]),
        )
        .catch((error: unknown) => log.error('audit.agent_tables_failed', { error }));
    },
    async flush() {
      await writing;
      await audit.flush();
    },
  };
}

function actionOf(row: AuditRow, agentId: string): OpsRows['agent_actions'] {
  return {
    timestamp: row.time,
    agent_id: agentId,
    agent_role: row.role,
    action_type: row.tool,
    action_category: row.category ?? 'unknown',
    target_entity: textField(row.args, ['table', 'symbol', 'exchange']),
    target_id: null,
    action_details: row.args,
    decision_rationale: row.reason,
    outcome: row.outcome,
    error_message: row.error_message,
    duration_ms: Math.round(row.duration_ms),
    context: { run_id: row.run_id, task_id: row.task_id, call_id: row.call_id, rule: row.rule },
  };
}

function decisionOf(row: AuditRow, agentId: string): OpsRows['agent_decisions'] {
  return {
    timestamp: row.time,
    agent_id: agentId,
    crew: row.run_id ?? 'none',
    tool_name: row.tool,
    parameters: row.args,
    result: { outcome: row.outcome, error: row.error_message },
    success: row.outcome === 'success' || row.outcome === 'replayed' || row.outcome === 'proposed',
    latency_ms: row.duration_ms,
    reasoning: row.reason,
    context: { call_id: row.call_id, task_id: row.task_id },
  };
}

function textField(args: unknown, names: readonly string[]): string | null {
  if (args === null || typeof args !== 'object') return null;
  for (const name of names) {
    const value = (args as Record<string, unknown>)[name];
    if (typeof value === 'string') return value;
  }
  return null;
}
