import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { silentLogger } from '../../../src/kit/logger.ts';
import { readAddress } from '../../../src/serve/control/address.ts';
import { CrewController } from '../../../src/serve/controller.ts';
import { Counter, Histogram } from '../../../src/serve/metrics/counter.ts';
import { metricsText } from '../../../src/serve/metrics/text.ts';
import { parseMetrics } from './parse.ts';

describe('the text of metrics', () => {
  it('can be read back, whatever labels hold, and leaves out what is not known', () => {
    const nasty = 'a "quoted" \\ back\nline';
    const text = metricsText([
      { name: 'x_total', type: 'counter', help: 'Has \\ and\nlines.', samples: [{ labels: { l: nasty }, value: 1.5 }] },
      { name: 'unknown', type: 'gauge', help: 'Nobody knows.', samples: [{ value: null }] },
      { name: 'small', type: 'gauge', help: 'Small.', samples: [{ value: 1e-9 }] },
    ]);
    expect(parseMetrics(text)).toEqual([
      { name: 'x_total', labels: { l: nasty }, value: 1.5 },
      { name: 'small', labels: {}, value: 1e-9 },
    ]);
    expect(text).not.toContain('unknown');
  });

  it('counts what comes after 400 values of a label as other', () => {
    const counter = new Counter('tool', 'outcome');
    for (let n = 0; n < 1000; n++) counter.add(1, `tool_${n}`, 'refused');
    counter.add(2, 'tool_1', 'success');
    const samples = counter.samples();
    expect(samples).toHaveLength(402);
    expect(samples.find((s) => s.labels?.['tool'] === 'other')?.value).toBe(600);
    expect(samples.find((s) => s.labels?.['outcome'] === 'success')?.value).toBe(2);
  });

  it('has whole histograms', () => {
    const histogram = new Histogram();
    for (const seconds of [0.005, 0.3, 7, 100]) histogram.observe(seconds);
    const text = metricsText([{ name: 'h', type: 'histogram', help: 'Times.', samples: histogram.samples() }]);
    const parsed = parseMetrics(text);
    expect(parsed.find((s) => s.labels['le'] === '0.5')?.value).toBe(2);
    expect(parsed.find((s) => s.name === 'h_count')?.value).toBe(4);
  });

  it('is parsed strictly', () => {
    const wrong = [
      'a 1',
      '# HELP a x\n# TYPE a gauge\na 1\na 1\n',
      '# HELP a x\n# TYPE a counter\na 1\n',
      '# HELP a x\n# TYPE a gauge\nb 1\n',
      '# TYPE a gauge\na 1\n',
      '# HELP a x\n# TYPE a gauge\na{l="x\\y"} 1\n',
      '# HELP a x\n# TYPE a gauge\na{l="x"} one\n',
      '# HELP h x\n# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_count 2\n',
    ];
    for (const text of wrong) expect(() => parseMetrics(text), text).toThrow();
  });
});

describe('a running desk', { timeout: 60_000 }, () => {
  it('can be scraped, and says how it and what it stands on are', async () => {
    await using controller = new CrewController({
      config: '.',
      dataDir: mkdtempSync(join(tmpdir(), 'crew-metrics-')),
      source: 'sim',
      exchanges: ['binance_futures'],
      symbols: ['BTCUSDT'],
      log: silentLogger,
      env: {},
    });
    await controller.start({ shadow: true, autonomous: false });
    const run = await controller.kickoff('data-ops');
    await controller.callTool('no_such_tool');
    const { url, token } = readAddress(controller.facts().dataDir) ?? { url: '', token: '' };
    const get = (path: string, given = token) =>
      fetch(`${url}${path}`, { headers: { authorization: `Bearer ${given}` } });
    expect((await get('/metrics', 'wrong')).status).toBe(401);

    const scrape = await get('/metrics');
    expect(scrape.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const samples = parseMetrics(await scrape.text());
    const value = (name: string, labels: Readonly<Record<string, string>> = {}): number | undefined =>
      samples.find((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v))?.value;
    expect(value('crew_runs_total', { crew: 'data-ops', status: 'completed' })).toBe(1);
    const calls = run.tasks.flatMap((task) => task.tool_calls);
    const asked = samples.filter((s) => s.name === 'crew_tool_calls_total' && s.labels['outcome'] !== 'refused');
    expect(asked.reduce((n, s) => n + s.value, 0)).toBe(calls.length);
    expect(value('crew_tool_calls_total', { tool: 'no_such_tool', outcome: 'refused' })).toBe(1);
    const models = samples.filter((s) => s.name === 'crew_model_calls_total');
    expect(models.reduce((n, s) => n + s.value, 0)).toBe(run.usage.model_calls);
    expect(value('crew_collector_connections', { exchange: 'binance', state: 'connected' })).toBeGreaterThan(0);
    expect(value('crew_rows', { stream: 'trades' })).toBeGreaterThanOrEqual(0);
    expect(value('crew_order_books_stale', { exchange: 'binance', market: 'futures' })).toBe(0);
    expect(value('crew_events_total', { type: 'run.started' })).toBe(1);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(value('crew_health_check', { check: 'event_bus_ok' })).toBe(1);
    expect(new Set(samples.map((s) => s.name)).size).toBeGreaterThan(30);

    const health = await get('/health');
    expect([health.status, await health.json()]).toMatchObject([200, { healthy: true }]);
    const base = await get('/health/infrastructure');
    expect(base.status).toBe(200);
    const { parts } = (await base.json()) as { parts: Readonly<Record<string, { readonly ok: boolean }>> };
    expect(Object.keys(parts)).toEqual([
      'operations_database',
      'market_database',
      'event_journal',
      'collectors',
      'venue_binance',
      'disk',
      'process',
    ]);
    expect(Object.values(parts).filter((part) => !part.ok)).toEqual([]);

    vi.spyOn(controller.runtime.operations.db, 'query').mockRejectedValue(new Error('the disk is gone'));
    const broken = await get('/health/infrastructure');
    expect([broken.status, await broken.json()]).toMatchObject([
      503,
      { healthy: false, parts: { operations_database: { ok: false, error: 'the disk is gone' } } },
    ]);
  });
});
