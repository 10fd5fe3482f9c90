import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { z } from 'zod';
import { AppError } from '../../../src/kit/errors.ts';
import { OPS_TABLES } from './ops-tables.ts';
import { tools } from '../../../src/market/tools/catalogue.generated.ts';
import { fillBench, fillLiquidations, openBench, type Bench } from '../jobs/bench.ts';
import { boundaries } from './boundaries.ts';
import { contextOf, whileTimePasses } from './call.ts';

// Two benches with full stores are opened, and simulated markets of many venues made on the way.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Examples that speak of something that this bench does not have: the typed error that they answer instead. */
const ABSENT: Readonly<Record<string, string>> = {
  acknowledge_escalation: 'not_found',
  resolve_escalation: 'not_found',
  resolve_quality_issue: 'not_found',
  release_quarantine: 'not_found',
  add_new_symbol: 'not_found',
  remove_symbol: 'not_found',
  drop_table: 'not_found',
  modify_raw_data: 'not_found',
  revert_correction: 'not_found',
  // The bench holds ten minutes of candles, a forecast needs sixty.
  get_stream_forecast: 'unavailable',
};

/** The operations that the original names, and those of the crew's README. */
const NAMED = [
  'collect_exchange_data',
  'get_stream_status',
  'trigger_reconnect',
  'check_exchange_status',
  'get_all_exchange_status',
  'get_stream_statistics',
  'get_streaming_health',
  'reconnect_exchange',
  'start_stream',
  'start_streaming',
  'stop_streaming',
  'configure_streaming',
  'get_streaming_status',
  'get_streaming_alerts',
  'stop_stream',
  'request_backfill',
  'get_backfill_status',
  'detect_data_gaps',
  'validate_recent_data',
  'check_data_gaps',
  'verify_cross_exchange',
  'validate_price_data',
  'validate_orderbook',
  'cross_exchange_consistency',
  'detect_anomaly',
  'quarantine_data',
  'validate_against_historical',
  'get_historical_statistics',
  'clean_data_anomalies',
  'fill_data_gaps',
  'normalize_data',
  'interpolate_missing_data',
  'aggregate_to_timeframe',
  'normalize_exchange_format',
  'optimize_schema',
  'vacuum_tables',
  'get_table_stats',
  'get_table_health',
  'get_all_tables_health',
  'analyze_table_performance',
  'vacuum_table',
  'check_capacity',
  'switch_websocket_to_rest',
  'switch_rest_to_websocket',
  'adjust_polling_interval',
  'restart_exchange_connection',
  'quarantine_suspicious_data',
  'trigger_backfill_request',
  'mark_data_as_validated',
  'aggregate_to_timeframes',
  'remove_exact_duplicates',
  'normalize_data_formats',
  'create_cleaned_copies',
  'trigger_table_vacuum',
  'trigger_table_analyze',
  'recommend_index_creation',
  'recommend_partitioning',
  'monitor_all_tables',
  'adjust_anomaly_thresholds_within_bounds',
  'create_index',
  'drop_table',
  'modify_schema',
  'archive_data',
  'change_retention_policy',
  'modify_validation_rules',
  'change_quarantine_policy',
  'change_interpolation_rules',
  'delete_data',
  'disable_exchange_permanently',
  'enable_exchange',
  'modify_rate_limits_beyond_bounds',
  'modify_raw_data',
  'list_available_tables',
  'get_latest_prices',
  'get_orderbook_snapshot',
  'query_series',
  'get_quality_issues',
  'get_escalations',
  'acknowledge_escalation',
  'resolve_escalation',
  'get_data_quality_report',
  'get_health_score',
  'get_metrics',
];

const HOSTILE = ["'; DROP TABLE trades; --", '../../etc/passwd', '\u0000', 'x'.repeat(100_000), '${1+1}'];

/** Toolsets whose members are files: folders of tools, but for the endpoint tables. */
const SETS = readdirSync(new URL('../../../src/market/tools/', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'shared' && entry.name !== 'exchange')
  .map((entry) => entry.name);

let bench: Bench;
/** For tools that wait: its clock goes on. */
let moving: Bench;
beforeAll(async () => {
  moving = await openBench();
  await fillBench(moving);
  bench = await openBench();
  await fillBench(bench);
  await fillLiquidations(bench);
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await moving[Symbol.asyncDispose]();
});

/** Runs a tool; one that watches for a while does so on a clock that goes on. */
function run(tool: (typeof tools)[number], input: unknown): Promise<unknown> {
  if (tool.toolset !== 'sampling') return tool.run(input, contextOf(bench));
  return whileTimePasses(moving.clock, tool.run(input, contextOf(moving)));
}

/** Everything that reading must leave as it was. */
async function fingerprint(withOps: boolean): Promise<string> {
  const { store, ops } = bench.services;
  const counts = withOps ? await Promise.all(OPS_TABLES.map((table) => ops.count(table))) : [];
  return JSON.stringify([
    await store.stats(),
    await store.series(),
    counts,
    bench.collector.calls,
    bench.events.all.length,
  ]);
}

test('every name that the crew is described by is a tool or an alias, each once', () => {
  const names = tools.flatMap((tool) => [tool.name, ...tool.aliases]);
  expect(NAMED.filter((name) => !names.includes(name))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});

test('a file is one tool and bears its name', () => {
  const root = new URL('../../../src/market/tools/', import.meta.url);
  for (const set of SETS) {
    const files = readdirSync(new URL(set, root))
      .map((f) => f.slice(0, -3).replaceAll('-', '_'))
      .sort();
    expect(files).toEqual(
      tools
        .filter((t) => t.toolset === set)
        .map((t) => t.name)
        .sort(),
    );
  }
});

describe.each(tools.map((tool) => [tool.name, tool] as const))('%s', (name, tool) => {
  test('describes itself: inputs, an example that parses, a summary, a preview of effects', () => {
    expect(tool.description.length).toBeGreaterThan(60);
    expect(tool.examples.length).toBeGreaterThan(0);
    for (const example of tool.examples) expect(() => tool.input.parse(example.input)).not.toThrow();
    expect(tool.summary).toBeTypeOf('function');
    expect(tool.preview !== undefined).toBe(tool.effects === 'effect');
    if (tool.effects === 'effect') expect(['WRITE', 'READ_WRITE']).toContain(tool.access);
    if (tool.access === 'READ_ONLY') expect(tool.effects).not.toBe('effect');
  });

  test('refuses unknown fields and values of the wrong kind', () => {
    expect(tool.input.safeParse({ ...tool.examples[0]?.input, nonsense: 1 }).success).toBe(false);
    for (const field of Object.keys(tool.input.shape)) {
      const wrong = { ...tool.examples[0]?.input, [field]: Symbol('wrong') };
      expect([field, tool.input.safeParse(wrong).success]).toEqual([field, false]);
    }
  });

  test('bounds: the value on each is taken, the value just outside is refused', () => {
    for (const [field, schema] of Object.entries(tool.input.shape)) {
      for (const { value, taken } of boundaries(schema as z.ZodType)) {
        const success = tool.input.safeParse({ ...tool.examples[0]?.input, [field]: value }).success;
        expect([field, value, success]).toEqual([field, value, taken]);
      }
    }
  });

  test('reading and previewing change nothing; examples give what the output says', async () => {
    // An example before may have paused them.
    const change = { by: 'operator', reason: 'a test', clock: bench.clock, events: bench.events };
    if (bench.services.settings.signals.state === 'paused') {
      await bench.services.settings.set('trading_signals', { state: 'active' }, change);
    }
    for (const example of tool.examples) {
      const input = tool.input.parse(example.input);
      const before = await fingerprint(tool.effects !== 'ops');
      const attempt = tool.effects === 'effect' ? tool.preview?.(input, contextOf(bench)) : run(tool, input);
      const outcome = await Promise.resolve(attempt).catch((error: unknown) => {
        if (error instanceof AppError) return error.code;
        throw error;
      });
      if (typeof outcome === 'string') expect([name, outcome]).toEqual([name, ABSENT[name]]);
      else if (tool.effects === 'effect') expect(JSON.parse(JSON.stringify(outcome))).toBeTypeOf('object');
      else {
        const { data, provenance } = outcome as { data: unknown; provenance: { source: string } };
        const parsed = tool.output.parse(data);
        expect(JSON.stringify(parsed).length).toBeLessThan(100_000);
        expect(provenance.source.length).toBeGreaterThan(0);
        expect(tool.summary?.(parsed).length).toBeGreaterThan(5);
      }
      if (tool.effects !== 'ops') expect(await fingerprint(true)).toBe(before);
      else expect((await bench.services.store.stats()).length).toBeGreaterThan(0);
    }
  });

  test('values on the bounds are answered as the output says, or by a typed error', async () => {
    // What samples takes as long as it is told to; what writes to the operations database would fill it.
    if (tool.toolset === 'sampling' || tool.effects === 'ops') return;
    for (const [field, schema] of Object.entries(tool.input.shape)) {
      for (const { value, taken } of boundaries(schema as z.ZodType)) {
        if (!taken) continue;
        const input = tool.input.parse({ ...tool.examples[0]?.input, [field]: value });
        const attempt = tool.effects === 'effect' ? tool.preview?.(input, contextOf(bench)) : run(tool, input);
        const outcome = await Promise.resolve(attempt).catch((error: unknown) => error);
        if (outcome instanceof Error) expect([field, value, outcome]).toEqual([field, value, expect.any(AppError)]);
        else if (tool.effects === 'none') {
          const { data } = outcome as { data: unknown };
          const parsed = tool.output.safeParse(data);
          expect([field, value, parsed.error]).toEqual([field, value, undefined]);
          // One that gives back what it was given is as long as that.
          expect(JSON.stringify(data).length).toBeLessThan(400_000 + JSON.stringify(input).length);
        }
      }
    }
  });

  test('hostile texts are refused or answered by a typed error, and the store stays whole', async () => {
    const texts = Object.entries(tool.input.shape).filter(([, schema]) => (schema as any).safeParse('BTCUSDT').success);
    for (const [field] of texts) {
      if (['description', 'trigger', 'value', 'threshold', 'by', 'notes', 'reason'].includes(field)) continue;
      for (const text of HOSTILE) {
        const parsed = tool.input.safeParse({ ...tool.examples[0]?.input, [field]: text });
        if (!parsed.success) continue;
        const attempt =
          tool.effects === 'effect' ? tool.preview?.(parsed.data, contextOf(bench)) : run(tool, parsed.data);
        const outcome = await Promise.resolve(attempt).catch((error: unknown) => error);
        if (outcome instanceof Error) expect([field, outcome]).toEqual([field, expect.any(AppError)]);
      }
    }
    expect(
      (await bench.services.store.read('SELECT count(*)::INTEGER AS n FROM btcusdt_binance_futures_trades'))[0],
    ).toEqual({ n: 600 });
  });
});
