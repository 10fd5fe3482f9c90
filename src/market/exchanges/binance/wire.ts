import type { CandleInterval } from '../../domain/records.ts';

/**
 * Names of the Binance wire. Events are objects with their kind in `e`; in combined streams they come wrapped as
 * `{"stream":"btcusdt@aggTrade","data":{…}}`. Read 2026-11-20:
 * https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
 * https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams
 */

/** Event kinds that are understood but not stored. */
export const UNSTORED_EVENTS: ReadonlySet<string> = new Set([
  '1hTicker',
  '4hTicker',
  '1dTicker',
  'ACCOUNT_CONFIG_UPDATE',
  'ACCOUNT_UPDATE',
  'assetIndexUpdate',
  'avgPrice',
  'balanceUpdate',
  'blockTrade',
  'compositeIndex',
  'continuous_kline',
  'contractInfo',
  'executionReport',
  'indexPriceUpdate',
  'indexPrice_kline',
  'listStatus',
  'listenKeyExpired',
  'MARGIN_CALL',
  'markPrice_kline',
  'ORDER_TRADE_UPDATE',
  'outboundAccountPosition',
  'referencePrice',
  'serverShutdown',
  'TRADE_LITE',
]);

/** `X` of a futures trade that did not happen in the order book: it is no market trade. */
export const OFF_BOOK: ReadonlySet<unknown> = new Set(['INSURANCE_FUND', 'ADL', 'NA']);

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
  '3d': '3d',
  '1w': '1w',
  '1M': '1M',
};

/** The candle length that `k.i` names; undefined when it is none. */
export function intervalOf(name: unknown): CandleInterval | undefined {
  return typeof name === 'string' && Object.hasOwn(INTERVALS, name) ? INTERVALS[name] : undefined;
}

/** Sizes of coin-margined contracts (met in recordings, not collected): 100 USD for BTC, 10 USD for the others. */
export function sizingRule(symbol: string): { readonly inverse: true; readonly contractSize: number } | undefined {
  if (!/USD_(PERP|\d{6})$/.test(symbol)) return undefined;
  return { inverse: true, contractSize: symbol.startsWith('BTCUSD_') ? 100 : 10 };
}

/**
 * What a stream's `depthUpdate` is: `@depth20` a partial book sent whole each time, `@depth` changes, `@rpiDepth` another
 * book (with price improvement orders), which is not stored.
 */
export function depthKind(stream: string): 'change' | 'whole' | 'other' {
  const at = stream.indexOf('@depth');
  if (at < 0) return stream.includes('@rpiDepth') ? 'other' : 'change';
  const digit = stream.charCodeAt(at + 6);
  return digit >= 48 && digit <= 57 ? 'whole' : 'change';
}

/** The symbol that a stream's name begins with, upper case; '' when it names none (`!ticker@arr`). */
export function symbolOfStream(stream: string): string {
  const at = stream.indexOf('@');
  return at <= 0 || stream.startsWith('!') ? '' : stream.slice(0, at).toUpperCase();
}
