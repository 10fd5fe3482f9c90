import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import { canonicalSymbol } from '../shared/symbols.ts';
import { isObject, parseJson } from '../shared/values.ts';

/**
 * `exchangeInfo` of both markets, and `fundingInfo` of futures, which lists only contracts whose interval or caps were
 * changed: the others pay every 8 h. Statuses that are not named here (BREAK, CANCEL_ONLY, TRADING_HALT …) are halts. Read
 * 2026-11-20:
 * https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Exchange-Information
 * https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Get-Funding-Info
 */
const DEFAULT_FUNDING_HOURS = 8;

const symbolSchema = z.object({
  symbol: z.string().min(1),
  status: z.string().optional(),
  contractStatus: z.string().optional(),
  contractType: z.string().optional(),
  contractSize: z.number().optional(),
  baseAsset: z.string(),
  quoteAsset: z.string(),
  filters: z.array(z.looseObject({ filterType: z.string() })).default([]),
});

const fundingSchema = z.object({ symbol: z.string(), fundingIntervalHours: z.number().positive() });

/** Adds a body to the list: `exchangeInfo` gives instruments, `fundingInfo` the funding intervals of those held. */
export function parseBinanceInstruments(
  market: Market,
  body: string,
  before: readonly Instrument[] = [],
): readonly Instrument[] {
  const value = parseJson(body);
  if (Array.isArray(value)) return withFunding(before, value);
  if (!isObject(value) || !Array.isArray(value['symbols'])) return before;
  const rows: readonly unknown[] = value['symbols'];
  return [...before, ...rows.flatMap((row) => instrumentOf(market, row) ?? [])];
}

function instrumentOf(market: Market, row: unknown): Instrument | undefined {
  const parsed = symbolSchema.safeParse(row);
  if (!parsed.success) return undefined;
  const listed = parsed.data;
  const kind = kindOf(market, listed.contractType, listed.symbol);
  if (kind === undefined) return undefined;
  const inverse = listed.contractSize !== undefined && listed.quoteAsset === 'USD';
  return {
    exchange: 'binance',
    market,
    symbol: canonicalSymbol(listed.symbol),
    venue_symbol: listed.symbol,
    base: listed.baseAsset,
    quote: listed.quoteAsset,
    kind,
    status: statusOf(listed.status ?? listed.contractStatus),
    tick_size: filterValue(listed.filters, 'PRICE_FILTER', 'tickSize'),
    lot_size: filterValue(listed.filters, 'LOT_SIZE', 'stepSize'),
    contract_size: listed.contractSize ?? 1,
    inverse,
    funding_interval_hours: null,
  };
}

function kindOf(market: Market, contractType: string | undefined, symbol: string): Instrument['kind'] | undefined {
  if (market === 'spot') return contractType === undefined ? 'spot' : undefined;
  if (/_\d{6}$/.test(symbol)) return 'dated';
  return contractType?.endsWith('PERPETUAL') === true || contractType === 'PERPETUAL_DELIVERING'
    ? 'perpetual'
    : undefined;
}

function statusOf(status: string | undefined): Instrument['status'] {
  if (status === 'TRADING') return 'trading';
  return status === 'SETTLING' || status === 'CLOSE' || status === 'DELIVERED' || status === 'DELIVERING'
    ? 'settled'
    : 'halted';
}

function filterValue(
  filters: readonly Readonly<Record<string, unknown>>[],
  type: string,
  field: string,
): number | null {
  const value = Number(filters.find((filter) => filter['filterType'] === type)?.[field]);
  return value > 0 && Number.isFinite(value) ? value : null;
}

function withFunding(before: readonly Instrument[], rows: readonly unknown[]): readonly Instrument[] {
  const hours = new Map<string, number>();
  for (const row of rows) {
    const parsed = fundingSchema.safeParse(row);
    if (parsed.success) hours.set(parsed.data.symbol, parsed.data.fundingIntervalHours);
  }
  return before.map((instrument) =>
    instrument.kind === 'perpetual'
      ? { ...instrument, funding_interval_hours: hours.get(instrument.venue_symbol) ?? DEFAULT_FUNDING_HOURS }
      : instrument,
  );
}
