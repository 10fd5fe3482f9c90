import { z } from 'zod';
import { aggregateSeries, TARGETS } from '../../jobs/aggregate.ts';
import { recordWork } from '../../jobs/metrics.ts';
import { viewName } from '../../domain/records.ts';
import { jointCoverage, jointNotes, jointShape } from '../shared/coverage.ts';
import { anyExchange, anyMarket, anySymbol } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { recentInput } from '../shared/recent.ts';
import { lookback, matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'aggregate_to_timeframes',
  title: 'Aggregate all timeframes',
  toolset: 'cleaning',
  category: 'database_write',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Writes the bars of all timeframes (or those named) for every matching series from its 1-minute candles: what aggregate_to_timeframe does, for many at once.',
  input: z.strictObject({
    exchange: anyExchange,
    market: anyMarket,
    symbol: anySymbol,
    timeframes: z
      .array(z.enum(['5m', '15m', '1h', '4h', '1d']))
      .min(1)
      .default(['5m', '15m', '1h', '4h', '1d'])
      .describe('Lengths of bars to write'),
    ...recentInput(60),
  }),
  output: z.object({
    series: measure.count,
    rows: measure.count,
    by_timeframe: z.record(z.string(), measure.count),
    empty: measure.count,
    coverage: jointShape,
  }),
  examples: [{ title: '5-minute bars of everything', input: { timeframes: ['5m'] } }],
  timeoutMs: 120_000,
  preview: async (input, { services, clock }) => {
    const keys = await matchSeries(services, { ...filterOf(input), stream: 'candles' });
    const range = lookback(clock.now(), input.lookback_minutes);
    const coverage = await jointCoverage(services, keys, range, input.min_coverage);
    return { series: keys.map(viewName).slice(0, 40), count: keys.length, timeframes: input.timeframes, coverage };
  },
  summary: (output) => `${output.rows} bar(s) written for ${output.series} series.`,
  run: async (input, { services, clock, signal, progress, agentId, caller }) => {
    const keys = await matchSeries(services, { ...filterOf(input), stream: 'candles' });
    const { from, to } = lookback(clock.now(), input.lookback_minutes);
    const coverage = await jointCoverage(services, keys, { from, to }, input.min_coverage);
    const byTimeframe: Record<string, number> = {};
    let empty = 0;
    for (const [i, key] of keys.entries()) {
      for (const target of TARGETS.filter((t) => input.timeframes.some((wanted) => wanted === t))) {
        signal.throwIfAborted();
        const done = await aggregateSeries(services, key, target, from, to);
        byTimeframe[target] = (byTimeframe[target] ?? 0) + done.rows;
        if (done.rows === 0) empty++;
      }
      progress((i + 1) / keys.length);
    }
    const rows = Object.values(byTimeframe).reduce((sum, n) => sum + n, 0);
    await recordWork(services, agentId ?? caller, 'records_aggregated', rows, { series: keys.length });
    return {
      data: { series: keys.length, rows, by_timeframe: byTimeframe, empty, coverage },
      provenance: measuredNow(clock, 'store', jointNotes(coverage), coverage.complete),
    };
  },
});

function filterOf<T extends { readonly exchange?: unknown; readonly market?: unknown; readonly symbol?: unknown }>(
  input: T,
): Pick<T, 'exchange' | 'market' | 'symbol'> {
  const { exchange, market, symbol } = input;
  return { exchange, market, symbol };
}
