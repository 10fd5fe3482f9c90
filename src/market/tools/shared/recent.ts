import type { SqlRow } from '../../../infra/duckdb/database.ts';
import type { Us } from '../../../kit/clock.ts';
import type { Provenance } from '../../../kit/tool.ts';
import type { Coverage } from '../../domain/coverage.ts';
import { viewName, type Market, type SeriesKey, type Stream } from '../../domain/records.ts';
import { minCoverage } from '../../exchanges/shared/coverage.ts';
import { timeOf } from '../../jobs/row.ts';
import { MAX_ROWS, recentRows } from '../../jobs/validate.ts';
import type { MarketServices } from '../../services.ts';
import { usedCoverage } from './coverage.ts';
import { lookbackMinutes } from './fields.ts';
import { provenance } from './provenance.ts';
import { lookback, oneSeries } from './series.ts';

/** The newest stored rows of one series, as tools judge them. */

export const recentInput = (minutes: number) => ({
  lookback_minutes: lookbackMinutes(minutes),
  min_coverage: minCoverage,
});

export interface Recent {
  readonly key: SeriesKey;
  /** Oldest first, the newest `MAX_ROWS` of the stretch. */
  readonly rows: readonly SqlRow[];
  readonly newest: Us | null;
  readonly coverage: Coverage;
}

/** Throws NotFound for a series that is not stored, Unavailable when it is covered less than `min_coverage`. */
export async function readRecent(
  services: Pick<MarketServices, 'collector' | 'store' | 'clock'>,
  asked: {
    readonly exchange: string;
    readonly market: Market;
    readonly symbol: string;
    readonly stream: Stream;
    readonly lookback_minutes: number;
    readonly min_coverage?: number | undefined;
  },
): Promise<Recent> {
  const key = await oneSeries(services, asked);
  const { from, to } = lookback(services.clock.now(), asked.lookback_minutes);
  const coverage = await usedCoverage(services, key, { from, to }, asked.min_coverage);
  const rows = await recentRows(services, key, from, to);
  return { key, rows, newest: timeOf(rows.at(-1) ?? {}, key.stream), coverage };
}

/** Complete when the stretch is covered and all of its rows were read. */
export function recentProvenance(services: Pick<MarketServices, 'clock'>, recent: Recent): Provenance {
  const cut = recent.rows.length >= MAX_ROWS;
  return provenance(services.clock, recent.newest, viewName(recent.key), {
    complete: recent.coverage.complete && !cut,
    notes: [
      ...(cut ? [`only the newest ${MAX_ROWS} rows were read`] : []),
      ...(recent.coverage.complete ? [] : ['the history is not whole: see coverage']),
    ],
  });
}
