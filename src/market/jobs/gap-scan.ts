import type { SqlRow } from '../../infra/duckdb/database.ts';
import type { Us } from '../../kit/clock.ts';
import type { CollectorStatus, SeriesStatus } from '../collect/contract.ts';
import type { SeriesKey } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import { findGaps, gapFinding, missingMinutes, usualInterval, type Gap } from './checks/gaps.ts';
import { silentLossFindings, volumeDifferences } from './checks/silent-loss.ts';
import { withoutDeletedGaps } from './deletion.ts';
import type { Finding } from './finding.ts';
import { numberOf, timeOf } from './row.ts';
import { recentRows } from './validate.ts';

export interface SeriesGaps {
  readonly series: SeriesKey;
  readonly rows: number;
  readonly gaps: readonly Gap[];
  /** Why the series cannot be judged, when it cannot. */
  readonly reason: string | null;
  readonly findings: readonly Finding[];
}

type ScanServices = Pick<MarketServices, 'store' | 'config' | 'collector'>;

/**
 * Looks for silence in a series within [from, to), UTC µs. Candles are counted minute by minute; other streams are
 * measured by their own usual distance and the longest silence that their venue makes normal. Trades have no rhythm:
 * they are compared with the volume of their candles. A leading gap counts only where the series had data before.
 */
export async function scanSeries(
  services: ScanServices,
  key: SeriesKey,
  from: Us,
  to: Us,
  status: CollectorStatus = services.collector.status(),
): Promise<SeriesGaps> {
  const series = status.series.find((s) => sameSeries(s, key));
  const began = status.first_connected_at === null ? from : Math.max(from, status.first_connected_at * 1000);
  const rows = await recentRows(services, key, from, to);
  const times = rows.map((row) => timeOf(row, key.stream)).filter((time): time is number => time !== null);
  const base = { series: key, rows: rows.length };
  if (key.stream === 'trades') {
    const findings = await withoutDeletedGaps(services, key, await silentLoss(services, key, rows, from, to));
    const gaps = findings.flatMap((f): Gap[] =>
      f.from === null || f.to === null
        ? []
        : [{ from: f.from, to: f.to, duration_seconds: (f.to - f.from) / 1e6, place: 'inner', expected_rows: 1 }],
    );
    return { ...base, gaps, findings, reason: null };
  }
  if (key.stream === 'candles') {
    const start = times[0] ?? began;
    const gaps = missingMinutes(times, Math.min(start, Math.max(began, start)), to - 60_000_000);
    return { ...base, ...(await found(services, key, gaps)), reason: null };
  }
  const interval = usualInterval(times);
  const silence = series?.stale_after_ms ?? null;
  if (interval === null || silence === null) {
    const reason =
      silence === null ? `${key.stream} may be silent for any time` : `${times.length} rows, three are needed`;
    return { ...base, gaps: [], findings: [], reason };
  }
  const factor = services.config.validation.gap_factor;
  const step = Math.max(interval, (silence * 1000) / factor);
  const gaps = findGaps({ times, from: Math.max(began, times[0] ?? began), to, interval: step, factor });
  return { ...base, ...(await found(services, key, gaps)), reason: null };
}

/** Gaps and their findings, without stretches that were deleted on purpose. */
async function found(
  services: Pick<MarketServices, 'store'>,
  key: SeriesKey,
  gaps: readonly Gap[],
): Promise<{ readonly gaps: readonly Gap[]; readonly findings: readonly Finding[] }> {
  const all = gaps.map((gap) => ({ gap, finding: gapFinding(key, gap) }));
  const findings = await withoutDeletedGaps(
    services,
    key,
    all.map(({ finding }) => finding),
  );
  return { gaps: all.filter(({ finding }) => findings.includes(finding)).map(({ gap }) => gap), findings };
}

async function silentLoss(
  services: ScanServices,
  key: SeriesKey,
  trades: readonly SqlRow[],
  from: Us,
  to: Us,
): Promise<readonly Finding[]> {
  const candles = await recentRows(services, { ...key, stream: 'candles' }, from, to);
  const first = numberOf(trades[0] ?? {}, 'event_time');
  const last = numberOf(trades.at(-1) ?? {}, 'event_time');
  if (first === null || last === null) return [];
  return silentLossFindings(key, volumeDifferences(candles, trades, first, last, services.config.validation));
}

/** Whether a status row is of this series. */
export function sameSeries(status: SeriesStatus | SeriesKey, key: SeriesKey): boolean {
  return (
    status.exchange === key.exchange &&
    status.market === key.market &&
    status.symbol === key.symbol &&
    status.stream === key.stream
  );
}
