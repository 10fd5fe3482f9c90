import { z } from 'zod';
import { Unavailable } from '../../../kit/errors.ts';
import type { Coverage, CoverageState } from '../../domain/coverage.ts';
import { viewName } from '../../domain/records.ts';
import { measure } from '../../domain/measure.ts';

/** How tools that read history say what they read, and refuse when it is too little: one field, one shape, one check. */

export const minCoverage = z
  .number()
  .min(0)
  .max(1)
  .optional()
  .describe('Refuse below this covered share of the stretch, 0 to 1; answers whatever there is when left out');

export const coverageShape = z.object({
  complete: z.boolean(),
  share: measure.fraction.nullable(),
  known_to: z.string().nullable(),
  live_seconds: measure.seconds,
  backfilled_seconds: measure.seconds,
  sampled_seconds: measure.seconds,
  interpolated_seconds: measure.seconds,
  pruned_seconds: measure.seconds,
  missing_seconds: measure.seconds,
  quarantined_rows: measure.count,
});

export function showCoverage(coverage: Coverage): z.infer<typeof coverageShape> {
  const seconds = (state: CoverageState): number => coverage.times[state] / 1e6;
  return {
    complete: coverage.complete,
    share: coverage.share,
    known_to: iso(coverage.knownTo),
    live_seconds: seconds('live'),
    backfilled_seconds: seconds('backfilled'),
    sampled_seconds: seconds('sampled'),
    interpolated_seconds: seconds('interpolated'),
    pruned_seconds: seconds('pruned'),
    missing_seconds: seconds('missing'),
    quarantined_rows: coverage.quarantinedRows,
  };
}

/** Throws Unavailable, with the first hole and the remedy, when the share is below `least`; nothing to judge is none. */
export function requireCovered(coverage: Coverage, least: number | undefined): void {
  const share = coverage.share ?? 0;
  if (least === undefined || share >= least) return;
  const worst = coverage.intervals.find(({ state }) => state === 'missing');
  const why = worst === undefined ? '' : `; missing from ${iso(worst.from)}: ${worst.reason ?? 'unknown'}`;
  throw new Unavailable(
    `${viewName(coverage.series)} is covered to ${(share * 100).toFixed(1)} % of the stretch, less than ${least * 100} %${why}. Fetch the rest with request_backfill, narrow the stretch, or lower min_coverage`,
  );
}

function iso(time: number): string {
  return new Date(time / 1000).toISOString();
}
