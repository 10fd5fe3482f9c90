import { z } from 'zod';
import type { Instrument } from '../../domain/instrument.ts';
import { msToUs, type Market } from '../../domain/records.ts';
import type { ExpiringContracts } from '../contract.ts';
import { withQuery } from '../shared/query.ts';
import { decimalProduct, isObject, priceOf, type WireObject } from '../shared/values.ts';
import { fundingHours } from './normalise.ts';
import { dataOf } from './rest-rows.ts';
import { EXCHANGE, indexOf, namedFacts } from './wire.ts';

/** Futures with a date in the quote that is asked for; those in USD, which are inverse, where the coin has no others. */
export const DATED_OF: ExpiringContracts = {
  on(symbol, listed) {
    const [, base, quote] = /^(.+?)(USD[TC]?)$/.exec(symbol) ?? [];
    const dated = listed.filter((i) => i.kind === 'dated' && i.base === base);
    const own = dated.filter((i) => i.quote === quote);
    return own.length > 0 ? own : dated.filter((i) => i.quote === 'USD');
  },
};

/** Options of a coin: those settled in it where there are such. Families are named as their index. */
export const OPTIONS_OF: ExpiringContracts = {
  on(symbol, listed) {
    const base = symbol.replace(/USD[TC]?$/, '');
    const options = listed.filter((i) => i.kind === 'option' && i.base === base);
    const own = options.filter((i) => i.quote === base);
    return own.length > 0 ? own : options;
  },
  price: {
    request: ({ venue_symbol: name }) => ({
      address: 'rest',
      path: withQuery('/api/v5/market/index-tickers', { instId: indexOf(name) }),
      weight: 2,
    }),
    read(body) {
      const row = dataOf(body)?.[0];
      const price = isObject(row) ? priceOf(row['idxPx']) : NaN;
      return Number.isNaN(price) ? undefined : price;
    },
  },
};

/** `public/instruments`. Compared 2026-11: https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments */
const instrumentSchema = z.object({
  instId: z.string().min(1),
  instType: z.enum(['SPOT', 'SWAP', 'FUTURES', 'OPTION']),
  baseCcy: z.string().default(''),
  quoteCcy: z.string().default(''),
  ctType: z.string().default(''),
  ctVal: z.string().default(''),
  ctMult: z.string().default(''),
  tickSz: z.string().default(''),
  lotSz: z.string().default(''),
  expTime: z.string().default(''),
  settleCcy: z.string().default(''),
  optType: z.string().default(''),
  stk: z.string().default(''),
  state: z.string(),
});

/**
 * Adds a page: instruments of one kind, or the funding rates of all swaps, whose next two payments tell the interval. `ctVal` counts
 * base coins in linear contracts and options, USD in inverse ones. An option is quoted in what it is settled in.
 */
export function parseOkxInstruments(
  market: Market,
  body: string,
  before: readonly Instrument[] = [],
): readonly Instrument[] {
  const rows = dataOf(body);
  if (rows === undefined) return before;
  const intervals = new Map<string, number>();
  for (const row of rows) {
    const hours = isObject(row) && row['fundingRate'] !== undefined ? fundingHours(row) : null;
    if (hours !== null && isObject(row)) intervals.set(String(row['instId']), hours);
  }
  const known = before.map((instrument) => {
    const hours = intervals.get(instrument.venue_symbol);
    return hours === undefined ? instrument : { ...instrument, funding_interval_hours: hours };
  });
  return [...known, ...rows.flatMap((row) => (isObject(row) ? (instrumentOf(market, row) ?? []) : []))];
}

function instrumentOf(market: Market, row: WireObject): Instrument | undefined {
  const parsed = instrumentSchema.safeParse(row);
  if (!parsed.success || marketOf(parsed.data.instType) !== market) return undefined;
  const { instId, instType, ctType, ctVal, ctMult, tickSz, lotSz, expTime, state } = parsed.data;
  const [base = '', quote = ''] = instId.split('-');
  const value = positive(ctVal);
  const contract = market === 'spot' ? 1 : value === null ? null : decimalProduct(value, positive(ctMult) ?? 1);
  const lot = positive(lotSz);
  const inverse = ctType === 'inverse';
  const expiry = instType === 'FUTURES' || instType === 'OPTION' ? positive(expTime) : null;
  return {
    exchange: EXCHANGE,
    market,
    symbol: namedFacts(market)(instId)?.symbol ?? instId,
    venue_symbol: instId,
    base: parsed.data.baseCcy || base,
    quote: (instType === 'OPTION' ? parsed.data.settleCcy : parsed.data.quoteCcy) || quote,
    kind: KINDS[instType],
    status: state === 'live' ? 'trading' : state === 'expired' ? 'settled' : 'halted',
    tick_size: positive(tickSz),
    // The step of inverse contracts is worth another quantity at each price.
    lot_size: lot === null || contract === null || inverse ? null : decimalProduct(lot, contract),
    contract_size: contract,
    inverse,
    funding_interval_hours: null,
    ...(expiry === null ? {} : { expiry_time: msToUs(expiry) }),
    ...(instType === 'OPTION' ? optionFields(parsed.data) : {}),
  };
}

const KINDS = { SPOT: 'spot', SWAP: 'perpetual', FUTURES: 'dated', OPTION: 'option' } as const;

function marketOf(instType: keyof typeof KINDS): Market {
  if (instType === 'SPOT') return 'spot';
  return instType === 'OPTION' ? 'options' : 'futures';
}

function optionFields({ optType, stk, settleCcy }: z.output<typeof instrumentSchema>): Partial<Instrument> {
  const strike = positive(stk);
  return {
    ...(optType === 'C' || optType === 'P' ? { option_type: optType === 'C' ? 'call' : 'put' } : {}),
    ...(strike === null ? {} : { strike_price: strike }),
    ...(settleCcy === '' ? {} : { settlement_currency: settleCcy }),
  };
}

function positive(text: string): number | null {
  const number = Number(text);
  return number > 0 && Number.isFinite(number) ? number : null;
}
