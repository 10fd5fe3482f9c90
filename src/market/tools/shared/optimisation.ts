import { z } from 'zod';

export const optimisationShape = z.object({
  database_bytes_before: z.number(),
  database_bytes_after: z.number(),
  bytes_recovered: z.number(),
  days_written: z.number(),
  parquet_bytes_written: z.number(),
  rewritten: z.boolean(),
  analysed: z.boolean(),
  reason: z.string(),
  duration_ms: z.number(),
});

/** One sentence on what an optimisation gave back. */
export function optimisationSummary(output: z.infer<typeof optimisationShape>): string {
  const file = output.rewritten ? 'the file was rewritten' : 'the file was left as it is';
  return `${output.days_written} finished day(s) moved to Parquet, ${file}: ${output.bytes_recovered} bytes recovered (${output.reason}).`;
}

export const minimumGain = z
  .number()
  .min(0)
  .max(1)
  .optional()
  .describe('Share of the file, 0 to 1, that must come back before it is rewritten; the configured one when left out');
