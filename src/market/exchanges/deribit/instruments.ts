import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import { msToUs, type Market } from '../../domain/records.ts';
import { canonicalSymbol } from '../shared/symbols.ts';
import { isObject, parseJson, priceOf } from '../shared/values.ts';
import type { ExpiringContracts, RestTarget } from '../contract.ts';
import { EXCHANGE, FUNDING_HOURS } from './wire.ts';

/** Options settled in the coin itself, which are most of them; in USDC where the coin has no others. */
export const OPTIONS_OF: ExpiringContracts = {
  on(symbol, listed) {
    const base = coinOf(symbol);
    const options = listed.filter((i) => i.kind === 'option' && i.base === base);
    const own = options.filter((i) => i.quote === base);
    return own.length > 0 ? own : options.filter((i) => i.quote === 'USDC');
  },
  price: {
    request: indexRequest,
    read(body) {
      const answer = parseJson(body);
      const result = isObject(answer) && isObject(answer['result']) ? answer['result'] : {};
      const price = priceOf(result['index_price']);
      return Number.isNaN(price) ? undefined : price;
    },
  },
};

/** Futures with a date, which are inverse; those against another coin are left out. */
export const DATED_OF: ExpiringContracts = {
  on(symbol, listed) {
    const base = coinOf(symbol);
    return listed.filter((i) => i.kind === 'dated' && i.base === base && i.quote === 'USD');
  },
};

/** BTC of BTCUSDT, BTCUSDC and BTCUSD. */
function coinOf(symbol: string): string {
  return symbol.replace(/USD[TC]?$/, '');
}

/** `btc_usd` of BTC-27JUN25-100000-C, `sol_usdc` of SOL_USDC-27JUN25-180-C. */
function indexRequest({ base, quote }: Instrument): RestTarget {
  const name = `${base}_${quote === base ? 'usd' : quote}`.toLowerCase();
  return { address: 'rest', path: `/api/v2/public/get_index_price?index_name=${name}`, weight: 1 };
}

const instrumentSchema = z.object({
  instrument_name: z.string().min(1).max(40),
  kind: z.enum(['future', 'option']),
  is_active: z.boolean(),
  state: z.string().optional(),
  base_currency: z.string(),
  quote_currency: z.string(),
  instrument_type: z.string().optional(),
  settlement_period: z.string().optional(),
  tick_size: z.number().positive(),
  settlement_currency: z.string().optional(),
  expiration_timestamp: z.number().positive().optional(),
  option_type: z.enum(['call', 'put']).optional(),
  strike: z.number().positive().optional(),
  min_trade_amount: z.number().positive(),
});

/** States of a book that will not be opened any more, and of one that is closed for now. */
const ENDED: ReadonlySet<string> = new Set(['delivered', 'archivized', 'closed']);
const HALTED: ReadonlySet<string> = new Set(['inactive', 'locked', 'halted', 'settlement']);

/** Lists tell whether a contract is active, and where they tell the state of its book too, that says more. */
function statusOf(active: boolean, state: string | undefined): Instrument['status'] {
  if (state !== undefined && ENDED.has(state)) return 'settled';
  if (state !== undefined && HALTED.has(state)) return 'halted';
  return active ? 'trading' : 'settled';
}

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
    status: statusOf(listed.is_active, listed.state),
    tick_size: listed.tick_size,
    lot_size: inverse ? null : listed.min_trade_amount,
    contract_size: 1,
    inverse,
    funding_interval_hours: perpetual ? FUNDING_HOURS : null,
    ...(perpetual || listed.expiration_timestamp === undefined
      ? {}
      : { expiry_time: msToUs(listed.expiration_timestamp) }),
    ...(listed.option_type === undefined ? {} : { option_type: listed.option_type }),
    ...(listed.strike === undefined ? {} : { strike_price: listed.strike }),
    ...(listed.settlement_currency === undefined ? {} : { settlement_currency: listed.settlement_currency }),
  };
}
