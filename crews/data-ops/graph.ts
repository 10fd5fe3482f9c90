import {
  CrewState,
  defineCrewGraph,
  END,
  START,
  StateGraph,
  type CrewGraphBuilder,
  type CrewIssue,
  type TaskOutput,
} from '../../src/crew/index.ts';
import { items, numberAt, textAt, type Fields } from './read.ts';

/**
 * The collector looks first and leads; what it finds broken it mends. The validator then checks what came and what the
 * venues say of each other. Anomalies are confronted with evidence, gaps are fetched, and whatever is left goes to the
 * cleaner. The schema manager comes last, and the report closes the round. Each node is one checkpointed step; a task
 * that fails does not stop the others.
 */
export default defineCrewGraph((builder) => {
  const task: CrewGraphBuilder['taskNode'] = (id, options) => builder.taskNode(id, options);
  return new StateGraph(CrewState)
    .addNode(
      'connections',
      task('monitor_exchange_connections', {
        onFailure: 'continue',
        issues: (output) => connectionIssues(output),
        notes: (output) => ({ records_per_minute: numberAt(output.output, 'records_per_minute') }),
      }),
    )
    .addNode('disconnection', task('handle_exchange_disconnection', { onFailure: 'continue' }))
    .addNode(
      'validation',
      task('validate_incoming_data', { onFailure: 'continue', issues: (output) => dataIssues(output) }),
    )
    .addNode(
      'comparison',
      task('cross_exchange_consistency_check', { onFailure: 'continue', issues: (output) => spreadIssues(output) }),
    )
    .addNode('anomaly', task('detect_and_handle_anomaly', { onFailure: 'continue' }))
    .addNode('backfill', task('request_data_backfill', { onFailure: 'continue' }))
    .addNode('cleaning', task('handle_missing_data', { onFailure: 'continue' }))
    .addNode('bars', task('aggregate_to_timeframes', { onFailure: 'continue' }))
    .addNode('copies', task('normalize_exchange_data', { onFailure: 'continue' }))
    .addNode('tables', task('monitor_table_health', { onFailure: 'continue' }))
    .addNode('optimisation', task('optimize_table_performance', { onFailure: 'continue' }))
    .addNode('capacity', task('alert_on_capacity_issues', { onFailure: 'continue' }))
    .addNode('report', task('generate_data_quality_report', { onFailure: 'continue' }))
    .addEdge(START, 'connections')
    .addConditionalEdges('connections', (state) => (has(state.issues, 'connection') ? 'disconnection' : 'validation'), [
      'disconnection',
      'validation',
    ])
    .addEdge('disconnection', 'validation')
    .addEdge('validation', 'comparison')
    .addConditionalEdges('comparison', (state) => afterChecks(state.issues), ['anomaly', 'backfill', 'bars'])
    .addConditionalEdges('anomaly', (state) => (has(state.issues, 'gap') ? 'backfill' : 'cleaning'), [
      'backfill',
      'cleaning',
    ])
    .addEdge('backfill', 'cleaning')
    .addEdge('cleaning', 'bars')
    .addEdge('bars', 'copies')
    .addEdge('copies', 'tables')
    .addEdge('tables', 'optimisation')
    .addEdge('optimisation', 'capacity')
    .addEdge('capacity', 'report')
    .addEdge('report', END);
});

function has(issues: readonly CrewIssue[], kind: string): boolean {
  return issues.some((issue) => issue.kind === kind);
}

function afterChecks(issues: readonly CrewIssue[]): 'anomaly' | 'backfill' | 'bars' {
  if (has(issues, 'anomaly') || has(issues, 'spread')) return 'anomaly';
  return has(issues, 'gap') ? 'backfill' : 'bars';
}

function connectionIssues(output: TaskOutput): readonly CrewIssue[] {
  return items(output.output, 'issues').map((issue) => ({
    kind: 'connection',
    severity: textAt(issue, 'status') === 'disconnected' ? 'high' : 'medium',
    task: output.task,
    message: `${textAt(issue, 'exchange')} ${textAt(issue, 'market')} is ${textAt(issue, 'status')}`,
    details: issue,
  }));
}

function dataIssues(output: TaskOutput): readonly CrewIssue[] {
  const condemned = items(output.output, 'findings').filter(
    (f) => f['action'] === 'quarantine' || f['action'] === 'reject',
  );
  return [
    ...condemned.map((f) => issueOf('anomaly', output.task, f)),
    ...items(output.output, 'gaps').map((g) => issueOf('gap', output.task, g)),
  ];
}

function spreadIssues(output: TaskOutput): readonly CrewIssue[] {
  return items(output.output, 'spreads')
    .filter((s) => s['verdict'] === 'alert')
    .map((s) => ({
      kind: 'spread',
      severity: 'high',
      task: output.task,
      message: `prices of ${textAt(s, 'symbol')} differ between venues`,
      details: s,
    }));
}

const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;

function issueOf(kind: string, task: string, finding: Fields): CrewIssue {
  const severity = SEVERITIES.find((s) => s === finding['severity']) ?? 'medium';
  return { kind, severity, task, message: textAt(finding, 'message'), details: finding };
}
