import { z } from 'zod';
import { InvalidInput } from '../../../kit/errors.ts';
import type { Clock } from '../../../kit/clock.ts';
import { viewName } from '../../domain/records.ts';
import { deleteStretch } from '../../jobs/deletion.ts';
import { reason, series, time } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { bounds, oneSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'delete_data',
  title: 'Delete a stretch of data',
  toolset: 'validation',
  category: 'database_write',
  access: 'READ_WRITE',
  effects: 'effect',
  description:
    'Deletes every row of one series in a stretch of time that is over, with its cleaned and normalised copies, for good: nothing of it is taken in again, by backfill neither, a rebuilt database deletes it again, and coverage shows it missing. Rows in quarantine stay there. The raw frames stay on the tape until its cap reaches them. quarantine_data is the way that can be undone. Needs approval.',
  input: z.strictObject({
    ...series,
    start_time: time('Start of the stretch'),
    end_time: time('End of the stretch, not included, not in the future'),
    reason,
  }),
  output: z.object({
    deletion_id: z.string(),
    table: z.string(),
    from: z.string(),
    to: z.string(),
    rows_deleted: measure.count,
    copies_deleted: measure.count,
  }),
  examples: [
    {
      title: 'A minute of test trades',
      input: {
        exchange: 'binance',
        market: 'futures',
        symbol: 'BTCUSDT',
        stream: 'trades',
        start_time: '2026-01-01T00:00:00Z',
        end_time: '2026-01-01T00:01:00Z',
        reason: 'the venue tested its matching engine in production',
      },
    },
  ],
  timeoutMs: 120_000,
  preview: async (input, { services, clock }) => {
    const key = await oneSeries(services, input);
    const range = over(input, clock);
    const { rows, copies } = await services.store.deletable({ ...key, ...range });
    return { table: viewName(key), rows, copies, from: input.start_time, to: input.end_time };
  },
  summary: (output) =>
    `${output.rows_deleted} row(s) of ${output.table} and ${output.copies_deleted} of its copies are deleted (${output.deletion_id}).`,
  run: async (input, { services, clock, callId, caller }) => {
    const key = await oneSeries(services, input);
    const range = over(input, clock);
    const id = `d_${callId}`;
    const done = await deleteStretch(services, key, { id, ...range, by: caller, reason: input.reason });
    return {
      data: {
        deletion_id: id,
        table: viewName(key),
        from: input.start_time,
        to: input.end_time,
        rows_deleted: done.rows,
        copies_deleted: done.copies,
      },
      provenance: measuredNow(clock, 'store'),
    };
  },
});

/** A stretch that reached into the future would keep data out that nobody has seen. */
function over(input: { readonly start_time: string; readonly end_time: string }, clock: Clock) {
  const range = bounds(input.start_time, input.end_time);
  if (range.to > clock.now() * 1000) {
    const now = new Date(clock.now()).toISOString();
    throw new InvalidInput(`the end ${input.end_time} is in the future (it is ${now}): name a stretch that is over`);
  }
  return range;
}
