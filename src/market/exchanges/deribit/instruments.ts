import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import { canonicalSymbol } from '../shared/symbols.ts';
import { isObject, parseJson } from '../shared/values.ts';
import { EXCHANGE, FUNDING_HOURS } from './wire.ts';

const instrumentSchema = z.object({
  instrument_name: z.string().min(1).max(40),
  kind: z.enum(['future', 'option']),
  is_active: z.boolean(),
  base_currency: z.string(),
  quote_currency: z.string(),
  instrument_type: z.string().optional(),
  settlement_period: z.string().optional(),
  tick_size: z.number().positive(),
  min_trade_amount: z.number().positive(),
});

/** The contracts of `get_instruments`; combinations are left out. */
export function parseDeribitInstruments(
  market: Market,
  body: string,
  before: readonly Instrument[] = [],
): readonly Instrument[] {
  const value = parseJson(body);
  const rows = isObject(value) ? value['result'] : undefined;
  if (!Array.isArray(rows)) return before;
  return [...before, ...(rows as readonly unknown[]).flatMap((row) => instrumentOf(market, row) ?? [])];
}

function instrumentOf(market: Market, row: unknown): Instrument | undefined {
  const parsed = instrumentSchema.safeParse(row);
  if (!parsed.success || (parsed.data.kind === 'option') !== (market === 'options')) return undefined;
  const listed = parsed.data;
  const perpetual = listed.settlement_period === 'perpetual';
  // Amounts of inverse futures are USD, whatever the contract; those of all others are base units.
  const inverse = listed.kind === 'future' && (listed.instrument_type ?? 'reversed') === 'reversed';
  return {
    exchange: EXCHANGE,
    market,
    symbol: canonicalSymbol(listed.instrument_name),
    venue_symbol: listed.instrument_name,
    base: listed.base_currency,
    quote: listed.quote_currency,
    kind: market === 'options' ? 'option' : perpetual ? 'perpetual' : 'dated',
    status: listed.is_active ? 'trading' : 'settled',
    tick_size: listed.tick_size,
    lot_size: inverse ? null : listed.min_trade_amount,
    contract_size: 1,
    inverse,
    funding_interval_hours: perpetual ? FUNDING_HOURS : null,
  };
}
