import { InvalidInput, NotFound } from '../../../kit/errors.ts';
import { didYouMean } from '../../../kit/nearest.ts';
import type { Us } from '../../../kit/clock.ts';
import { sameSeries } from '../../jobs/gap-scan.ts';
import { viewName, type Market, type SeriesKey, type Stream } from '../../domain/records.ts';
import type { SeriesStatus } from '../../collect/contract.ts';
import type { MarketServices } from '../../services.ts';

type SeriesServices = Pick<MarketServices, 'collector' | 'store'>;

export interface SeriesFilter {
  readonly exchange?: string | undefined;
  readonly market?: Market | undefined;
  readonly symbol?: string | undefined;
  readonly stream?: Stream | undefined;
}

/** Every series that is collected or stored. */
export async function knownSeries(services: SeriesServices): Promise<readonly SeriesKey[]> {
  const found = new Map<string, SeriesKey>();
  for (const { exchange, market, symbol, stream } of [
    ...(await services.store.series()),
    ...services.collector.status().series,
  ]) {
    const key = { exchange, market, symbol, stream };
    found.set(viewName(key), key);
  }
  return [...found.values()];
}

/** The series that match; at least one. Throws NotFound naming the field that matches nothing and what is near. */
export async function matchSeries(services: SeriesServices, filter: SeriesFilter): Promise<readonly SeriesKey[]> {
  const all = await knownSeries(services);
  let left = all;
  for (const field of ['exchange', 'market', 'symbol', 'stream'] as const) {
    const value = field === 'symbol' ? filter.symbol?.toUpperCase() : filter[field];
    if (value === undefined) continue;
    const next = left.filter((key) => key[field] === value);
    if (next.length === 0) throw notFound(field, value, left, all);
    left = next;
  }
  if (left.length === 0) throw new NotFound('no series is collected or stored yet');
  return left;
}

/** The one series named. Throws NotFound. */
export async function oneSeries(services: SeriesServices, filter: Required<SeriesFilter>): Promise<SeriesKey> {
  const [key] = await matchSeries(services, filter);
  if (key === undefined) throw new NotFound('no such series');
  return key;
}

/** Checks a venue (and market) against what is collected. Throws NotFound with the nearest name. */
export function collectedVenue(
  services: Pick<MarketServices, 'collector'>,
  exchange: string,
  market?: Market,
): readonly { readonly exchange: string; readonly market: Market }[] {
  const status = services.collector.status();
  const all = [...status.connections, ...status.series].map((s) => ({ exchange: s.exchange, market: s.market }));
  const markets = new Map(all.map((s) => [`${s.exchange}_${s.market}`, s]));
  const own = [...markets.values()].filter((s) => s.exchange === exchange);
  const names = [...new Set(all.map((s) => s.exchange))];
  const disabled = status.disabled.filter(
    (key) => key === `${exchange}_${market ?? ''}` || key.startsWith(`${exchange}_`),
  );
  if (disabled.length > 0 && !own.some((s) => market === undefined || s.market === market)) {
    throw new NotFound(`${disabled.join(', ')} is disabled: enable_exchange collects it again`);
  }
  if (own.length === 0) {
    throw new NotFound(`venue '${exchange}' is not collected${didYouMean(exchange, names)}; collected: ${list(names)}`);
  }
  const matching = market === undefined ? own : own.filter((s) => s.market === market);
  if (matching.length === 0) {
    throw new NotFound(
      `${exchange} ${String(market)} is not collected; of ${exchange}: ${list(own.map((s) => s.market))}`,
    );
  }
  return matching;
}

/** The status row of a series; null when it is stored but not collected now. */
export function statusOf(services: Pick<MarketServices, 'collector'>, key: SeriesKey) {
  return services.collector.status().series.find((s) => sameSeries(s, key)) ?? null;
}

/** Status of every collected series by table name, read once. */
export function statusByTable(services: Pick<MarketServices, 'collector'>): ReadonlyMap<string, SeriesStatus> {
  return new Map(services.collector.status().series.map((s) => [s.table, s]));
}

/** Bounds in UTC µs from two ISO times. Throws InvalidInput when they are not in order. */
export function bounds(from: string, to: string): { readonly from: Us; readonly to: Us } {
  const start = Date.parse(from) * 1000;
  const end = Date.parse(to) * 1000;
  if (!(start < end)) throw new InvalidInput(`the start ${from} is not before the end ${to}`);
  return { from: start, to: end };
}

/** [now − minutes, now], UTC µs, half-open with the present included. */
export function lookback(now: number, minutes: number): { readonly from: Us; readonly to: Us } {
  return { from: Math.round((now - minutes * 60_000) * 1000), to: now * 1000 + 1000 };
}

function notFound(
  field: 'exchange' | 'market' | 'symbol' | 'stream',
  value: string,
  left: readonly SeriesKey[],
  all: readonly SeriesKey[],
): NotFound {
  const here = [...new Set(left.map((key) => key[field]))];
  const everywhere = [...new Set(all.map((key) => key[field]))];
  const near = didYouMean(value, everywhere);
  return new NotFound(`no series has ${field} '${value}'${near}; there are: ${list(here)}`);
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(', ');
  return names.length === 0 ? 'none' : names.length > 20 ? `${shown} … (${names.length})` : shown;
}
