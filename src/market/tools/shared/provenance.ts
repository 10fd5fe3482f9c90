import type { Clock, Us } from '../../../kit/clock.ts';
import type { Provenance } from '../../../kit/tool.ts';

/** ISO UTC text of microseconds since 1970; null stays null. Microseconds below the millisecond are cut off. */
export function isoOfUs(time: Us | null): string | null {
  return time === null ? null : new Date(time / 1000).toISOString();
}

/** ISO UTC text of milliseconds since 1970; null stays null. */
export function isoOfMs(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}

/** Provenance of data whose newest part is from `asOf` (UTC µs; null: no data). */
export function provenance(
  clock: Clock,
  asOf: Us | null,
  source: string,
  options: { readonly complete?: boolean; readonly notes?: readonly string[] } = {},
): Provenance {
  return {
    as_of: isoOfUs(asOf),
    source,
    complete: options.complete ?? asOf !== null,
    stale_ms: asOf === null ? null : Math.max(0, Math.round(clock.now() - asOf / 1000)),
    ...(options.notes === undefined || options.notes.length === 0 ? {} : { notes: options.notes }),
  };
}

/** Provenance of a reading made now: collector state, operations tables, storage. */
export function measuredNow(clock: Clock, source: string, notes: readonly string[] = [], complete = true): Provenance {
  return provenance(clock, clock.now() * 1000, source, { complete, notes });
}
