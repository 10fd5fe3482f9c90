import { defineBehaviour, type Behaviour, type BehaviourContext } from '../../src/crew/index.ts';
import { dataOf, outcomeOf } from './acting.ts';
import { numberAt, textAt } from './read.ts';

/** Validation, gap search, bars, table health, optimisation and reports, by the clock (UTC). */
export const scheduledBehaviours: readonly Behaviour[] = [
  defineBehaviour({
    name: 'auto_validation',
    description: 'Every 5 minutes: all rules over the rows of the last minutes; hands what breaks them to the cleaner.',
    trigger: { every: 300 },
    agent: 'validator',
    cooldownSeconds: 60,
    priority: 3,
    catchUp: true,
    run: async (context) => {
      const called = await context.invoke(
        'validate_recent_data',
        { lookback_minutes: 6 },
        'the rows of the last 5 minutes',
      );
      const failed = numberAt(dataOf(called), 'failed') ?? 0;
      if (failed > 0) {
        const args = { pattern: 'anomaly_detected', details: { rows: failed } };
        outcomeOf(await context.invoke('send_crew_message', args, `${failed} row(s) break a rule`));
      }
      return { ...outcomeOf(called), failed };
    },
  }),
  defineBehaviour({
    name: 'gap_detection',
    description: 'Every 15 minutes: looks for missing stretches and has them filled.',
    trigger: { every: 900 },
    agent: 'validator',
    cooldownSeconds: 60,
    priority: 3,
    catchUp: true,
    run: async (context) => {
      const called = await context.invoke('check_data_gaps', { lookback_minutes: 30 }, 'look for what is missing');
      const gaps = numberAt(dataOf(called), 'gaps_found') ?? 0;
      if (gaps > 0) {
        const args = { pattern: 'missing_data_found', details: { gaps } };
        outcomeOf(await context.invoke('send_crew_message', args, `${gaps} stretch(es) are missing`));
      }
      return { ...outcomeOf(called), gaps };
    },
  }),
  defineBehaviour({
    name: 'cross_exchange_check',
    description: 'Every minute: compares prices and funding of each symbol over the venues.',
    trigger: { every: 60 },
    agent: 'validator',
    cooldownSeconds: 30,
    priority: 4,
    run: async (context) =>
      outcomeOf(await context.invoke('verify_cross_exchange', {}, 'see whether the venues agree')),
  }),
  defineBehaviour({
    name: 'scheduled_timeframe_aggregation',
    description: 'Every 5 minutes, at minute 0, 5, 10 …: writes the 5-minute bars.',
    trigger: { cron: '*/5 * * * *' },
    agent: 'cleaner',
    cooldownSeconds: 240,
    priority: 5,
    run: async (context) => {
      const args = { timeframes: ['5m'], lookback_minutes: 15 };
      return outcomeOf(await context.invoke('aggregate_to_timeframes', args, 'five more minutes have closed'));
    },
  }),
  defineBehaviour({
    name: 'scheduled_health_check',
    description: 'Every 5 minutes: judges all tables and keeps the measurements.',
    trigger: { every: 300 },
    agent: 'schema_manager',
    cooldownSeconds: 240,
    priority: 4,
    run: async (context) => outcomeOf(await context.invoke('get_all_tables_health', {}, 'measure all tables')),
  }),
  defineBehaviour({
    name: 'auto_vacuum_fragmented',
    description: 'When more than 30 % of the database file is free space: gives it back.',
    trigger: {
      threshold: {
        every: 300,
        sample: async (context) =>
          numberAt(
            dataOf(await context.invoke('get_all_tables_health', { limit: 1 }, 'measure the fragmentation')),
            'fragmentation_percent',
          ),
        above: 30,
      },
    },
    agent: 'schema_manager',
    cooldownSeconds: 3600,
    priority: 6,
    leaseSeconds: 900,
    run: async (context) =>
      outcomeOf(
        await context.invoke('vacuum_tables', {}, `${(context.value ?? 0).toFixed(0)} % of the file is free space`),
      ),
  }),
  defineBehaviour({
    name: 'capacity_threshold_alert',
    description: 'When more than 80 % of the allowed storage is used: tells the crew and people.',
    trigger: {
      threshold: {
        every: 300,
        sample: async (context) =>
          numberAt(dataOf(await context.invoke('check_capacity', {}, 'measure the storage')), 'used_percent'),
        above: 80,
      },
    },
    agent: 'schema_manager',
    cooldownSeconds: 3600,
    priority: 1,
    run: async (context) => {
      const used = `${(context.value ?? 0).toFixed(1)} %`;
      const reason = `storage is ${used} full`;
      const message = { pattern: 'table_capacity_warning', details: { used_percent: context.value ?? 0 } };
      outcomeOf(await context.invoke('send_crew_message', message, reason));
      const args = {
        level: 'high',
        trigger: 'storage',
        description: reason,
        value: used,
        threshold: '80 %',
        recommended_actions: ['approve apply_retention', 'raise market.storage.capacity_gb'],
      };
      return outcomeOf(await context.invoke('escalate_issue', args, reason));
    },
  }),
  defineBehaviour({
    name: 'schema_optimize',
    description: 'Daily at 00:00 UTC: moves finished days to Parquet and rewrites the file when it pays.',
    trigger: { cron: '0 0 * * *', timezone: 'UTC' },
    agent: 'schema_manager',
    cooldownSeconds: 3600,
    priority: 6,
    leaseSeconds: 1800,
    catchUp: true,
    run: async (context) => {
      const called = await context.invoke('optimize_schema', {}, 'a day is over: compact it');
      return { ...outcomeOf(called), bytes_recovered: numberAt(dataOf(called), 'bytes_recovered') };
    },
  }),
  defineBehaviour({
    name: 'retention_request',
    description: 'Daily at 00:30 UTC: when rows are older than the retention, asks a person to let it delete them.',
    trigger: { cron: '30 0 * * *', timezone: 'UTC' },
    agent: 'schema_manager',
    cooldownSeconds: 3600,
    priority: 6,
    leaseSeconds: 900,
    catchUp: true,
    run: askForRetention,
  }),
  defineBehaviour({
    name: 'retention_when_approved',
    description: 'When a person agreed to the retention: deletes what is older.',
    trigger: {
      event: 'approval.decided',
      when: ({ data }) => textAt(data, 'tool') === 'apply_retention' && textAt(data, 'decision') === 'approved',
    },
    agent: 'schema_manager',
    cooldownSeconds: 60,
    priority: 6,
    leaseSeconds: 900,
    run: askForRetention,
  }),
  defineBehaviour({
    name: 'escalation_check',
    description: 'Every 5 minutes: judges the escalation ladder.',
    trigger: { every: 300 },
    agent: 'validator',
    cooldownSeconds: 240,
    priority: 2,
    run: async (context) => outcomeOf(await context.invoke('check_escalations', {}, 'judge the ladder')),
  }),
  defineBehaviour({
    name: 'hourly_quality_report',
    description: 'Every hour: the data quality report.',
    trigger: { cron: '0 * * * *', timezone: 'UTC' },
    agent: 'validator',
    cooldownSeconds: 600,
    priority: 8,
    catchUp: true,
    run: async (context) =>
      outcomeOf(await context.invoke('get_data_quality_report', { period: 'hour' }, 'an hour is over')),
  }),
  defineBehaviour({
    name: 'weekly_report',
    description: 'Mondays at 09:00 UTC: the report of the week, with incidents, trends and advice.',
    trigger: { cron: '0 9 * * 1', timezone: 'UTC' },
    agent: 'validator',
    cooldownSeconds: 3600,
    priority: 8,
    catchUp: true,
    run: async (context) =>
      outcomeOf(await context.invoke('get_data_quality_report', { period: 'week' }, 'a week is over')),
  }),
];

/** The same words each time, so that a request that is open, or was agreed to, is found again. */
const RETENTION = { reason: 'rows are older than market.storage.retention_days' };

/**
 * Deletes what is older than the configured retention, as soon as a person agrees: until then the call leaves a request,
 * and a later one takes effect. Without old rows nobody is asked.
 */
async function askForRetention(context: BehaviourContext): Promise<Readonly<Record<string, unknown>>> {
  const capacity = dataOf(await context.invoke('check_capacity', {}, 'see whether rows are older than the retention'));
  const tables = numberAt(capacity, 'tables_beyond_retention') ?? 0;
  if (tables === 0) return { tables };
  const called = await context.invoke(
    'apply_retention',
    RETENTION,
    `${tables} table(s) hold rows beyond the retention`,
  );
  if (!called.ok && called.error.code === 'approval_required') {
    return { tables, waits_for_approval: called.error.approval_id ?? null };
  }
  return { tables, ...outcomeOf(called) };
}
