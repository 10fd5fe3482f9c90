import type { Us } from '../../../kit/clock.ts';
import type { CandleInterval } from '../../domain/records.ts';
import type { NamedFacts } from '../shared/symbols.ts';
import { timeOf } from '../shared/values.ts';

/**
 * Names of the KuCoin wire: `{"type":"message","topic":"/market/match:BTC-USDT","subject":"trade.l3match","data":{…}}`.
 * Times are ms or ns. Documented there, not verified: https://www.kucoin.com/docs-new/websocket-api/base-info/introduction
 */

/** Code of REST answers that are not refusals. */
export const OK = '200000';

/**
 * Topics that are understood but not stored: single orders (level 3), and candles of futures, which tell their volume
 * as turnover in whatever unit (REST has them in contracts).
 */
export const UNSTORED_TOPICS: ReadonlySet<string> = new Set([
  '/spotMarket/level3',
  '/contractMarket/level3v2',
  '/contractMarket/candle',
  '/contractMarket/limitCandle',
  '/contract/announcement',
  '/callauction/callauctionData',
  '/indicator/index',
  '/indicator/markPrice',
]);

/** BTC of XBT; KuCoin futures alone write it so. */
function coinOf(name: string): string {
  return name === 'XBT' ? 'BTC' : name;
}

/** BTC-USDT is BTCUSDT, sized in base units. */
export function spotName(name: string): NamedFacts {
  return { inverse: false, contractSize: 1, symbol: name.replaceAll('-', '') };
}

/**
 * XBTUSDTM is BTCUSDT in contracts of a multiplier that only the instrument list tells; XBTUSDM is the inverse BTCUSD in
 * contracts of 1 USD, XBTMH26 its quarterly, BTCUSD_H26.
 */
export function futuresName(name: string): NamedFacts | undefined {
  const perpetual = /^([A-Z0-9]+?)(USDT|USDC|USD)M$/.exec(name);
  if (perpetual !== null) {
    const [, base = '', quote = ''] = perpetual;
    const inverse = quote === 'USD';
    return { inverse, contractSize: inverse ? 1 : null, symbol: `${coinOf(base)}${quote}` };
  }
  const dated = /^([A-Z0-9]+?)M([FGHJKMNQUVXZ]\d{2})$/.exec(name);
  if (dated === null) return undefined;
  return { inverse: true, contractSize: 1, symbol: `${coinOf(dated[1] ?? '')}USD_${dated[2] ?? ''}` };
}

/** A time in ms, or in ns as number or text, as UTC µs; NaN when it is none. */
export function timeAt(value: unknown): Us {
  const number = typeof value === 'string' && /^\d{1,20}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || number < 1e17) return timeOf(value);
  // Text keeps ns exact; as numbers they are known to 256 ns, and a quarter of a µs makes whole ms whole again.
  const us = typeof value === 'string' ? Number(value.slice(0, -3)) : Math.floor(number / 1000 + 0.25);
  return timeOf(us);
}

const INTERVALS: Readonly<Record<string, CandleInterval>> = {
  '1min': '1m',
  '3min': '3m',
  '5min': '5m',
  '15min': '15m',
  '30min': '30m',
  '1hour': '1h',
  '2hour': '2h',
  '4hour': '4h',
  '6hour': '6h',
  '8hour': '8h',
  '12hour': '12h',
  '1day': '1d',
  '1week': '1w',
  '1month': '1M',
};

/** Candle length as a topic names it. */
export function intervalOf(name: string): CandleInterval | undefined {
  return Object.hasOwn(INTERVALS, name) ? INTERVALS[name] : undefined;
}

/** Lengths of spot's candles by the venue's words, minutes. */
export const SPOT_BARS = {
  '1min': 1,
  '3min': 3,
  '5min': 5,
  '15min': 15,
  '30min': 30,
  '1hour': 60,
  '2hour': 120,
  '4hour': 240,
  '6hour': 360,
  '8hour': 480,
  '12hour': 720,
  '1day': 1440,
  '1week': 10_080,
} as const;
