import { z } from 'zod';
import { viewName } from '../../domain/records.ts';
import { interpolateGap, planInterpolation } from '../../jobs/fill.ts';
import { series, time } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { bounds, oneSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'interpolate_missing_data',
  title: 'Interpolate a gap',
  toolset: 'cleaning',
  category: 'database_write',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Fills a gap of one series in its cleaned copy by rule: prices and mark prices linear when short and the last known value when longer, funding the last known value, open interest linear. Books, trades, liquidations, candles and tickers are never filled. Every filled row is marked and the fill is logged; raw rows stay as they are.',
  input: z.strictObject({
    ...series,
    gap_start: time('Start of the gap'),
    gap_end: time('End of the gap, not included'),
    strategy: z
      .enum(['linear', 'forward_fill'])
      .optional()
      .describe('linear or forward_fill; the one that the rules prefer when left out'),
  }),
  output: z.object({
    table: z.string(),
    strategy: z.string().nullable(),
    records_created: measure.count,
    source_records: measure.count,
    confidence: measure.fraction.nullable(),
    reason: z.string(),
    log_id: measure.id.nullable(),
  }),
  examples: [
    {
      title: 'Two minutes of open interest',
      input: {
        exchange: 'binance',
        market: 'futures',
        symbol: 'BTCUSDT',
        stream: 'open_interest',
        gap_start: '2026-01-01T00:00:00Z',
        gap_end: '2026-01-01T00:02:00Z',
      },
    },
  ],
  preview: async (input, { services }) => {
    const key = await oneSeries(services, input);
    const { from, to } = bounds(input.gap_start, input.gap_end);
    const { outcome } = await planInterpolation(services, key, from, to, input.strategy);
    return {
      table: `${viewName(key)}_cleaned`,
      strategy: outcome.strategy,
      records: outcome.records_created,
      reason: outcome.reason,
    };
  },
  summary: (output) =>
    output.strategy === null
      ? `Nothing filled: ${output.reason}.`
      : `${output.records_created} row(s) by ${output.strategy}.`,
  run: async (input, { services, clock }) => {
    const key = await oneSeries(services, input);
    const { from, to } = bounds(input.gap_start, input.gap_end);
    const outcome = await interpolateGap(services, key, from, to, input.strategy);
    return {
      data: {
        table: `${viewName(key)}_cleaned`,
        strategy: outcome.strategy,
        records_created: outcome.records_created,
        source_records: outcome.source_records,
        confidence: outcome.confidence,
        reason: outcome.reason,
        log_id: outcome.log_id,
      },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
