import { z } from 'zod';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'apply_retention',
  title: 'Delete old days',
  toolset: 'schema',
  category: 'system_config',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Deletes finished days that are older than the retention. Needs approval: deleted days come back only from the tape, as long as it reaches. The retention in force (configured, or changed by change_retention_policy) is the least that can be asked for.',
  input: z.strictObject({
    days: z
      .number()
      .int()
      .min(1)
      .max(3650)
      .optional()
      .describe('Days to keep; the retention in force when left out or when it is longer'),
    reason,
  }),
  output: z.object({
    days_kept: measure.days,
    files_deleted: measure.count,
    bytes_freed: measure.bytes,
    rows_deleted: measure.count,
  }),
  examples: [{ title: 'As configured', input: { reason: 'storage is above 80 %' } }],
  timeoutMs: 300_000,
  preview: async (input, { services }) => ({
    keep_days: Math.max(input.days ?? 0, services.config.storage.retention_days),
    parquet_bytes: (await services.store.storage()).parquet_bytes,
  }),
  summary: (output) =>
    `${output.files_deleted} file(s) older than ${output.days_kept} days deleted, ${output.bytes_freed} bytes freed.`,
  run: async (input, { services, clock }) => {
    const days = Math.max(input.days ?? 0, services.config.storage.retention_days);
    const deleted = await services.store.retain({ now: clock.now() * 1000, days, why: input.reason });
    return {
      data: { days_kept: days, files_deleted: deleted.files, bytes_freed: deleted.bytes, rows_deleted: deleted.rows },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
