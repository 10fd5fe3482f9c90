import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import type { Market } from '../../domain/records.ts';
import { decimalProduct } from '../shared/values.ts';
import { rowsOf } from './rest-rows.ts';
import { EXCHANGE, namedFacts } from './wire.ts';

const decimal = z.union([z.string(), z.number()]);

/**
 * `futures/usdt/contracts`. `status` is prelaunch, trading, delisting (positions may only be reduced), delisted or
 * circuit_breaker; in older lists `in_delisting` without positions means delisted. Compared 2026-11:
 * https://www.gate.com/docs/developers/apiv4/en/#list-all-futures-contracts
 */
const contractSchema = z.object({
  name: z.string().min(1),
  type: z.string().default('direct'),
  quanto_multiplier: decimal,
  order_price_round: decimal,
  order_size_min: decimal.default(1),
  funding_interval: z.number().optional(),
  in_delisting: z.boolean().default(false),
  position_size: decimal.optional(),
  status: z.string().default('trading'),
});

/** `spot/currency_pairs`. Documented there, not verified: https://www.gate.com/docs/developers/apiv4/en/#list-all-currency-pairs-supported */
const pairSchema = z.object({
  id: z.string().min(1),
  base: z.string(),
  quote: z.string(),
  amount_precision: z.number().int().min(0).max(30),
  precision: z.number().int().min(0).max(30),
  trade_status: z.string(),
});

/** Adds a page of the list. */
export function parseGateInstruments(
  market: Market,
  body: string,
  before: readonly Instrument[] = [],
): readonly Instrument[] {
  const rows = rowsOf(body) ?? [];
  return [...before, ...rows.flatMap((row) => (market === 'spot' ? pairOf(row) : contractOf(row)) ?? [])];
}

/** Sizes are contracts of `quanto_multiplier` base coins; BTC_USD, which is settled in coins, of 1 USD. */
function contractOf(row: unknown): Instrument | undefined {
  const parsed = contractSchema.safeParse(row);
  if (!parsed.success) return undefined;
  const { name, type, funding_interval: seconds } = parsed.data;
  const [base = '', quote = ''] = name.split('_');
  const inverse = type === 'inverse' && quote === 'USD' && base === 'BTC';
  const contract = inverse ? 1 : positive(parsed.data.quanto_multiplier);
  const least = positive(parsed.data.order_size_min) ?? 1;
  return {
    exchange: EXCHANGE,
    market: 'futures',
    symbol: namedFacts('futures')(name)?.symbol ?? name,
    venue_symbol: name,
    base,
    quote,
    kind: 'perpetual',
    status: statusOf(parsed.data),
    tick_size: positive(parsed.data.order_price_round),
    lot_size: contract === null || inverse ? null : decimalProduct(least, contract),
    contract_size: contract,
    inverse,
    funding_interval_hours: seconds === undefined || seconds <= 0 ? null : seconds / 3600,
  };
}

/** While positions are reduced orders meet, if fewer. */
function statusOf(listed: z.output<typeof contractSchema>): Instrument['status'] {
  const { status, in_delisting: delisting, position_size: held } = listed;
  if (status === 'delisted' || (delisting && held !== undefined && Number(held) === 0)) return 'settled';
  return status === 'trading' || status === 'delisting' ? 'trading' : 'halted';
}

function pairOf(row: unknown): Instrument | undefined {
  const parsed = pairSchema.safeParse(row);
  if (!parsed.success) return undefined;
  const { id, base, quote, amount_precision: amount, precision, trade_status: status } = parsed.data;
  return {
    exchange: EXCHANGE,
    market: 'spot',
    symbol: namedFacts('spot')(id)?.symbol ?? id,
    venue_symbol: id,
    base,
    quote,
    kind: 'spot',
    // Pairs that can only be bought, or only be sold, have trades as well.
    status: status === 'untradable' ? 'halted' : 'trading',
    tick_size: Number(`1e-${precision}`),
    lot_size: Number(`1e-${amount}`),
    contract_size: 1,
    inverse: false,
    funding_interval_hours: null,
  };
}

function positive(value: string | number): number | null {
  const number = Number(value);
  return number > 0 && Number.isFinite(number) ? number : null;
}
