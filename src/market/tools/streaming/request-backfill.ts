import { z } from 'zod';
import { withoutOutside } from '../../../kit/outside.ts';
import { viewName } from '../../domain/records.ts';
import { settleGapsWithin } from '../../jobs/open-gaps.ts';
import { isoTime, reasonOr, series, time } from '../shared/fields.ts';
import { isoOfMs, provenance } from '../shared/provenance.ts';
import { bounds, oneSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'request_backfill',
  aliases: ['trigger_backfill_request', 'fetch_history'],
  title: 'Backfill from history',
  toolset: 'streaming',
  category: 'database_write',
  access: 'READ_WRITE',
  effects: 'effect',
  description:
    'Fetches a stretch of one series over REST from the venue and stores what is new, marked as backfill. Rows already held are not stored twice. Says what the history of the venue does not reach. Streams without history (books, quotes, liquidations) are refused.',
  input: z.strictObject({
    ...series,
    start_time: time('Start of the stretch'),
    end_time: time('End of the stretch, not included'),
    reason: reasonOr('backfill requested'),
  }),
  output: z.object({
    id: z.string(),
    table: z.string(),
    status: z.string(),
    requests: measure.count,
    records_fetched: measure.count,
    records_stored: measure.count,
    missing: z.array(z.object({ from: isoTime, to: isoTime, reason: z.string() })),
    error: z.string().nullable(),
  }),
  examples: [
    {
      title: 'One hour of candles',
      input: {
        exchange: 'binance',
        market: 'futures',
        symbol: 'BTCUSDT',
        stream: 'candles',
        start_time: '2026-01-01T00:00:00Z',
        end_time: '2026-01-01T01:00:00Z',
      },
    },
  ],
  timeoutMs: 120_000,
  rateLimit: { key: 'backfill', perSecond: 2, burst: 10 },
  preview: async (input, { services }) => {
    const key = await oneSeries(services, input);
    const { from, to } = bounds(input.start_time, input.end_time);
    return { table: viewName(key), from: input.start_time, to: input.end_time, seconds: (to - from) / 1e6 };
  },
  summary: (output) =>
    `${output.table}: ${output.records_stored} of ${output.records_fetched} fetched rows were new; ${output.missing.length} stretch(es) out of reach.`,
  run: async (input, { services, clock, signal }) => {
    const key = await oneSeries(services, input);
    const { from, to } = bounds(input.start_time, input.end_time);
    const result = await services.collector.backfill(key, from / 1000, to / 1000, signal);
    if (result.status === 'done' && result.missing.length === 0) {
      await settleGapsWithin(services, key, from, to, `fetched from history, ${result.stored} new row(s)`);
    }
    return {
      data: {
        id: result.id,
        table: viewName(key),
        status: result.status,
        requests: result.requests,
        records_fetched: result.records,
        records_stored: result.stored,
        missing: result.missing.map((m) => ({ from: isoOfMs(m.from), to: isoOfMs(m.to), reason: m.reason })),
        error: result.error === null ? null : withoutOutside(result.error),
      },
      provenance: provenance(clock, to, `${key.exchange} ${key.market} REST`, {
        complete: result.missing.length === 0 && result.status === 'done',
        notes: result.missing.map((m) => m.reason),
      }),
    };
  },
});
