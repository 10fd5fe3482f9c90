import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import { isObject, parseJson } from '../shared/values.ts';
import { FUNDING_HOURS } from './futures-normalise.ts';
import { coinOf, futuresName, pairOf, spotName } from './wire.ts';

/** `AssetPairs`. Compared 2026-11: https://docs.kraken.com/api/docs/rest-api/get-tradable-asset-pairs */
const pairSchema = z.object({
  wsname: z.string().min(3),
  status: z.string().default('online'),
  pair_decimals: z.number().int(),
  lot_decimals: z.number().int(),
  tick_size: z.string().optional(),
});

/** In these orders meet, if not of every kind; while orders can only be placed or cancelled none do. */
const TRADING: ReadonlySet<string> = new Set(['online', 'limit_only', 'reduce_only']);

/** Pairs of an `AssetPairs` answer; dark pools, which have no WebSocket name, are left out. */
export function parseSpotInstruments(body: string, before: readonly Instrument[] = []): readonly Instrument[] {
  const value = parseJson(body);
  const result = isObject(value) ? value['result'] : undefined;
  if (!isObject(result)) return before;
  return [...before, ...Object.values(result).flatMap((row) => spotInstrument(row) ?? [])];
}

function spotInstrument(row: unknown): Instrument | undefined {
  const parsed = pairSchema.safeParse(row);
  if (!parsed.success) return undefined;
  const { wsname, status, pair_decimals, lot_decimals, tick_size } = parsed.data;
  const pair = pairOf(wsname);
  const [base = '', quote = ''] = pair.split('/');
  const symbol = spotName(pair.toUpperCase()).symbol;
  if (base === '' || quote === '' || symbol === undefined) return undefined;
  return {
    exchange: 'kraken',
    market: 'spot',
    symbol,
    venue_symbol: pair,
    base,
    quote,
    kind: 'spot',
    status: TRADING.has(status) ? 'trading' : status === 'delisted' ? 'settled' : 'halted',
    tick_size: positive(Number(tick_size ?? NaN)) ?? step(pair_decimals),
    lot_size: step(lot_decimals),
    contract_size: 1,
    inverse: false,
    funding_interval_hours: null,
  };
}

/**
 * `instruments`. `tradeable` stays true for contracts that have ended: `isExpired` tells that, and `postOnly` that no
 * orders meet. Compared 2026-11: https://docs.kraken.com/api/docs/futures-api/trading/get-instruments
 */
const contractSchema = z.object({
  symbol: z.string().min(1),
  type: z.string(),
  tradeable: z.boolean(),
  isExpired: z.boolean().default(false),
  postOnly: z.boolean().default(false),
  tickSize: z.number().optional(),
  contractSize: z.number().optional(),
  contractValueTradePrecision: z.number().int().optional(),
  base: z.string().optional(),
  quote: z.string().optional(),
  lastTradingTime: z.string().optional(),
});

/** Contracts of an `instruments` answer; indices and reference rates are left out. */
export function parseFuturesInstruments(body: string, before: readonly Instrument[] = []): readonly Instrument[] {
  const value = parseJson(body);
  const rows = isObject(value) ? value['instruments'] : undefined;
  if (!Array.isArray(rows)) return before;
  return [...before, ...rows.flatMap((row) => futuresInstrument(row) ?? [])];
}

function futuresInstrument(row: unknown): Instrument | undefined {
  const parsed = contractSchema.safeParse(row);
  if (!parsed.success) return undefined;
  const listed = parsed.data;
  const venue_symbol =
    listed.symbol.startsWith('p') || listed.symbol.startsWith('f') ? listed.symbol.toUpperCase() : listed.symbol;
  const named = futuresName(venue_symbol.toUpperCase());
  const parts = /^[PF][FIV]_([A-Z0-9]+?)(USD|EUR|XBT)(_|$)/.exec(venue_symbol.toUpperCase());
  if (named?.symbol === undefined || parts === null) return undefined;
  const perpetual = venue_symbol.startsWith('P');
  const precision = listed.contractValueTradePrecision;
  return {
    exchange: 'kraken',
    market: 'futures',
    symbol: named.symbol,
    venue_symbol,
    base: coinOf(listed.base ?? parts[1] ?? ''),
    quote: coinOf(listed.quote ?? parts[2] ?? ''),
    kind: perpetual ? 'perpetual' : 'dated',
    status: listed.isExpired ? 'settled' : listed.tradeable && !listed.postOnly ? 'trading' : 'halted',
    tick_size: positive(listed.tickSize ?? NaN),
    // Inverse contracts are traded whole, and their size in base units depends on the price.
    lot_size: named.inverse || precision === undefined ? null : step(precision),
    contract_size: positive(listed.contractSize ?? 1),
    inverse: named.inverse,
    funding_interval_hours: perpetual ? FUNDING_HOURS : null,
  };
}

function positive(value: number): number | null {
  return value > 0 && Number.isFinite(value) ? value : null;
}

/** 10^-decimals, as its decimal text reads. */
function step(decimals: number): number {
  return Number(`1e${-decimals}`);
}
