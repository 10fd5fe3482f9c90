import type { OpsStored } from '../../kit/ops.ts';
import type { MarketServices } from '../services.ts';
import { keyOf, reapplyCorrections } from './corrections.ts';

type OrderServices = Pick<MarketServices, 'ops' | 'store' | 'log'>;

const MOST = 100_000;

/**
 * Applies again what the operations database orders and a rebuilt market database has lost: quarantines and deletions in
 * the order in which they were given, then corrections. Each is done once by its id, so that a repeat changes nothing.
 */
export async function reapplyOrders(
  services: OrderServices,
): Promise<{ readonly rows: number; readonly corrected: number }> {
  const { ops, log } = services;
  const quarantines = await ops.select('quarantines', { where: { released_at: null }, limit: MOST, order: 'asc' });
  const deletions = await ops.select('deletions', { limit: MOST, order: 'asc' });
  const orders = [
    ...quarantines.map((row) => ({ at: row.quarantined_at, apply: () => quarantineAgain(services, row) })),
    ...deletions.map((row) => ({ at: row.deleted_at, apply: () => deleteAgain(services, row) })),
  ].sort((a, b) => a.at - b.at);
  let rows = 0;
  for (const order of orders) rows += await order.apply();
  const corrected = await reapplyCorrections(services);
  if (rows + corrected > 0) log.warn('orders.reapplied', { rows, corrected });
  return { rows, corrected };
}

async function quarantineAgain({ store }: OrderServices, row: OpsStored<'quarantines'>): Promise<number> {
  const key = keyOf(row);
  await store.ensureSeries([key]);
  const keys = Array.isArray(row.keys) ? row.keys.filter((text): text is string => typeof text === 'string') : null;
  const { quarantine_id: id, reason, from_us: from, to_us: to } = row;
  return store.quarantine({ ...key, id, reason, keys, from, to });
}

async function deleteAgain({ store }: OrderServices, row: OpsStored<'deletions'>): Promise<number> {
  const key = keyOf(row);
  await store.ensureSeries([key]);
  return (await store.delete({ ...key, id: row.deletion_id, from: row.from_us, to: row.to_us })).rows;
}
