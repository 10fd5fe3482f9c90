import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createIssueRecorder, type IssueRecorder } from '../../../src/market/jobs/issue-recorder.ts';
import { recordFindings } from '../../../src/market/jobs/issue-book.ts';
import { findingOf } from '../../../src/market/jobs/finding.ts';
import { validateSeries } from '../../../src/market/jobs/validate.ts';
import { accuracy, createProposalScorer, scoreProposal } from '../../../src/market/jobs/shadow-score.ts';
import { connection, fillBench, FROM, keyOf, mark, openBench, quote, START, type Bench } from './bench.ts';

const SECOND = 1_000_000;
let bench: Bench;
let recorder: IssueRecorder;
beforeEach(async () => {
  bench = await openBench();
  recorder = createIssueRecorder(bench.services, bench.events);
});
afterEach(async () => {
  await recorder[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

const venue = { exchange: 'binance', market: 'futures' };
const emit = (type: string, data: unknown) => bench.events.emit(type as never, data as never);
const issues = async () => {
  await recorder.flush();
  return bench.services.ops.select('quality_issues', { order: 'asc' });
};

describe('the issue recorder', () => {
  const outlier = { ...venue, symbol: 'BTCUSDT', stream: 'prices', value: 300, average: 100, deviation_percent: 200 };

  test('a price that looked wrong as it came is judged once it is stored, by the rule of the validator', async () => {
    await fillBench(bench);
    const at = START * 1000 - SECOND;
    await bench.services.store.ingest([quote('binance', at, 300)], null);
    emit('data.outlier', { ...outlier, event_time_us: at });
    emit('data.outlier', { ...outlier, event_time_us: at + 1 });
    expect(await issues()).toMatchObject([
      {
        issue_type: 'price_deviation',
        symbol: 'BTCUSDT',
        data_type: 'prices',
        occurrences: 1,
        action_taken: 'quarantine',
      },
    ]);
    expect(bench.collector.calls).toContain('flush');
    const told = bench.events.of('analysis.anomaly_detected');
    expect(told).toHaveLength(1);
    expect(told[0]?.data).toMatchObject({ details: { row_keys: [expect.any(String)], z_score: expect.any(Number) } });
    // The validator finds the same rows: the same issue.
    const { findings } = await validateSeries(bench.services, keyOf('prices'), FROM, START * 1000 + 1);
    const [again] = await recordFindings(bench.services, findings, 'validator');
    expect(again).toMatchObject({ is_new: false, added: 0 });
  });

  test('a suspicion that the rule does not share becomes no issue', async () => {
    await fillBench(bench);
    emit('data.outlier', { ...outlier, event_time_us: START * 1000 });
    emit('data.outlier', { ...outlier, stream: 'no_such_stream', event_time_us: START * 1000 });
    expect(await issues()).toEqual([]);
    expect(bench.events.of('analysis.anomaly_detected')).toEqual([]);
  });

  test('each thing that the collector tells becomes an issue', async () => {
    const connected = { ...venue, connection_id: 'c#1' };
    emit('streaming.stopped', { ...connected, reason: 'closed with code 1006' });
    emit('streaming.error', { ...connected, reason: 'HTTP 429, too many requests' });
    emit('data.gap_detected', {
      ...venue,
      symbol: 'BTCUSDT',
      stream: 'trades',
      kind: 'trade_ids',
      gap_start: 1000,
      gap_end: 2000,
      duration_seconds: 1,
    });
    emit('data.quality_alert', {
      ...venue,
      alert_type: 'malformed',
      message: '2 frames',
      severity: 'low',
      details: { count: 2 },
    });
    emit('data.quality_alert', {
      ...venue,
      symbol: 'BTCUSDT',
      stream: 'orderbooks',
      alert_type: 'crossed_book',
      message: 'x',
      severity: 'medium',
    });
    emit('data.received', {
      stream: 'trades',
      table: 'trades',
      rows: 3,
      first_event_time_us: 0,
      last_event_time_us: 1,
      duplicates: 7,
      repeats: [{ ...venue, rows: 3 }],
    });
    expect((await issues()).map((i) => [i.issue_type, i.data_type, i.occurrences, i.action_taken])).toEqual([
      ['connection_lost', 'connection', 1, 'reconnect'],
      ['rate_limited', 'connection', 1, 'log'],
      ['trade_ids', 'trades', 1, 'backfill'],
      ['malformed', 'connection', 2, 'reject'],
      ['crossed_book', 'orderbooks', 1, 'reject'],
      ['duplicate_records', 'trades', 3, 'reject'],
    ]);
  });
  test('breaks of a book count on one issue, which tells the whole stretch', async () => {
    const gap = (start: number, end: number) =>
      emit('data.gap_detected', {
        ...venue,
        symbol: 'BTCUSDT',
        stream: 'orderbooks',
        kind: 'book_sequence',
        gap_start: start,
        gap_end: end,
        duration_seconds: (end - start) / 1000,
      });
    gap(5000, 7000);
    gap(8000, 8100);
    await issues();
    gap(9000, 9100);
    gap(4000, 4100);
    const rows = await issues();
    expect(rows.map((i) => [i.issue_type, i.occurrences])).toEqual([['book_sequence', 4]]);
    expect(rows[0]?.context).toMatchObject({ from_us: 4_000_000, to_us: 9_100_000 });
  });
  test('what is no fault, or came from an issue, is left alone', async () => {
    emit('streaming.stopped', { ...venue, connection_id: 'c', reason: 'stopped' });
    emit('streaming.stopped', { ...venue, connection_id: 'c', reason: 'rotated after 23 h' });
    emit('data.received', {
      stream: 'open_interest',
      table: 'open_interest',
      rows: 1,
      first_event_time_us: 0,
      last_event_time_us: 1,
      duplicates: 90,
      repeats: [{ ...venue, rows: 4 }],
    });
    emit('data.quality_alert', { ...venue, alert_type: 'x', message: 'x', severity: 'low', details: { issue_id: 4 } });
    await recordFindings(
      bench.services,
      [findingOf(keyOf('trades'), { issue_type: 'y', severity: 'low', message: 'm', rule: 'r', action: 'flag' })],
      't',
    );
    expect((await issues()).map((i) => i.issue_type)).toEqual(['y']);
  });
  test('an alert is not announced again; a lost connection is, once', async () => {
    emit('data.quality_alert', { ...venue, alert_type: 'malformed', message: 'x', severity: 'low' });
    emit('streaming.stopped', { ...venue, connection_id: 'c', reason: 'reset' });
    await issues();
    emit('streaming.stopped', { ...venue, connection_id: 'c', reason: 'reset' });
    const rows = await issues();
    expect(rows.find((i) => i.issue_type === 'connection_lost')?.occurrences).toBe(2);
    const alerts = bench.events.of('data.quality_alert').map((e) => (e.data as { alert_type: string }).alert_type);
    expect(alerts).toEqual(['malformed', 'connection_lost']);
  });
  test('many of the same before writing are one issue that counts', async () => {
    for (let i = 0; i < 500; i++)
      emit('data.quality_alert', { ...venue, alert_type: 'malformed', message: 'x', severity: 'low' });
    expect((await issues()).map((i) => i.occurrences)).toEqual([500]);
  });
  test('a host that shuts us out is noticed by looking, and counted once while it lasts', async () => {
    const blocked = { blocked_until: START + 60_000, halved_until: START + 360_000, refused_in_a_row: 1 };
    bench.collector.rateLimits = [{ host: 'api.example', used_weight: 1, limit: 10, ...blocked }];
    await bench.clock.advance(2000);
    expect((await issues()).map((i) => [i.issue_type, i.occurrences])).toEqual([['rate_limited', 1]]);
    expect(bench.events.of('data.quality_alert')).toHaveLength(1);
  });
  test('what could not be written is tried again', async () => {
    const { ops } = bench.services;
    let broken = true;
    const failing = {
      ...bench.services,
      ops: {
        ...ops,
        select: (...args: never[]) =>
          broken ? Promise.reject(new Error('disk')) : (ops.select as (...a: never[]) => never)(...args),
      },
    };
    const second = createIssueRecorder(failing, bench.events);
    const full = () =>
      emit('data.quality_alert', { ...venue, alert_type: 'tape_full', message: 'x', severity: 'critical' });
    await recorder[Symbol.asyncDispose]();
    full();
    const refused = second.flush();
    await Promise.resolve();
    full();
    await refused;
    expect(second.waiting).toBe(1);
    broken = false;
    await second.flush();
    expect(second.waiting).toBe(0);
    expect((await issues()).map((i) => i.occurrences)).toEqual([2]);
    await second[Symbol.asyncDispose]();
  });
  test('what comes while others are being written is counted', async () => {
    const malformed = (connection: string) =>
      emit('data.quality_alert', {
        ...venue,
        exchange: connection,
        alert_type: 'malformed',
        message: 'x',
        severity: 'low',
      });
    for (const exchange of ['a', 'b', 'c']) malformed(exchange);
    const { insert } = bench.services.ops;
    bench.services.ops.insert = async (...args: Parameters<typeof insert>) => {
      malformed('c');
      return insert.apply(bench.services.ops, args);
    };
    await recorder.flush();
    bench.services.ops.insert = insert;
    expect((await issues()).map((i) => [i.exchange, i.occurrences])).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 4],
    ]);
  });
});

describe('healing', () => {
  test('a connection, a stream, a book and a fetched gap settle their issues; what is still wrong stays', async () => {
    bench.collector.connections = [connection('binance'), connection('bybit', { state: 'backing_off' })];
    emit('streaming.stopped', { ...venue, connection_id: 'c', reason: 'reset' });
    emit('streaming.stopped', { exchange: 'bybit', market: 'futures', connection_id: 'c', reason: 'reset' });
    emit('data.quality_alert', {
      ...venue,
      symbol: 'BTCUSDT',
      stream: 'orderbooks',
      alert_type: 'crossed_book',
      message: 'x',
      severity: 'medium',
    });
    emit('data.gap_detected', {
      ...venue,
      symbol: 'BTCUSDT',
      stream: 'trades',
      kind: 'trade_ids',
      gap_start: 1000,
      gap_end: 2000,
      duration_seconds: 1,
    });
    await recorder.flush();
    await bench.collector.backfill(keyOf('trades'), 900, 2100);
    expect(await recorder.review()).toBe(1);
    bench.clock.jump(6000);
    bench.collector.bookValid = true;
    await recorder.review();
    const pending = (await issues()).filter((i) => i.resolution_status === 'pending');
    expect(pending.map((i) => [i.exchange, i.issue_type])).toEqual([['bybit', 'connection_lost']]);
  });
  test('what a backfill told to be out of reach stays open', async () => {
    emit('data.gap_detected', {
      ...venue,
      symbol: 'BTCUSDT',
      stream: 'trades',
      kind: 'not_recovered',
      gap_start: 1000,
      gap_end: 2000,
      duration_seconds: 1,
    });
    await recorder.flush();
    await bench.collector.backfill(keyOf('trades'), 900, 2100);
    bench.clock.jump(600_000);
    expect(await recorder.review()).toBe(0);
  });
  test('a review of many issues asks the collector for its status once', async () => {
    for (let i = 0; i < 20; i++) {
      const series = { ...venue, symbol: `S${i}USDT`, stream: 'trades' };
      emit('data.quality_alert', { ...series, alert_type: 'stale', message: 'x', severity: 'medium' });
    }
    expect((await issues()).length).toBe(20);
    bench.clock.jump(6000);
    const asked = vi.spyOn(bench.collector, 'status');
    expect(await recorder.review()).toBe(0);
    expect(asked).toHaveBeenCalledTimes(1);
    asked.mockRestore();
  });
  test('passing events settle after five quiet minutes', async () => {
    emit('data.quality_alert', { ...venue, alert_type: 'malformed', message: 'x', severity: 'low' });
    await recorder.flush();
    bench.clock.jump(200_000);
    expect(await recorder.review()).toBe(0);
    bench.clock.jump(200_000);
    expect(await recorder.review()).toBe(1);
  });
});

describe('shadow scoring', () => {
  const proposal = (tool: string, args: unknown, would_change: unknown = {}) => ({
    tool,
    time: START,
    args,
    would_change,
  });
  const score = (...args: Parameters<typeof proposal>) => scoreProposal(bench.services, proposal(...args));

  test('too early, or without a rule, is undecided', async () => {
    expect((await score('trigger_reconnect', { exchange: 'binance' })).verdict).toBe('undecided');
    bench.clock.jump(60_000);
    expect((await score('send_crew_message', {})).verdict).toBe('undecided');
    expect(await createProposalScorer(bench.services)(proposal('analyze_tables', {}))).toBeNull();
  });
  test('a reconnect was right while the venue is down, wrong when it came back by itself', async () => {
    bench.clock.jump(60_000);
    bench.collector.connections = [connection('binance', { state: 'backing_off' })];
    expect((await score('trigger_reconnect', { exchange: 'binance' })).verdict).toBe('right');
    bench.collector.connections = [connection('binance')];
    expect((await score('trigger_reconnect', { exchange: 'binance' })).verdict).toBe('wrong');
  });
  test('a quarantine was right when prices went back, wrong when later prices confirm the value', async () => {
    await fillBench(bench);
    bench.clock.jump(60_000);
    const at = FROM + 301_500_000;
    const args = (from: number) => ({
      ...keyOf('mark_prices'),
      start_time: new Date(from / 1000).toISOString(),
      end_time: new Date(from / 1000 + 1).toISOString(),
    });
    await bench.services.store.ingest([mark('binance', at, 250)], null);
    expect(await score('quarantine_data', args(at))).toMatchObject({ verdict: 'right' });
    expect(await score('quarantine_data', args(FROM + 300 * SECOND))).toMatchObject({ verdict: 'wrong' });
  });
  test('a fill was right while the gap is open or was fetched, wrong when it holds its rows', async () => {
    await fillBench(bench);
    bench.clock.jump(60_000);
    const hole = { from: FROM + 200 * SECOND, to: FROM + 260 * SECOND };
    const args = {
      ...keyOf('mark_prices'),
      start_time: new Date(hole.from / 1000).toISOString(),
      end_time: new Date(hole.to / 1000).toISOString(),
      reason: 'r',
    };
    expect((await score('request_backfill', args)).verdict).toBe('wrong');
    await bench.services.store.quarantine({ ...keyOf('mark_prices'), id: 'h', reason: 't', keys: null, ...hole });
    expect((await score('request_backfill', args)).verdict).toBe('right');
    const plan = { gaps: [{ table: 'btcusdt_binance_futures_mark_prices', from: args.start_time, to: args.end_time }] };
    expect((await score('fill_data_gaps', {}, plan)).verdict).toBe('right');
    expect((await score('fill_data_gaps', {}, { gaps: [] })).verdict).toBe('wrong');
  });
  test('bars need candles; accuracy counts what is decided', async () => {
    bench.clock.jump(60_000);
    expect((await score('aggregate_to_timeframes', {})).verdict).toBe('wrong');
    await fillBench(bench);
    expect((await score('aggregate_to_timeframes', {})).verdict).toBe('right');
    expect(await createProposalScorer(bench.services)(proposal('normalize_data', {}))).toMatchObject({ score: 1 });
    expect(accuracy(['right', 'right', 'wrong', 'undecided'])).toBeCloseTo(2 / 3);
    expect(accuracy(['undecided'])).toBeNull();
  });
});
