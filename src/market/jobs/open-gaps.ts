import type { Us } from '../../kit/clock.ts';
import type { OpsStored } from '../../kit/ops.ts';
import { MARKETS, STREAMS, viewName, type SeriesKey } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import { settleIssue } from './issue-book.ts';

/** A gap that is recorded and not settled. Bounds are UTC µs. */
export interface OpenGap {
  readonly issue_id: number;
  readonly series: SeriesKey;
  readonly from: Us;
  readonly to: Us;
  readonly issue_type: string;
  readonly severity: string;
}

/** Pending quality issues that are stretches without data and can be filled, longest first. */
export async function openGaps(services: Pick<MarketServices, 'ops'>): Promise<readonly OpenGap[]> {
  const pending = await services.ops.select('quality_issues', {
    where: { resolution_status: 'pending', action_taken: 'backfill' },
    limit: 1000,
  });
  return pending.flatMap(gapOf).sort((a, b) => b.to - b.from - (a.to - a.from));
}

function gapOf(issue: OpsStored<'quality_issues'>): readonly OpenGap[] {
  const context = issue.context as { from_us?: unknown; to_us?: unknown } | null;
  const from = context?.from_us;
  const to = context?.to_us;
  const market = MARKETS.find((m) => m === issue.market);
  const stream = STREAMS.find((s) => s === issue.data_type);
  if (typeof from !== 'number' || typeof to !== 'number' || market === undefined || stream === undefined) return [];
  const series = { exchange: issue.exchange, market, symbol: issue.symbol, stream };
  return [{ issue_id: issue.id, series, from, to, issue_type: issue.issue_type, severity: issue.severity }];
}

/**
 * Settles the pending gaps of a series that lie wholly within [from, to), UTC µs: they were fetched. Gives how many.
 */
export async function settleGapsWithin(
  services: Pick<MarketServices, 'ops' | 'clock'>,
  key: SeriesKey,
  from: Us,
  to: Us,
  notes: string,
): Promise<number> {
  const name = viewName(key);
  const inside = (await openGaps(services)).filter(
    (gap) => viewName(gap.series) === name && gap.from >= from - 1000 && gap.to <= to + 1000,
  );
  for (const gap of inside) await settleIssue(services, gap.issue_id, 'resolved', notes);
  return inside.length;
}
