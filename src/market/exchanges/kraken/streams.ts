import type { Instrument } from '../../domain/instrument.ts';
import type { Stream } from '../../domain/records.ts';
import type { BookRule, ConnectionLimits, ConnectionPlan, StreamSupport } from '../contract.ts';
import { chunks } from '../shared/query.ts';
import { CHECKSUM_DEPTH, krakenChecksum } from './wire.ts';

/**
 * Which channels carry which streams. Kraken states no number of symbols a connection. Spot bans an address for 10
 * minutes that opens more than about 150 connections in 10 minutes, closes after a minute of silence and takes `ping`
 * (compared 2026-11: https://docs.kraken.com/api/docs/guides/spot-ws-intro). Futures take 100 connections at a time (not
 * verified) and want a ping at least every 60 s:
 * https://support.kraken.com/articles/360022635632-subscriptions-websockets-api-derivatives (read 2026-11-29)
 */
type Support = Readonly<Partial<Record<Stream, StreamSupport>>>;

interface Channel {
  readonly name: string;
  readonly streams: readonly Stream[];
}

const SPOT_DEPTH = 100;

const SPOT_CHANNELS: readonly Channel[] = [
  { name: 'book', streams: ['orderbooks'] },
  { name: 'trade', streams: ['trades'] },
  { name: 'ticker', streams: ['prices', 'ticker_24h'] },
  { name: 'ohlc', streams: ['candles'] },
];

/** Liquidations are trades of their own type; the ticker carries everything else. */
const FUTURES_CHANNELS: readonly Channel[] = [
  { name: 'book', streams: ['orderbooks'] },
  { name: 'trade', streams: ['trades', 'liquidations'] },
  { name: 'ticker', streams: ['prices', 'ticker_24h', 'mark_prices', 'funding_rates', 'open_interest'] },
];

/** REST gives the newest 720 minutes of candles. */
const SPOT_CANDLE_REACH_MS = 720 * 60_000;

export const SPOT_SUPPORT: Support = {
  prices: { via: 'websocket', staleAfterMs: 60_000 },
  orderbooks: { via: 'websocket', staleAfterMs: 60_000 },
  trades: {
    via: 'websocket',
    staleAfterMs: 900_000,
    history: { call: 'trades', reachMs: null, paged: true },
    consecutiveIds: true,
  },
  ticker_24h: { via: 'websocket', staleAfterMs: 120_000 },
  // Told when there is a trade.
  candles: {
    via: 'websocket',
    staleAfterMs: 900_000,
    history: { call: 'candles', reachMs: SPOT_CANDLE_REACH_MS, paged: false },
  },
};

/**
 * The futures' ticker tells everything in one message, throttled to one a second
 * (https://docs.kraken.com/exchange/api-reference/futures-websocket/ticker.md, read 2026-11-29), and the index moves
 * even while nobody trades: half a minute without one is a silence.
 */
const FUTURES_TICKER_STALE_MS = 30_000;

export const FUTURES_SUPPORT: Support = {
  prices: { via: 'websocket', staleAfterMs: FUTURES_TICKER_STALE_MS },
  orderbooks: { via: 'websocket', staleAfterMs: 60_000 },
  trades: { via: 'websocket', staleAfterMs: 900_000, history: { call: 'trades', reachMs: null, paged: true } },
  ticker_24h: { via: 'websocket', staleAfterMs: FUTURES_TICKER_STALE_MS },
  mark_prices: {
    via: 'websocket',
    staleAfterMs: FUTURES_TICKER_STALE_MS,
    history: { call: 'mark_prices', reachMs: null, paged: true, everyMs: 60_000 },
  },
  funding_rates: {
    via: 'websocket',
    staleAfterMs: FUTURES_TICKER_STALE_MS,
    history: { call: 'funding_rates', reachMs: null, paged: false, everyMs: 3_600_000 },
  },
  open_interest: { via: 'websocket', staleAfterMs: FUTURES_TICKER_STALE_MS },
  // The charts are REST only.
  candles: {
    via: 'rest',
    staleAfterMs: 180_000,
    pollMs: 20_000,
    history: { call: 'candles', reachMs: null, paged: true },
  },
  liquidations: { via: 'websocket', staleAfterMs: null },
};

/** Public REST is limited by address, Trades and OHLC by pair too, to one request a second (as CCXT has it; not verified). */
export const SPOT_LIMITS: ConnectionLimits = {
  streamsPerConnection: 400,
  argsPerSubscribe: 50,
  messagesPerSecond: 5,
  rotateAfterMs: null,
  restWeightPerMinute: 60,
  restBurst: { weight: 10, perMs: 10_000 },
};

/** Public REST costs nothing of the 500 a 10 s that /derivatives has; we keep to it all the same. */
export const FUTURES_LIMITS: ConnectionLimits = {
  streamsPerConnection: 400,
  argsPerSubscribe: 50,
  messagesPerSecond: 10,
  rotateAfterMs: null,
  restWeightPerMinute: 3000,
  restBurst: { weight: 500, perMs: 10_000 },
};

interface Wire {
  readonly channels: readonly Channel[];
  readonly limits: ConnectionLimits;
  readonly ask: (channel: string, pairs: readonly string[], subscribe: boolean) => string;
  readonly ping: ConnectionPlan['ping'];
}

const SPOT_WIRE: Wire = {
  channels: SPOT_CHANNELS,
  limits: SPOT_LIMITS,
  ask: (channel, symbol, subscribe) =>
    JSON.stringify({
      method: subscribe ? 'subscribe' : 'unsubscribe',
      params: { channel, symbol, ...(SPOT_PARAMETERS[channel] ?? {}) },
    }),
  ping: { everyMs: 30_000, text: '{"method":"ping"}' },
};

const SPOT_PARAMETERS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  book: { depth: SPOT_DEPTH, snapshot: true },
  trade: { snapshot: false },
  // At every change of the best prices, not only at trades.
  ticker: { event_trigger: 'bbo', snapshot: true },
  ohlc: { interval: 1, snapshot: false },
};

const FUTURES_WIRE: Wire = {
  channels: FUTURES_CHANNELS,
  limits: FUTURES_LIMITS,
  ask: (feed, product_ids, subscribe) =>
    JSON.stringify({ event: subscribe ? 'subscribe' : 'unsubscribe', feed, product_ids }),
  ping: null,
};

export function planSpot(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  return plan(SPOT_WIRE, instruments, streams);
}

export function planFutures(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  return plan(FUTURES_WIRE, instruments, streams);
}

function plan(wire: Wire, instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  const wanted = wire.channels
    .map(({ name, streams: carried }) => ({ name, streams: carried.filter((stream) => streams.includes(stream)) }))
    .filter((channel) => channel.streams.length > 0);
  if (wanted.length === 0) return [];
  const perConnection = Math.floor(wire.limits.streamsPerConnection / wanted.length);
  return chunks(instruments, perConnection).map((part) => connection(wire, part, wanted));
}

function connection(wire: Wire, instruments: readonly Instrument[], channels: readonly Channel[]): ConnectionPlan {
  const names = new Map(instruments.map((instrument) => [instrument.symbol, instrument.venue_symbol]));
  const pairs = instruments.map((instrument) => instrument.venue_symbol);
  return {
    address: 'stream',
    path: '',
    subscribe: channels.flatMap(({ name }) =>
      chunks(pairs, wire.limits.argsPerSubscribe).map((part) => wire.ask(name, part, true)),
    ),
    // Each answer names one instrument: recorded of futures (2021-07), and spot's has one `symbol`.
    acknowledgements: pairs.length * channels.length,
    series: instruments.flatMap(({ symbol }) =>
      channels.flatMap((channel) => channel.streams.map((stream) => ({ symbol, stream }))),
    ),
    ping: wire.ping,
    resubscribeBook: (symbol) => [false, true].map((on) => wire.ask('book', [names.get(symbol) ?? symbol], on)),
  };
}

/** Spot books have no sequence: each change carries the CRC32 of the ten best levels after it. */
export const SPOT_BOOK: BookRule = {
  snapshot: 'stream',
  depth: 500,
  keep: SPOT_DEPTH,
  checksum: { depth: CHECKSUM_DEPTH, of: krakenChecksum },
  next: () => 'apply',
};

/** Futures books: `seq` rises by one a change from the snapshot on. */
export const FUTURES_BOOK: BookRule = {
  snapshot: 'stream',
  depth: 500,
  next: (state, change) => {
    if (change.kind === 'snapshot') return 'apply';
    if (state.lastSeq === null || change.seq === null) return 'gap';
    if (change.seq <= state.lastSeq) return 'skip';
    return change.seq === state.lastSeq + 1 ? 'apply' : 'gap';
  },
};
