import type { CandleInterval, Market } from '../../domain/records.ts';
import { expiryOfDate, type OptionTerms } from '../shared/expiry-names.ts';
import { canonicalSymbol, type NamedFacts } from '../shared/symbols.ts';

/**
 * Names of the OKX v5 wire: `{"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[…]}`. Compared 2026-11 where collected:
 * https://www.okx.com/docs-v5/en/#overview-websocket
 * https://www.okx.com/docs-v5/en/#public-data-websocket and #order-book-trading-market-data
 */

export const EXCHANGE = 'okx';

/** Channels that are understood but not stored. */
export const UNSTORED_CHANNELS: ReadonlySet<string> = new Set([
  'adl-warning',
  'call-auction-details',
  'economic-calendar',
  'estimated-price',
  'instruments',
  'price-limit',
  'public-block-trades',
  'public-struc-block-trades',
  'block-tickers',
  'status',
]);

/** Channels whose name goes on with a bar length, of other things than trades. */
export const OTHER_CANDLES = /^(?:mark-price-candle|index-candle|sprd-candle)/;

const INTERVALS: Readonly<Record<string, CandleInterval>> = {
  '1s': '1s',
  '1m': '1m',
  '3m': '3m',
  '5m': '5m',
  '15m': '15m',
  '30m': '30m',
  '1H': '1h',
  '2H': '2h',
  '4H': '4h',
  '6H': '6h',
  '12H': '12h',
  '1D': '1d',
  '3D': '3d',
  '1W': '1w',
  '1M': '1M',
  '6Hutc': '6h',
  '12Hutc': '12h',
  '1Dutc': '1d',
  '3Dutc': '3d',
  '1Wutc': '1w',
  '1Mutc': '1M',
};

/** The candle length of a channel `candle1m`; undefined when it is none. */
export function intervalOf(channel: string): CandleInterval | undefined {
  const name = channel.startsWith('candle') ? channel.slice('candle'.length) : '';
  return Object.hasOwn(INTERVALS, name) ? INTERVALS[name] : undefined;
}

const OPTION = /^[A-Z0-9]+-[A-Z0-9_]+-(\d{6})-(\d+(?:\.\d+)?)-([CP])$/;

/** BTC-USD-220624-50000-C: options have a market of their own. */
export function isOption(instId: unknown): boolean {
  return typeof instId === 'string' && /-\d{6}-[\d.]+-[CP]$/.test(instId);
}

/** What an option's name says; options are settled at 8:00 UTC of their day. */
export function optionTerms(instId: string): OptionTerms | undefined {
  const [, day = '', strike = '', type] = OPTION.exec(instId) ?? [];
  const expiry = expiryOfDate(day);
  return expiry === undefined ? undefined : { type: type === 'C' ? 'call' : 'put', strike: Number(strike), expiry };
}

/** Whether an instrument, where a message names one, belongs to the market. */
export function belongsTo(market: Market, instId: unknown): boolean {
  return typeof instId !== 'string' || isOption(instId) === (market === 'options');
}

/**
 * What an instrument id tells: BTC-USDT-SWAP is BTCUSDT in contracts of a size that only the list has; BTC-USD-SWAP is
 * BTCUSD in contracts of 100 USD, all others of 10; BTC-USDT-260327 keeps its date. Contracts of options are so many
 * base units as the list says (it was 0.1 BTC, then 0.01).
 */
export function namedFacts(market: Market): (instId: string) => NamedFacts | undefined {
  return (instId) => {
    if (isSpread(instId)) return spreadFacts(instId);
    if (market === 'options') return { symbol: canonicalSymbol(instId), inverse: false, contractSize: null };
    const [base, quote, tail] = instId.split('-');
    if (base === undefined || quote === undefined) return undefined;
    if (market === 'spot') return { symbol: `${base}${quote}`, inverse: false, contractSize: 1 };
    const symbol = tail === undefined || tail === 'SWAP' ? `${base}${quote}` : `${base}${quote}_${tail}`;
    if (quote !== 'USD') return { symbol, inverse: false, contractSize: null };
    return { symbol, inverse: true, contractSize: base === 'BTC' ? 100 : 10 };
  };
}

/** BTC-USD-SWAP_BTC-USD-240329: two legs that are traded at the difference of their prices. */
export function isSpread(id: unknown): boolean {
  return typeof id === 'string' && /^[A-Z0-9]+-[A-Z0-9]+(?:-\w+)?_[A-Z0-9]+-[A-Z0-9]+(?:-\w+)?$/.test(id);
}

/** Sizes are coins where the legs are in USDT or USDC, else USD, which the price of a difference does not convert. */
function spreadFacts(sprdId: string): NamedFacts {
  const inUsd = sprdId.split('_').some((leg) => leg.split('-')[1] === 'USD');
  return { symbol: canonicalSymbol(sprdId), inverse: false, contractSize: inUsd ? null : 1, signed: true };
}

/** What the venue calls the kind of a derivative: BTC-USDT-SWAP, BTC-USDT-260327, BTC-USD-260327-90000-C. */
export function kindOf(instId: string): 'SWAP' | 'FUTURES' | 'OPTION' {
  if (isOption(instId)) return 'OPTION';
  return /-\d{6}$/.test(instId) ? 'FUTURES' : 'SWAP';
}

/** The index of a derivative: BTC-USDT for BTC-USDT-SWAP, BTC-USD for BTC-USD_UM_XPERP-310404 and for options. */
export function indexOf(instId: string): string {
  const [base = '', quote = ''] = instId.split('-');
  return `${base}-${quote.split('_', 1)[0] ?? ''}`;
}
