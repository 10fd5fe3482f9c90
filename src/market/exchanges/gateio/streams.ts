import type { Instrument } from '../../domain/instrument.ts';
import type { Stream } from '../../domain/records.ts';
import type { BookRule, ConnectionLimits, ConnectionPlan, StreamSupport } from '../contract.ts';
import { chunks } from '../shared/query.ts';

/**
 * Which channels carry which streams. A message must bear the time of sending within 60 s; books and bars are asked for
 * one by one, the rest in lists. `order_book_update` at 100 ms tells of the best 100 levels. The client pings by message.
 * Documented there, not verified: https://www.gate.com/docs/developers/futures/ws/en/ and https://www.gate.com/docs/developers/apiv4/ws/en/
 */
type Support = Readonly<Partial<Record<Stream, StreamSupport>>>;

const PING_MS = 15_000;
const DAY = 86_400_000;

interface Channel {
  readonly streams: readonly Stream[];
  readonly name: string;
  /** Payload of one symbol; absent: symbols are listed. */
  readonly single?: (venueSymbol: string) => readonly string[];
}

const FUTURES_CHANNELS: readonly Channel[] = [
  { streams: ['orderbooks'], name: 'futures.order_book_update', single: (contract) => [contract, '100ms', '100'] },
  { streams: ['prices'], name: 'futures.book_ticker' },
  { streams: ['trades'], name: 'futures.trades' },
  { streams: ['ticker_24h', 'mark_prices', 'funding_rates', 'open_interest'], name: 'futures.tickers' },
  { streams: ['candles'], name: 'futures.candlesticks', single: (contract) => ['1m', contract] },
  { streams: ['liquidations'], name: 'futures.public_liquidates' },
];

const SPOT_CHANNELS: readonly Channel[] = [
  { streams: ['orderbooks'], name: 'spot.order_book_update', single: (pair) => [pair, '100ms'] },
  { streams: ['prices'], name: 'spot.book_ticker' },
  { streams: ['trades'], name: 'spot.trades' },
  { streams: ['ticker_24h'], name: 'spot.tickers' },
  { streams: ['candles'], name: 'spot.candlesticks', single: (pair) => ['1m', pair] },
];

const SHARED_SUPPORT = {
  prices: { via: 'websocket', staleAfterMs: 20_000 },
  orderbooks: { via: 'websocket', staleAfterMs: 20_000 },
  trades: { via: 'websocket', staleAfterMs: 300_000, history: { call: 'trades', reachMs: 30 * DAY, paged: true } },
  ticker_24h: { via: 'websocket', staleAfterMs: 60_000 },
  candles: { via: 'websocket', staleAfterMs: 120_000, history: { call: 'candles', reachMs: null, paged: true } },
} satisfies Support;

export const FUTURES_SUPPORT: Support = {
  ...SHARED_SUPPORT,
  mark_prices: {
    via: 'websocket',
    staleAfterMs: 60_000,
    history: { call: 'mark_prices', reachMs: null, paged: true, everyMs: 60_000 },
  },
  funding_rates: {
    via: 'websocket',
    staleAfterMs: 60_000,
    history: { call: 'funding_rates', reachMs: null, paged: true, everyMs: 8 * 3_600_000 },
  },
  open_interest: {
    via: 'websocket',
    staleAfterMs: 60_000,
    history: { call: 'open_interest_history', reachMs: null, paged: true, everyMs: 300_000 },
  },
  liquidations: { via: 'websocket', staleAfterMs: null },
};

export const SPOT_SUPPORT: Support = SHARED_SUPPORT;

/**
 * REST serves an address 200 requests in 10 s to an endpoint. Compared 2026-11:
 * https://www.gate.com/docs/developers/apiv4/en/#frequency-limit-rule
 */
export const LIMITS: ConnectionLimits = {
  streamsPerConnection: 300,
  argsPerSubscribe: 50,
  messagesPerSecond: 20,
  rotateAfterMs: null,
  restWeightPerMinute: 1200,
  restBurst: { weight: 200, perMs: 10_000 },
};

export function planFutures(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  return plan('futures', FUTURES_CHANNELS, instruments, streams);
}

export function planSpot(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  return plan('spot', SPOT_CHANNELS, instruments, streams);
}

function plan(
  kind: string,
  channels: readonly Channel[],
  instruments: readonly Instrument[],
  streams: readonly Stream[],
): ConnectionPlan[] {
  const wanted = channels.filter((channel) => channel.streams.some((stream) => streams.includes(stream)));
  if (wanted.length === 0) return [];
  const carried = wanted.flatMap((channel) => channel.streams).filter((stream) => streams.includes(stream));
  const most = Math.floor(LIMITS.streamsPerConnection / wanted.length);
  return chunks(instruments, most).map((part) => connection(kind, wanted, part, carried));
}

function connection(
  kind: string,
  wanted: readonly Channel[],
  part: readonly Instrument[],
  carried: readonly Stream[],
): ConnectionPlan {
  const subscribe = wanted.flatMap((channel) => requests(channel, part));
  return {
    address: 'stream',
    path: '',
    subscribe,
    acknowledgements: subscribe.length,
    series: part.flatMap(({ symbol }) => carried.map((stream) => ({ symbol, stream }))),
    ping: { everyMs: PING_MS, text: `{"time":0,"channel":"${kind}.ping"}` },
    resubscribeBook: null,
    stamp: stamped,
  };
}

function requests({ name, single }: Channel, instruments: readonly Instrument[]): readonly string[] {
  const venueSymbols = instruments.map((instrument) => instrument.venue_symbol);
  const payloads = single === undefined ? chunks(venueSymbols, LIMITS.argsPerSubscribe) : venueSymbols.map(single);
  return payloads.map((payload) => JSON.stringify({ time: 0, channel: name, event: 'subscribe', payload }));
}

/** Writes the time of sending, s, over the 0 that messages are planned with. */
export function stamped(text: string, now: number): string {
  return text.replace('{"time":0,', `{"time":${Math.floor(now / 1000)},`);
}

/**
 * Books begin with a REST snapshot `id`: the first change to apply has `U` ≤ id + 1 ≤ `u`, and each further one begins
 * where the one before ended.
 */
export const GATE_BOOK: BookRule = {
  snapshot: 'rest',
  depth: 100,
  keep: 100,
  next: (state, change) => {
    if (change.kind === 'snapshot') return 'apply';
    const { lastSeq } = state;
    const { seq, first_seq: first } = change;
    if (lastSeq === null || seq === null) return 'gap';
    if (seq <= lastSeq) return 'skip';
    return first !== null && first <= lastSeq + 1 ? 'apply' : 'gap';
  },
};
