import { z } from 'zod';
import { DEFAULT_SYMBOLS } from './domain/instrument.ts';
import { STREAMS } from './domain/records.ts';

/** The `market:` part of system.yaml. Defaults live here alone. */

const percent = z.number().min(0).max(1000);

const series = z.strictObject({
  exchanges: z
    .array(z.string())
    .default(['binance', 'bybit'])
    .describe(
      'Venues, or venue markets such as binance_futures, to collect; `all` is every market there is. Options of OKX are collected where they are named: okx_options',
    ),
  symbols: z
    .array(z.string())
    .min(1)
    .default([...DEFAULT_SYMBOLS])
    .describe('Canonical symbols; those that a venue does not list are reported and left out'),
  streams: z
    .array(z.enum(STREAMS))
    .default([...STREAMS])
    .describe('Streams to collect'),
});

const collect = z.strictObject({
  book_interval_ms: z
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(1000)
    .describe('Shortest time between two stored order books of a series, on event time, ms; 0 stores every change'),
  flush_interval_ms: z
    .number()
    .int()
    .min(50)
    .max(5000)
    .default(1000)
    .describe('How often rows are committed to the store, ms'),
  tape_flush_ms: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(50)
    .describe('Longest time that a frame waits before it is on the tape, ms'),
  segment_mb: z.number().min(1).max(4096).default(64).describe('Size of a tape segment before compression, MB'),
  segment_minutes: z.number().min(1).max(1440).default(15).describe('Longest time that a tape segment covers, minutes'),
  tape_max_gb: z
    .number()
    .min(0.001)
    .max(100_000)
    .default(10)
    .describe('Disk cap of the tape, GB; the oldest segments are deleted first, and reported'),
  tape_retention_days: z
    .number()
    .min(0.01)
    .max(36_500)
    .default(30)
    .describe('Segments of the tape that ended longer ago than this are deleted, days, and reported'),
  reconnect_min_ms: z
    .number()
    .int()
    .min(10)
    .default(250)
    .describe('First reconnect delay bound, ms; doubled with full jitter'),
  reconnect_max_ms: z.number().int().min(10).default(30_000).describe('Largest reconnect delay bound, ms'),
  fallback_after_attempts: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(3)
    .describe('Failed reconnects before REST polling takes over'),
  connect_timeout_ms: z.number().int().min(100).default(10_000).describe('Time allowed for a connection to open, ms'),
  request_timeout_ms: z.number().int().min(100).default(10_000).describe('Time allowed for a REST request, ms'),
  list_seconds: z
    .number()
    .min(1)
    .max(86_400)
    .default(3600)
    .describe(
      'How often each venue is asked for its instruments, seconds: asked symbols that begin to trade are collected, those that ended no more',
    ),
  expiring: z
    .strictObject({
      dated: z
        .number()
        .int()
        .min(0)
        .max(20)
        .default(2)
        .describe('Dated futures that an asked symbol brings on a venue that lists them, the nearest'),
      expiries: z
        .number()
        .int()
        .min(0)
        .max(20)
        .default(2)
        .describe('Expiries of options that an asked symbol brings, the nearest'),
      strikes: z
        .number()
        .int()
        .min(1)
        .max(100)
        .default(3)
        .describe('Strikes of each expiry, those nearest to the price of the underlying; of each, call and put'),
      option_streams: z
        .array(z.enum(STREAMS))
        .default(['option_summaries', 'orderbooks', 'trades'])
        .describe(
          'Streams of options, of those that are collected at all. A summary holds best prices, mark, open interest, volatilities and greeks',
        ),
      review_seconds: z
        .number()
        .min(5)
        .max(86_400)
        .default(300)
        .describe('How often the choice is made anew, seconds: contracts expire, and the price moves'),
    })
    .prefault({})
    .describe('Which contracts that run out are collected'),
  auto_backfill: z
    .boolean()
    .default(true)
    .describe('Whether holes in trades and candles (a reconnect, downtime, missing trade ids) are fetched over REST'),
  auto_backfill_max_minutes: z
    .number()
    .min(1)
    .max(10_080)
    .default(60)
    .describe('Longest hole that is fetched without being asked, minutes; what lies before is reported as missing'),
});

/** Forecasts of what is collected, while it is. */
const forecasts = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether the live series of candles are forecast as they come'),
  interval_seconds: z
    .number()
    .int()
    .min(60)
    .max(86_400)
    .default(300)
    .describe('How often each live series of candles is forecast anew, seconds'),
  drift_check_seconds: z
    .number()
    .int()
    .min(60)
    .max(86_400)
    .default(600)
    .describe('How often the outcomes of forecasts are looked through for drift, seconds'),
  horizon_minutes: z.number().int().min(1).max(120).default(24).describe('How far such forecasts reach, minutes'),
});

/** What may be changed while it runs: nothing here changes what the tape makes of itself when replayed. */
export const streamingChanges = z.strictObject({
  flush_interval_ms: changed(collect.shape.flush_interval_ms),
  auto_backfill: changed(collect.shape.auto_backfill),
  auto_backfill_max_minutes: changed(collect.shape.auto_backfill_max_minutes),
  fallback_after_attempts: changed(collect.shape.fallback_after_attempts),
  forecast_interval_seconds: changed(forecasts.shape.interval_seconds),
  drift_check_interval_seconds: changed(forecasts.shape.drift_check_seconds),
});

function changed<T extends z.ZodType>(field: z.ZodDefault<T>) {
  return field
    .unwrap()
    .optional()
    .describe(`${field.description ?? ''}; as it is when left out`);
}

const storage = z.strictObject({
  retention_days: z
    .number()
    .int()
    .min(1)
    .default(30)
    .describe(
      'apply_retention deletes finished days older than this; archive_data moves them away at two thirds of it',
    ),
  archive_dir: z
    .string()
    .min(1)
    .default('archive')
    .describe('Where archive_data moves finished days: a folder, relative to the data folder unless it is absolute'),
  memory_mb: z
    .number()
    .int()
    .min(32)
    .default(48)
    .describe('What DuckDB may keep of the market database in memory, MB; larger queries work on disk'),
  most_memory_mb: z
    .number()
    .int()
    .min(32)
    .default(512)
    .describe('What a query or a job that does not fit in memory_mb even so may use until it has ended, MB'),
  compact_minimum_gain: z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .describe('Share of the file that must come back before it is rewritten'),
  capacity_gb: z
    .number()
    .min(0.01)
    .default(50)
    .describe('Storage that the desk may use; capacity alerts are measured against it'),
});

/** Rules that judge single rows, by the name that their findings bear. */
export const ROW_RULES = [
  'price_positive',
  'price_deviation_percent',
  'bid_below_ask',
  'book_min_levels',
  'book_max_spread_percent',
  'book_sorted',
  'trade_quantity_positive',
  'trade_max_age_seconds',
  'trade_time_monotonic',
  'trade_id_unique',
  'delivery_delay_ms',
  'funding_rate_limit_percent',
  'open_interest_not_negative',
  'open_interest_change_percent',
  'liquidation_value_is_price_times_quantity',
  'candle_shape',
] as const;
export type RowRule = (typeof ROW_RULES)[number];

/** What becomes of rows that break a rule: moved apart (both `quarantine` and `reject`), or left and reported. */
export const ROW_ACTIONS = ['quarantine', 'reject', 'flag'] as const;
export type RowAction = (typeof ROW_ACTIONS)[number];

/** The validation rules of the desk: one version, here. */
export const validationSchema = z.strictObject({
  price_deviation_percent: percent
    .default(50)
    .describe(
      'Largest distance of a price from its 1 h moving average, percent; beyond: quarantined and fetched again',
    ),
  funding_rate_limit_percent: percent
    .default(1)
    .describe('Largest absolute funding rate per interval, percent; beyond: quarantined and verified'),
  cross_exchange_spread_percent: percent
    .default(0.5)
    .describe('Largest expected price difference between venues, percent'),
  cross_exchange_alert_percent: percent
    .default(1)
    .describe('Price difference between venues that raises an alert, percent'),
  funding_divergence_percent: percent
    .default(0.3)
    .describe('Largest funding difference between venues over 8 h, percent'),
  open_interest_change_percent: percent
    .default(50)
    .describe('Largest change of open interest between two readings, percent'),
  trade_max_age_seconds: z
    .number()
    .min(1)
    .default(60)
    .describe('Largest distance between event time and receive time of a live trade, seconds'),
  delivery_delay_ms: z
    .number()
    .min(1)
    .default(2000)
    .describe('Delay between event and receipt of live data that is worth a quality issue, ms'),
  book_min_levels: z.number().int().min(1).default(3).describe('Fewest levels a side of a valid book'),
  book_max_spread_percent: percent.default(10).describe('Widest spread of a valid book, percent of the bid'),
  anomaly_min_samples: z.number().int().min(3).default(10).describe('Fewest samples for a z-score'),
  anomaly_z: z
    .strictObject({ low: z.number().default(3), medium: z.number().default(3.5), high: z.number().default(4) })
    .prefault({})
    .describe('z-scores at which an anomaly is low, medium or high'),
  anomaly_adjust_percent: percent
    .max(90)
    .default(50)
    .describe('How far agents may move the anomaly thresholds from those configured here, percent'),
  gap_factor: z.number().min(1).default(2).describe('A gap is silence longer than this many expected intervals'),
  candle_volume_tolerance_percent: percent
    .default(0.01)
    .describe('Difference between candle volume and the sum of stored trades that shows silent loss, percent'),
  row_actions: z
    .partialRecord(z.enum(ROW_RULES), z.enum(ROW_ACTIONS))
    .default({})
    .describe(
      'Quarantine policy: what becomes of rows that break a rule, where it is not the usual: quarantine and reject move them apart, flag leaves them and reports',
    ),
});

export const interpolationSchema = z.strictObject({
  price_max_gap_seconds: z
    .number()
    .min(0)
    .default(300)
    .describe('Price gaps shorter than this are filled linearly, longer ones by the last known value'),
  max_gap_seconds: z.number().min(0).default(14_400).describe('Gaps longer than this are never filled'),
});

const simulator = z.strictObject({
  seed: z.number().int().default(7).describe('Seed of the simulated market'),
  speed: z.number().min(0.01).max(10_000).default(1).describe('Simulated seconds per second'),
  faults: z
    .array(z.string())
    .default([])
    .describe(
      'Faults to inject: disconnect@5s, gap@8s/2s, duplicate@…, reorder@…, spike@…, crossed@…, stale@…, malformed@…, slow@…, http429@…',
    ),
});

const levels = <T extends z.ZodType>(of: T) => ({ low: of, medium: of, high: of, critical: of });

const escalation = z.strictObject({
  anomaly_percent: z
    .strictObject({ low: percent.default(2), medium: percent.default(5), high: percent.default(10) })
    .prefault({})
    .describe('Share of validated rows that break a rule, percent, at which each level is raised'),
  storage_percent: percent
    .default(80)
    .describe('Share of capacity_gb in use, percent, that raises a medium escalation'),
  gap_high_seconds: z
    .number()
    .min(1)
    .default(3600)
    .describe('An open gap longer than this raises a high escalation, seconds'),
  gap_critical_seconds: z
    .number()
    .min(1)
    .default(14_400)
    .describe('An open gap longer than this raises a critical escalation, seconds'),
  exchanges_down: z
    .number()
    .int()
    .min(0)
    .default(3)
    .describe('More venue markets down than this raise a critical escalation'),
  channels: z
    .strictObject(levels(z.array(z.enum(['log', 'webhook', 'email', 'slack', 'pager']))))
    .default({
      low: ['log'],
      medium: ['log', 'email'],
      high: ['log', 'email', 'slack'],
      critical: ['log', 'webhook', 'pager'],
    })
    .describe('Channels told at each level; one that is not configured is reported missing'),
});

/** What the desk's watch over itself is measured against. */
const operations = z.strictObject({
  latency: z
    .strictObject({
      warning_ms: z.number().min(1).default(5000).describe('Latency of a connection that is a warning, ms'),
      critical_ms: z.number().min(1).default(30_000).describe('Latency of a connection that is critical, ms'),
    })
    .prefault({}),
  targets: z
    .strictObject({
      records_per_minute: z.number().min(0).default(7000).describe('Records a minute that are expected'),
      records_per_minute_alert: z
        .number()
        .min(0)
        .default(5000)
        .describe('Fewer records a minute than this are an alert'),
      uptime_percent: percent.default(99.9).describe('Connection uptime aimed at, percent'),
      pass_rate_percent: percent.default(99.5).describe('Validated rows that should pass, percent'),
    })
    .prefault({}),
  tables: z
    .strictObject({
      size_warning_gb: z.number().min(0).default(10).describe('Table size that is a warning, GB'),
      size_critical_gb: z.number().min(0).default(50).describe('Table size that is critical, GB'),
      growth_warning_rows: z.number().min(0).default(1_000_000).describe('Growth that is a warning, rows a day'),
      growth_critical_rows: z.number().min(0).default(10_000_000).describe('Growth that is critical, rows a day'),
      query_warning_ms: z.number().min(0).default(1000).describe('Query time that is a warning, ms'),
      query_critical_ms: z.number().min(0).default(10_000).describe('Query time that is critical, ms'),
      fragmentation_warning_percent: percent
        .default(30)
        .describe('Free blocks of the file that are a warning, percent'),
      fragmentation_critical_percent: percent
        .default(50)
        .describe('Free blocks of the file that are critical, percent'),
    })
    .prefault({}),
  escalation: escalation.prefault({}),
});

export const marketConfigSchema = z.strictObject({
  source: z.string().default('sim').describe('Where data comes from: sim, live, or tape:DIR'),
  collect: series.extend(collect.shape).prefault({}).describe('What is collected, and how'),
  addresses: z
    .record(z.string(), z.record(z.string(), z.string()))
    .default({})
    .describe('Other addresses for a venue market: binance_futures: { rest: https://… }'),
  fees: z
    .record(
      z.string(),
      z.strictObject({
        tier: z.string().optional().describe('Fee tier that the account is in, as the venue names it'),
        maker_percent: z.number().min(-1).max(5).optional().describe('Maker rate, percent; negative: a rebate'),
        taker_percent: z.number().min(-1).max(5).optional().describe('Taker rate, percent'),
      }),
    )
    .default({})
    .describe(
      'Own trading fees by venue market, in place of the first tier of its schedule: kraken_spot: { tier: 100K+ }',
    ),
  forecasts: forecasts.prefault({}).describe('Forecasts of what is collected'),
  storage: storage.prefault({}),
  validation: validationSchema.prefault({}),
  interpolation: interpolationSchema.prefault({}),
  operations: operations.prefault({}),
  simulator: simulator.prefault({}),
});

export type MarketConfig = z.output<typeof marketConfigSchema>;
export type ValidationRules = MarketConfig['validation'];
export type InterpolationRules = MarketConfig['interpolation'];
