import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { AppError, Unavailable } from '../../../src/kit/errors.ts';
import type { ToolContext } from '../../../src/kit/tool.ts';
import type { MarketServices } from '../../../src/market/services.ts';
import type { MarketStore } from '../../../src/market/store/contract.ts';
import { tools } from '../../../src/market/tools/catalogue.generated.ts';
import { fillBench, fillLiquidations, openBench, type Bench } from '../jobs/bench.ts';
import { contextOf, whileTimePasses } from './call.ts';

/**
 * Every tool that reads stored history says what was covered of it, and refuses below a bound. Which tools those are is
 * not declared: it is seen in what they ask of the store. The ledger of this bench is empty, so that nothing is covered.
 */

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Tools that ask the store for rows and are not held to it, and why. */
const EXEMPT: Readonly<Record<string, string>> = {
  analyze_table_performance: 'times queries; it gives nothing of their rows',
  get_trades: 'takes stored trades only of a stream that never had a gap, else asks the venue',
  interpolate_missing_data: 'closes what is not covered',
  modify_raw_data: 'changes one row that is named',
  quarantine_data: 'takes rows or a stretch that were named',
};

type Tool = (typeof tools)[number];

let still: Bench;
/** For tools that wait: its clock goes on. */
let moving: Bench;
beforeAll(async () => {
  still = await openBench();
  moving = await openBench();
  for (const bench of [still, moving]) {
    await fillBench(bench);
    await fillLiquidations(bench);
  }
});
afterAll(async () => {
  await still[Symbol.asyncDispose]();
  await moving[Symbol.asyncDispose]();
});

/** The call of a tool (of one with effects: its preview), and whether it asked for a stretch of stored rows. */
async function called(tool: Tool, given: Readonly<Record<string, unknown>>) {
  const bench = tool.toolset === 'sampling' ? moving : still;
  let reads = 0;
  const watched: Pick<MarketStore, 'read' | 'seriesRows' | 'aggregates'> = {
    read: (sql, params, signal) => {
      if (/event_time/.test(sql)) reads++;
      return bench.services.store.read(sql, params, signal);
    },
    seriesRows: (query) => {
      // One row is the newest: a live value, whose age the answer gives.
      if (query.limit > 1) reads++;
      return bench.services.store.seriesRows(query);
    },
    aggregates: (query) => {
      reads++;
      return bench.services.store.aggregates(query);
    },
  };
  const store = new Proxy(bench.services.store, {
    get(target, name) {
      if (name === 'read' || name === 'seriesRows' || name === 'aggregates') return watched[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const plain = contextOf(bench);
  const context: ToolContext<MarketServices> = { ...plain, services: { ...plain.services, store } };
  const input = tool.input.parse(given);
  const attempt = tool.effects === 'effect' ? tool.preview?.(input, context) : tool.run(input, context);
  const outcome = await Promise.resolve(
    bench === moving ? whileTimePasses(bench.clock, Promise.resolve(attempt)) : attempt,
  ).catch((error: unknown) => {
    if (error instanceof AppError) return error;
    throw error;
  });
  return { outcome, reads };
}

/** What is called `coverage` in an answer, or is one. */
function coveragesIn(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap(coveragesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => (name === 'coverage' ? [part] : coveragesIn(part)));
}

// Endpoint tools read what is live, and refuse a stream with a gap; one that reads the store says so in its sources.
const own = tools.filter((tool) => !tool.toolset.startsWith('exchange_') || 'min_coverage' in tool.input.shape);
const readers: string[] = [];

describe.each(own.map((tool) => [tool.name, tool] as const))('%s', (name, tool) => {
  test('says what was covered of the history that it read, and refuses below a bound', async () => {
    for (const example of tool.examples) {
      const { outcome, reads } = await called(tool, example.input);
      if (reads === 0) continue;
      readers.push(name);
      if (name in EXEMPT) continue;
      expect([name, Object.keys(tool.input.shape)]).toEqual([name, expect.arrayContaining(['min_coverage'])]);
      const found = coveragesIn(outcome);
      expect([name, found.length > 0]).toEqual([name, true]);
      for (const coverage of found.flat()) {
        if (coverage !== null) expect(coverage).toMatchObject({ complete: false, share: 0 });
      }
      if (tool.effects !== 'effect') expect(outcome).toMatchObject({ provenance: { complete: false } });
      const refused = await called(tool, { ...example.input, min_coverage: 0.5 });
      expect([name, refused.outcome]).toEqual([name, expect.any(Unavailable)]);
      const { outcome: wrong } = await called(tool, { ...example.input, min_coverage: 0 });
      expect([name, wrong instanceof Error]).toEqual([name, false]);
    }
  });
});

test('the watch sees: the tools of history are among the readers, and no exemption is idle', () => {
  expect(readers).toEqual(
    expect.arrayContaining(['query_series', 'get_historical_price_data', 'validate_recent_data', 'stream_and_analyze']),
  );
  expect(Object.keys(EXEMPT).filter((name) => !readers.includes(name))).toEqual([]);
});
