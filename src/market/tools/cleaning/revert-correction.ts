import { z } from 'zod';
import { NotFound } from '../../../kit/errors.ts';
import { viewName } from '../../domain/records.ts';
import { keyOf, revertCorrection } from '../../jobs/corrections.ts';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'revert_correction',
  title: 'Revert a correction',
  toolset: 'cleaning',
  category: 'database_write',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Takes a correction of modify_raw_data back: the cleaned copy loses the corrected value, the record of the correction stays, with who reverted it and when. The raw row was never changed.',
  input: z.strictObject({
    correction_id: z.string().min(1).max(120).describe('Correction, as modify_raw_data gave it'),
    reason,
  }),
  output: z.object({
    correction_id: z.string(),
    table: z.string(),
    row_key: z.string(),
    column: z.string(),
    value: z.number().describe('In the unit of the column').nullable(),
  }),
  examples: [
    { title: 'Take one back', input: { correction_id: 'c_call_01', reason: 'the venue withdrew its announcement' } },
  ],
  preview: async ({ correction_id }, { services }) => {
    const where = { correction_id, reverted_at: null };
    const [held] = await services.ops.select('corrections', { where, limit: 1 });
    if (held === undefined) throw new NotFound(`there is no correction '${correction_id}' in force`);
    return { correction_id, column: held.column_name, from: held.new_value, to: held.old_value };
  },
  summary: (output) =>
    `${output.column} of ${output.row_key} in ${output.table} is as the venue said it: ${output.value ?? 'none'}.`,
  run: async (input, { services, clock, caller }) => {
    const held = await revertCorrection(services, input.correction_id, caller, input.reason);
    return {
      data: {
        correction_id: held.correction_id,
        table: `${viewName(keyOf(held))}_cleaned`,
        row_key: held.row_key,
        column: held.column_name,
        value: held.old_value,
      },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
