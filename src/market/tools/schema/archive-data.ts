import { z } from 'zod';
import type { MarketConfig } from '../../config.ts';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

/** Days; below the retention, so that what would be deleted can have been archived first. */
const defaultAge = (config: MarketConfig): number => Math.max(1, Math.floor((config.storage.retention_days * 2) / 3));

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
      .optional()
      .describe(
        'Finished days older than this are moved, days; two thirds of market.storage.retention_days when left out (20 of 30), so that days are archived before retention may delete them',
      ),
    reason,
  }),
  output: z.object({
    older_than_days: measure.days,
    folder: z.string(),
    files_moved: measure.count,
    bytes_moved: measure.bytes,
    rows_moved: measure.count,
    first_day: z.string().nullable(),
    last_day: z.string().nullable(),
  }),
  examples: [{ title: 'What retention would reach next', input: { reason: 'storage is above 80 %' } }],
  timeoutMs: 600_000,
  preview: async (input, { services, clock }) => {
    const days = input.older_than_days ?? defaultAge(services.config);
    return {
      folder: services.config.storage.archive_dir,
      older_than_days: days,
      ...(await services.store.archivable({ now: clock.now() * 1000, days })),
    };
  },
  summary: (output) => `${output.files_moved} file(s) with ${output.rows_moved} rows moved to ${output.folder}.`,
  run: async (input, { services, clock, events }) => {
    const { archive_dir: dir, retention_days: kept } = services.config.storage;
    const days = input.older_than_days ?? defaultAge(services.config);
    const early =
      days < kept ? [] : [`apply_retention may delete days older than ${kept} before they are ${days} days old`];
    const moved = await services.store.archive({ now: clock.now() * 1000, days, folder: dir });
    const { files, bytes, folder } = moved;
    if (files > 0) events.emit('storage.archived', { folder, files, bytes, rows: moved.rows, reason: input.reason });
    return {
      data: {
        older_than_days: days,
        folder,
        files_moved: files,
        bytes_moved: bytes,
        rows_moved: moved.rows,
        first_day: moved.first_day,
        last_day: moved.last_day,
      },
      provenance: measuredNow(clock, 'store', early),
    };
  },
});
