import type { PlaybookContext } from '../../src/crew/index.ts';
import { callsOf, fields, items, numberAt, outputOf, resultOf, textAt, texts } from './read.ts';
import { actions, inStages, type Call } from './stages.ts';

/** Judges all tables. */
export const monitorTableHealth = inStages(
  [() => [{ tool: 'get_all_tables_health', args: { limit: 20 }, reason: 'see which tables need attention' }]],
  (context) => {
    const result = fields(resultOf(context, 'get_all_tables_health'));
    const advice = items(result, 'tables').flatMap((t) => texts(t, 'advice').map((a) => `${textAt(t, 'table')}: ${a}`));
    return { ...result, advice, actions: actions(context, ['get_all_tables_health']) };
  },
);

/** Times the busiest tables, refreshes the planner, and gives space back when the file holds enough. */
export const optimizeTablePerformance = inStages(
  [
    () => [{ tool: 'get_table_stats', args: { limit: 3 }, reason: 'find the busiest tables' }],
    (context) =>
      items(resultOf(context, 'get_table_stats'), 'tables')
        .filter((t) => (numberAt(t, 'rows') ?? 0) > 0)
        .map((t) => ({
          tool: 'analyze_table_performance',
          args: { table: textAt(t, 'table') },
          reason: 'time what readers ask of it',
        })),
    (context) => optimiseCalls(context),
  ],
  (context) => {
    const timed = callsOf(context, 'analyze_table_performance').filter((o) => o.ok);
    const optimised = fields(resultOf(context, 'optimize_schema'));
    return {
      tables_timed: timed.length,
      slowest_ms: slowest(context),
      optimised: callsOf(context, 'optimize_schema').some((o) => o.ok && !o.proposed),
      bytes_recovered: optimised['bytes_recovered'] ?? null,
      recommendations: timed.flatMap((o) => texts(o.result, 'recommendations')),
      pending_approvals: [],
      actions: actions(context, ['get_table_stats', 'analyze_table_performance']),
    };
  },
);

/** Measures the storage and warns before it is full. */
export const alertOnCapacityIssues = inStages(
  [
    () => [{ tool: 'check_capacity', args: {}, reason: 'measure the storage against its limit' }],
    (context) => capacityCalls(context),
  ],
  (context) => ({
    ...fields(resultOf(context, 'check_capacity')),
    escalated: callsOf(context, 'escalate_issue').some((o) => o.ok),
    actions: actions(context, ['check_capacity']),
  }),
);

function slowest(context: PlaybookContext): number | null {
  const times = callsOf(context, 'analyze_table_performance').flatMap((o) =>
    items(o.result, 'queries').flatMap((q) => numberAt(q, 'worst_ms') ?? []),
  );
  return times.length === 0 ? null : Math.max(...times);
}

const REFRESH_ROWS = 10_000;

function optimiseCalls(context: PlaybookContext): readonly Call[] {
  const health = outputOf(context, 'monitor_table_health');
  const slow = callsOf(context, 'analyze_table_performance').some((o) => o.ok && textAt(o.result, 'level') !== 'ok');
  const free = numberAt(health, 'fragmentation_percent') ?? 0;
  if (fields(health)['recommend_vacuum'] === true || slow) {
    const reason = slow ? 'queries are slow' : `${free.toFixed(0)} % of the file is free space`;
    return [{ tool: 'optimize_schema', args: {}, reason }];
  }
  const rows = numberAt(resultOf(context, 'get_table_stats'), 'total_rows') ?? 0;
  if (rows < REFRESH_ROWS) return [];
  return [
    { tool: 'analyze_tables', args: {}, reason: `${rows} rows are stored: refresh the statistics of the planner` },
  ];
}

function capacityCalls(context: PlaybookContext): readonly Call[] {
  const result = resultOf(context, 'check_capacity');
  const level = textAt(result, 'level');
  if (level === '' || level === 'ok') return [];
  const percent = numberAt(result, 'used_percent') ?? 0;
  const used = `${percent.toFixed(1)} %`;
  return [
    {
      tool: 'send_crew_message',
      args: { pattern: 'table_capacity_warning', details: { used_percent: percent } },
      reason: `storage is ${used} full: everybody should write less`,
    },
    {
      tool: 'escalate_issue',
      args: {
        level: level === 'critical' ? 'high' : 'medium',
        trigger: 'storage',
        description: `storage is ${used} full`,
        value: used,
        threshold: 'market.operations.escalation.storage_percent',
        recommended_actions: ['approve apply_retention', 'raise market.storage.capacity_gb'],
      },
      reason: `storage is ${used} full`,
    },
  ];
}
