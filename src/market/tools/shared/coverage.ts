import { z } from 'zod';
import type { Us } from '../../../kit/clock.ts';
import type { Coverage } from '../../domain/coverage.ts';
import { viewName, type SeriesKey } from '../../domain/records.ts';
import { requireCovered } from '../../exchanges/shared/coverage.ts';
import { mapParallel } from '../../jobs/parallel.ts';
import type { MarketServices } from '../../services.ts';
import { measure } from '../../domain/measure.ts';

/** Coverage of the stretch that an answer is made of. Throws Unavailable when its share is below `least`. */
export async function usedCoverage(
  services: Pick<MarketServices, 'store'>,
  key: SeriesKey,
  stretch: { readonly from: Us; readonly to: Us },
  least: number | undefined,
): Promise<Coverage> {
  const coverage = await services.store.coverage({ ...key, ...stretch });
  requireCovered(coverage, least);
  return coverage;
}

/** Series of the lowest share that a joint coverage names. */
const WORST = 5;

/** Coverage of many series at once. */
export const jointShape = z.object({
  complete: z.boolean(),
  series: measure.count,
  complete_series: measure.count,
  share: z.number().nullable().describe('Covered fraction of the time of all series that is judged; null: none is yet'),
  worst: z
    .array(z.object({ table: z.string(), share: measure.fraction.nullable(), missing_seconds: measure.seconds }))
    .describe('The least covered, at most 5'),
});

/**
 * What is held of the stretch that an answer over many series is made of. Throws Unavailable when one is covered less
 * than `least`.
 */
export async function jointCoverage(
  services: Pick<MarketServices, 'store'>,
  keys: readonly SeriesKey[],
  stretch: { readonly from: Us; readonly to: Us },
  least: number | undefined,
): Promise<z.infer<typeof jointShape>> {
  const all = await mapParallel(keys, 4, (key) => usedCoverage(services, key, stretch, least));
  const judged = all.reduce((sum, c) => sum + (c.knownTo - c.from), 0);
  const held = all.reduce((sum, c) => sum + (c.share ?? 0) * (c.knownTo - c.from), 0);
  const short = all.filter((c) => !c.complete).sort((a, b) => (a.share ?? 0) - (b.share ?? 0));
  return {
    complete: all.length > 0 && short.length === 0,
    series: all.length,
    complete_series: all.length - short.length,
    share: judged === 0 ? null : held / judged,
    worst: short.slice(0, WORST).map((c) => ({
      table: viewName(c.series),
      share: c.share,
      missing_seconds: c.times.missing / 1e6,
    })),
  };
}

/** A note for the provenance of an answer over series that are not whole. */
export function jointNotes(joint: z.infer<typeof jointShape>): readonly string[] {
  return joint.complete ? [] : [`${joint.series - joint.complete_series} of ${joint.series} series are not whole`];
}
