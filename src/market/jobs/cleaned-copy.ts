import type { Us } from '../../kit/clock.ts';
import { canonicalJson } from '../../kit/json.ts';
import type { SeriesKey } from '../domain/records.ts';
import type { CleanedRow } from '../store/contract.ts';
import type { MarketServices } from '../services.ts';
import { CORRECTED, corrected, correctionsInForce } from './corrections.ts';
import { cleanedValues, textOf, timeOf } from './row.ts';
import { condemnedRows, recentRows } from './validate.ts';

export interface CleanedCopyPlan {
  readonly rows: readonly CleanedRow[];
  readonly rows_read: number;
  readonly duplicates: number;
  readonly condemned: number;
}

/**
 * The rows of [from, to) without exact repeats and without those that a rule condemns, a corrected row as it was
 * corrected. Reads only.
 */
export async function planCleanedCopy(
  services: Pick<MarketServices, 'store' | 'config' | 'ops'>,
  key: SeriesKey,
  from: Us,
  to: Us,
): Promise<CleanedCopyPlan> {
  const corrections = await correctionsInForce(services, key);
  const mended = new Set(corrections.map((c) => c.row_key));
  const rows = await recentRows(services, key, from, to);
  const condemned = new Set((await condemnedRows(services, key, from, to)).flatMap((f) => [...f.keys]));
  const seen = new Set<string>();
  const kept: CleanedRow[] = [];
  let duplicates = 0;
  let refused = 0;
  for (const row of rows) {
    const time = timeOf(row, key.stream);
    if (time === null) continue;
    const rowKey = textOf(row, 'row_key');
    const isMended = rowKey !== null && mended.has(rowKey);
    if (rowKey !== null && condemned.has(rowKey) && !isMended) {
      refused++;
      continue;
    }
    const values = isMended ? corrected(row, key.stream, corrections) : cleanedValues(row);
    const text = `${time} ${canonicalJson(values)}`;
    if (seen.has(text)) {
      duplicates++;
      continue;
    }
    seen.add(text);
    kept.push({ event_time: time, method: isMended ? CORRECTED : 'deduplicated', row_key: rowKey, values });
  }
  return { rows: kept, rows_read: rows.length, duplicates, condemned: refused };
}

/** Writes that copy to `{view}_cleaned`. */
export async function writeCleanedCopy(
  services: Pick<MarketServices, 'store' | 'config' | 'ops'>,
  key: SeriesKey,
  from: Us,
  to: Us,
): Promise<Omit<CleanedCopyPlan, 'rows'> & { readonly rows_written: number }> {
  const { rows, ...counts } = await planCleanedCopy(services, key, from, to);
  const written = rows.length === 0 ? 0 : await services.store.writeCleaned(key, rows);
  return { ...counts, rows_written: written };
}
