import { z } from 'zod';
import { reason } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

const day = (what: string) => z.iso.date().describe(`${what} of the days to bring back, UTC, as in 2026-01-31`);

export default marketTool({
  name: 'restore_archived_data',
  title: 'Restore archived days',
  toolset: 'schema',
  category: 'system_config',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Brings archived days back into the database and its views, of one table or of all, verified against what each file says of itself. A day that has rows in the database already stays in the archive and is named.',
  input: z.strictObject({
    table: z
      .string()
      .min(1)
      .max(120)
      .optional()
      .describe('Isolated table, as in btcusdt_binance_futures_trades; all when left out'),
    from_day: day('First'),
    to_day: day('Last'),
    reason,
  }),
  output: z.object({
    files_restored: measure.count,
    bytes_restored: measure.bytes,
    rows_restored: measure.count,
    skipped: z.array(z.object({ file: z.string(), reason: z.string() })),
  }),
  examples: [
    { title: 'A week', input: { from_day: '2026-01-05', to_day: '2026-01-11', reason: 'a study of that week' } },
  ],
  timeoutMs: 600_000,
  preview: async (input, { services }) => ({
    folder: services.config.storage.archive_dir,
    table: input.table ?? null,
    from_day: input.from_day,
    to_day: input.to_day,
  }),
  summary: (output) => `${output.files_restored} file(s) with ${output.rows_restored} rows are back.`,
  run: async (input, { services, clock }) => {
    const folder = services.config.storage.archive_dir;
    const { table, from_day: from, to_day: to } = input;
    const report = await services.store.restore({ folder, table, from, to });
    return {
      data: {
        files_restored: report.files,
        bytes_restored: report.bytes,
        rows_restored: report.rows,
        skipped: report.skipped.map((entry) => ({ ...entry })),
      },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
