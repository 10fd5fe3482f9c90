import { AppError } from '../../kit/errors.ts';
import type { OpsStored } from '../../kit/ops.ts';
import type { CollectorStatus } from '../collect/contract.ts';
import { MARKETS } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import { settleIssue } from './issue-book.ts';
import { openGaps, type OpenGap } from './open-gaps.ts';

type HealingServices = Pick<MarketServices, 'ops' | 'clock' | 'collector'>;

/** An issue must be this old before its cause counts as gone, ms. */
const QUIET_MS = 5000;

/**
 * Settles pending issues whose cause is gone: a connection that is up again, a stream that flows again, a book that is
 * valid again, a gap that a backfill of the collector reached, and passing events (malformed frames, duplicates) that
 * did not come again for five minutes. Gives how many.
 */
export async function settleHealed(services: HealingServices): Promise<number> {
  const pending = await services.ops.select('quality_issues', {
    where: { resolution_status: 'pending' },
    limit: 2000,
  });
  let settled = 0;
  let status = services.collector.status();
  for (const issue of pending) {
    if (services.clock.now() - lastSeen(issue) < QUIET_MS) continue;
    const because = healedBecause(services, issue, status);
    if (because === null) continue;
    if (await settleIssue(services, issue.id, 'resolved', because)) settled++;
    status = services.collector.status();
  }
  for (const gap of await openGaps(services)) {
    const because = filledBecause(services, gap);
    if (because !== null && (await settleIssue(services, gap.issue_id, 'resolved', because))) settled++;
  }
  return settled;
}

const PASSING = [
  'malformed',
  'duplicate_records',
  'rate_limited',
  'clock_jump',
  'delayed_delivery',
  'late_trade',
  'trade_out_of_order',
];
const PASSED_MS = 300_000;

function healedBecause(
  services: HealingServices,
  issue: OpsStored<'quality_issues'>,
  status: CollectorStatus,
): string | null {
  const own = <T extends { readonly exchange: string; readonly market: string }>(items: readonly T[]): readonly T[] =>
    items.filter((item) => item.exchange === issue.exchange && item.market === issue.market);
  if (
    issue.data_type === 'connection' &&
    (issue.validation_rule === 'connection' || issue.validation_rule === 'sequence')
  ) {
    const connections = own(status.connections);
    const up = connections.length > 0 && connections.every((c) => c.state === 'connected');
    return up ? 'all connections of the venue market are up again' : null;
  }
  switch (issue.issue_type) {
    case 'stale':
    case 'silence': {
      const series = own(status.series).find((s) => s.symbol === issue.symbol && s.stream === issue.data_type);
      return series?.state === 'live' ? 'the stream flows again' : null;
    }
    case 'book_sequence':
    case 'book_checksum':
    case 'book_out_of_order':
    case 'crossed_book':
      return bookIsValid(services, issue) ? 'the book was rebuilt and is valid' : null;
    default:
      break;
  }
  const quietFor = services.clock.now() - lastSeen(issue);
  return PASSING.includes(issue.issue_type) && quietFor > PASSED_MS ? 'did not come again for five minutes' : null;
}

function bookIsValid(services: HealingServices, issue: OpsStored<'quality_issues'>): boolean {
  const market = MARKETS.find((m) => m === issue.market);
  if (market === undefined || issue.data_type !== 'orderbooks') return false;
  // A crossed book that was stored stays wrong, whatever the live one is now.
  if (Array.isArray(issue.related_record_ids) && issue.related_record_ids.length > 0) return false;
  try {
    services.collector.book(issue.exchange, market, issue.symbol, 1);
    return true;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}

function filledBecause(services: HealingServices, gap: OpenGap): string | null {
  // What a backfill itself told to be out of reach is not healed by another that saw nothing missing.
  if (gap.issue_type === 'not_recovered') return null;
  const reached = services.collector.backfills().find((b) => {
    const { exchange, market, symbol, stream } = b.series;
    const same =
      exchange === gap.series.exchange &&
      market === gap.series.market &&
      symbol === gap.series.symbol &&
      stream === gap.series.stream;
    const covers = b.from <= Math.ceil(gap.from / 1000) && b.to >= Math.floor(gap.to / 1000);
    return same && covers && b.status === 'done' && b.missing.length === 0;
  });
  return reached === undefined ? null : `the collector fetched it (${reached.id}, ${reached.stored} new row(s))`;
}

function lastSeen(issue: OpsStored<'quality_issues'>): number {
  const { context } = issue;
  if (context !== null && typeof context === 'object' && 'last_seen' in context) {
    if (typeof context.last_seen === 'number') return context.last_seen;
  }
  return issue.detected_at;
}
