import type { SqlRow } from '../../infra/duckdb/database.ts';
import type { Us } from '../../kit/clock.ts';
import type { CollectorStatus, SeriesStatus } from '../collect/contract.ts';
import { viewName, type SeriesKey, type Stream } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import { findGaps, gapFinding, missingMinutes, type Gap } from './checks/gaps.ts';
import { withoutDeletedGaps } from './deletion.ts';
import type { Finding } from './finding.ts';
import { mapParallel } from './parallel.ts';
import { numberOf } from './row.ts';
import { silentLoss } from './silent-loss.ts';
import type { Watch } from './validate.ts';

export interface SeriesGaps {
  readonly series: SeriesKey;
  readonly rows: number;
  readonly gaps: readonly Gap[];
  /** Why the series cannot be judged, when it cannot. */
  readonly reason: string | null;
  readonly findings: readonly Finding[];
}

type ScanServices = Pick<MarketServices, 'store' | 'config' | 'collector'>;

/** What is looked at: [from, to), UTC µs, and the collector's word on it. */
export interface Stretch {
  readonly from: Us;
  readonly to: Us;
  readonly status: CollectorStatus;
}

/**
 * Looks for silence in many series; results in the order of `keys`. Candles are counted minute by minute; other streams
 * are measured by their own usual distance and the longest silence that their venue makes normal. Trades have no rhythm:
 * they are compared with the volume of their candles. A leading gap counts only where the series had data before. The
 * database measures the distances, a stream at a time; only the silences leave it.
 */
export async function scanAll(
  services: ScanServices,
  keys: readonly SeriesKey[],
  stretch: Stretch,
  watch?: Watch,
): Promise<readonly SeriesGaps[]> {
  const { from, to } = stretch;
  const measured = new Map<string, SqlRow>();
  for (const stream of new Set(keys.map((key) => key.stream))) {
    watch?.signal.throwIfAborted();
    const series = keys.filter((key) => key.stream === stream);
    const found = await services.store.aggregates({ series, from, to, ...measuresOf(stream) });
    for (const { series: key, values } of found) measured.set(viewName(key), values);
  }
  const trades = keys.filter((key) => key.stream === 'trades');
  const lost = await silentLoss(services, trades, from, to);
  return mapParallel(keys, 4, async (key, i) => {
    watch?.signal.throwIfAborted();
    watch?.progress(i / keys.length);
    const values = measured.get(viewName(key)) ?? {};
    if (key.stream === 'trades') return tradeGaps(key, values, lost.get(viewName(key)) ?? []);
    return key.stream === 'candles'
      ? missingCandles(services, key, values, stretch)
      : silences(services, key, values, stretch);
  });
}

/** The same for one series. */
export async function scanSeries(
  services: ScanServices,
  key: SeriesKey,
  from: Us,
  to: Us,
  status: CollectorStatus = services.collector.status(),
): Promise<SeriesGaps> {
  const [result] = await scanAll(services, [key], { from, to, status });
  if (result === undefined) throw new Error('no result for the series asked for');
  return result;
}

const STEP = 'epoch_us(event_time) - lag(epoch_us(event_time)) OVER in_series';

/** What is measured of a series: of trades only how many there are, of candles which. */
function measuresOf(stream: Stream): { each?: Record<string, string>; select: Record<string, string> } {
  const rows = 'count(*)';
  if (stream === 'trades') return { select: { rows } };
  if (stream === 'candles') return { select: { rows, times: 'list(epoch_us(open_time) ORDER BY open_time)' } };
  const select = {
    rows,
    first: 'min(event_time)',
    last: 'max(event_time)',
    usual: 'median(step)',
    longest: 'max(step)',
  };
  return { each: { step: STEP }, select };
}

/** When the collector began, but not before the stretch does. */
function beginning({ from, status }: Stretch): Us {
  return status.first_connected_at === null ? from : Math.max(from, status.first_connected_at * 1000);
}

function rowsIn(values: SqlRow): number {
  return numberOf(values, 'rows') ?? 0;
}

function tradeGaps(series: SeriesKey, values: SqlRow, findings: readonly Finding[]): SeriesGaps {
  const gaps = findings.flatMap((f): Gap[] =>
    f.from === null || f.to === null
      ? []
      : [{ from: f.from, to: f.to, duration_seconds: (f.to - f.from) / 1e6, place: 'inner', expected_rows: 1 }],
  );
  return { series, rows: rowsIn(values), gaps, findings, reason: null };
}

async function missingCandles(
  services: ScanServices,
  series: SeriesKey,
  values: SqlRow,
  stretch: Stretch,
): Promise<SeriesGaps> {
  const times = Array.isArray(values['times']) ? values['times'].map(Number) : [];
  const gaps = missingMinutes(times, times[0] ?? beginning(stretch), stretch.to - 60_000_000);
  return { series, rows: rowsIn(values), ...(await found(services, series, gaps)), reason: null };
}

async function silences(
  services: ScanServices,
  series: SeriesKey,
  values: SqlRow,
  stretch: Stretch,
): Promise<SeriesGaps> {
  const { from, to, status } = stretch;
  const rows = rowsIn(values);
  const usual = rows < 3 ? null : numberOf(values, 'usual');
  const silence = status.series.find((s) => sameSeries(s, series))?.stale_after_ms ?? null;
  if (usual === null || silence === null) {
    const reason = silence === null ? `${series.stream} may be silent for any time` : `${rows} rows, three are needed`;
    return { series, rows, gaps: [], findings: [], reason };
  }
  const factor = services.config.validation.gap_factor;
  const interval = Math.max(usual, (silence * 1000) / factor);
  const limit = interval * factor;
  const long =
    (numberOf(values, 'longest') ?? 0) > limit ? await longerThan(services, series, { from, to }, limit) : [];
  const first = numberOf(values, 'first');
  const last = numberOf(values, 'last');
  const began = Math.max(beginning(stretch), first ?? beginning(stretch));
  const gaps = findGaps({ first, last, silences: long, from: began, to, interval, factor });
  return { series, rows, ...(await found(services, series, gaps)), reason: null };
}

/** Successive rows further apart than `limit` µs, oldest first. */
async function longerThan(
  services: ScanServices,
  key: SeriesKey,
  range: { readonly from: Us; readonly to: Us },
  limit: number,
): Promise<readonly (readonly [Us, Us])[]> {
  const at = 'epoch_us(event_time)';
  const [result] = await services.store.aggregates({
    series: [key],
    ...range,
    each: { step: STEP },
    select: { pairs: `list([${at} - step, ${at}] ORDER BY event_time) FILTER (WHERE step > ${Math.floor(limit)})` },
  });
  const pairs = result?.values['pairs'];
  if (!Array.isArray(pairs)) return [];
  return pairs.map((pair: readonly unknown[]): readonly [Us, Us] => [Number(pair[0]), Number(pair[1])]);
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

/** Whether a status row is of this series. */
export function sameSeries(status: SeriesStatus | SeriesKey, key: SeriesKey): boolean {
  return (
    status.exchange === key.exchange &&
    status.market === key.market &&
    status.symbol === key.symbol &&
    status.stream === key.stream
  );
}
