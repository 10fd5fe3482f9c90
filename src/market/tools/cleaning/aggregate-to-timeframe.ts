import { z } from 'zod';
import { coverageShape, showCoverage } from '../../exchanges/shared/coverage.ts';
import { aggregateSeries, wholeBars } from '../../jobs/aggregate.ts';
import { recordWork } from '../../jobs/metrics.ts';
import { viewName } from '../../domain/records.ts';
import { isoOfUs, measuredNow } from '../shared/provenance.ts';
import { usedCoverage } from '../shared/coverage.ts';
import { exchange, market, symbol } from '../shared/fields.ts';
import { recentInput } from '../shared/recent.ts';
import { lookback, oneSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'aggregate_to_timeframe',
  title: 'Aggregate candles',
  toolset: 'cleaning',
  category: 'database_write',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Writes bars of one timeframe (5m, 15m, 1h, 4h, 1d) from the 1-minute candles of one series: open, high, low, close, volume, VWAP, trade count, and how many minutes each bar has. Bars of the stretch are written anew, so repeating it is harmless.',
  input: z.strictObject({
    exchange,
    market,
    symbol,
    target_timeframe: z.enum(['5m', '15m', '1h', '4h', '1d']).describe('Length of a bar'),
    ...recentInput(60),
  }),
  output: z.object({ table: z.string(), timeframe: z.string(), rows: measure.count, coverage: coverageShape }),
  examples: [
    {
      title: '5-minute bars',
      input: { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', target_timeframe: '5m' },
    },
  ],
  preview: async (input, { services, clock }) => {
    const key = await oneSeries(services, { ...input, stream: 'candles' });
    const { from, to } = lookback(clock.now(), input.lookback_minutes);
    const range = wholeBars(input.target_timeframe, from, to);
    const coverage = await usedCoverage(services, key, range, input.min_coverage);
    return {
      table: `${viewName(key)}_${input.target_timeframe}`,
      coverage: showCoverage(coverage),
      from: isoOfUs(range.from),
      to: isoOfUs(range.to),
    };
  },
  summary: (output) => `${output.rows} bar(s) of ${output.timeframe} in ${output.table}.`,
  run: async (input, { services, clock, agentId, caller }) => {
    const key = await oneSeries(services, { ...input, stream: 'candles' });
    const { from, to } = lookback(clock.now(), input.lookback_minutes);
    const range = wholeBars(input.target_timeframe, from, to);
    const coverage = await usedCoverage(services, key, range, input.min_coverage);
    const done = await aggregateSeries(services, key, input.target_timeframe, from, to);
    await recordWork(services, agentId ?? caller, 'records_aggregated', done.rows, { table: done.table });
    return {
      data: { ...done, coverage: showCoverage(coverage) },
      provenance: measuredNow(clock, viewName(key), [], coverage.complete),
    };
  },
});
