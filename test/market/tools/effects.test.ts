import { afterAll, beforeAll, expect, test } from 'vitest';
import { fillBench, FROM, keyOf, mark, openBench, quote, type Bench } from '../jobs/bench.ts';
import { call, toolNamed, preview } from './call.ts';

const SECOND = 1_000_000;
const iso = (us: number) => new Date(us / 1000).toISOString();
let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
  await fillBench(bench);
});
afterAll(() => bench[Symbol.asyncDispose]());

const count = async (table: string): Promise<unknown> =>
  (await bench.services.store.read(`SELECT count(*)::INTEGER AS n FROM ${table}`))[0]?.['n'];

test('validate, then clean what it condemns: the proposal, the effect and its undo agree', async () => {
  const bad = quote('binance', FROM + 400_500_000, 300);
  await bench.services.store.ingest([bad], null);
  const { data } = await call(bench, 'validate_recent_data', {
    symbol: 'BTCUSDT',
    stream: 'prices',
    lookback_minutes: 15,
  });
  expect(data).toMatchObject({
    rows: 1201,
    failed: 1,
    findings: [{ issue_type: 'price_deviation', exchange: 'binance', rows: 1 }],
  });
  expect(data.score).toBeCloseTo(99.92);
  const plan = await preview(bench, 'clean_data_anomalies', { stream: 'prices' });
  expect(plan).toMatchObject({ quarantine: [{ table: 'btcusdt_binance_futures_prices', rows: 1 }] });
  expect(await count('btcusdt_binance_futures_prices')).toBe(601);
  const cleaned = await call(bench, 'clean_data_anomalies', { stream: 'prices' });
  expect(cleaned.data).toMatchObject({ rows_quarantined: 1 });
  expect(await count('btcusdt_binance_futures_prices')).toBe(600);
  const [issue] = await bench.services.ops.select('quality_issues');
  expect(issue?.resolution_status).toBe('resolved');
  const undone = await call(bench, 'release_quarantine', {
    quarantine_id: cleaned.data.cleaned[0].quarantine_id,
    reason: 'confirmed',
  });
  expect(undone.data.rows).toBe(1);
  expect(await count('btcusdt_binance_futures_prices')).toBe(601);
});

test('quarantine_data takes the row keys that validation gave, and settles their issue', async () => {
  const { data } = await call(bench, 'validate_recent_data', {
    exchange: 'binance',
    stream: 'prices',
    lookback_minutes: 15,
  });
  const [finding] = data.findings;
  const args = {
    ...keyOf('prices'),
    start_time: finding.from,
    end_time: iso(Date.parse(finding.to) * 1000 + 1000),
    record_ids: finding.row_keys,
    reason: 'a spike',
  };
  expect(await preview(bench, 'quarantine_data', args)).toMatchObject({ rows: 1 });
  expect((await call(bench, 'quarantine_data', args)).data.rows).toBe(1);
  expect((await call(bench, 'get_quality_issues', {})).data.total).toBe(0);
});

test('recorded gaps are filled from history and settled; without a venue history the reason stays', async () => {
  const hole = { from: FROM + 200 * SECOND, to: FROM + 230 * SECOND };
  await bench.services.store.quarantine({
    ...keyOf('mark_prices', 'bybit'),
    id: 'h1',
    reason: 't',
    keys: null,
    ...hole,
  });
  const found = await call(bench, 'check_data_gaps', {
    exchange: 'bybit',
    stream: 'mark_prices',
    lookback_minutes: 15,
  });
  expect(found.data.gaps.map((g: { issue_type: string }) => g.issue_type)).toContain('silence');
  const again = await call(bench, 'check_data_gaps', {
    exchange: 'bybit',
    stream: 'mark_prices',
    lookback_minutes: 15,
  });
  expect(again.data.new_gaps).toBe(0);
  bench.collector.onBackfill = (_key, from) =>
    bench.services.store
      .ingest(
        Array.from({ length: 10 }, (_, i) => ({
          ...mark('bybit', from * 1000 + 1_500_000 + i * 3 * SECOND, 100),
          origin: 'backfill' as const,
        })),
        null,
      )
      .then((r) => r.tables.reduce((sum, t) => sum + t.rows, 0));
  const planned = await preview(bench, 'fill_data_gaps', { exchange: 'bybit' });
  expect((planned['gaps'] as unknown[]).length).toBeGreaterThan(0);
  const filled = await call(bench, 'fill_data_gaps', { exchange: 'bybit' });
  expect(filled.data.filled).toBe(filled.data.gaps);
  expect(filled.data.records_stored).toBeGreaterThanOrEqual(10);
  expect((await call(bench, 'get_quality_issues', { exchange: 'bybit' })).data.total).toBe(0);
});

test('bars are made from whole minutes, and repeating writes the same', async () => {
  const first = await call(bench, 'aggregate_to_timeframe', {
    exchange: 'binance',
    market: 'futures',
    symbol: 'BTCUSDT',
    target_timeframe: '5m',
  });
  expect(first.data).toMatchObject({ table: 'btcusdt_binance_futures_candles_5m', rows: 2 });
  const rows = () => bench.services.store.read('SELECT volume FROM btcusdt_binance_futures_candles_5m ORDER BY 1');
  expect(await rows()).toEqual([{ volume: 600 }, { volume: 600 }]);
  const all = await call(bench, 'aggregate_to_timeframes', { symbol: 'BTCUSDT' });
  expect(all.data).toMatchObject({ series: 2 });
  expect(await rows()).toHaveLength(2);
});

test('normalised and cleaned copies hold the rows, and raw rows stay', async () => {
  const normal = await call(bench, 'normalize_data', { exchange: 'binance', stream: 'trades' });
  expect(normal.data).toMatchObject({ rows: 600 });
  expect(await count('btcusdt_binance_futures_trades_normalized')).toBe(600);
  const copy = await call(bench, 'remove_exact_duplicates', { ...keyOf('trades') });
  expect(copy.data).toMatchObject({ rows_read: 600, duplicates: 0, condemned: 0, rows_written: 600 });
  expect(await count('btcusdt_binance_futures_trades')).toBe(600);
});

test('optimising tells what the file really gave back', async () => {
  const done = await call(bench, 'optimize_schema', {});
  expect(done.data.bytes_recovered).toBe(done.data.database_bytes_before - done.data.database_bytes_after);
  expect(done.data.analysed).toBe(true);
  const { summary } = toolNamed('optimize_schema');
  expect(summary?.({ ...done.data, bytes_recovered: 5 })).toContain(': 5 bytes recovered (');
  expect(summary?.({ ...done.data, bytes_recovered: -5 })).toContain(
    ': nothing recovered, it grew by 5 bytes meanwhile',
  );
  const measured = await call(bench, 'get_all_tables_health', {});
  expect(measured.data.total).toBeGreaterThan(10);
  expect(await bench.services.ops.count('schema_health_metrics')).toBeGreaterThan(0);
});

test('an unknown name is answered by the nearest one', async () => {
  await expect(call(bench, 'check_exchange_status', { exchange: 'binanse' })).rejects.toThrow(/did you mean binance/);
  await expect(call(bench, 'query_series', { ...keyOf('trades'), symbol: 'BTCUSTD' })).rejects.toThrow(
    /did you mean BTCUSDT/,
  );
  await expect(call(bench, 'get_table_health', { table: 'btcusdt_binance_futures_trade' })).rejects.toThrow(
    /btcusdt_binance_futures_trades/,
  );
});

test('a stale book is never shown, and a missing value is null with its reason', async () => {
  bench.collector.bookValid = false;
  await expect(
    call(bench, 'get_orderbook_snapshot', { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT' }),
  ).rejects.toMatchObject({ code: 'stale' });
  bench.collector.bookValid = true;
  const book = await call(bench, 'get_orderbook_snapshot', {
    exchange: 'binance',
    market: 'futures',
    symbol: 'BTCUSDT',
  });
  expect(book.data).toMatchObject({ mid_price: 100, spread: 1 });
  const none = await call(bench, 'get_historical_statistics', { ...keyOf('funding_rates'), lookback_minutes: 0.1 });
  expect(none.data).toMatchObject({ count: 0, mean: null });
  expect(none.provenance).toMatchObject({ as_of: null, complete: false });
  const undecided = await call(bench, 'validate_against_historical', {
    exchange: 'binance',
    symbol: 'BTCUSDT',
    price: 100,
    lookback_minutes: 0.1,
  });
  expect(undecided.data.valid).toBeNull();
});

test('validation of single values', async () => {
  const price = (value: number) =>
    call(bench, 'validate_price_data', {
      exchange: 'binance',
      symbol: 'BTCUSDT',
      price: value,
      reference_prices: [100, 101, 99],
    });
  expect((await price(100.5)).data.valid).toBe(true);
  expect((await price(105)).data).toMatchObject({ valid: false, issues: [{ type: 'price_deviation' }] });
  const history = await call(bench, 'validate_against_historical', {
    exchange: 'binance',
    symbol: 'BTCUSDT',
    price: 180,
  });
  expect(history.data).toMatchObject({ valid: false });
  const usual = await call(bench, 'detect_anomaly', { ...keyOf('open_interest') });
  expect(usual.data).toMatchObject({ is_anomaly: false });
  const wild = await call(bench, 'detect_anomaly', { ...keyOf('open_interest'), current_value: 5000 });
  expect(wild.data).toMatchObject({ is_anomaly: true, severity: 'high' });
});

test('reconnecting leaves what works alone', async () => {
  bench.collector.calls.length = 0;
  expect((await call(bench, 'trigger_reconnect', { exchange: 'binance' })).data.reconnected).toBe(false);
  expect((await call(bench, 'reconnect_exchange', { exchange: 'binance', force: true })).data.reconnected).toBe(true);
  expect(bench.collector.calls).toEqual(['reconnect binance undefined reconnect requested']);
  await call(bench, 'stop_stream', keyOf('trades'));
  expect((await call(bench, 'stop_stream', keyOf('trades'))).data.changed).toBe(false);
  const started = await call(bench, 'collect_exchange_data', { exchange: 'binance' });
  expect(started.data.started).toEqual(['btcusdt_binance_futures_trades']);
});

test('escalations are raised, acknowledged and resolved by id', async () => {
  const raised = await call(bench, 'escalate_issue', {
    level: 'low',
    trigger: 'test_trigger',
    description: 'something is wrong',
  });
  expect(raised.data).toMatchObject({ is_new: true, channels_missing: [{ channel: 'log', reason: 'not configured' }] });
  const id = raised.data.escalation_id;
  await call(bench, 'acknowledge_escalation', { escalation_id: id, by: 'me' });
  expect((await call(bench, 'get_escalations', {})).data.escalations[0]).toMatchObject({
    id,
    acknowledged_by: 'me',
    resolved_at: null,
  });
  await call(bench, 'resolve_escalation', { escalation_id: id, by: 'me', notes: 'mended' });
  expect((await call(bench, 'get_escalations', {})).data.total).toBe(0);
  await expect(call(bench, 'resolve_escalation', { escalation_id: id, by: 'me', notes: 'again' })).rejects.toThrow(
    /resolved already/,
  );
});

test('a frame is translated by the decoder of its venue', async () => {
  const frame =
    '{"e":"aggTrade","E":1700000000100,"s":"BTCUSDT","a":1,"p":"37000.1","q":"0.5","f":1,"l":1,"T":1700000000000,"m":false}';
  const { data } = await call(bench, 'normalize_exchange_format', {
    source_exchange: 'binance',
    market: 'futures',
    frame,
  });
  expect(data.normalized[0]).toMatchObject({
    stream: 'trades',
    symbol: 'BTCUSDT',
    price: 37_000.1,
    side: 'buy',
    event_time: 1_700_000_000_000_000,
  });
  const broken = await call(bench, 'normalize_exchange_format', {
    source_exchange: 'binance',
    market: 'futures',
    frame: '{"e":',
  });
  expect(broken.data).toMatchObject({ verdict: 'rejected', normalized: [] });
});

test('a large frame is translated whole and given back in part', async () => {
  const side = (at: number): string => JSON.stringify(Array.from({ length: 1000 }, (_, i) => [String(at + i), '1.5']));
  const frame = `{"e":"depthUpdate","E":1700000000100,"T":1700000000000,"s":"BTCUSDT","U":1,"u":2,"pu":0,"b":${side(1000)},"a":${side(5000)}}`;
  const input = { source_exchange: 'binance', market: 'futures', frame };
  const { data, provenance } = await call(bench, 'normalize_exchange_format', input);
  expect(data).toMatchObject({ original_characters: frame.length, records: 1 });
  expect(data.normalized[0]).toMatchObject({ stream: 'book', bid_levels: 1000, ask_levels: 1000 });
  expect(data.normalized[0].bids).toHaveLength(50);
  expect(JSON.stringify(data).length).toBeLessThan(10_000);
  expect(provenance.complete).toBe(true);
  const most = { ...input, frame: 'x'.repeat(200_001) };
  await expect(call(bench, 'normalize_exchange_format', most)).rejects.toThrow(/frame/);
});

test('the schema operations that need approval do what their previews say', async () => {
  const why = { reason: 'a test of it' };
  const index = { stream: 'trades', columns: ['trade_id'], ...why };
  expect(await preview(bench, 'create_index', index)).toMatchObject({ indexes: [] });
  expect((await call(bench, 'create_index', index)).data).toMatchObject({
    index: 'idx_trades_trade_id',
    created: true,
  });
  const drop = { operation: 'drop_index', target: 'idx_trades_trade_id', ...why };
  expect(await preview(bench, 'modify_schema', drop)).toMatchObject({ indexes: ['idx_trades_trade_id'] });
  expect((await call(bench, 'modify_schema', drop)).data).toEqual({ operation: 'drop_index', changed: 1 });
  await expect(call(bench, 'modify_schema', { operation: 'drop_index', ...why })).rejects.toThrow(/there are none/);
  await expect(call(bench, 'modify_schema', { operation: 'add_column', target: 'x', ...why })).rejects.toThrow(
    /not done while the desk runs.*columns\.ts/,
  );
  expect((await call(bench, 'modify_schema', { operation: 'rebuild_views', ...why })).data.changed).toBeGreaterThan(12);

  await call(bench, 'normalize_data', { exchange: 'binance', stream: 'trades', lookback_minutes: 15 });
  const table = { table: 'btcusdt_binance_futures_trades_normalized', ...why };
  const { rows } = await preview(bench, 'drop_table', table);
  expect(rows).toBeGreaterThan(0);
  expect((await call(bench, 'drop_table', table)).data.rows_deleted).toBe(rows);
  await expect(call(bench, 'drop_table', { ...table, table: 'btcusdt_binance_futures_trades' })).rejects.toThrow(
    /never dropped/,
  );

  const { provenance, data } = await call(bench, 'archive_data', why);
  expect(data).toMatchObject({ older_than_days: 20, files_moved: 0 });
  expect(provenance.notes).toBeUndefined();
  const old = { older_than_days: 90, ...why };
  expect((await call(bench, 'archive_data', old)).provenance.notes).toEqual([
    expect.stringContaining('older than 30 before they are 90'),
  ]);
  const nothing = { folder: 'archive', older_than_days: 90, files: 0, bytes: 0 };
  expect(await preview(bench, 'archive_data', old)).toEqual(nothing);
  expect((await call(bench, 'archive_data', old)).data).toMatchObject({ files_moved: 0, first_day: null });
});

test('symbols with one venue alone are not counted as ones that disagree', async () => {
  await using own = await openBench();
  await own.services.store.ingest(
    [quote('binance', FROM, 100), quote('bybit', FROM, 100), { ...quote('binance', FROM, 5), symbol: 'ETHUSDT' }],
    null,
  );
  const { data } = await call(own, 'verify_cross_exchange');
  expect(data).toMatchObject({ symbols_checked: 2, consistent: 1, not_compared: 1, alerts: 0 });
  expect(toolNamed('verify_cross_exchange').summary?.(data)).toBe(
    '1 of 1 symbols agree over the venues, 0 alert(s); 1 have no second venue with a fresh price.',
  );
});
