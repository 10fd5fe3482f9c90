import type { Instrument } from '../../domain/instrument.ts';
import type { Stream } from '../../domain/records.ts';
import type { BookRule, ConnectionLimits, ConnectionPlan, StreamSupport } from '../contract.ts';
import { chunks } from '../shared/query.ts';

/** An oracle gives prices and their confidence, some a second, and nothing else. */
export const SUPPORT: Readonly<Partial<Record<Stream, StreamSupport>>> = {
  prices: { via: 'websocket', staleAfterMs: 20_000 },
};

/**
 * An address may get 256 KiB a second, of about 400 bytes a price up to three times a second. A connection ends after
 * 24 h. A subscription with one unknown feed is refused whole: each feed has its own.
 */
export const LIMITS: ConnectionLimits = {
  streamsPerConnection: 100,
  argsPerSubscribe: 1,
  messagesPerSecond: 20,
  rotateAfterMs: 23.5 * 3_600_000,
  restWeightPerMinute: 180,
  restBurst: { weight: 30, perMs: 10_000 },
};

/** The acknowledgements do not name the feed: one is subscribed from its first price. Pings are the protocol's. */
export function plan(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  if (!streams.includes('prices')) return [];
  return chunks(instruments, LIMITS.streamsPerConnection).map((part) => ({
    address: 'stream',
    path: '',
    subscribe: part.map(({ venue_symbol: id }) => JSON.stringify({ type: 'subscribe', ids: [id] })),
    series: part.map(({ symbol }) => ({ symbol, stream: 'prices' as const })),
    ping: null,
    resubscribeBook: null,
  }));
}

/** An oracle has no books: none can be begun. */
export const BOOK: BookRule = { snapshot: 'stream', depth: 0, next: () => 'gap' };
