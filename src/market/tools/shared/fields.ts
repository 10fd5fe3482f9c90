import { z } from 'zod';
import { MARKETS, STREAMS, type Market } from '../../domain/records.ts';
import { measure } from '../../domain/measure.ts';

/** Input fields that many tools share: one wording, one bound. */

export const exchange = z.string().min(1).max(32).describe('Venue, as in binance');
export const market = z.enum(MARKETS).describe('Market of the venue: futures, spot, oracle or options');
export const symbol = z.string().min(1).max(40).describe('Canonical symbol, as in BTCUSDT');
export const stream = z.enum(STREAMS).describe('Stream, as in trades');

export const anyExchange = exchange.optional().describe('Venue, as in binance; all when left out');
export const anyMarket = market
  .optional()
  .describe('Market of the venue (futures, spot, oracle, options); all when left out');
export const anySymbol = symbol.optional().describe('Canonical symbol, as in BTCUSDT; all when left out');
export const anyStream = stream.optional().describe('Stream, as in trades; all when left out');

export const series = { exchange, market, symbol, stream };
export const anySeries = { exchange: anyExchange, market: anyMarket, symbol: anySymbol, stream: anyStream };

export const lookbackMinutes = (fallback: number) =>
  z
    .number()
    .min(0.1)
    .max(10_080)
    .default(fallback)
    .describe(`How far back to look, minutes, up to a week (default ${fallback})`);

export const time = (what: string) =>
  z.iso.datetime({ offset: true }).describe(`${what}, ISO 8601 with zone, as in 2026-01-31T12:00:00Z`);

export const optionalTime = (what: string) =>
  z.iso.datetime({ offset: true }).optional().describe(`${what}, ISO 8601 with zone, as in 2026-01-31T12:00:00Z`);

export const marketOr = (fallback: Market) =>
  z
    .enum(MARKETS)
    .default(fallback)
    .describe(`Market of the venue: futures, spot, oracle or options (default ${fallback})`);

/** No price, size, turnover or limit in any unit is further from zero: what is, was mistyped. */
const FARTHEST = 1e15;

/** A number in a unit that the description names: a price, a size, a limit. */
export const quantity = z.number().min(-FARTHEST).max(FARTHEST);

export const limit = (fallback: number, most: number) =>
  z
    .number()
    .int()
    .min(1)
    .max(most)
    .default(fallback)
    .describe(`Most entries to give, 1 to ${most} (default ${fallback})`);

export const reason = z.string().min(3).max(500).describe('Why, for the audit: one sentence');

export const reasonOr = (fallback: string) =>
  z.string().min(3).max(500).default(fallback).describe('Why, for the audit: one sentence');

/** Output shapes that many tools share. Times are ISO UTC texts. */
export const isoTime = z.string().nullable();
export const seriesShape = { exchange: z.string(), market: z.string(), symbol: z.string(), stream: z.string() };
export const findingShape = z.object({
  exchange: z.string(),
  market: z.string().nullable(),
  symbol: z.string(),
  stream: z.string(),
  issue_type: z.string(),
  severity: z.string(),
  message: z.string(),
  rule: z.string(),
  action: z.string(),
  rows: measure.count,
  value: z.number().describe('In the unit of what its rule measures').nullable(),
  expected: z.string().nullable(),
  deviation_percent: measure.percent.nullable(),
  from: isoTime,
  to: isoTime,
  row_keys: z.array(z.string()),
  issue_id: measure.id.nullable(),
});
