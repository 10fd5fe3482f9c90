import { z } from 'zod';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'archive_data',
  title: 'Archive old days',
  toolset: 'schema',
  category: 'system_config',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Moves finished days older than so many days out of the database into the archive folder (market.storage.archive_dir), each verified before it leaves. Needs approval: archived days are in no view and no query until restore_archived_data. Retention never deletes from the archive.',
  input: z.strictObject({
    older_than_days: z
      .number()
      .int()
      .min(1)
      .max(3650)
      .default(90)
      .describe('Finished days older than this are moved, days (default 90)'),
    reason,
  }),
  output: z.object({
    folder: z.string(),
    files_moved: z.number(),
    bytes_moved: z.number(),
    rows_moved: z.number(),
    first_day: z.string().nullable(),
    last_day: z.string().nullable(),
  }),
  examples: [{ title: 'Older than a quarter', input: { older_than_days: 90, reason: 'storage is above 80 %' } }],
  timeoutMs: 600_000,
  preview: async (input, { services, clock }) => ({
    folder: services.config.storage.archive_dir,
    ...(await services.store.archivable({ now: clock.now() * 1000, days: input.older_than_days })),
  }),
  summary: (output) => `${output.files_moved} file(s) with ${output.rows_moved} rows moved to ${output.folder}.`,
  run: async (input, { services, clock, events }) => {
    const { archive_dir: dir } = services.config.storage;
    const moved = await services.store.archive({ now: clock.now() * 1000, days: input.older_than_days, folder: dir });
    const { files, bytes, folder } = moved;
    if (files > 0) events.emit('storage.archived', { folder, files, bytes, rows: moved.rows, reason: input.reason });
    return {
      data: {
        folder,
        files_moved: files,
        bytes_moved: bytes,
        rows_moved: moved.rows,
        first_day: moved.first_day,
        last_day: moved.last_day,
      },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
