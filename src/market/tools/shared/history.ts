import { z } from 'zod';
import type { SqlRow } from '../../../infra/duckdb/database.ts';
import type { Us } from '../../../kit/clock.ts';
import { Unavailable } from '../../../kit/errors.ts';
import type { Provenance } from '../../../kit/tool.ts';
import type { Coverage } from '../../domain/coverage.ts';
import { viewName, type Market, type SeriesKey, type Stream } from '../../domain/records.ts';
import type { MarketServices } from '../../services.ts';
import { quoted } from '../../store/names.ts';
import { coverageShape, showCoverage } from '../../exchanges/shared/coverage.ts';
import { usedCoverage } from './coverage.ts';
import { provenance } from './provenance.ts';
import { lookback, matchSeries } from './series.ts';

/** Tools that read the stored history of a symbol over one or all venues. */

export interface Stretch {
  readonly from: Us;
  readonly to: Us;
}

/** One stored series and how much of the stretch it covers. */
export interface Past {
  readonly key: SeriesKey;
  readonly coverage: Coverage;
}

/** Series read at once, at most. */
const MOST_SERIES = 20;

export const pastShape = {
  table: z.string(),
  exchange: z.string(),
  market: z.string(),
  coverage: coverageShape,
};

export function showPast({ key, coverage }: Past) {
  return { table: viewName(key), exchange: key.exchange, market: key.market, coverage: showCoverage(coverage) };
}

/**
 * The stored series of a symbol's stream, with their coverage of the last minutes. Throws NotFound when none is known,
 * Unavailable when one is covered less than `min_coverage`.
 */
export async function pastOf(
  services: Pick<MarketServices, 'store' | 'collector' | 'clock'>,
  asked: {
    readonly symbol: string;
    readonly exchange?: string | undefined;
    readonly market: Market | undefined;
    readonly stream: Stream;
    readonly minutes: number;
    readonly min_coverage?: number | undefined;
  },
): Promise<{ readonly range: Stretch; readonly series: readonly Past[] }> {
  const { symbol, exchange, market, stream } = asked;
  const range = lookback(services.clock.now(), asked.minutes);
  const known = await matchSeries(services, { symbol, exchange, market, stream });
  const stored = new Set((await services.store.series()).map(viewName));
  const series: Past[] = [];
  for (const key of known.filter((k) => stored.has(viewName(k))).slice(0, MOST_SERIES)) {
    series.push({ key, coverage: await usedCoverage(services, key, range, asked.min_coverage) });
  }
  if (series.length === 0 && asked.min_coverage !== undefined) {
    throw new Unavailable(
      `${stream} of ${symbol} are collected but nothing is stored yet: ask again, or lower min_coverage`,
    );
  }
  return { range, series };
}

/**
 * An answer that holds one reading of each stored series of a symbol's stream. `read` gives what is shown and the time
 * of the newest row used; `notes` are of all readings. Throws as `pastOf`.
 */
export async function eachPast<T>(
  services: Pick<MarketServices, 'store' | 'collector' | 'clock'>,
  asked: Parameters<typeof pastOf>[1],
  read: (past: Past, range: Stretch) => Promise<{ readonly last: Us | null; readonly shown: T }>,
  notes: (shown: readonly T[]) => readonly string[] = () => [],
): Promise<{ readonly data: { readonly series: T[] }; readonly provenance: Provenance }> {
  const { range, series } = await pastOf(services, asked);
  const readings = [];
  for (const past of series) readings.push(await read(past, range));
  const shown = readings.map((r) => r.shown);
  return {
    data: { series: shown },
    provenance: pastProvenance(services, series, latest(readings.map((r) => r.last)), notes(shown)),
  };
}

/** Figures of the rows of a series in a stretch: our own SQL over its view, whose name comes from the series known. */
export function figures(
  services: Pick<MarketServices, 'store'>,
  key: SeriesKey,
  range: Stretch,
  query: {
    readonly select: string;
    readonly where?: string | undefined;
    readonly tail?: string | undefined;
    readonly params?: readonly (string | number)[] | undefined;
    /** Parameters of `select`, which come before the times. */
    readonly leading?: readonly number[] | undefined;
  },
): Promise<readonly SqlRow[]> {
  const where = query.where === undefined ? '' : `AND ${query.where}`;
  return services.store.read(
    `SELECT ${query.select} FROM ${quoted(viewName(key))}
     WHERE event_time >= make_timestamp(?::BIGINT) AND event_time < make_timestamp(?::BIGINT) ${where} ${query.tail ?? ''}`,
    [...(query.leading ?? []), range.from, range.to, ...(query.params ?? [])],
  );
}

/** Provenance of stored series: as old as the newest row used, complete when all of them are. */
export function pastProvenance(
  services: Pick<MarketServices, 'clock'>,
  series: readonly Past[],
  newest: Us | null,
  notes: readonly string[] = [],
): Provenance {
  const short = series.filter((s) => !s.coverage.complete);
  return provenance(services.clock, newest, series.map((s) => viewName(s.key)).join(', ') || 'store', {
    complete: series.length > 0 && short.length === 0,
    notes: [
      ...notes,
      ...short.map((s) => `${viewName(s.key)} covers ${(100 * (s.coverage.share ?? 0)).toFixed(1)} % of the stretch`),
    ],
  });
}

/** The largest of times that may be null. */
export function latest(times: readonly (Us | null)[]): Us | null {
  const known = times.filter((t) => t !== null);
  return known.length === 0 ? null : Math.max(...known);
}
