import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import { canonicalSymbol } from '../shared/symbols.ts';
import { isObject, parseJson } from '../shared/values.ts';

/** `instruments-info`. Read 2026-11-20: https://bybit-exchange.github.io/docs/v5/market/instrument */
const instrumentSchema = z.object({
  symbol: z.string().min(1),
  contractType: z.string().optional(),
  optionsType: z.string().optional(),
  status: z.string(),
  baseCoin: z.string(),
  quoteCoin: z.string(),
  fundingInterval: z.union([z.number(), z.string()]).optional(),
  priceFilter: z.object({ tickSize: z.string().optional() }).optional(),
  lotSizeFilter: z.object({ qtyStep: z.string().optional(), basePrecision: z.string().optional() }).optional(),
});

/** `fundingInterval` is in minutes; below an hour there is none. */
const SHORTEST_FUNDING_MINUTES = 60;

/** Adds a page of the instrument list. Options are left out. */
export function parseBybitInstruments(
  market: Market,
  body: string,
  before: readonly Instrument[] = [],
): readonly Instrument[] {
  const value = parseJson(body);
  const result = isObject(value) ? value['result'] : undefined;
  if (!isObject(result) || !Array.isArray(result['list'])) return before;
  const rows: readonly unknown[] = result['list'];
  return [...before, ...rows.flatMap((row) => instrumentOf(market, row) ?? [])];
}

function instrumentOf(market: Market, row: unknown): Instrument | undefined {
  const parsed = instrumentSchema.safeParse(row);
  if (!parsed.success || parsed.data.optionsType !== undefined) return undefined;
  const listed = parsed.data;
  const type = listed.contractType ?? '';
  if ((market === 'spot') !== (type === '')) return undefined;
  const minutes = Number(listed.fundingInterval ?? NaN);
  const perpetual = type.endsWith('Perpetual');
  return {
    exchange: 'bybit',
    market,
    symbol: canonicalSymbol(listed.symbol),
    venue_symbol: listed.symbol,
    base: listed.baseCoin,
    quote: listed.quoteCoin,
    kind: market === 'spot' ? 'spot' : perpetual ? 'perpetual' : 'dated',
    status: listed.status === 'Trading' ? 'trading' : settled(listed.status) ? 'settled' : 'halted',
    tick_size: positive(listed.priceFilter?.tickSize),
    lot_size: positive(listed.lotSizeFilter?.qtyStep ?? listed.lotSizeFilter?.basePrecision),
    contract_size: 1,
    inverse: type.startsWith('Inverse'),
    funding_interval_hours: perpetual && minutes >= SHORTEST_FUNDING_MINUTES ? minutes / 60 : null,
  };
}

function settled(status: string): boolean {
  return status === 'Closed' || status === 'Settling' || status === 'Delivering';
}

function positive(value: string | undefined): number | null {
  const number = Number(value);
  return number > 0 && Number.isFinite(number) ? number : null;
}
