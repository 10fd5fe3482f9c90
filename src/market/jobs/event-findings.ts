import type { Ms } from '../../kit/clock.ts';
import type { AnyEvent, EventEnvelope } from '../../kit/event.ts';
import type { CollectorStatus } from '../collect/contract.ts';
import { MARKETS, STREAMS, type Market } from '../domain/records.ts';
import type { Finding } from './finding.ts';

/** Streams whose venue may have history to fetch a gap from. */
const HISTORY: readonly string[] = ['trades', 'candles', 'funding_rates', 'open_interest', 'mark_prices'];

/**
 * The findings that an event of the collector or the store tells of. Events that come from a recorded issue (they
 * carry `issue_id`) and those that mean nothing bad give none.
 */
export function findingsOfEvent(event: AnyEvent): readonly Finding[] {
  switch (event.type) {
    case 'data.quality_alert':
      return hasIssue(event.data.details) ? [] : [alertFinding(event)];
    case 'data.gap_detected':
      return hasIssue(event.data.details) ? [] : [gapFindingOf(event)];
    case 'streaming.stopped':
      return isOrderly(event.data.reason) ? [] : [connectionFinding(event, 'connection_lost', 'medium')];
    case 'streaming.error':
      return [connectionFinding(event, errorType(event.data.reason ?? ''), 'medium')];
    case 'data.received':
      return (event.data.repeats ?? [])
        .filter(({ rows }) => isRepeated(event.data.stream, rows))
        .map((repeat) => duplicateFinding(event.data.stream, repeat));
    default:
      return [];
  }
}

/** A poll may repeat a reading, which makes no duplicate of it; a trade happens once. */
function isRepeated(stream: string, rows: number): boolean {
  return rows >= (stream === 'trades' || stream === 'liquidations' ? 1 : 5);
}

function alertFinding(event: EventEnvelope<'data.quality_alert'>): Finding {
  const { alert_type: type, message, severity, exchange, market, symbol, stream, details } = event.data;
  return {
    ...nothingMeasured,
    exchange: exchange ?? 'all',
    market: marketOf(market),
    symbol: symbol ?? '*',
    data_type: stream ?? 'connection',
    issue_type: type,
    severity,
    message,
    rule: 'collector',
    action: type === 'stale' ? 'reconnect' : type === 'crossed_book' || type === 'malformed' ? 'reject' : 'log',
    event: 'data.quality_alert',
    count: countOf(details),
    details: details ?? {},
  };
}

function gapFindingOf(event: EventEnvelope<'data.gap_detected'>): Finding {
  const { kind, gap_start: start, gap_end: end, exchange, market, symbol, stream, details } = event.data;
  const fetchable = stream !== undefined && HISTORY.includes(stream);
  const seconds = event.data.duration_seconds;
  return {
    ...nothingMeasured,
    exchange: exchange,
    market: marketOf(market),
    symbol: symbol ?? '*',
    data_type: STREAMS.find((s) => s === stream) ?? 'connection',
    issue_type: kind,
    severity: seconds === null || seconds < 300 ? 'low' : seconds > 3600 ? 'high' : 'medium',
    message:
      `${exchange} ${market ?? ''} ${symbol ?? ''} ${stream ?? ''} has a gap (${kind}) of ${seconds === null ? 'unknown length' : `${seconds.toFixed(1)} s`}`.replaceAll(
        / +/g,
        ' ',
      ),
    rule: 'sequence',
    action: fetchable ? 'backfill' : 'log',
    event: 'data.gap_detected',
    value: seconds,
    count: 1,
    from: start === null ? null : start * 1000,
    to: end === null ? null : end * 1000,
    // Books break often and mend by themselves: one issue that counts. Missing rows are each their own.
    distinct: fetchable && start !== null ? String(start * 1000) : null,
    details: details ?? {},
  };
}

function connectionFinding(
  event: EventEnvelope<'streaming.stopped'> | EventEnvelope<'streaming.error'>,
  type: string,
  severity: Finding['severity'],
): Finding {
  const { exchange, market, connection_id: connection, reason } = event.data;
  return {
    ...nothingMeasured,
    exchange,
    market: marketOf(market),
    symbol: '*',
    data_type: 'connection',
    issue_type: type,
    severity,
    message: `${connection}: ${reason ?? type}`,
    rule: 'connection',
    action: type === 'rate_limited' ? 'log' : 'reconnect',
    event: 'data.quality_alert',
    count: 1,
    details: { connection_id: connection, reason: reason ?? null },
  };
}

function duplicateFinding(
  stream: string,
  { exchange, market, rows }: { readonly exchange: string; readonly market: string; readonly rows: number },
): Finding {
  return {
    ...nothingMeasured,
    exchange,
    market: marketOf(market),
    symbol: '*',
    data_type: stream,
    issue_type: 'duplicate_records',
    severity: 'low',
    message: `${exchange} ${market} sent ${rows} row(s) of ${stream} again; they were not stored twice`,
    rule: 'venue_ids_unique',
    action: 'reject',
    event: 'data.quality_alert',
    count: rows,
    details: {},
  };
}

/** Hosts that shut us out now (429, 418): one finding each. A venue's REST client waits by itself and tells no event. */
export function rateLimitFindings(status: CollectorStatus, now: Ms): readonly Finding[] {
  return status.rate_limits
    .filter((limit) => limit.blocked_until !== null && limit.blocked_until > now)
    .map((limit) => {
      const owner = status.connections.find((c) => URL.canParse(c.url) && new URL(c.url).host === limit.host);
      return {
        ...nothingMeasured,
        exchange: owner?.exchange ?? 'all',
        market: owner?.market ?? null,
        symbol: '*',
        data_type: 'connection',
        issue_type: 'rate_limited',
        severity: 'low',
        message: `${limit.host} limits our requests for another ${Math.ceil(((limit.blocked_until ?? now) - now) / 1000)} s`,
        rule: 'rate_limit',
        action: 'log',
        event: 'data.quality_alert',
        count: 1,
        details: { host: limit.host, blocked_until: limit.blocked_until },
      };
    });
}

const nothingMeasured = {
  value: null,
  expected: null,
  deviation_percent: null,
  keys: [],
  from: null,
  to: null,
  distinct: null,
};

function hasIssue(details: Readonly<Record<string, unknown>> | undefined): boolean {
  return typeof details?.['issue_id'] === 'number';
}

/** Reasons of closing that are not faults. */
function isOrderly(reason: string | undefined): boolean {
  return reason !== undefined && /^(stopp|rotat|no longer needed|replaced)/i.test(reason);
}

function errorType(reason: string): string {
  if (/\b(429|418)\b|rate.?limit|too many|banned/i.test(reason)) return 'rate_limited';
  return /\b(451|403)\b|region|forbidden/i.test(reason) ? 'blocked' : 'connection_error';
}

function marketOf(market: string | undefined): Market | null {
  return MARKETS.find((m) => m === market) ?? null;
}

function countOf(details: Readonly<Record<string, unknown>> | undefined): number {
  const count = details?.['count'];
  return typeof count === 'number' && count >= 1 ? Math.floor(count) : 1;
}
