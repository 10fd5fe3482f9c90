import { z } from 'zod';
import { InvalidInput } from '../../../kit/errors.ts';
import { viewName } from '../../domain/records.ts';
import { quarantineRows } from '../../jobs/quarantine.ts';
import { reason, series, time } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { bounds, oneSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'quarantine_data',
  aliases: ['quarantine_suspicious_data'],
  title: 'Quarantine rows',
  toolset: 'validation',
  category: 'database_write',
  access: 'READ_WRITE',
  effects: 'effect',
  description:
    'Moves suspicious rows of one series out of its view into quarantine: those with the keys named, or all of the stretch. Nothing is deleted: release_quarantine puts them back, and a rebuilt database applies the quarantine again.',
  input: z.strictObject({
    ...series,
    start_time: time('Start of the stretch that holds the rows'),
    end_time: time('End of the stretch, not included'),
    record_ids: z
      .array(z.string().min(1))
      .max(1000)
      .optional()
      .describe('Row keys, as validate_recent_data and query_series give them; all rows of the stretch when left out'),
    reason,
  }),
  output: z.object({ quarantine_id: z.string(), table: z.string(), rows: measure.count }),
  examples: [
    {
      title: 'One spike',
      input: {
        exchange: 'binance',
        market: 'futures',
        symbol: 'BTCUSDT',
        stream: 'trades',
        start_time: '2026-01-01T00:00:00Z',
        end_time: '2026-01-01T00:00:01Z',
        reason: 'price 60 % above the 1 h average',
      },
    },
  ],
  preview: async (input, { services }) => {
    const key = await oneSeries(services, input);
    const { from, to } = bounds(input.start_time, input.end_time);
    const rows = await services.store.seriesRows({ ...key, from, to, limit: 1000 });
    const wanted = input.record_ids;
    const moved = wanted === undefined ? rows.length : rows.filter((r) => wanted.includes(String(r['row_key']))).length;
    return { table: viewName(key), rows: moved, reason: input.reason };
  },
  summary: (output) => `${output.rows} row(s) of ${output.table} are in quarantine ${output.quarantine_id}.`,
  run: async (input, context) => {
    const { services, clock } = context;
    const key = await oneSeries(services, input);
    const range = bounds(input.start_time, input.end_time);
    if (input.record_ids?.length === 0) throw new InvalidInput('record_ids is empty: name rows, or leave it out');
    const done = await quarantineRows(services, key, {
      id: `q_${context.callId}`,
      keys: input.record_ids ?? null,
      ...range,
      reason: input.reason,
    });
    return {
      data: { quarantine_id: done.id, table: viewName(key), rows: done.rows },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
