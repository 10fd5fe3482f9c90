import { perDay } from '../../kit/rate.ts';
import type { MarketConfig } from '../config.ts';
import type { StorageReport, TableStats } from '../store/contract.ts';
import type { MarketServices } from '../services.ts';

const DAY_US = 86_400_000_000;

export type TableCondition = 'healthy' | 'empty' | 'warning' | 'critical';

export interface TableHealth {
  readonly table: string;
  readonly status: TableCondition;
  readonly rows: number;
  readonly hot_rows: number;
  readonly parquet_files: number;
  readonly bytes: number | null;
  readonly last_event_time: number | null;
  /** Rows a day over the time that the table spans; null below a minute of data. */
  readonly growth_rows_per_day: number | null;
  readonly advice: readonly string[];
}

/** Judges one table by the thresholds. `bytes` is its share of the database file plus its finished days. */
export function tableHealth(
  stats: TableStats,
  bytesPerHotRow: number | null,
  limits: MarketConfig['operations']['tables'],
): TableHealth {
  const bytes = bytesPerHotRow === null ? null : Math.round(stats.hot_rows * bytesPerHotRow + stats.parquet_bytes);
  const growth = growthPerDay(stats);
  const advice: string[] = [];
  let status: TableCondition = stats.rows === 0 ? 'empty' : 'healthy';
  const worsen = (to: 'warning' | 'critical', what: string): void => {
    advice.push(what);
    if (status !== 'critical') status = to;
  };
  const gigabytes = bytes === null ? 0 : bytes / 1e9;
  if (gigabytes > limits.size_critical_gb)
    worsen('critical', `larger than ${limits.size_critical_gb} GB: shorten retention`);
  else if (gigabytes > limits.size_warning_gb)
    worsen('warning', `larger than ${limits.size_warning_gb} GB: compact finished days`);
  if (growth !== null && growth > limits.growth_critical_rows)
    worsen('critical', `grows by ${Math.round(growth)} rows a day`);
  else if (growth !== null && growth > limits.growth_warning_rows)
    worsen('warning', `grows by ${Math.round(growth)} rows a day`);
  return {
    table: stats.table,
    status,
    rows: stats.rows,
    hot_rows: stats.hot_rows,
    parquet_files: stats.parquet_files,
    bytes,
    last_event_time: stats.last_event_time,
    growth_rows_per_day: growth,
    advice,
  };
}

/** Judges all tables (or one) and the file, and writes `schema_health_metrics`. */
export async function measureTables(
  services: Pick<MarketServices, 'store' | 'ops' | 'clock' | 'config'>,
  table: string | undefined,
  write: boolean,
): Promise<{
  readonly tables: readonly TableHealth[];
  readonly stats: readonly TableStats[];
  readonly storage: StorageReport;
  readonly urgent: readonly string[];
}> {
  const [stats, storage] = await Promise.all([services.store.stats(table), services.store.storage()]);
  const all = table === undefined ? stats : await services.store.stats();
  const perRow = bytesPerHotRow(all, storage);
  const limits = services.config.operations.tables;
  const tables = stats.map((s) => tableHealth(s, perRow, limits));
  const fragmented = storage.fragmentation_percent;
  const urgent: string[] = [];
  if (fragmented > limits.fragmentation_critical_percent)
    urgent.push(`the file is ${fragmented.toFixed(0)} % free blocks`);
  if (write) await writeMetrics(services, tables, storage);
  return {
    tables,
    stats,
    storage,
    urgent: [...urgent, ...tables.filter((t) => t.status === 'critical').map((t) => t.table)],
  };
}

/** Mean bytes of a row that is still in the database file; null without rows. */
export function bytesPerHotRow(stats: readonly TableStats[], storage: StorageReport): number | null {
  const rows = stats.reduce((sum, s) => sum + s.hot_rows, 0);
  const used = storage.used_blocks + storage.free_blocks;
  const share = used === 0 ? 1 : storage.used_blocks / used;
  return rows === 0 ? null : ((storage.database_bytes + storage.wal_bytes) * share) / rows;
}

function growthPerDay(stats: TableStats): number | null {
  const { first_event_time: first, last_event_time: last } = stats;
  return first === null || last === null ? null : perDay(stats.rows, (last - first) / 1e6);
}

/** What a stream of a venue market takes in the database and its finished days. */
export interface StreamStorage {
  readonly exchange: string;
  readonly market: string;
  readonly stream: string;
  readonly tables: number;
  readonly rows: number;
  /** Finished days as they are, rows of running days by the mean row of the database file; null without one. */
  readonly bytes: number | null;
  /** From the first to the last row of its tables, s. */
  readonly observed_seconds: number;
  /** At that rate: an extrapolation. Null below a minute. */
  readonly bytes_per_day: number | null;
}

/** Sums tables by venue market and stream, largest first. Derived tables are not of a stream and left out. */
export function storageByStream(stats: readonly TableStats[], storage: StorageReport): readonly StreamStorage[] {
  const perRow = bytesPerHotRow(stats, storage);
  const groups = new Map<string, TableStats[]>();
  for (const table of stats) {
    if (table.series === null) continue;
    const key = `${table.series.exchange} ${table.series.market} ${table.series.stream}`;
    groups.set(key, [...(groups.get(key) ?? []), table]);
  }
  return [...groups]
    .map(([key, tables]) => {
      const [exchange = '', market = '', stream = ''] = key.split(' ');
      const sum = (of: (t: TableStats) => number): number => tables.reduce((total, t) => total + of(t), 0);
      const hot = sum((t) => t.hot_rows);
      const known = hot === 0 || perRow !== null;
      const bytes = known ? Math.round(hot * (perRow ?? 0) + sum((t) => t.parquet_bytes)) : null;
      const times = tables.flatMap((t) =>
        t.first_event_time === null || t.last_event_time === null ? [] : [t.first_event_time, t.last_event_time],
      );
      const seconds = times.length === 0 ? 0 : (Math.max(...times) - Math.min(...times)) / 1e6;
      const rows = sum((t) => t.rows);
      const rate = bytes === null ? null : perDay(bytes, seconds);
      return {
        exchange,
        market,
        stream,
        tables: tables.length,
        rows,
        bytes,
        observed_seconds: seconds,
        bytes_per_day: rate,
      };
    })
    .sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
}

async function writeMetrics(
  services: Pick<MarketServices, 'ops' | 'clock'>,
  tables: readonly TableHealth[],
  storage: StorageReport,
): Promise<void> {
  const measured = services.clock.now();
  for (const table of tables.filter((t) => t.status !== 'empty')) {
    await services.ops.insert('schema_health_metrics', {
      measured_at: measured,
      table_name: table.table,
      database_name: 'streaming_data',
      row_count: table.rows,
      size_bytes: table.bytes,
      size_mb: table.bytes === null ? null : table.bytes / 1e6,
      growth_rate_rows_per_day: table.growth_rows_per_day,
      growth_rate_mb_per_day:
        table.bytes === null || table.growth_rows_per_day === null || table.rows === 0
          ? null
          : (table.growth_rows_per_day * table.bytes) / table.rows / 1e6,
      last_write_timestamp: table.last_event_time === null ? null : Math.floor(table.last_event_time / 1000),
      avg_query_latency_ms: null,
      fragmentation_percent: storage.fragmentation_percent,
      health_status: table.status,
      recommendations: table.advice,
    });
  }
}

/**
 * Tables with rows older than the retention, by whole days before `now` (UTC µs) as `apply_retention` counts them, and
 * the time of the oldest row of all.
 */
export function beyondRetention(
  stats: readonly TableStats[],
  now: number,
  days: number,
): { readonly tables: number; readonly oldest: number | null } {
  const cutoff = (Math.floor(now / DAY_US) - days) * DAY_US;
  const firsts = stats.flatMap((t) => (t.series === null ? [] : (t.first_event_time ?? [])));
  return {
    tables: firsts.filter((first) => first < cutoff).length,
    oldest: firsts.length === 0 ? null : firsts.reduce((a, b) => Math.min(a, b)),
  };
}

export interface CapacityReport {
  readonly level: 'ok' | 'warning' | 'critical';
  readonly used_bytes: number;
  readonly limit_bytes: number;
  readonly used_percent: number;
  readonly disk_free_bytes: number;
  /** Days until the limit at today's growth; null when it does not grow or cannot be told. */
  readonly days_to_full: number | null;
  readonly largest: readonly TableHealth[];
  readonly fastest: readonly TableHealth[];
}

/**
 * What is used of the allowed storage: database, log, finished days and tape. A disk that has less room left than the
 * limit allows lowers the limit. Growth in bytes is rows a day times bytes a row, over all tables.
 */
export function capacity(storage: StorageReport, tables: readonly TableHealth[], config: MarketConfig): CapacityReport {
  const archived = storage.archive_elsewhere ? 0 : storage.archive_bytes;
  const used = storage.database_bytes + storage.wal_bytes + storage.parquet_bytes + storage.tape_bytes + archived;
  const limit = Math.min(config.storage.capacity_gb * 1e9, used + storage.disk_free_bytes);
  const percent = limit === 0 ? 100 : (100 * used) / limit;
  const perDay = tables.reduce(
    (sum, t) =>
      t.bytes === null || t.growth_rows_per_day === null || t.rows === 0
        ? sum
        : sum + (t.growth_rows_per_day * t.bytes) / t.rows,
    0,
  );
  const warn = config.operations.escalation.storage_percent;
  const byBytes = [...tables].sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
  const byGrowth = [...tables].sort((a, b) => (b.growth_rows_per_day ?? 0) - (a.growth_rows_per_day ?? 0));
  return {
    level: percent > 95 ? 'critical' : percent > warn ? 'warning' : 'ok',
    used_bytes: used,
    limit_bytes: limit,
    used_percent: percent,
    disk_free_bytes: storage.disk_free_bytes,
    days_to_full: perDay <= 0 ? null : Math.max(0, (limit - used) / perDay),
    largest: byBytes.slice(0, 10),
    fastest: byGrowth.slice(0, 5),
  };
}
