import { z } from 'zod';
import { COVERAGE_STATES } from '../../domain/coverage.ts';
import { STREAMS } from '../../domain/records.ts';
import { idHoleSchema } from './trade-holes.ts';

/** What is remembered of the coverage of one market, as a segment of the tape begins with it. Times are UTC µs. */

export const sessionStateSchema = z.object({
  link: z.string(),
  start: z.number(),
  cursor: z.number(),
  last: z.number(),
  valid: z.boolean(),
});

export const seriesStateSchema = z.object({
  symbol: z.string(),
  stream: z.enum(STREAMS),
  run: z.object({ from: z.number(), to: z.number(), state: z.enum(COVERAGE_STATES) }).nullable(),
  knownTo: z.number().nullable(),
  reason: z.string().nullable(),
  /** Newest trade id and its time. */
  newest: z.object({ id: z.number(), time: z.number() }).nullable(),
  holes: z.array(idHoleSchema),
  /** Open time of the candle that is to be told next. */
  next: z.number().nullable(),
  polledAt: z.number().nullable(),
  sessions: z.array(sessionStateSchema),
  /** When the contract runs out. */
  endsAt: z.number().nullable().default(null),
});
export type SeriesState = z.output<typeof seriesStateSchema>;

export const linkStateSchema = z.object({
  id: z.string(),
  openedAt: z.number(),
  heard: z.number(),
  heardAt: z.number(),
  series: z.array(z.object({ symbol: z.string(), stream: z.enum(STREAMS) })),
  unacknowledged: z.number().nullable(),
});
export type LinkState = z.output<typeof linkStateSchema>;

export const coverageStateSchema = z.object({ links: z.array(linkStateSchema), series: z.array(seriesStateSchema) });
export type CoverageState = z.output<typeof coverageStateSchema>;
