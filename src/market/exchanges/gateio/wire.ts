import type { Us } from '../../../kit/clock.ts';
import type { CandleInterval, Market } from '../../domain/records.ts';
import type { NamedFacts } from '../shared/symbols.ts';
import { numberOf, timeOf } from '../shared/values.ts';

/**
 * Names of the Gate.io v4 wire: `{"time":…,"channel":"futures.trades","event":"update","result":[…]}`. Documented there, not verified:
 * https://www.gate.com/docs/developers/futures/ws/en/ and https://www.gate.com/docs/developers/apiv4/ws/en/
 */

export const EXCHANGE = 'gateio';

/** Channels (after the market's name) that are understood but not stored. */
export const UNSTORED_CHANNELS: ReadonlySet<string> = new Set([
  'auto_deleverages',
  'autoorders',
  'balances',
  'contract_info',
  'contract_stats',
  'cross_balances',
  'cross_loan',
  'funding_balances',
  'liquidates',
  'margin_balances',
  'orders',
  'ping',
  'pong',
  'position_closes',
  'positions',
  'reduce_risk_limits',
  'usertrades',
]);

const INTERVALS: Readonly<Record<string, CandleInterval>> = {
  '1s': '1s',
  '1m': '1m',
  '3m': '3m',
  '5m': '5m',
  '15m': '15m',
  '30m': '30m',
  '1h': '1h',
  '2h': '2h',
  '4h': '4h',
  '6h': '6h',
  '8h': '8h',
  '12h': '12h',
  '1d': '1d',
  '7d': '1w',
};

/** `1m_BTC_USDT` as length and symbol; undefined when it is no such name, the length too where we have none. */
export function candleName(
  name: unknown,
): { readonly interval: CandleInterval | undefined; readonly symbol: string } | undefined {
  const match = typeof name === 'string' ? /^(\d+[smhd])_(.+)$/.exec(name) : null;
  if (match === null) return undefined;
  const [, length = '', symbol = ''] = match;
  return { interval: Object.hasOwn(INTERVALS, length) ? INTERVALS[length] : undefined, symbol };
}

/**
 * What a name tells: BTC_USDT is BTCUSDT, in futures in contracts of a size that only the list has; BTC_USD is BTCUSD in
 * contracts of 1 USD; BTC_USDT_20260327 keeps its date.
 */
export function namedFacts(market: Market): (venueSymbol: string) => NamedFacts | undefined {
  return (venueSymbol) => {
    const [base, quote, ...tail] = venueSymbol.split('_');
    if (base === undefined || quote === undefined) return undefined;
    const symbol = [`${base}${quote}`, ...tail].join('_');
    if (market === 'spot') return { symbol, inverse: false, contractSize: 1 };
    return quote === 'USD' && base === 'BTC'
      ? { symbol, inverse: true, contractSize: 1 }
      : { symbol, inverse: false, contractSize: null };
  };
}

/** Below this a number is seconds, from it on ms: seconds of the year 5138. */
const MILLISECONDS_FROM = 1e11;

/**
 * A time of the venue, which writes seconds, ms, and either with fractions, as number or text; UTC µs, NaN when it is
 * none.
 */
export function gateTime(value: unknown): Us {
  const time = numberOf(value);
  if (!(time > 0)) return NaN;
  const ms = time < MILLISECONDS_FROM ? time * 1000 : time;
  // A µs more or less of binary noise; whole ms are exact.
  return timeOf(Math.floor(Math.round(ms * 10_000) / 10));
}
