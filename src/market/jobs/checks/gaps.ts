import type { Us } from '../../../kit/clock.ts';
import type { SeriesKey } from '../../domain/records.ts';
import { findingOf, type Finding, type Severity } from '../finding.ts';
import { name } from './prices.ts';
import { median } from './statistics.ts';

/** A stretch without data, half-open, UTC µs. */
export interface Gap {
  readonly from: Us;
  readonly to: Us;
  readonly duration_seconds: number;
  /** Before the first row, between rows, or after the last one of the range looked at. */
  readonly place: 'leading' | 'inner' | 'trailing';
  /** Readings that should have been there, as far as the interval tells. */
  readonly expected_rows: number;
}

export interface GapQuery {
  /** Times of the first and the last row, UTC µs; null without rows. */
  readonly first: Us | null;
  readonly last: Us | null;
  /** Successive rows far apart, oldest first: at least those further than `factor` intervals. */
  readonly silences: readonly (readonly [before: Us, after: Us])[];
  readonly from: Us;
  readonly to: Us;
  /** Usual distance of two rows, µs. */
  readonly interval: Us;
  /** Silence longer than this many intervals is a gap. */
  readonly factor: number;
}

/**
 * Silences longer than `factor` intervals, also before the first and after the last row. No rows at all: the whole
 * range is one leading gap. Bounds of an inner gap are the rows around it: (last before, first after).
 */
export function findGaps(query: GapQuery): readonly Gap[] {
  const { first, last, silences, from, to, interval, factor } = query;
  const limit = interval * factor;
  const gaps: Gap[] = [];
  const add = (start: Us, end: Us, place: Gap['place']): void => {
    if (end - start > limit) {
      const expected = Math.max(1, Math.round((end - start) / interval) - 1);
      gaps.push({ from: start, to: end, duration_seconds: (end - start) / 1e6, place, expected_rows: expected });
    }
  };
  if (first === null || last === null) {
    add(from, to, 'leading');
    return gaps;
  }
  add(from, first, 'leading');
  for (const [before, after] of silences) add(before, after, 'inner');
  add(last, to, 'trailing');
  return gaps;
}

const MINUTE_US = 60_000_000;

/**
 * Whole minutes in [from, to) without a candle, joined into stretches. Minutes that touch the bounds only in part do
 * not count.
 */
export function missingMinutes(openTimes: readonly Us[], from: Us, to: Us): readonly Gap[] {
  const present = new Set(openTimes);
  const gaps: Gap[] = [];
  let start: Us | null = null;
  const close = (end: Us): void => {
    if (start === null) return;
    const place = start <= from + MINUTE_US ? 'leading' : end + MINUTE_US > to ? 'trailing' : 'inner';
    gaps.push({
      from: start,
      to: end,
      duration_seconds: (end - start) / 1e6,
      place,
      expected_rows: (end - start) / MINUTE_US,
    });
    start = null;
  };
  let minute = Math.ceil(from / MINUTE_US) * MINUTE_US;
  for (; minute + MINUTE_US <= to; minute += MINUTE_US) {
    if (present.has(minute)) close(minute);
    else start ??= minute;
  }
  close(minute);
  return gaps;
}

/** Median distance of successive times, µs; null below three rows. */
export function usualInterval(times: readonly Us[]): Us | null {
  if (times.length < 3) return null;
  return median(times.slice(1).map((time, i) => time - (times[i] ?? time)));
}

/** Severity by length: over 4 h critical, over 1 h high, over 5 min medium. */
export function gapSeverity(seconds: number): Severity {
  if (seconds > 4 * 3600) return 'critical';
  if (seconds > 3600) return 'high';
  return seconds > 300 ? 'medium' : 'low';
}

/** The finding that a gap is. */
export function gapFinding(key: SeriesKey, gap: Gap): Finding {
  return findingOf(key, {
    issue_type: key.stream === 'candles' ? 'missing_candles' : 'silence',
    severity: gapSeverity(gap.duration_seconds),
    message: `${name(key)} has no data for ${gap.duration_seconds.toFixed(1)} s (${gap.place})`,
    rule: 'gap_factor',
    action: 'backfill',
    event: 'data.gap_detected',
    value: gap.duration_seconds,
    from: gap.from,
    to: gap.to,
    distinct: String(gap.from),
    details: { place: gap.place, expected_rows: gap.expected_rows },
  });
}
