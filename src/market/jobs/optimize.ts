import type { MarketServices } from '../services.ts';

export interface Optimisation {
  readonly database_bytes_before: number;
  readonly database_bytes_after: number;
  /** Measured from the file sizes before and after; negative when the file grew. */
  readonly bytes_recovered: number;
  readonly days_written: number;
  readonly parquet_bytes_written: number;
  readonly rewritten: boolean;
  readonly analysed: boolean;
  readonly reason: string;
  readonly duration_ms: number;
}

/**
 * Moves finished days to Parquet and rewrites the file when at least `minimumGain` (0–1) of it comes back: VACUUM alone
 * returns nothing to the disk on DuckDB. What was recovered is measured from the file, not computed.
 */
export async function optimizeStore(
  services: Pick<MarketServices, 'store' | 'clock' | 'events'>,
  options: { readonly minimumGain: number; readonly analyse: boolean },
): Promise<Optimisation> {
  const { store, clock, events } = services;
  const start = clock.monotonicMs();
  const before = await store.storage();
  if (options.analyse) await store.analyze();
  const report = await store.compact({ now: clock.now() * 1000, minimumGain: options.minimumGain });
  const after = await store.storage();
  const bytesBefore = before.database_bytes + before.wal_bytes;
  const bytesAfter = after.database_bytes + after.wal_bytes;
  if (report.rewritten || report.days_written.length > 0) {
    events.emit('storage.compacted', {
      database: 'streaming_data',
      bytes_before: bytesBefore,
      bytes_after: bytesAfter,
      files_written: report.days_written.length,
    });
  }
  return {
    database_bytes_before: bytesBefore,
    database_bytes_after: bytesAfter,
    bytes_recovered: bytesBefore - bytesAfter,
    days_written: report.days_written.length,
    parquet_bytes_written: report.days_written.reduce((sum, d) => sum + d.bytes, 0),
    rewritten: report.rewritten,
    analysed: options.analyse,
    reason: report.reason,
    duration_ms: clock.monotonicMs() - start,
  };
}
