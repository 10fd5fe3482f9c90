import type { Us } from '../../kit/clock.ts';
import { viewName, type SeriesKey } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import type { Deletion } from '../store/contract.ts';
import type { Finding } from './finding.ts';

/** A stretch that somebody wants deleted. */
export interface DeletionOrder {
  readonly id: string;
  readonly from: Us;
  readonly to: Us;
  readonly by: string;
  readonly reason: string;
}

/**
 * Deletes a stretch of a series for good. The order is written to the ops database first, so that a crash in between, or
 * a rebuild from the tape, applies it again; the store does it once by its id.
 */
export async function deleteStretch(
  services: Pick<MarketServices, 'store' | 'ops' | 'clock' | 'events'>,
  key: SeriesKey,
  order: DeletionOrder,
): Promise<Deletion> {
  const { exchange, market, symbol, stream } = key;
  const { id, from, to, by, reason } = order;
  const rowId = await services.ops.insert('deletions', {
    deletion_id: id,
    deleted_at: services.clock.now(),
    exchange,
    market,
    symbol,
    stream,
    reason,
    deleted_by: by,
    from_us: from,
    to_us: to,
    rows: 0,
    copies: 0,
  });
  const done = await services.store.delete({ exchange, market, symbol, stream, id, from, to });
  await services.ops.update('deletions', rowId, done);
  const told = { deletion_id: id, table: viewName(key), from_us: from, to_us: to, ...done, deleted_by: by, reason };
  services.events.emit('storage.deleted', told, { source: 'desk' });
  return done;
}

/** A gap's edge lies at the row before it: up to a minute, the longest usual interval, outside the deleted stretch. */
const EDGE_US = 60_000_000;

/** The findings without those of missing rows that lie in stretches deleted on purpose. */
export async function withoutDeletedGaps(
  services: Pick<MarketServices, 'store'>,
  key: SeriesKey,
  findings: readonly Finding[],
): Promise<readonly Finding[]> {
  if (!findings.some((f) => f.action === 'backfill')) return findings;
  const deleted = await services.store.deleted(key);
  const onPurpose = ({ action, from, to }: Finding): boolean =>
    action === 'backfill' &&
    from !== null &&
    to !== null &&
    deleted.some((stretch) => from >= stretch.from - EDGE_US && to <= stretch.to + EDGE_US);
  return findings.filter((finding) => !onPurpose(finding));
}
