import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import { isObject, parseJson } from '../shared/values.ts';
import { futuresName, spotName } from './wire.ts';

/** `symbols`. Documented there, not verified: https://www.kucoin.com/docs-new/rest/spot-trading/market-data/get-all-symbols */
const pairSchema = z.object({
  symbol: z.string().min(3),
  baseCurrency: z.string(),
  quoteCurrency: z.string(),
  baseIncrement: z.string(),
  priceIncrement: z.string(),
  enableTrading: z.boolean(),
});

/** `contracts/active`. Compared 2026-11, second-hand: https://www.kucoin.com/docs-new/rest/futures-trading/market-data/get-all-symbols */
const contractSchema = z.object({
  symbol: z.string().min(3),
  baseCurrency: z.string(),
  quoteCurrency: z.string(),
  lotSize: z.number(),
  tickSize: z.number(),
  multiplier: z.number(),
  isInverse: z.boolean(),
  status: z.string(),
  expireDate: z.number().nullish(),
  fundingRateGranularity: z.number().nullish(),
});

export function parseSpotInstruments(body: string, before: readonly Instrument[] = []): readonly Instrument[] {
  return [...before, ...rowsOf(body).flatMap((row) => spotInstrument(row) ?? [])];
}

export function parseFuturesInstruments(body: string, before: readonly Instrument[] = []): readonly Instrument[] {
  return [...before, ...rowsOf(body).flatMap((row) => futuresInstrument(row) ?? [])];
}

function rowsOf(body: string): readonly unknown[] {
  const value = parseJson(body);
  const data = isObject(value) ? value['data'] : undefined;
  return Array.isArray(data) ? data : isObject(data) ? [data] : [];
}

function spotInstrument(row: unknown): Instrument | undefined {
  const parsed = pairSchema.safeParse(row);
  if (!parsed.success) return undefined;
  const { symbol, baseCurrency, quoteCurrency, baseIncrement, priceIncrement, enableTrading } = parsed.data;
  return {
    exchange: 'kucoin',
    market: 'spot',
    symbol: spotName(symbol.toUpperCase()).symbol ?? symbol,
    venue_symbol: symbol,
    base: baseCurrency,
    quote: quoteCurrency,
    kind: 'spot',
    status: enableTrading ? 'trading' : 'halted',
    tick_size: positive(Number(priceIncrement)),
    lot_size: positive(Number(baseIncrement)),
    contract_size: 1,
    inverse: false,
    funding_interval_hours: null,
  };
}

const HOUR_MS = 3_600_000;
/** The others are Init, Paused and CancelOnly. */
const ENDED: ReadonlySet<string> = new Set(['BeingSettled', 'Settled', 'Closed']);

function futuresInstrument(row: unknown): Instrument | undefined {
  const parsed = contractSchema.safeParse(row);
  if (!parsed.success) return undefined;
  const listed = parsed.data;
  const named = futuresName(listed.symbol);
  if (named?.symbol === undefined) return undefined;
  // Inverse contracts have a multiplier of −1: 1 USD each.
  const size = positive(Math.abs(listed.multiplier));
  const dated = listed.expireDate !== null && listed.expireDate !== undefined;
  const granularity = listed.fundingRateGranularity ?? null;
  return {
    exchange: 'kucoin',
    market: 'futures',
    symbol: named.symbol,
    venue_symbol: listed.symbol,
    base: listed.baseCurrency === 'XBT' ? 'BTC' : listed.baseCurrency,
    quote: listed.quoteCurrency,
    kind: dated ? 'dated' : 'perpetual',
    status: listed.status === 'Open' ? 'trading' : ENDED.has(listed.status) ? 'settled' : 'halted',
    tick_size: positive(listed.tickSize),
    lot_size: listed.isInverse || size === null ? null : positive(Number((listed.lotSize * size).toPrecision(12))),
    contract_size: size,
    inverse: listed.isInverse,
    funding_interval_hours: dated || granularity === null ? null : granularity / HOUR_MS,
  };
}

function positive(value: number): number | null {
  return value > 0 && Number.isFinite(value) ? value : null;
}
