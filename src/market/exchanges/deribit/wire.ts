import type { CandleInterval, Market } from '../../domain/records.ts';
import { expiryOf, type OptionTerms } from '../shared/expiry-names.ts';
import { canonicalSymbol, type NamedFacts } from '../shared/symbols.ts';

/**
 * Names of the Deribit wire, JSON-RPC over WebSocket: `{"method":"subscription","params":{"channel":"trades.BTC-PERPETUAL.100ms",
 * "data":[…]}}`. Page: https://docs.deribit.com (subscriptions,
 * market data); checked against recorded frames, the page itself was not read anew
 */
export const EXCHANGE = 'deribit';

/** Funding of perpetuals accrues all the time; its rate is per 8 hours. */
export const FUNDING_HOURS = 8;

const OPTION = /^(?:[A-Z0-9]+_)?[A-Z0-9]+-(\d{1,2}[A-Z]{3}\d{2})-(\d+(?:D\d+)?)-([CP])$/;
const INVERSE = /^[A-Z0-9]+-(?:PERPETUAL|\d{1,2}[A-Z]{3}\d{2})$/;
/** BTC-FS-30SEP22_PERP, BTC-STRD-30SEP22-20000: combinations of contracts, whose prices may be negative. */
const COMBO = /^[A-Z0-9_]+-[A-Z]+\d*-/;
/** Those of futures alone; all others are of options. */
const FUTURES_COMBO = /^([A-Z0-9]+)(_[A-Z0-9]+)?-FS-/;

export function isCombo(name: unknown): boolean {
  return typeof name === 'string' && COMBO.test(name.toUpperCase());
}

export function isOption(name: unknown): boolean {
  return typeof name === 'string' && OPTION.test(name.toUpperCase());
}

/** What an option's name says: BTC-5JUN20-9250-C, XRP_USDC-9MAR24-1d02-P (`d` stands for the point). */
export function optionTerms(name: string): OptionTerms | undefined {
  const [, day = '', strike = '', type] = OPTION.exec(name.toUpperCase()) ?? [];
  const expiry = expiryOf(day);
  if (expiry === undefined) return undefined;
  return { type: type === 'C' ? 'call' : 'put', strike: Number(strike.replace('D', '.')), expiry };
}

/** Whether a contract belongs to the market: combinations to that of their legs. */
export function belongsTo(market: Market, name: unknown): boolean {
  const ofOptions = isCombo(name) ? !FUTURES_COMBO.test(String(name).toUpperCase()) : isOption(name);
  return ofOptions === (market === 'options');
}

/**
 * Amounts of inverse contracts (BTC-PERPETUAL, BTC-27DEC24) are USD; those of linear ones (BTC_USDC-PERPETUAL) and of
 * options are base units. Amounts of a combination are those of its legs; what a USD amount of two futures is in base
 * units, the price of their difference does not tell.
 */
export function namedFacts(name: string): NamedFacts {
  if (isCombo(name)) {
    const [, coin, quote] = FUTURES_COMBO.exec(name) ?? [];
    const inUsd = coin !== undefined && quote === undefined;
    return { inverse: false, contractSize: inUsd ? null : 1, symbol: canonicalSymbol(name), signed: true };
  }
  const inverse = INVERSE.test(name);
  const perpetual = name.endsWith('-PERPETUAL');
  return {
    inverse,
    contractSize: 1,
    symbol: canonicalSymbol(name),
    fundingIntervalHours: perpetual ? FUNDING_HOURS : null,
  };
}

const INTERVALS: Readonly<Record<string, CandleInterval>> = {
  '1': '1m',
  '3': '3m',
  '5': '5m',
  '15': '15m',
  '30': '30m',
  '60': '1h',
  '120': '2h',
  '360': '6h',
  '720': '12h',
  '1D': '1d',
};

/** The candle length of a chart's resolution; undefined for 10 and 180 minutes, which no record has. */
export function intervalOf(resolution: string): CandleInterval | undefined {
  return Object.hasOwn(INTERVALS, resolution) ? INTERVALS[resolution] : undefined;
}
