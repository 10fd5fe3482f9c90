import { z } from 'zod';
import { DEFAULT_SYMBOLS } from './domain/instrument.ts';
import { STREAMS } from './domain/records.ts';

/** The `market:` part of system.yaml. Defaults live here alone. */

const percent = z.number().min(0).max(1000);

const series = z.strictObject({
  exchanges: z
    .array(z.string())
    .default(['binance', 'bybit'])
    .describe('Venues, or venue markets such as binance_futures, to collect'),
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
    .default(3)
    .describe('Failed reconnects before REST polling takes over'),
  connect_timeout_ms: z.number().int().min(100).default(10_000).describe('Time allowed for a connection to open, ms'),
  request_timeout_ms: z.number().int().min(100).default(10_000).describe('Time allowed for a REST request, ms'),
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

const storage = z.strictObject({
  retention_days: z.number().int().min(1).default(30).describe('Finished days older than this are deleted'),
  memory_mb: z.number().int().min(32).default(128).describe('DuckDB memory limit of the market database, MB'),
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

/** The validation rules of the desk: one version, here. */
const validation = z.strictObject({
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
  book_min_levels: z.number().int().min(1).default(3).describe('Fewest levels a side of a valid book'),
  book_max_spread_percent: percent.default(10).describe('Widest spread of a valid book, percent of the bid'),
  anomaly_min_samples: z.number().int().min(3).default(10).describe('Fewest samples for a z-score'),
  anomaly_z: z
    .strictObject({ low: z.number().default(3), medium: z.number().default(3.5), high: z.number().default(4) })
    .prefault({})
    .describe('z-scores at which an anomaly is low, medium or high'),
  gap_factor: z.number().min(1).default(2).describe('A gap is silence longer than this many expected intervals'),
  candle_volume_tolerance_percent: percent
    .default(0.01)
    .describe('Difference between candle volume and the sum of stored trades that shows silent loss, percent'),
});

const interpolation = z.strictObject({
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

export const marketConfigSchema = z.strictObject({
  source: z.string().default('sim').describe('Where data comes from: sim, live, or tape:DIR'),
  collect: series.extend(collect.shape).prefault({}).describe('What is collected, and how'),
  addresses: z
    .record(z.string(), z.record(z.string(), z.string()))
    .default({})
    .describe('Other addresses for a venue market: binance_futures: { rest: https://… }'),
  storage: storage.prefault({}),
  validation: validation.prefault({}),
  interpolation: interpolation.prefault({}),
  simulator: simulator.prefault({}),
});

export type MarketConfig = z.output<typeof marketConfigSchema>;
export type ValidationRules = MarketConfig['validation'];
