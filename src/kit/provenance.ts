import { z } from 'zod';
import type { Provenance } from './tool.ts';

/** The provenance of a result, as it is checked when a tool answers and read back when a ledger does. */
export const provenanceSchema = z.strictObject({
  as_of: z.string().nullable(),
  source: z.string(),
  complete: z.boolean(),
  stale_ms: z.number().nullable(),
  notes: z.array(z.string()).readonly().optional(),
  origin: z.literal('foreign').optional(),
  sources: z
    .array(
      z.object({
        via: z.enum(['live', 'store', 'rest']),
        exchange: z.string(),
        market: z.string(),
        host: z.string().nullable(),
        path: z.string(),
        as_of: z.string(),
        stale_ms: z.number(),
      }),
    )
    .readonly()
    .optional(),
}) satisfies z.ZodType<Provenance>;
