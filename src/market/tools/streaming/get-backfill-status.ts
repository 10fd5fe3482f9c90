import { z } from 'zod';
import { NotFound } from '../../../kit/errors.ts';
import { withoutOutside } from '../../../kit/outside.ts';
import { viewName } from '../../domain/records.ts';
import { isoTime, limit } from '../shared/fields.ts';
import { isoOfMs, measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_backfill_status',
  title: 'Backfill status',
  toolset: 'streaming',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Backfills of this run, newest first: running, done or failed, records fetched and stored, and what history did not reach. Give an id to see one.',
  input: z.strictObject({
    request_id: z.string().min(1).max(100).optional().describe('Id that request_backfill gave; all when left out'),
    limit: limit(20, 200),
  }),
  output: z.object({
    backfills: z.array(
      z.object({
        id: z.string(),
        table: z.string(),
        from: isoTime,
        to: isoTime,
        status: z.string(),
        records_fetched: measure.count,
        records_stored: measure.count,
        missing: measure.count,
        error: z.string().nullable(),
      }),
    ),
    running: measure.count,
  }),
  examples: [{ title: 'All', input: {} }],
  summary: (output) => `${output.backfills.length} backfill(s), ${output.running} running.`,
  run: async (input, { services, clock }) => {
    const all = services.collector.backfills();
    const wanted = input.request_id === undefined ? all : all.filter((b) => b.id === input.request_id);
    if (input.request_id !== undefined && wanted.length === 0) {
      throw new NotFound(`no backfill has the id '${input.request_id}'; leave it out to see all ${all.length}`);
    }
    return {
      data: {
        backfills: [...wanted]
          .reverse()
          .slice(0, input.limit)
          .map((b) => ({
            id: b.id,
            table: viewName(b.series),
            from: isoOfMs(b.from),
            to: isoOfMs(b.to),
            status: b.status,
            records_fetched: b.records,
            records_stored: b.stored,
            missing: b.missing.length,
            error: b.error === null ? null : withoutOutside(b.error),
          })),
        running: all.filter((b) => b.status === 'running').length,
      },
      provenance: measuredNow(clock, 'collector'),
    };
  },
});
