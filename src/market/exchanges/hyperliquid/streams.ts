import type { Instrument } from '../../domain/instrument.ts';
import type { Stream } from '../../domain/records.ts';
import type { BookRule, ConnectionLimits, ConnectionPlan, StreamSupport } from '../contract.ts';
import { chunks } from '../shared/query.ts';

type Support = Readonly<Partial<Record<Stream, StreamSupport>>>;

/** Which channel brings which streams. Liquidations are not public; mids are no prices, since they have no sides. */
const CHANNELS: readonly { readonly type: string; readonly streams: readonly Stream[] }[] = [
  { type: 'l2Book', streams: ['orderbooks'] },
  { type: 'trades', streams: ['trades'] },
  { type: 'bbo', streams: ['prices'] },
  { type: 'activeAssetCtx', streams: ['mark_prices', 'funding_rates', 'open_interest', 'ticker_24h'] },
  { type: 'candle', streams: ['candles'] },
];

/**
 * A client is cut to which nothing was sent for 60 s: the answer to a ping keeps it. Compared 2026-11:
 * https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/timeouts-and-heartbeats
 */
const PING_MS = 30_000;

/** History reaches 5000 candles back. */
const CANDLES_REACH_MS = 5000 * 60_000;

export const SUPPORT: Support = {
  prices: { via: 'websocket', staleAfterMs: 60_000 },
  orderbooks: { via: 'websocket', staleAfterMs: 20_000 },
  trades: {
    via: 'websocket',
    staleAfterMs: 300_000,
    // The newest few trades, whenever they were.
    history: { call: 'trades', reachMs: null, paged: false },
  },
  mark_prices: { via: 'websocket', staleAfterMs: 60_000 },
  funding_rates: {
    via: 'websocket',
    staleAfterMs: 60_000,
    history: { call: 'funding_rates', reachMs: null, paged: true, everyMs: 3_600_000 },
  },
  open_interest: { via: 'websocket', staleAfterMs: 60_000 },
  ticker_24h: { via: 'websocket', staleAfterMs: 60_000 },
  candles: {
    via: 'websocket',
    staleAfterMs: 300_000,
    history: { call: 'candles', reachMs: CANDLES_REACH_MS, paged: true },
  },
};

/**
 * An address may hold 1000 subscriptions on 10 connections, open 30 connections a minute, and send 2000 messages a minute
 * over all of them. Compared 2026-11:
 * https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/rate-limits-and-user-limits
 */
export const LIMITS: ConnectionLimits = {
  streamsPerConnection: 250,
  argsPerSubscribe: 1,
  messagesPerSecond: 20,
  rotateAfterMs: null,
  restWeightPerMinute: 1200,
};

export function plan(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  const subscriptions = instruments.flatMap((instrument) =>
    CHANNELS.flatMap(({ type, streams: brought }) => {
      const carried = brought.filter((stream) => streams.includes(stream));
      return carried.length === 0 ? [] : [{ type, coin: instrument.venue_symbol, symbol: instrument.symbol, carried }];
    }),
  );
  const coins = new Map(instruments.map((instrument) => [instrument.symbol, instrument.venue_symbol]));
  return chunks(subscriptions, LIMITS.streamsPerConnection).map((part) => ({
    address: 'stream',
    path: '',
    subscribe: part.map(({ type, coin }) => request('subscribe', type, coin)),
    acknowledgements: part.length,
    series: part.flatMap(({ symbol, carried }) => carried.map((stream) => ({ symbol, stream }))),
    ping: { everyMs: PING_MS, text: '{"method":"ping"}' },
    resubscribeBook: (symbol) =>
      (['unsubscribe', 'subscribe'] as const).map((method) => request(method, 'l2Book', coins.get(symbol) ?? symbol)),
  }));
}

function request(method: 'subscribe' | 'unsubscribe', type: string, coin: string): string {
  const subscription = type === 'candle' ? { type, coin, interval: '1m' } : { type, coin };
  return JSON.stringify({ method, subscription });
}

/** Every message is the whole book: there is no sequence, and the decoder leaves overtaken ones out. */
export const BOOK: BookRule = { snapshot: 'stream', depth: 20, next: () => 'apply' };
