import type { CandleInterval, Market } from '../../domain/records.ts';

/**
 * Names of the Bybit v5 wire: `{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":…,"data":…}`. Read 2026-11-20:
 * https://bybit-exchange.github.io/docs/v5/ws/connect
 * https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook (and ticker, trade, kline, all-liquidation)
 */

/** Topics that are understood but not stored. */
export const UNSTORED_TOPICS: ReadonlySet<string> = new Set([
  'adlAlert',
  'insurance',
  'kline_lt',
  'lt',
  'priceLimit',
  'system',
  'tickers_lt',
]);

/** Topics of the retired v2 and v3 wires, with other field names. */
export const RETIRED_TOPICS: ReadonlySet<string> = new Set([
  'bookTicker',
  'bookticker',
  'candle',
  'depth',
  'diffDepth',
  'instrument_info',
  'kline_v1',
  'klineV2',
  'mergedDepth',
  'orderBookL2_25',
  'orderBook_200',
  'realtimes',
]);

/** Categories of REST answers that belong to a market; inverse contracts are met in recordings and converted. */
export const CATEGORIES: Readonly<Partial<Record<Market, readonly string[]>>> = {
  futures: ['linear', 'inverse'],
  spot: ['spot'],
};

const INTERVALS: Readonly<Record<string, CandleInterval>> = {
  1: '1m',
  3: '3m',
  5: '5m',
  15: '15m',
  30: '30m',
  60: '1h',
  120: '2h',
  240: '4h',
  360: '6h',
  720: '12h',
  D: '1d',
  W: '1w',
  M: '1M',
};

/** The candle length that a topic or row names (minutes, D, W or M); undefined when it is none. */
export function intervalOf(name: unknown): CandleInterval | undefined {
  const key = typeof name === 'number' ? String(name) : name;
  return typeof key === 'string' && Object.hasOwn(INTERVALS, key) ? INTERVALS[key] : undefined;
}

/** Inverse contracts are named BTCUSD or BTCUSDM26 and are worth 1 USD each; spot has none. */
export function sizingRule(
  market: Market,
): (symbol: string) => { readonly inverse: true; readonly contractSize: number } | undefined {
  return (symbol) =>
    market === 'futures' && /^[A-Z0-9]+USD([FGHJKMNQUVXZ]\d{2})?$/.test(symbol)
      ? { inverse: true, contractSize: 1 }
      : undefined;
}

/** BTC-27MAR26-70000-P, BTC-27MAR26-70000-P-USDT: options have a wire of their own. */
export function isOption(symbol: unknown): boolean {
  return typeof symbol === 'string' && symbol.includes('-') && /-\d+(\.\d+)?-[CP](-[A-Z]+)?$/.test(symbol);
}
