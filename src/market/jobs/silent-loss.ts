import type { Us } from '../../kit/clock.ts';
import { viewName, type SeriesKey } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import { silentLossFindings, volumeDifferences, type CandleVolume, type TradedMinutes } from './checks/silent-loss.ts';
import { withoutDeletedGaps } from './deletion.ts';
import type { Finding } from './finding.ts';
import { numberOf } from './row.ts';

type ReadServices = Pick<MarketServices, 'store' | 'config'>;

/**
 * Compares the volume of closed candles with the trades stored for their minutes, from the first trade of [from, to) to
 * the last. `symbols` are series of any stream; those whose trades or candles are not stored are left out. Gives the
 * findings by the table of the trades.
 */
export async function silentLoss(
  services: ReadServices,
  symbols: readonly SeriesKey[],
  from: Us,
  to: Us,
): Promise<ReadonlyMap<string, readonly Finding[]>> {
  const stored = new Set((await services.store.series()).map(viewName));
  const trades = symbols
    .map((key): SeriesKey => ({ ...key, stream: 'trades' }))
    .filter((key) => stored.has(viewName(key)) && stored.has(viewName({ ...key, stream: 'candles' })));
  const candles = trades.map((key): SeriesKey => ({ ...key, stream: 'candles' }));
  const minutes = await tradedMinutes(services, trades, from, to);
  const volumes = await closedCandles(services, candles, from, to);
  const findings = new Map<string, readonly Finding[]>();
  for (const key of trades) {
    const name = viewName(key);
    const held = minutes.get(name);
    if (held === undefined) continue;
    const told = volumes.get(viewName({ ...key, stream: 'candles' })) ?? [];
    const differences = volumeDifferences(told, held.sums, held.first, held.last, services.config.validation);
    findings.set(name, await withoutDeletedGaps(services, key, silentLossFindings(key, differences)));
  }
  return findings;
}

async function tradedMinutes(
  services: ReadServices,
  series: readonly SeriesKey[],
  from: Us,
  to: Us,
): Promise<ReadonlyMap<string, TradedMinutes>> {
  const rows = await services.store.aggregates({
    series,
    from,
    to,
    by: { minute: 'epoch_us(event_time) // 60000000 * 60000000' },
    select: {
      first: 'min(event_time)',
      last: 'max(event_time)',
      sum: 'fsum(quantity) FILTER (WHERE isfinite(quantity))',
    },
  });
  const found = new Map<string, { first: Us; last: Us; sums: Map<Us, number> }>();
  for (const { series: key, values } of rows) {
    const name = viewName(key);
    const first = numberOf(values, 'first') ?? from;
    const last = numberOf(values, 'last') ?? from;
    const held = found.get(name) ?? { first, last, sums: new Map<Us, number>() };
    held.first = Math.min(held.first, first);
    held.last = Math.max(held.last, last);
    held.sums.set(Number(values['minute']), numberOf(values, 'sum') ?? 0);
    found.set(name, held);
  }
  return found;
}

async function closedCandles(
  services: ReadServices,
  series: readonly SeriesKey[],
  from: Us,
  to: Us,
): Promise<ReadonlyMap<string, readonly CandleVolume[]>> {
  const rows = await services.store.aggregates({
    series,
    from,
    to,
    by: { open: 'open_time' },
    select: { volume: 'max(volume) FILTER (WHERE closed AND isfinite(volume))' },
  });
  const found = new Map<string, CandleVolume[]>();
  for (const { series: key, values } of rows) {
    const open = numberOf(values, 'open');
    const volume = numberOf(values, 'volume');
    if (open === null || volume === null) continue;
    const held = found.get(viewName(key)) ?? [];
    held.push({ open_time: open, volume });
    found.set(viewName(key), held);
  }
  for (const held of found.values()) held.sort((a, b) => a.open_time - b.open_time);
  return found;
}
