import { z } from 'zod';
import { COVERAGE_STATES } from '../../domain/coverage.ts';
import { STREAMS } from '../../domain/records.ts';

/** A backfill is over: what was asked for and what the venue's history did not reach, [from, to) UTC ms. */
export const BACKFILLED = 'backfilled';
/** Items received in a stretch of time, UTC µs, could not be put on the tape. */
export const ITEMS_LOST = 'items_lost';
/** What the segments before had told of one series; they were deleted. */
export const COVERAGE_CARRIED = 'coverage_carried';

export const backfilledSchema = z.object({
  symbol: z.string(),
  stream: z.enum(STREAMS),
  from: z.number(),
  to: z.number(),
  /** When the backfill was begun, UTC µs: its answers lie on the tape between then and here. */
  asked: z.number().optional(),
  missing: z.array(z.object({ from: z.number(), to: z.number(), reason: z.string() })).readonly(),
});
export type BackfilledNote = z.output<typeof backfilledSchema>;

export const itemsLostSchema = z.object({ from: z.number(), to: z.number(), items: z.number() });

export const coverageCarriedSchema = z.object({
  symbol: z.string(),
  stream: z.enum(STREAMS),
  intervals: z
    .array(
      z.object({ from: z.number(), to: z.number(), state: z.enum(COVERAGE_STATES), reason: z.string().nullable() }),
    )
    .readonly(),
  /** Rows before this time, UTC µs, were on the segments that are gone. */
  rowsTo: z.number(),
  head: z.object({ knownTo: z.number(), reason: z.string().nullable() }).nullable(),
  openDays: z.array(z.object({ day: z.string(), file: z.string().nullable() })).readonly(),
});
export type CoverageCarriedNote = z.output<typeof coverageCarriedSchema>;
