import { CANDLE_INTERVALS, type CandleInterval } from '../../domain/records.ts';
import type { NamedFacts } from '../shared/symbols.ts';

/**
 * Names of the Hyperliquid wire: `{"channel":"trades","data":[…]}`; perpetuals are named by their coin. Checked
 * against recorded frames; the pages were not read anew:
 * https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions (and info-endpoint,
 * rate-limits-and-user-limits beside it)
 */
export const EXCHANGE = 'hyperliquid';

/** Funding is paid every hour. */
export const FUNDING_HOURS = 1;

/** Channels that are understood but not stored: mids have no sides, spot and the other exchanges' contexts no names. */
export const UNSTORED_CHANNELS: ReadonlySet<string> = new Set([
  'activeSpotAssetCtx',
  'allDexsAssetCtxs',
  'allMids',
  'notification',
  'pong',
  'user',
  'webData2',
]);

/** Perpetuals are quoted in USDC: BTC is BTCUSDC. Spot is `@107` or `PURR/USDC`. */
export function namedFacts(coin: string): NamedFacts {
  const spot = coin.startsWith('@') || coin.includes('/');
  const symbol = spot ? coin.replace('/', '') : `${coin}USDC`;
  return { inverse: false, contractSize: 1, symbol, fundingIntervalHours: spot ? null : FUNDING_HOURS };
}

/** The candle length that the venue names; undefined when it is none. */
export function intervalOf(name: unknown): CandleInterval | undefined {
  return CANDLE_INTERVALS.find((interval) => interval === name);
}
