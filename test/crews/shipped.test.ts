import { describe, expect, test } from 'vitest';
import dataOpsBehaviours from '../../crews/data-ops/behaviours.ts';
import dataOpsPlaybook from '../../crews/data-ops/playbook.ts';
import operationsPlaybook from '../../crews/operations/playbook.ts';
import { agentCaller, createPermissionGate, flowFromSpec, loadConfig } from '../../src/crew/index.ts';
import { createApprovalPolicy } from '../../src/crew/approval/policy.ts';
import { openApprovals } from '../../src/crew/approval/approvals.ts';
import { approvalRules } from '../../src/crew/approval/rules.ts';
import { Database } from '../../src/infra/duckdb/database.ts';
import { behavioursOf } from '../../src/serve/runtime/autonomy.ts';
import { ManualClock } from '../../src/kit/clock.ts';
import { ApprovalRequired } from '../../src/kit/errors.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { bindTools } from '../../src/kit/tool.ts';
import { marketConfigSchema } from '../../src/market/config.ts';
import { tools } from '../../src/market/tools/catalogue.generated.ts';
import { RecordingSink } from '../kit/tool-fakes.ts';

const config = loadConfig({ dir: '.', env: {}, sections: { market: marketConfigSchema }, knownTools: tools });
const bound = bindTools(tools, {} as never);
const gate = createPermissionGate({
  roles: config.roles,
  agents: config.agents,
  overrides: () => [],
  clock: new ManualClock(),
});
const agent = (id: string) => config.agents.find((a) => a.id === id)!;
const allowed = (id: string, name: string, tool = name): boolean => {
  const found = bound.find((t) => t.name === tool);
  return gate.decide(agentCaller(agent(id)), found, name).allowed;
};

describe('the shipped configuration', () => {
  test('loads without issue or warning, with its agents, tasks and crews', () => {
    expect(config.warnings).toEqual([]);
    expect(config.agents.map((a) => a.id)).toEqual([
      'collector',
      'validator',
      'cleaner',
      'schema_manager',
      'system_health',
    ]);
    expect(config.crews.map((c) => [c.id, c.process, c.tasks.length])).toEqual([
      ['data-ops', 'graph', 13],
      ['operations', 'sequential', 1],
    ]);
    expect(config.crews[0]?.manager_agent).toBe('collector');
    expect(config.sections.market.source).toBe('sim');
  });

  test('every tool of an agent is granted to it, and no agent lacks tools', () => {
    for (const { id, tools: own } of config.agents) {
      expect(own.length).toBeGreaterThan(5);
      expect(own.filter((name) => !allowed(id, name)).map((name) => `${id} ${name}`)).toEqual([]);
    }
  });

  test('the roles keep the agents apart, by list and by role', () => {
    expect(allowed('schema_manager', 'vacuum_tables')).toBe(true);
    for (const id of ['collector', 'validator', 'cleaner']) {
      expect([id, allowed(id, 'vacuum_tables'), allowed(id, 'optimize_schema')]).toEqual([id, false, false]);
    }
    for (const id of ['collector', 'validator', 'schema_manager']) {
      expect([id, allowed(id, 'fill_data_gaps'), allowed(id, 'clean_data_anomalies')]).toEqual([id, false, false]);
    }
    for (const id of ['validator', 'cleaner', 'schema_manager'])
      expect([id, allowed(id, 'trigger_reconnect')]).toEqual([id, false]);
    for (const id of ['cleaner', 'schema_manager'])
      expect([id, allowed(id, 'validate_recent_data')]).toEqual([id, false]);
    const grants = Object.fromEntries(config.roles.map((r) => [r.id, r.grants]));
    expect(grants['collector']).toEqual({
      exchange_data: 'READ_ONLY',
      historical_query: 'READ_ONLY',
      streaming_control: 'WRITE',
      database_write: 'READ_WRITE',
    });
    expect(grants['validator']).toEqual({
      exchange_data: 'READ_ONLY',
      historical_query: 'READ_ONLY',
      database_write: 'READ_WRITE',
    });
    expect(grants['cleaner']).toEqual({
      exchange_data: 'READ_ONLY',
      historical_query: 'READ_ONLY',
      database_write: 'WRITE',
    });
    expect(grants['schema_manager']).toEqual({
      exchange_data: 'READ_ONLY',
      historical_query: 'READ_ONLY',
      system_config: 'WRITE',
    });
  });

  test('a request for the retention is open until the next one is near, others for minutes', async () => {
    const clock = new ManualClock();
    let id = 0;
    const db = await Database.open({ path: ':memory:' });
    const rules = approvalRules(config.system.approvals.rules);
    const approvals = await openApprovals({
      db,
      events: new RecordingSink(),
      clock,
      log: silentLogger,
      ids: (prefix) => `${prefix}_${++id}`,
      policy: createApprovalPolicy({ agents: config.agents, categories: config.system.approvals.categories, rules }),
      rules,
      timeoutMs: config.system.approvals.timeout_seconds * 1000,
    });
    const openFor = async (name: string): Promise<number> => {
      const tool = bound.find((t) => t.name === name)!;
      const call = { tool: name, args: {}, caller: agentCaller(agent('schema_manager')) };
      const asked = approvals.check({ call, tool, args: {}, argsHash: name, callId: 'call_1' });
      await expect(asked).rejects.toBeInstanceOf(ApprovalRequired);
      const [request] = (await approvals.list()).filter((r) => r.tool === name);
      return request!.expires_at - request!.requested_at;
    };
    expect(await openFor('apply_retention')).toBe(23 * 3_600_000);
    expect(await openFor('create_index')).toBe(300_000);
    await approvals.close();
    await db.close();
  });

  test('what needs approval is asked for, what the agents may do alone is not', () => {
    expect(agent('collector').approval_required).toEqual([
      'add_new_symbol',
      'remove_symbol',
      'disable_exchange',
      'enable_exchange',
      'modify_rate_limits',
      'configure_streaming',
    ]);
    expect(agent('schema_manager').approval_required).toEqual([
      'apply_retention',
      'change_retention_policy',
      'create_index',
      'drop_table',
      'modify_schema',
      'archive_data',
    ]);
    expect(agent('validator').approval_required).toEqual([
      'modify_validation_rules',
      'change_quarantine_policy',
      'delete_data',
    ]);
    expect(agent('cleaner').approval_required).toEqual([
      'change_interpolation_rules',
      'modify_raw_data',
      'revert_correction',
    ]);
  });

  test('the playbook has a policy for every task of its crew, and no other', () => {
    const tasksOf = (crew: string) => [...(config.crews.find((c) => c.id === crew)?.tasks ?? [])].sort();
    expect(Object.keys(dataOpsPlaybook.policies).sort()).toEqual(tasksOf('data-ops'));
    expect(Object.keys(operationsPlaybook.policies).sort()).toEqual(tasksOf('operations'));
  });

  test('the behaviours that the desk is described by are there, each with an agent that exists', () => {
    const names = dataOpsBehaviours.map((b) => b.name);
    expect(names).toEqual([...new Set(names)]);
    for (const name of [
      'auto_reconnect',
      'auto_validation',
      'gap_detection',
      'schema_optimize',
      'retention_request',
      'retention_when_approved',
      'auto_backfill_on_gap',
      'auto_quarantine_severe_anomaly',
      'alert_cross_exchange_inconsistency',
      'auto_interpolate_small_gaps',
      'scheduled_timeframe_aggregation',
      'scheduled_health_check',
      'auto_vacuum_fragmented',
      'capacity_threshold_alert',
      'hourly_quality_report',
      'weekly_report',
    ])
      expect(names).toContain(name);
    for (const b of dataOpsBehaviours) expect(config.agents.map((a) => a.id)).toContain(b.agent);
    const one = (name: string) => dataOpsBehaviours.find((b) => b.name === name)!;
    expect(one('auto_validation').trigger).toEqual({ every: 300 });
    expect(one('gap_detection').trigger).toEqual({ every: 900 });
    expect(one('schema_optimize').trigger).toEqual({ cron: '0 0 * * *', timezone: 'UTC' });
    expect([one('auto_reconnect').cooldownSeconds, one('auto_backfill_on_gap').cooldownSeconds]).toEqual([30, 600]);
    expect(one('weekly_report').trigger).toEqual({ cron: '0 9 * * 1', timezone: 'UTC' });
  });
});

describe('the shipped flows', () => {
  test('health_check runs the operations crew every minute, by itself and by hand', () => {
    expect(config.flows.map((f) => f.id)).toEqual(['health_check']);
    const [flow] = config.flows.map(flowFromSpec);
    expect(flow).toMatchObject({ enabled: true, schedule: { cron: '* * * * *' } });
    expect(flow?.methods.map((m) => [m.id, m.label, m.start])).toEqual([['operations', 'crew operations', true]]);
    const behaviour = behavioursOf({}, config).find((b) => b.name === 'flow_health_check');
    expect(behaviour).toMatchObject({ trigger: { cron: '* * * * *' }, enabled: true });
    expect(behavioursOf({}, config, { only: ['data-ops'] })).toEqual([]);
  });
});
