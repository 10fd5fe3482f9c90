import { z } from 'zod';
import { viewName } from '../../domain/records.ts';
import { correctRow, findCorrected } from '../../jobs/corrections.ts';
import { quantity, reason, series, time } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { oneSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'modify_raw_data',
  aliases: ['correct_data'],
  title: 'Correct a value',
  toolset: 'cleaning',
  category: 'database_write',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Corrects one number of one row: recorded with old and new value, author and reason, and written as a row labelled `corrected` to the cleaned copy of the series ({table}_cleaned). The raw row stays visible as the venue said it: raw tables hold nothing else. Applied again after a rebuild; revert_correction takes it back. Needs approval.',
  input: z.strictObject({
    ...series,
    record_id: z.string().min(1).max(20).describe('Row key, as query_series and validate_recent_data give it'),
    time: time('Time of the row (of a candle: its open time), to the millisecond'),
    column: z.string().min(1).max(60).describe('Column that is wrong, a number that the venue said, as in price'),
    value: quantity.describe('The right value, in the unit of the column'),
    reason,
  }),
  output: z.object({
    correction_id: z.string(),
    table: z.string(),
    row_key: z.string(),
    column: z.string(),
    old_value: z.number().describe('In the unit of the column').nullable(),
    new_value: z.number().describe('In the unit of the column'),
  }),
  examples: [
    {
      title: 'A price with a digit too many',
      input: {
        exchange: 'binance',
        market: 'futures',
        symbol: 'BTCUSDT',
        stream: 'trades',
        record_id: '4503599627370496',
        time: '2026-01-01T00:00:00.123Z',
        column: 'price',
        value: 87_500.1,
        reason: 'the venue announced the correction of this trade',
      },
    },
  ],
  preview: async (input, { services }) => {
    const key = await oneSeries(services, input);
    const { old } = await findCorrected(services, key, wanted(input));
    const { column, value, record_id: row_key } = input;
    return {
      table: `${viewName(key)}_cleaned`,
      row_key,
      column,
      old_value: old,
      new_value: value,
      method: 'corrected',
    };
  },
  summary: (output) =>
    `${output.column} of ${output.row_key}: ${output.old_value ?? 'none'} is ${output.new_value} in ${output.table} (${output.correction_id}); the raw row stays.`,
  run: async (input, { services, clock, callId, caller }) => {
    const key = await oneSeries(services, input);
    const order = { ...wanted(input), id: `c_${callId}`, value: input.value, by: caller, reason: input.reason };
    const done = await correctRow(services, key, order);
    return {
      data: {
        correction_id: done.correction_id,
        table: `${viewName(key)}_cleaned`,
        row_key: done.row_key,
        column: done.column_name,
        old_value: done.old_value,
        new_value: done.new_value,
      },
      provenance: measuredNow(clock, 'store'),
    };
  },
});

function wanted(input: { readonly record_id: string; readonly time: string; readonly column: string }) {
  return { rowKey: input.record_id, time: Date.parse(input.time) * 1000, column: input.column };
}
