import type { Instrument } from '../../domain/instrument.ts';
import type { Stream } from '../../domain/records.ts';
import type { BookRule, ConnectionLimits, ConnectionPlan, StreamSupport } from '../contract.ts';
import { chunks } from '../shared/query.ts';

/**
 * Which channels carry which streams, and over which path. A connection lives 24 h, carries at most 1024 streams and
 * takes 10 (spot 5) messages a second, pongs counted; an address may open 300 in 5 minutes; 200 streams a connection keep
 * the URL under 6 KB. The server pings with protocol frames (futures every 3 minutes, spot every 20 s), which the socket
 * answers. Compared 2026-11:
 * https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams
 * https://developers.binance.com/legacy-docs/binance-spot-api-docs/web-socket-streams
 */
type Support = Readonly<Partial<Record<Stream, StreamSupport>>>;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

interface Channel {
  readonly streams: readonly Stream[];
  readonly suffix: string;
  readonly address: string;
}

/**
 * Since April 2026 futures serve book data under `/public` and the rest under `/market`. Compared 2026-11:
 * https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/Important-WebSocket-Change-Notice
 */
const FUTURES_CHANNELS: readonly Channel[] = [
  { streams: ['orderbooks'], suffix: 'depth@100ms', address: 'public' },
  { streams: ['prices'], suffix: 'bookTicker', address: 'public' },
  { streams: ['trades'], suffix: 'aggTrade', address: 'market' },
  { streams: ['mark_prices', 'funding_rates'], suffix: 'markPrice@1s', address: 'market' },
  { streams: ['ticker_24h'], suffix: 'ticker', address: 'market' },
  { streams: ['candles'], suffix: 'kline_1m', address: 'market' },
  { streams: ['liquidations'], suffix: 'forceOrder', address: 'market' },
];

const SPOT_CHANNELS: readonly Channel[] = [
  { streams: ['orderbooks'], suffix: 'depth@100ms', address: 'stream' },
  { streams: ['prices'], suffix: 'bookTicker', address: 'stream' },
  { streams: ['trades'], suffix: 'aggTrade', address: 'stream' },
  { streams: ['ticker_24h'], suffix: 'ticker', address: 'stream' },
  { streams: ['candles'], suffix: 'kline_1m', address: 'stream' },
];

/** Longest silences: what is sent every second goes stale soon, what waits for the market later. */
const SHARED_SUPPORT = {
  prices: { via: 'websocket', staleAfterMs: 20_000 },
  orderbooks: { via: 'websocket', staleAfterMs: 20_000 },
  ticker_24h: { via: 'websocket', staleAfterMs: 60_000 },
  candles: { via: 'websocket', staleAfterMs: 120_000, history: { call: 'candles', reachMs: null, paged: true } },
} satisfies Support;

/** Futures keep aggregate trades for two days, open interest for thirty. */
export const FUTURES_SUPPORT: Support = {
  ...SHARED_SUPPORT,
  trades: {
    via: 'websocket',
    staleAfterMs: 300_000,
    history: { call: 'trades', reachMs: 2 * DAY, paged: true },
    consecutiveIds: true,
  },
  mark_prices: {
    via: 'websocket',
    staleAfterMs: 15_000,
    history: { call: 'mark_prices', reachMs: null, paged: true, everyMs: 60_000 },
  },
  funding_rates: {
    via: 'websocket',
    staleAfterMs: 15_000,
    // Settled rates only; the stream tells the predicted one.
    history: { call: 'funding_rates', reachMs: null, paged: true, everyMs: 8 * HOUR },
  },
  open_interest: {
    via: 'rest',
    staleAfterMs: 60_000,
    pollMs: 10_000,
    history: { call: 'open_interest_history', reachMs: 30 * DAY, paged: true, everyMs: 300_000 },
  },
  liquidations: { via: 'websocket', staleAfterMs: null, sampled: 'at most one liquidation a second is told' },
};

export const SPOT_SUPPORT: Support = {
  ...SHARED_SUPPORT,
  trades: {
    via: 'websocket',
    staleAfterMs: 300_000,
    history: { call: 'trades', reachMs: null, paged: true },
    consecutiveIds: true,
  },
};

export const FUTURES_LIMITS: ConnectionLimits = {
  streamsPerConnection: 200,
  argsPerSubscribe: 200,
  messagesPerSecond: 10,
  rotateAfterMs: 23 * HOUR + 30 * 60_000,
  restWeightPerMinute: 2400,
};

export const SPOT_LIMITS: ConnectionLimits = {
  ...FUTURES_LIMITS,
  messagesPerSecond: 5,
  restWeightPerMinute: 6000,
};

export function planFutures(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  return plan(FUTURES_CHANNELS, instruments, streams);
}

export function planSpot(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  return plan(SPOT_CHANNELS, instruments, streams);
}

function plan(
  channels: readonly Channel[],
  instruments: readonly Instrument[],
  streams: readonly Stream[],
): ConnectionPlan[] {
  const wanted = channels.filter((channel) => channel.streams.some((stream) => streams.includes(stream)));
  const addresses = [...new Set(wanted.map((channel) => channel.address))];
  return addresses.flatMap((address) => {
    const entries = instruments.flatMap((instrument) =>
      wanted.filter((channel) => channel.address === address).map((channel) => ({ instrument, channel })),
    );
    return chunks(entries, FUTURES_LIMITS.streamsPerConnection).map((part) => connection(address, part, streams));
  });
}

function connection(
  address: string,
  entries: readonly { readonly instrument: Instrument; readonly channel: Channel }[],
  streams: readonly Stream[],
): ConnectionPlan {
  const names = entries.map(({ instrument, channel }) => `${instrument.venue_symbol.toLowerCase()}@${channel.suffix}`);
  return {
    address,
    path: `/stream?streams=${names.join('/')}`,
    subscribe: [],
    series: entries.flatMap(({ instrument, channel }) =>
      channel.streams
        .filter((stream) => streams.includes(stream))
        .map((stream) => ({ symbol: instrument.symbol, stream })),
    ),
    ping: null,
    resubscribeBook: null,
  };
}

/**
 * Books begin with a REST snapshot `lastUpdateId`. The first change must reach over it (`U` ≤ last + 1 ≤ `u` + 1);
 * afterwards futures changes name their predecessor in `pu`, spot changes begin at the last `u` + 1. Read 2026-11-20:
 * https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/How-to-manage-a-local-order-book-correctly
 */
export const BINANCE_BOOK: BookRule = {
  snapshot: 'rest',
  depth: 1000,
  next: (state, change) => {
    if (change.kind === 'snapshot') return 'apply';
    const { lastSeq } = state;
    const { seq, first_seq: first, prev_seq: previous } = change;
    if (lastSeq === null || seq === null) return 'gap';
    if (!state.fromSnapshot && previous !== null) {
      if (previous === lastSeq) return 'apply';
      return seq <= lastSeq ? 'skip' : 'gap';
    }
    if (seq < lastSeq || (seq === lastSeq && previous === null)) return 'skip';
    return first === null || first <= lastSeq + 1 ? 'apply' : 'gap';
  },
};
