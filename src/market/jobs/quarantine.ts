import type { Us } from '../../kit/clock.ts';
import { NotFound } from '../../kit/errors.ts';
import type { SeriesKey } from '../domain/records.ts';
import type { MarketServices } from '../services.ts';
import { settleIssue, stringsOf } from './issue-book.ts';

export interface QuarantineOrder {
  readonly id: string;
  readonly keys: readonly string[] | null;
  readonly from: Us;
  readonly to: Us;
  readonly reason: string;
}

/**
 * Moves rows to quarantine. The order is written to the ops database first, so that a crash in between, or a rebuild
 * from the tape, applies it again; the store does it once by its id.
 */
export async function quarantineRows(
  services: Pick<MarketServices, 'store' | 'ops' | 'clock'>,
  key: SeriesKey,
  order: QuarantineOrder,
): Promise<{ readonly id: string; readonly rows: number }> {
  const rowId = await services.ops.insert('quarantines', {
    quarantine_id: order.id,
    quarantined_at: services.clock.now(),
    exchange: key.exchange,
    market: key.market,
    symbol: key.symbol,
    stream: key.stream,
    reason: order.reason,
    keys: order.keys,
    from_us: order.from,
    to_us: order.to,
    rows: 0,
    released_at: null,
    released_by: null,
  });
  const rows = await services.store.quarantine({ ...key, ...order });
  await services.ops.update('quarantines', rowId, { rows });
  if (rows > 0) await settleCondemned(services, key, order, rows);
  return { id: order.id, rows };
}

/** Settles the pending issues of a series whose rows all lie in quarantine now. */
async function settleCondemned(
  services: Pick<MarketServices, 'ops' | 'clock'>,
  key: SeriesKey,
  order: QuarantineOrder,
  rows: number,
): Promise<void> {
  const pending = await services.ops.select('quality_issues', {
    where: { exchange: key.exchange, symbol: key.symbol, data_type: key.stream, resolution_status: 'pending' },
    limit: 200,
  });
  for (const issue of pending) {
    const keys = stringsOf(issue.related_record_ids);
    const doubted = issue.action_taken === 'quarantine' || issue.action_taken === 'reject';
    if (!doubted || issue.market !== key.market || keys.length === 0) continue;
    if (order.keys !== null && !keys.every((row) => order.keys?.includes(row))) continue;
    if (order.keys === null && !within(issue.context, order)) continue;
    await settleIssue(services, issue.id, 'resolved', `${rows} row(s) in quarantine ${order.id}`);
  }
}

function within(context: unknown, order: QuarantineOrder): boolean {
  if (context === null || typeof context !== 'object') return false;
  const { from_us: from, to_us: to } = { from_us: null, to_us: null, ...context };
  return typeof from === 'number' && typeof to === 'number' && from >= order.from && to <= order.to + 1;
}

/** Puts the rows of a quarantine back. Throws NotFound when there is none with this id, or it was released. */
export async function releaseQuarantine(
  services: Pick<MarketServices, 'store' | 'ops' | 'clock'>,
  id: string,
  by: string,
): Promise<number> {
  const [order] = await services.ops.select('quarantines', { where: { quarantine_id: id }, limit: 1 });
  if (order === undefined) throw new NotFound(`there is no quarantine '${id}'`);
  if (order.released_at !== null) throw new NotFound(`quarantine '${id}' was released already`);
  const rows = await services.store.release(id);
  await services.ops.update('quarantines', order.id, { released_at: services.clock.now(), released_by: by });
  return rows;
}
