import { z } from 'zod';
import { measure } from '../../domain/measure.ts';

export const optimisationShape = z.object({
  database_bytes_before: measure.bytes,
  database_bytes_after: measure.bytes,
  bytes_recovered: measure.bytes,
  days_written: measure.count,
  parquet_bytes_written: measure.bytes,
  rewritten: z.boolean(),
  analysed: z.boolean(),
  reason: z.string(),
  duration_ms: measure.milliseconds,
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
