import { z } from 'zod';
import { NotFound } from '../../../kit/errors.ts';
import { releaseQuarantine } from '../../jobs/quarantine.ts';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'release_quarantine',
  title: 'Release a quarantine',
  toolset: 'validation',
  category: 'database_write',
  access: 'READ_WRITE',
  effects: 'effect',
  description:
    'Puts quarantined rows back into their series: the undo of quarantine_data. Use it when the value turned out to be genuine, for instance when other venues confirm it.',
  input: z.strictObject({
    quarantine_id: z.string().min(1).max(100).describe('Id that quarantine_data or clean_data_anomalies gave'),
    reason,
  }),
  output: z.object({ quarantine_id: z.string(), rows: measure.count }),
  examples: [{ title: 'A confirmed price', input: { quarantine_id: 'q_1', reason: 'confirmed by two venues' } }],
  preview: async (input, { services }) => {
    const [order] = await services.ops.select('quarantines', {
      where: { quarantine_id: input.quarantine_id },
      limit: 1,
    });
    if (order === undefined) throw new NotFound(`there is no quarantine '${input.quarantine_id}'`);
    return { rows: order.released_at === null ? order.rows : 0, stream: order.stream, symbol: order.symbol };
  },
  summary: (output) => `${output.rows} row(s) of ${output.quarantine_id} are back.`,
  run: async (input, { services, clock, caller }) => ({
    data: {
      quarantine_id: input.quarantine_id,
      rows: await releaseQuarantine(services, input.quarantine_id, caller),
    },
    provenance: measuredNow(clock, 'store'),
  }),
});
