import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Unsupported } from '../../../src/kit/errors.ts';
import { cleanSeries } from '../../../src/market/jobs/clean.ts';
import { compareSymbols } from '../../../src/market/jobs/cross-exchange.ts';
import {
  escalationConditions,
  logChannel,
  raiseEscalation,
  webhookChannel,
} from '../../../src/market/jobs/escalation.ts';
import { fillGap } from '../../../src/market/jobs/fill.ts';
import { findingOf } from '../../../src/market/jobs/finding.ts';
import { scanSeries } from '../../../src/market/jobs/gap-scan.ts';
import { recordFindings } from '../../../src/market/jobs/issue-book.ts';
import { sendMessage } from '../../../src/market/jobs/messages.ts';
import { deskMetrics, recordWork } from '../../../src/market/jobs/metrics.ts';
import { createConnectionLog } from '../../../src/market/jobs/connection-log.ts';
import { qualityReport } from '../../../src/market/jobs/quality-report.ts';
import { releaseQuarantine } from '../../../src/market/jobs/quarantine.ts';
import type { Stream } from '../../../src/market/domain/records.ts';
import { capacity, storageByStream } from '../../../src/market/jobs/schema-health.ts';
import { validateSeries } from '../../../src/market/jobs/validate.ts';
import { venueMarkets } from '../../../src/market/jobs/venues.ts';
import { connection, fillBench, FROM, keyOf, mark, openBench, quote, START, type Bench } from './bench.ts';

const SECOND = 1_000_000;
const NOW = START * 1000;
const signal = new AbortController().signal;
const finding = (change = {}) =>
  findingOf(keyOf('trades'), {
    issue_type: 'x',
    severity: 'high',
    message: 'm',
    rule: 'r',
    action: 'quarantine',
    ...change,
  });

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench[Symbol.asyncDispose]());

describe('quality issues', () => {
  test('the same issue is one row that counts; known rows add nothing; each says so by an event', async () => {
    const { services, events } = bench;
    const [first] = await recordFindings(services, [finding({ keys: ['a', 'b'] })], 't');
    const [again] = await recordFindings(services, [finding({ keys: ['b'] })], 't');
    const [more] = await recordFindings(services, [finding({ keys: ['b', 'c'] })], 't');
    expect([first?.is_new, again?.added, more?.occurrences]).toEqual([true, 0, 3]);
    const rows = await services.ops.select('quality_issues');
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      occurrences: 3,
      resolution_status: 'pending',
      related_record_ids: ['a', 'b', 'c'],
    });
    expect(events.of('data.quality_alert')).toHaveLength(2);
  });
  test('distinct gaps are distinct issues, and seen again they are the same', async () => {
    const gap = (from: number) =>
      finding({ event: 'data.gap_detected', distinct: String(from), from, to: from + SECOND });
    await recordFindings(bench.services, [gap(0), gap(5 * SECOND)], 't');
    await recordFindings(bench.services, [gap(0)], 't');
    const rows = await bench.services.ops.select('quality_issues');
    expect(rows.map((r) => r.occurrences)).toEqual([1, 1]);
    expect(bench.events.of('data.gap_detected')[0]?.data).toMatchObject({
      gap_start: 0,
      gap_end: 1000,
      duration_seconds: 1,
    });
  });
  test('two checks at the same time open one issue', async () => {
    await Promise.all([1, 2, 3, 4].map(() => recordFindings(bench.services, [finding()], 't')));
    expect(await bench.services.ops.count('quality_issues')).toBe(1);
  });
});

describe('validation', () => {
  test('an ordinary market has no finding', async () => {
    await fillBench(bench);
    for (const stream of ['trades', 'prices', 'mark_prices', 'open_interest', 'candles'] as const) {
      const result = await validateSeries(bench.services, keyOf(stream), FROM, NOW);
      expect([stream, result.findings.map((f) => f.message)]).toEqual([stream, []]);
      expect(result.rows).toBeGreaterThan(0);
    }
  });
  test('a spike is condemned, quarantined, fetched again, and can be released', async () => {
    await fillBench(bench);
    const { services, collector } = bench;
    await services.store.ingest([mark('binance', FROM + 301_500_000, 250)], null);
    const key = keyOf('mark_prices');
    const before = await validateSeries(services, key, FROM, NOW);
    expect(before.findings).toMatchObject([{ issue_type: 'price_deviation', count: 1 }]);
    collector.onBackfill = async () => 1;
    const [done] = await cleanSeries(services, key, { from: FROM, to: NOW }, 'q_test', signal);
    expect(done).toMatchObject({ rows: 1, refetched: 1 });
    const after = await validateSeries(services, key, FROM, NOW);
    expect([after.findings, before.rows - after.rows]).toEqual([[], 1]);
    const [issue] = await services.ops.select('quality_issues');
    expect(issue).toMatchObject({ resolution_status: 'resolved' });
    expect(await releaseQuarantine(services, done!.quarantine_id, 'me')).toBe(1);
    expect((await validateSeries(services, key, FROM, NOW)).rows).toBe(before.rows);
    await expect(releaseQuarantine(services, done!.quarantine_id, 'me')).rejects.toThrow(/released already/);
  });
  test('trades lost without a trace are found by their candle', async () => {
    await fillBench(bench);
    const lost = { id: 'lost', reason: 't', keys: null, from: FROM + 250 * SECOND, to: FROM + 255 * SECOND };
    await bench.services.store.quarantine({ ...keyOf('trades'), ...lost });
    const result = await validateSeries(bench.services, keyOf('candles'), FROM, NOW);
    expect(result.findings.map((f) => [f.issue_type, f.data_type, f.expected])).toEqual([
      ['silent_trade_loss', 'trades', '120'],
    ]);
    const scan = await scanSeries(bench.services, keyOf('trades'), FROM, NOW);
    expect(scan.findings).toMatchObject([{ issue_type: 'silent_trade_loss', value: 110, from: FROM + 240 * SECOND }]);
  });
});

describe('gaps', () => {
  test('silence and missing candles are found with their bounds', async () => {
    await fillBench(bench);
    const { services, collector } = bench;
    const whole = await scanSeries(services, keyOf('mark_prices'), FROM, FROM + 600 * SECOND);
    expect(whole.gaps).toEqual([]);
    await services.store.quarantine({
      ...keyOf('mark_prices'),
      id: 'hole',
      reason: 't',
      keys: null,
      from: FROM + 100 * SECOND,
      to: FROM + 200 * SECOND,
    });
    const holed = await scanSeries(services, keyOf('mark_prices'), FROM, FROM + 600 * SECOND);
    expect(holed.gaps).toMatchObject([{ from: FROM + 99 * SECOND, to: FROM + 201 * SECOND, place: 'inner' }]);
    await services.store.quarantine({
      ...keyOf('candles'),
      id: 'c',
      reason: 't',
      keys: null,
      from: FROM + 120 * SECOND,
      to: FROM + 240 * SECOND,
    });
    const minutes = await scanSeries(services, keyOf('candles'), FROM, NOW);
    expect(minutes.gaps[0]).toMatchObject({ from: FROM + 120 * SECOND, to: FROM + 240 * SECOND, expected_rows: 2 });
    collector.series = collector.series.map((s) => ({ ...s, stale_after_ms: null }));
    expect((await scanSeries(services, keyOf('prices'), FROM, NOW)).reason).toMatch(/silent/);
  });
  test('history first; what it does not reach is filled by rule in the cleaned copy, and logged', async () => {
    await fillBench(bench);
    const { services, collector } = bench;
    const from = FROM + 99 * SECOND;
    const to = FROM + 141 * SECOND;
    await services.store.quarantine({
      ...keyOf('mark_prices'),
      id: 'hole',
      reason: 't',
      keys: null,
      from: from + 1,
      to,
    });
    collector.missing = [{ from: from / 1000, to: to / 1000, reason: 'history reaches 1 minute' }];
    const filled = await fillGap(services, keyOf('mark_prices'), from, to, signal);
    expect(filled).toMatchObject({
      status: 'interpolated',
      interpolations: [{ strategy: 'linear', records_created: 13 }],
    });
    const [log] = await services.ops.select('interpolations');
    expect(log).toMatchObject({ strategy_used: 'linear', records_created: 13, gap_duration_seconds: 42 });
    const raw = await services.store.seriesRows({ ...keyOf('mark_prices'), from: from + 1, to, limit: 100 });
    expect(raw).toEqual([]);
    const copy = await services.store.read(
      'SELECT count(*)::INTEGER AS n FROM btcusdt_binance_futures_mark_prices_cleaned',
    );
    expect(copy).toEqual([{ n: 13 }]);
  });
  test('trades are never filled; a venue without history is an outcome, not a failure', async () => {
    await fillBench(bench);
    bench.collector.backfillError = new Unsupported('no history');
    const open = await fillGap(bench.services, keyOf('trades'), FROM, FROM + SECOND, signal);
    expect(open).toMatchObject({
      status: 'open',
      backfill_error: 'no history',
      interpolations: [{ records_created: 0 }],
    });
    expect(open.interpolations[0]?.reason).toMatch(/never filled/);
    expect(await bench.services.ops.count('interpolations')).toBe(0);
    bench.collector.backfillError = new TypeError('a bug');
    await expect(fillGap(bench.services, keyOf('trades'), FROM, FROM + SECOND, signal)).rejects.toThrow('a bug');
  });
});

test('venues are compared on their newest prices', async () => {
  await fillBench(bench);
  const newest = FROM + 599 * SECOND;
  await bench.services.store.ingest(
    [quote('binance', newest + SECOND, 100), quote('bybit', newest + SECOND, 102)],
    null,
  );
  const [compared] = await compareSymbols(bench.services, 'BTCUSDT', 10 * SECOND);
  expect(compared?.spread).toMatchObject({ verdict: 'alert' });
  expect(compared?.funding).toMatchObject({ verdict: 'consistent', divergence_percent: 0 });
  expect(compared?.findings).toMatchObject([{ issue_type: 'cross_exchange_spread', severity: 'high' }]);
});

describe('escalation', () => {
  const limits = () => bench.services.config.operations.escalation;
  const facts = {
    anomaly_percent: null,
    storage_percent: null,
    longest_gap_seconds: null,
    exchanges_down: [] as string[],
  };
  test('the ladder, from its thresholds', () => {
    const levels = (change: Partial<typeof facts> | Record<string, unknown>) =>
      escalationConditions({ ...facts, ...change }, limits()).map((c) => [c.trigger, c.level]);
    expect(levels({})).toEqual([]);
    expect(levels({ anomaly_percent: 2 })).toEqual([]);
    expect(levels({ anomaly_percent: 2.1 })).toEqual([['anomaly_rate', 'low']]);
    expect(levels({ anomaly_percent: 5.1, storage_percent: 81 })).toEqual([
      ['anomaly_rate', 'medium'],
      ['storage', 'medium'],
    ]);
    expect(levels({ anomaly_percent: 11 })).toEqual([['anomaly_rate', 'high']]);
    expect(levels({ longest_gap_seconds: 3601 })).toEqual([['data_gap', 'high']]);
    expect(levels({ longest_gap_seconds: 14_401 })).toEqual([['data_gap', 'critical']]);
    expect(levels({ exchanges_down: ['a', 'b', 'c'] })).toEqual([]);
    expect(levels({ exchanges_down: ['a', 'b', 'c', 'd'] })).toEqual([['exchanges_down', 'critical']]);
  });
  test('channels of the level are told; a missing or failing one is said; the same trigger is not raised twice', async () => {
    const posted: string[] = [];
    const channels = [
      logChannel(bench.services.log),
      webhookChannel('email', 'http://mail.example', async (_url, body) => void posted.push(body)),
      webhookChannel('slack', 'http://slack.example', async () => Promise.reject(new Error('503'))),
    ];
    const services = { ...bench.services, channels };
    const condition = {
      level: 'high' as const,
      trigger: 'data_gap',
      value: '1',
      threshold: '0',
      description: 'd',
      exchanges: [],
      recommended_actions: [],
    };
    const raised = await raiseEscalation(services, condition, signal);
    expect(raised).toMatchObject({
      is_new: true,
      channels_sent: ['log', 'email'],
      channels_missing: [{ channel: 'slack', reason: '503' }],
    });
    expect(JSON.parse(posted[0]!)).toMatchObject({ level: 'high', trigger: 'data_gap' });
    expect((await raiseEscalation(services, condition, signal)).is_new).toBe(false);
    const critical = await raiseEscalation(services, { ...condition, level: 'critical' }, signal);
    expect(critical.channels_missing.map((m) => m.channel)).toEqual(['webhook', 'pager']);
    expect(bench.events.of('escalation.raised')).toHaveLength(2);
  });
  test('a critical of long ago does not lower the score for ever, a recent one does', async () => {
    const { services, clock } = bench;
    const critical = {
      level: 'critical' as const,
      trigger: 't',
      value: '',
      threshold: '',
      description: 'd',
      exchanges: [],
      recommended_actions: [],
    };
    bench.collector.connections.push(connection('binance'));
    const { id } = await raiseEscalation(services, critical, signal);
    expect((await deskMetrics(services, START - 1)).performance.health.score).toBe(93);
    await services.ops.update('escalations', id, { resolved_at: clock.now() });
    expect((await deskMetrics(services, START - 1)).performance.health.score).toBe(95);
    await clock.advance(86_400_001);
    expect((await deskMetrics(services, START - 1)).performance.health.score).toBe(100);
  });
});

test('metrics and report count real rows', async () => {
  await fillBench(bench);
  const { services } = bench;
  await recordWork(services, 'validator', 'records_validated', 200, {});
  await recordWork(services, 'validator', 'records_failed', 10, {});
  await recordFindings(services, [finding({ issue_type: 'price_deviation' })], 't');
  const metrics = await deskMetrics(services, START - 3_600_000);
  expect(metrics.data_quality).toMatchObject({
    records_validated: 200,
    validation_failed: 10,
    pass_rate: 95,
    anomalies_detected: 1,
  });
  expect(metrics.streaming).toMatchObject({ exchanges_connected: 2, exchanges_total: 2, streams_active: 12 });
  const report = await qualityReport(services, 'hour');
  expect(report).toMatchObject({ anomalies: { price_deviation: 1 }, overall_score: 99 });
  expect(report.targets_missed.join()).toMatch(/95.00 % of rows pass/);
  expect(await services.ops.count('crew_performance_metrics')).toBe(1);
});

const state = (seconds: number, change: object = {}) => ({
  timestamp: START - 600_000 + seconds * 1000,
  exchange: 'binance',
  market: 'futures',
  connection_type: 'websocket',
  status: 'healthy',
  latency_ms: 20,
  last_data_received: null,
  error_message: null,
  retry_count: 0,
  in_fallback_mode: false,
  ...change,
});

test('uptime, latency and disconnections of a period come from the log of the connections', async () => {
  await fillBench(bench);
  const { services } = bench;
  const log = [
    state(0),
    state(30, { latency_ms: 50 }),
    state(60, { status: 'disconnected', latency_ms: null }),
    state(90, { retry_count: 1 }),
    // Nobody looked for longer than a state holds: 90 s of it are known.
    state(400, { retry_count: 1, latency_ms: null }),
  ];
  for (const row of log) await services.ops.insert('exchange_connection_status', row);
  const report = await qualityReport(services, 'hour');
  // Known: 0 to 180 s and 400 to 490 s; down: 60 to 90 s.
  expect(report.performance['connection_uptime_percent']).toBeCloseTo((100 * 240) / 270, 6);
  expect(report.performance['avg_latency_ms']).toBeCloseTo((30 * 20 + 30 * 50 + 90 * 20) / 150, 6);
  expect(report.performance).toMatchObject({ disconnection_count: 1, gaps_detected: 0, optimizations_performed: 0 });
  // Of each venue and ten minutes: 600 trades and quotes, 200 marks, 60 readings of interest, a funding rate, 9 candles (the tenth ends with the period).
  const records = 2 * (600 + 600 + 200 + 60 + 9 + 1);
  expect(report.performance['records_collected']).toBe(records);
  expect(report.performance['records_per_minute']).toBeCloseTo(records / 4.5, 6);
  expect(report.targets_missed.join()).toMatch(/88.89 % connected over the period/);
  const [row] = await services.ops.select('crew_performance_metrics');
  expect(row).toMatchObject({ disconnection_count: 1, records_collected: records, not_known: report.not_known });
  expect(row?.connection_uptime_percent).toBeCloseTo(88.8889, 3);
});

test('what was not written down is null with the reason, never a number', async () => {
  await fillBench(bench);
  const { performance, not_known } = await qualityReport(bench.services, 'hour');
  const unknown = ['connection_uptime_percent', 'avg_latency_ms', 'disconnection_count', 'records_per_minute'] as const;
  for (const name of unknown) expect([name, performance[name], typeof not_known[name]]).toEqual([name, null, 'string']);
  // No ledger was written for these rows: the series are collected, and nothing of their time is known to be held.
  expect(performance['collection_success_rate']).toBe(0);
  expect(Object.keys(not_known).sort()).toEqual([...unknown].sort());
});

test('collection success is the mean of what the ledger knows to be held, as coverage says it', async () => {
  await fillBench(bench);
  const { services } = bench;
  const to = START * 1000;
  const live = { from: to - 900_000_000, to, state: 'live', reason: null, mode: 'raise' } as const;
  await services.store.ingest([], null, { changes: [{ ...keyOf('trades'), ...live }], heads: [] });
  const { share } = await services.store.coverage({ ...keyOf('trades'), from: to - 3_600_000_000, to });
  expect(share).toBeCloseTo(0.25, 9);
  const { performance } = await qualityReport(services, 'hour');
  expect(performance['collection_success_rate']).toBeCloseTo((100 * 0.25) / 12, 9);
});

test('the log of the connections has an entry every 30 s, and one soon after a connection is opened or lost', async () => {
  await fillBench(bench);
  const { services, clock, events } = bench;
  const entries = () => services.ops.count('exchange_connection_status');
  await using _ = createConnectionLog(services, events);
  await clock.advance(30_000);
  await vi.waitFor(async () => expect(await entries()).toBe(2), 10_000);
  events.emit('streaming.stopped' as never, {} as never);
  events.emit('streaming.started' as never, {} as never);
  await clock.advance(300);
  await vi.waitFor(async () => expect(await entries()).toBe(4), 10_000);
});

test('capacity is measured against the limit and the room on the disk', async () => {
  const storage = {
    database_bytes: 60e9,
    wal_bytes: 0,
    parquet_bytes: 0,
    tape_bytes: 0,
    archive_bytes: 0,
    archive_elsewhere: false,
    disk_free_bytes: 1e12,
    disk_total_bytes: 2e12,
    used_blocks: 1,
    free_blocks: 1,
    fragmentation_percent: 50,
    measured_at: 0,
  };
  expect(capacity({ ...storage, database_bytes: 45e9 }, [], bench.services.config)).toMatchObject({
    level: 'warning',
    used_percent: 90,
  });
  expect(capacity(storage, [], bench.services.config).level).toBe('critical');
  const archived = { ...storage, database_bytes: 40e9, archive_bytes: 5e9 };
  expect(capacity(archived, [], bench.services.config).used_percent).toBe(90);
  expect(capacity({ ...archived, archive_elsewhere: true }, [], bench.services.config).used_percent).toBe(80);
  const short = { ...storage, database_bytes: 1e9, disk_free_bytes: 1e8 };
  expect(capacity(short, [], bench.services.config)).toMatchObject({ limit_bytes: 1.1e9, level: 'warning' });
});

test('bytes by venue, market and stream: days as they are, running rows by the mean row, a day at the rate seen', () => {
  const storage = {
    database_bytes: 900,
    wal_bytes: 100,
    parquet_bytes: 5000,
    tape_bytes: 0,
    archive_bytes: 0,
    archive_elsewhere: false,
    disk_free_bytes: 1,
    disk_total_bytes: 1,
    used_blocks: 1,
    free_blocks: 0,
    fragmentation_percent: 0,
    measured_at: 0,
  };
  const table = (symbol: string, stream: Stream, hot: number, days: number, to: number) => ({
    table: `${symbol}_${stream}`,
    series: { exchange: 'binance', market: 'futures' as const, symbol, stream },
    rows: hot + days,
    first_event_time: 0,
    last_event_time: to,
    hot_rows: hot,
    parquet_files: 1,
    parquet_bytes: days * 10,
  });
  const stats = [
    table('BTCUSDT', 'trades', 60, 100, 43_200_000_000),
    table('ETHUSDT', 'trades', 20, 0, 10_000_000),
    table('BTCUSDT', 'candles', 20, 0, 30_000_000),
    { ...table('BTCUSDT', 'trades', 0, 0, 1), table: 'btcusdt_trades_cleaned', series: null },
  ];
  expect(storageByStream(stats, storage)).toEqual([
    {
      exchange: 'binance',
      market: 'futures',
      stream: 'trades',
      tables: 2,
      rows: 180,
      bytes: 1800,
      observed_seconds: 43_200,
      bytes_per_day: 3600,
    },
    expect.objectContaining({ stream: 'candles', bytes: 200, observed_seconds: 30, bytes_per_day: null }),
  ]);
});

test('messages follow the agreed patterns', async () => {
  const sent = await sendMessage(bench.services, 'collector', 'new_data_batch', { rows: 3 });
  expect(sent).toMatchObject({ to: 'validator', action: 'validate_request' });
  expect((await sendMessage(bench.services, 'schema_manager', 'table_capacity_warning', {})).to).toBe('all');
  const [row] = await bench.services.ops.select('communication_log', { order: 'asc' });
  expect(row).toMatchObject({ from_agent: 'collector', to_agent: 'validator', acknowledged: false });
  expect(bench.events.of('crew.message')).toHaveLength(2);
});

test('a poller beside WebSockets is no fallback; a venue polled because its socket is out is degraded, not down', () => {
  const limits = bench.services.config.operations.latency;
  const status = (...connections: ReturnType<typeof connection>[]) => {
    bench.collector.connections = connections;
    return venueMarkets(bench.collector.status(), START, limits)[0];
  };
  const poller = connection('binance', { id: 'p', url: 'https://x.example', mode: 'rest', latency_ms: null });
  expect(status(connection('binance'), poller)).toMatchObject({ status: 'healthy', fallback: 'none', connections: 1 });
  const out = connection('binance', { state: 'backing_off', mode: 'rest' });
  expect(status(out, poller)).toMatchObject({ status: 'degraded', fallback: 'automatic', connection_type: 'rest' });
  expect(status(poller)).toMatchObject({ fallback: 'forced' });
  expect(status(connection('binance', { state: 'backing_off' }))).toMatchObject({ status: 'disconnected' });
  expect(status(connection('binance', { latency_ms: 31_000 }))).toMatchObject({ status: 'degraded' });
});
