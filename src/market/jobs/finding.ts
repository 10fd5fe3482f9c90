import type { Us } from '../../kit/clock.ts';
import type { Market, SeriesKey } from '../domain/records.ts';
import type { Severity } from './contract.ts';

export { SEVERITIES, type Severity } from './contract.ts';

/** What is to be done about a finding, as the rule says. */
export type FindingAction = 'quarantine' | 'reject' | 'flag' | 'backfill' | 'reconnect' | 'log';

/** Which event tells of a finding. */
export type FindingEvent = 'data.quality_alert' | 'data.gap_detected' | 'analysis.anomaly_detected';

/** Something wrong with data, found by a check or told by the collector. Times are UTC µs. */
export interface Finding {
  readonly exchange: string;
  readonly market: Market | null;
  readonly symbol: string;
  /** The stream, or `connection` when it concerns all streams of a connection. */
  readonly data_type: string;
  readonly issue_type: string;
  readonly severity: Severity;
  readonly message: string;
  /** The rule that decided, by its key in `market.validation`, or where else it comes from. */
  readonly rule: string;
  readonly action: FindingAction;
  readonly event: FindingEvent;
  readonly value: number | null;
  readonly expected: string | null;
  readonly deviation_percent: number | null;
  /** Rows concerned, by their key; at most 200. */
  readonly keys: readonly string[];
  /** Everything counted, also beyond the keys listed. */
  readonly count: number;
  readonly from: Us | null;
  readonly to: Us | null;
  /** Told apart from others of the same series and type (a gap by its start); null when one goes on counting. */
  readonly distinct: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

export type FindingInput = Pick<Finding, 'issue_type' | 'severity' | 'message' | 'rule' | 'action'> & Partial<Finding>;

/** A finding about one series; what is not given is null or empty. */
export function findingOf(key: SeriesKey, input: FindingInput): Finding {
  return {
    exchange: key.exchange,
    market: key.market,
    symbol: key.symbol,
    data_type: key.stream,
    event: 'data.quality_alert',
    value: null,
    expected: null,
    deviation_percent: null,
    keys: [],
    count: Math.max(1, input.keys?.length ?? 0),
    from: null,
    to: null,
    distinct: null,
    details: {},
    ...input,
  };
}

/** Same issue of the same series gives the same text: `binance/futures/BTCUSDT/trades:price_deviation`. */
export function fingerprintOf(finding: Finding): string {
  const series = [finding.exchange, finding.market ?? '-', finding.symbol, finding.data_type].join('/');
  return finding.distinct === null
    ? `${series}:${finding.issue_type}`
    : `${series}:${finding.issue_type}:${finding.distinct}`;
}

/** The same thing again, counted on: from the first begin to the last end that were told. */
export function joinFindings(held: Finding, next: Finding): Finding {
  return { ...next, count: held.count + next.count, ...stretchOf(held, next) };
}

/** The stretch that covers two; a bound that one of them lacks is the other's. */
export function stretchOf(
  a: Pick<Finding, 'from' | 'to'>,
  b: Pick<Finding, 'from' | 'to'>,
): Pick<Finding, 'from' | 'to'> {
  return {
    from: a.from === null || b.from === null ? (a.from ?? b.from) : Math.min(a.from, b.from),
    to: a.to === null || b.to === null ? (a.to ?? b.to) : Math.max(a.to, b.to),
  };
}

/** Alert priority by severity (1–10). */
export function priorityOf(severity: Severity): number {
  return { critical: 8, high: 6, medium: 5, low: 4 }[severity];
}

/** Types that concern the delivery of a venue market rather than one series. */
const BY_VENUE: readonly string[] = ['delayed_delivery'];

/** Joins findings that concern a venue market into one each, so that a slow connection is one issue, not one a symbol. */
export function joinByVenue(findings: readonly Finding[]): readonly Finding[] {
  const joined = new Map<string, Finding>();
  const others: Finding[] = [];
  for (const finding of findings) {
    if (!BY_VENUE.includes(finding.issue_type)) {
      others.push(finding);
      continue;
    }
    const wide = { ...finding, symbol: '*' };
    const key = fingerprintOf(wide);
    const held = joined.get(key);
    const count = (held?.count ?? 0) + finding.count;
    const message = `${count} row(s) of ${finding.exchange} ${String(finding.market)} ${finding.data_type} arrived late (${finding.expected ?? ''} is expected)`;
    joined.set(key, { ...wide, count, message, keys: [...(held?.keys ?? []), ...finding.keys].slice(0, 200) });
  }
  return [...others, ...joined.values()];
}
