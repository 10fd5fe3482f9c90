import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import { isObject, parseJson } from '../shared/values.ts';
import { EXCHANGE, FUNDING_HOURS, namedFacts } from './wire.ts';

const MOST_DECIMALS = 12;

const assetSchema = z.object({
  name: z.string().min(1).max(20),
  szDecimals: z.number().int().min(0).max(MOST_DECIMALS),
  isDelisted: z.boolean().nullish(),
});

/**
 * The perpetuals of `meta`. Prices have at most five significant digits, so the price step depends on the price and is
 * not told. Contracts of other builders (`dex:NAME`) are left out.
 */
export function parseHyperliquidInstruments(body: string, before: readonly Instrument[] = []): readonly Instrument[] {
  const value = parseJson(body);
  const meta: unknown = Array.isArray(value) ? value[0] : value;
  const universe = isObject(meta) ? meta['universe'] : undefined;
  if (!Array.isArray(universe)) return before;
  return [...before, ...(universe as readonly unknown[]).flatMap((row) => instrumentOf(row) ?? [])];
}

function instrumentOf(row: unknown): Instrument | undefined {
  const parsed = assetSchema.safeParse(row);
  if (!parsed.success || /[:/@]/.test(parsed.data.name)) return undefined;
  const { name, szDecimals, isDelisted } = parsed.data;
  return {
    exchange: EXCHANGE,
    market: 'futures',
    symbol: namedFacts(name.toUpperCase()).symbol ?? name,
    venue_symbol: name,
    base: name,
    quote: 'USDC',
    kind: 'perpetual',
    status: isDelisted === true ? 'settled' : 'trading',
    tick_size: null,
    lot_size: Number((10 ** -szDecimals).toFixed(MOST_DECIMALS)),
    contract_size: 1,
    inverse: false,
    funding_interval_hours: FUNDING_HOURS,
  };
}
