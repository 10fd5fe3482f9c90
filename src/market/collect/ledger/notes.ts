import { z } from 'zod';
import { STREAMS } from '../../domain/records.ts';

/** A backfill is over: what was asked for and what the venue's history did not reach, [from, to) UTC ms. */
export const BACKFILLED = 'backfilled';
/** Items received in a stretch of time, UTC µs, could not be put on the tape. */
export const ITEMS_LOST = 'items_lost';

export const backfilledSchema = z.object({
  symbol: z.string(),
  stream: z.enum(STREAMS),
  from: z.number(),
  to: z.number(),
  missing: z.array(z.object({ from: z.number(), to: z.number(), reason: z.string() })).readonly(),
});
export type BackfilledNote = z.output<typeof backfilledSchema>;

export const itemsLostSchema = z.object({ from: z.number(), to: z.number(), items: z.number() });
