import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import behaviours from '../../crews/data-ops/behaviours.ts';
import graph from '../../crews/data-ops/graph.ts';
import playbook from '../../crews/data-ops/playbook.ts';
import operationsPlaybook from '../../crews/operations/playbook.ts';
import {
  createCrewRunner,
  createMemoryRunStore,
  createModelSource,
  MemorySaver,
  type Behaviour,
  type BehaviourContext,
  type ModelSource,
} from '../../src/crew/index.ts';
import { ApprovalRequired } from '../../src/kit/errors.ts';
import { silentLogger } from '../../src/kit/logger.ts';
import { connection, fillBench, FROM, keyOf, mark, openBench, quote, START, type Bench } from '../market/jobs/bench.ts';
import { openai, StubProvider } from '../crew/model/stub.ts';
import { openDesk } from './desk.ts';

const SECOND = 1_000_000;
let bench: Bench;
let desk: ReturnType<typeof openDesk>;
beforeEach(async () => {
  bench = await openBench();
  await fillBench(bench);
  desk = openDesk(bench);
});
afterEach(() => bench[Symbol.asyncDispose]());

function byThePlaybook(): ModelSource {
  const playbooks = { 'data-ops': playbook, operations: operationsPlaybook };
  return createModelSource({ env: {}, model: 'playbook', fallbacks: [], playbooks });
}

function runner(model: ModelSource = byThePlaybook()) {
  const { config } = desk;
  const byId = <T extends { readonly id: string }>(items: readonly T[]) =>
    Object.fromEntries(items.map((i) => [i.id, i]));
  return createCrewRunner({
    crews: byId(config.crews),
    agents: byId(config.agents),
    tasks: byId(config.tasks),
    graphs: { 'data-ops': graph },
    invoker: desk.invoker,
    models: model,
    checkpointer: new MemorySaver(),
    store: createMemoryRunStore(),
    events: bench.events,
    clock: bench.clock,
    log: silentLogger,
    newId: desk.newId,
    random: () => 0.5,
  });
}

const tasksOf = (document: { tasks: readonly { id: string; status: string }[] }, status: string) =>
  document.tasks.filter((t) => t.status === status).map((t) => t.id);

describe('a round of the crew, without a model', () => {
  test('on a sound desk nothing is repaired, and everything is looked at', async () => {
    const document = await runner().kickoff('data-ops', {}, { shadow: true });
    expect(document.status).toBe('completed');
    expect(tasksOf(document, 'completed')).toEqual([
      'monitor_exchange_connections',
      'validate_incoming_data',
      'cross_exchange_consistency_check',
      'aggregate_to_timeframes',
      'normalize_exchange_data',
      'monitor_table_health',
      'optimize_table_performance',
      'alert_on_capacity_issues',
      'generate_data_quality_report',
    ]);
    expect(document.proposed_actions.map((p) => p.tool)).toEqual(['aggregate_to_timeframes', 'normalize_data']);
    expect(document.effects).toEqual([]);
    expect(desk.called.filter((c) => c.reason === undefined || c.reason.length < 5)).toEqual([]);
  });

  test('in shadow mode a spike, a gap and a broken connection are proposed for repair, and nothing is changed', async () => {
    const hole = { from: FROM + 500 * SECOND, to: FROM + 540 * SECOND };
    const { store } = bench.services;
    await store.quarantine({ ...keyOf('mark_prices'), id: 'hole', reason: 't', keys: null, ...hole });
    await store.ingest([quote('bybit', FROM + 580_500_000, 250), mark('binance', FROM + 400_500_000, 260)], null);
    bench.collector.connections = [
      connection('binance'),
      connection('bybit', { state: 'backing_off', last_error: 'reset' }),
    ];
    const before = JSON.stringify([await store.stats(), await store.series()]);
    const document = await runner().kickoff('data-ops', {}, { shadow: true });
    const proposals = document.proposed_actions.map((p) => `${p.agent} ${p.tool}`);
    expect(proposals).toEqual(
      expect.arrayContaining([
        'collector trigger_reconnect',
        'validator quarantine_data',
        'collector request_backfill',
        'cleaner fill_data_gaps',
      ]),
    );
    expect(proposals.filter((p) => p === 'validator quarantine_data')).toHaveLength(2);
    for (const proposal of document.proposed_actions) expect(proposal.reason.length).toBeGreaterThan(10);
    expect(JSON.stringify([await store.stats(), await store.series()])).toBe(before);
    expect(bench.collector.calls).toEqual([]);
    expect(document.effects).toEqual([]);
    const types = (await bench.services.ops.select('quality_issues')).map((i) => i.issue_type);
    expect(types).toEqual(expect.arrayContaining(['price_deviation', 'silence']));
    const patterns = bench.events.of('crew.message').map((e) => (e.data as { pattern: string }).pattern);
    expect(patterns).toEqual(expect.arrayContaining(['new_data_batch', 'anomaly_detected', 'missing_data_found']));
  });

  test('active, the same is carried out: quarantined, fetched again, filled and settled', async () => {
    const hole = { from: FROM + 500 * SECOND, to: FROM + 540 * SECOND };
    const { store, ops } = bench.services;
    await store.quarantine({ ...keyOf('mark_prices'), id: 'hole', reason: 't', keys: null, ...hole });
    await store.ingest([quote('bybit', FROM + 580_500_000, 250)], null);
    bench.collector.onBackfill = async (_key, from) => {
      const rows = Array.from({ length: 14 }, (_, i) => ({
        ...mark('binance', from * 1000 + i * 3 * SECOND, 100),
        origin: 'backfill' as const,
      }));
      return (await store.ingest(rows, null)).tables.reduce((sum, t) => sum + t.rows, 0);
    };
    const document = await runner().kickoff('data-ops', {}, { shadow: false });
    expect(document.status).toBe('completed');
    expect(document.proposed_actions).toEqual([]);
    const held = await ops.select('quarantines');
    expect(held).toMatchObject([{ exchange: 'bybit', stream: 'prices', rows: 1 }]);
    const left = await ops.select('quality_issues', { where: { resolution_status: 'pending' } });
    expect(left.map((i) => [i.issue_type, i.resolution_notes])).toEqual([]);
  });

  test('a price that another venue confirms is genuine: its issue is set aside, its rows stay', async () => {
    const late = FROM + 599_100_000;
    const risen = Array.from({ length: 8 }, (_, i) => [
      quote('binance', late + i * 100_000, 250),
      quote('bybit', late + i * 100_000, 250),
    ]);
    await bench.services.store.ingest(risen.flat(), null);
    const document = await runner().kickoff('data-ops', {}, { shadow: true });
    expect(document.proposed_actions.map((p) => p.tool)).not.toContain('quarantine_data');
    const issues = await bench.services.ops.select('quality_issues', { where: { issue_type: 'price_deviation' } });
    expect(new Set(issues.map((i) => i.resolution_status))).toEqual(new Set(['ignored']));
  });

  test('a failing tool does not stop the round', async () => {
    bench.services.store.storage = () => Promise.reject(new Error('boom'));
    const document = await runner().kickoff('data-ops', {}, { shadow: true });
    const calls = document.tasks
      .flatMap((t) => t.tool_calls)
      .filter((c) => !c.ok)
      .map((c) => c.tool);
    expect(calls).toContain('check_capacity');
    expect(document.tasks.find((t) => t.id === 'generate_data_quality_report')?.status).toBe('completed');
  });

  test('the operations crew measures every component', async () => {
    const document = await runner().kickoff('operations', {}, { shadow: true });
    expect(document.tasks[0]?.output).toMatchObject({ status: 'healthy', health_score: 100 });
    expect(await bench.services.ops.count('exchange_connection_status')).toBe(2);
  });
});

describe('a round of the crew, by a language model', () => {
  async function round(...answers: readonly unknown[]) {
    const stub = await StubProvider.start();
    try {
      stub.script(...answers.map((a) => openai.text(typeof a === 'string' ? a : JSON.stringify(a))));
      const models = createModelSource({
        env: openai.env(stub.url),
        model: openai.model,
        fallbacks: [],
        playbooks: {},
      });
      return { document: await runner(models).kickoff('data-ops', {}, { shadow: true }), requests: stub.requests };
    } finally {
      await stub.stop();
    }
  }
  const said = (n: number) => Array.from({ length: n }, (_, i) => `done ${i}`);

  test('issues in its answers route to the cleaner; a free text is sent back with what is wanted', async () => {
    const finding = { message: 'a spike', action: 'quarantine', severity: 'high' };
    const gap = { exchange: 'bybit', symbol: 'BTCUSDT', stream: 'trades' };
    const { document, requests } = await round(
      { issues: [{ exchange: 'bybit', market: 'spot', status: 'disconnected' }] },
      'reconnected',
      'There is one spike and a gap in the trades of bybit.',
      { findings: [finding], gaps: [gap] },
      { spreads: [] },
      ...said(9),
    );
    expect(tasksOf(document, 'completed')).toEqual(desk.config.crews.find((c) => c.id === 'data-ops')?.tasks);
    expect(JSON.stringify(requests[3]?.body)).toContain('the answer holds no JSON value');
    expect(document.tasks.find((t) => t.id === 'handle_missing_data')?.agent).toBe('cleaner');
  });

  test('without issues nothing is repaired', async () => {
    const { document } = await round({ issues: [] }, { findings: [], gaps: [] }, { spreads: [] }, ...said(6));
    expect(document.status).toBe('completed');
    expect(tasksOf(document, 'completed')).toHaveLength(9);
    expect(tasksOf(document, 'completed')).not.toContain('handle_missing_data');
  });
});

describe('behaviours act through the tools of their agent', () => {
  const one = (name: string): Behaviour => behaviours.find((b) => b.name === name)!;
  function context(behaviour: Behaviour, event: unknown, value: number | null = null): BehaviourContext {
    return {
      name: behaviour.name,
      trigger: 'test',
      event: event as never,
      value,
      caughtUp: false,
      shadow: false,
      events: bench.events,
      log: silentLogger,
      clock: {
        now: () => bench.clock.now(),
        monotonicMs: () => 0,
        schedule: (_ms, run) => (run(), { cancel: () => undefined }),
      },
      signal: new AbortController().signal,
      kickoff: () => Promise.reject(new Error('no crew here')),
      invoke: (tool, args, reason) =>
        desk.invoker.invoke({ tool, args, reason, caller: desk.caller(behaviour.agent!) }),
    };
  }
  const fire = (name: string, event: unknown = null, value: number | null = null) =>
    one(name).run(context(one(name), event, value));
  const series = { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT' };
  const failures = () => bench.events.of('tool.called').filter((e) => !(e.data as { ok: boolean }).ok);

  test('each one runs by hand, and every call it makes is allowed and well formed', async () => {
    bench.collector.connections = [connection('binance'), connection('bybit')];
    for (const behaviour of behaviours) await behaviour.run(context(behaviour, null));
    expect(failures()).toEqual([]);
    expect(bench.events.of('tool.refused')).toEqual([]);
  });

  test('auto_reconnect tries three times with pauses, then falls back to REST and tells people', async () => {
    bench.collector.connections = [connection('binance', { state: 'backing_off' })];
    const stopped = { data: { exchange: 'binance', market: 'futures', connection_id: 'c', reason: 'reset' } };
    const trigger = one('auto_reconnect').trigger;
    if (!('event' in trigger)) throw new Error('auto_reconnect listens to events');
    expect(trigger.when?.(stopped as never)).toBe(true);
    expect(trigger.when?.({ data: { ...stopped.data, reason: 'stopped' } } as never)).toBe(false);
    expect(await fire('auto_reconnect', stopped)).toMatchObject({ success: false, attempts: 3, fallback: true });
    expect(bench.collector.calls.filter((c) => c.startsWith('reconnect'))).toHaveLength(3);
    expect(bench.collector.calls).toContain('mode binance futures rest');
    expect(await bench.services.ops.count('escalations')).toBe(1);
  });

  test('five refusals in a row are told to people, fewer are not', async () => {
    const refused = (n: number) => ({
      data: { exchange: 'binance', market: 'futures', host: 'fapi', refused_in_a_row: n },
    });
    const { when } = one('rate_limit_escalation').trigger as never as { when: (e: unknown) => boolean };
    expect([when(refused(4)), when(refused(5))]).toEqual([false, true]);
    await fire('rate_limit_escalation', refused(5));
    expect(await bench.services.ops.select('escalations')).toMatchObject([
      { escalation_level: 'medium', trigger_condition: 'rate_limited:fapi', affected_exchanges: ['binance_futures'] },
    ]);
  });

  test('a long gap is fetched, a small one in prices interpolated, others left to their kind', async () => {
    const gap = (stream: string, seconds: number) => ({
      data: {
        ...series,
        stream,
        kind: 'silence',
        gap_start: START - 400_000,
        gap_end: START - 400_000 + seconds * 1000,
        duration_seconds: seconds,
      },
    });
    const threshold = (
      one('auto_backfill_on_gap').trigger as never as {
        threshold: { value: (e: unknown) => number | null; above: number };
      }
    ).threshold;
    expect([threshold.value(gap('trades', 400)), threshold.value(gap('orderbooks', 400)), threshold.above]).toEqual([
      400,
      null,
      300,
    ]);
    await fire('auto_backfill_on_gap', gap('trades', 390), 390);
    expect(bench.collector.calls).toEqual(['backfill btcusdt_binance_futures_trades']);
    const when = (one('auto_interpolate_small_gaps').trigger as never as { when: (e: unknown) => boolean }).when;
    expect([59, 60, 300, 301].map((s) => when(gap('prices', s)))).toEqual([false, true, true, false]);
    expect(when(gap('trades', 100))).toBe(false);
    await bench.services.store.quarantine({
      ...keyOf('mark_prices'),
      id: 'h',
      reason: 't',
      keys: null,
      from: (START - 399_999) * 1000,
      to: (START - 320_000) * 1000,
    });
    await fire('auto_interpolate_small_gaps', gap('mark_prices', 80));
    expect(await bench.services.ops.select('interpolations')).toMatchObject([{ strategy_used: 'linear' }]);
  });

  test('a severe anomaly is quarantined from its event', async () => {
    await bench.services.store.ingest([quote('binance', FROM + 580_500_000, 250)], null);
    await fire('auto_validation');
    const [anomaly] = bench.events.of('analysis.anomaly_detected');
    const { threshold } = one('auto_quarantine_severe_anomaly').trigger as never as {
      threshold: { value: (e: unknown) => number | null };
    };
    expect(threshold.value(anomaly)).toBeGreaterThan(4);
    await fire('auto_quarantine_severe_anomaly', anomaly, threshold.value(anomaly));
    expect(await bench.services.ops.select('quarantines')).toMatchObject([{ rows: 1, stream: 'prices' }]);
    expect(await bench.services.ops.count('quality_issues', { where: { resolution_status: 'pending' } })).toBe(0);
    expect(bench.events.of('crew.message')).toHaveLength(1);
  });

  test('rows beyond the retention are asked for, deleted once a person agreed, and nobody is asked without any', async () => {
    expect(await fire('retention_request')).toEqual({ tables: 0 });
    const day = 86_400_000_000;
    await bench.services.store.ingest([quote('binance', FROM - 40 * day, 100)], null);
    desk.refuse = (call) => (call.tool === 'apply_retention' ? new ApprovalRequired('a person decides', 'a_1') : null);
    expect(await fire('retention_request')).toEqual({ tables: 1, waits_for_approval: 'a_1' });
    const [first, second] = await Promise.all([fire('retention_request'), fire('retention_request')]);
    expect(second).toEqual(first);
    const asked = desk.called.filter((call) => call.tool === 'apply_retention').map((call) => call.args);
    expect(new Set(asked.map((args) => JSON.stringify(args))).size).toBe(1);

    desk.refuse = () => null;
    const { when } = one('retention_when_approved').trigger as never as { when: (e: unknown) => boolean };
    const decided = (tool: string, decision: string) => when({ data: { tool, decision } });
    expect([decided('apply_retention', 'approved'), decided('apply_retention', 'rejected')]).toEqual([true, false]);
    expect(decided('drop_table', 'approved')).toBe(false);
    expect(await fire('retention_when_approved')).toMatchObject({ tables: 1, tool: 'apply_retention' });
    expect(bench.events.of('storage.pruned')).toHaveLength(1);
    expect(await fire('retention_request')).toEqual({ tables: 0 });
  });

  test('a failing call makes the behaviour fail', async () => {
    bench.services.store.compact = () => Promise.reject(new Error('disk'));
    await expect(fire('schema_optimize')).rejects.toThrow(/optimize_schema/);
  });
});
