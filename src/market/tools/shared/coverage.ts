import { z } from 'zod';
import type { Us } from '../../../kit/clock.ts';
import { Unavailable } from '../../../kit/errors.ts';
import type { Coverage, CoverageState } from '../../domain/coverage.ts';
import { viewName, type SeriesKey } from '../../domain/records.ts';
import type { MarketServices } from '../../services.ts';
import { isoTime } from './fields.ts';
import { isoOfUs } from './provenance.ts';

/** How tools that read history say what they read, and refuse when it is too little: one field, one shape, one call. */

export const minCoverage = z
  .number()
  .min(0)
  .max(1)
  .optional()
  .describe('Refuse below this covered share of the stretch, 0 to 1; answers whatever there is when left out');

export const coverageShape = z.object({
  complete: z.boolean(),
  share: z.number().nullable(),
  known_to: isoTime,
  live_seconds: z.number(),
  backfilled_seconds: z.number(),
  sampled_seconds: z.number(),
  interpolated_seconds: z.number(),
  pruned_seconds: z.number(),
  missing_seconds: z.number(),
  quarantined_rows: z.number(),
});

export function showCoverage(coverage: Coverage): z.infer<typeof coverageShape> {
  const seconds = (state: CoverageState): number => coverage.times[state] / 1e6;
  return {
    complete: coverage.complete,
    share: coverage.share,
    known_to: isoOfUs(coverage.knownTo),
    live_seconds: seconds('live'),
    backfilled_seconds: seconds('backfilled'),
    sampled_seconds: seconds('sampled'),
    interpolated_seconds: seconds('interpolated'),
    pruned_seconds: seconds('pruned'),
    missing_seconds: seconds('missing'),
    quarantined_rows: coverage.quarantinedRows,
  };
}

/** Coverage of the stretch that an answer is made of. Throws Unavailable when its share is below `least`. */
export async function usedCoverage(
  services: Pick<MarketServices, 'store'>,
  key: SeriesKey,
  stretch: { readonly from: Us; readonly to: Us },
  least: number | undefined,
): Promise<Coverage> {
  const coverage = await services.store.coverage({ ...key, ...stretch });
  if (least !== undefined && (coverage.share ?? 0) < least) {
    const worst = coverage.intervals.find(({ state }) => state === 'missing');
    const why = worst === undefined ? '' : `; missing from ${isoOfUs(worst.from) ?? ''}: ${worst.reason ?? 'unknown'}`;
    throw new Unavailable(
      `${viewName(key)} is covered to ${((coverage.share ?? 0) * 100).toFixed(1)} % of the stretch, less than ${least * 100} %${why}. Fetch the rest with request_backfill, narrow the stretch, or lower min_coverage`,
    );
  }
  return coverage;
}
