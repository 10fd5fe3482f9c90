import type { Instrument } from '../../domain/instrument.ts';
import type { Stream } from '../../domain/records.ts';
import type { BookRule, ConnectionLimits, ConnectionPlan, StreamSupport } from '../contract.ts';
import { chunks } from '../shared/query.ts';

/**
 * Which topics carry which streams. Limits read 2026-11-20: the arguments of all subscriptions of a connection may be
 * 21,000 characters long together, spot takes 10 in a request, the client pings every 20 s. An address may open 500
 * connections in 5 minutes, hold 1000 for each kind of market, and ask REST 600 times in 5 s (compared 2026-11).
 * https://bybit-exchange.github.io/docs/v5/ws/connect and https://bybit-exchange.github.io/docs/v5/rate-limit
 */
type Support = Readonly<Partial<Record<Stream, StreamSupport>>>;

const LONGEST_ARGUMENTS = 20_000;
const ARGUMENTS_A_REQUEST = 10;
const PING_MS = 20_000;

interface Topic {
  readonly streams: readonly Stream[];
  readonly name: string;
}

const FUTURES_TOPICS: readonly Topic[] = [
  { streams: ['orderbooks'], name: 'orderbook.50' },
  { streams: ['trades'], name: 'publicTrade' },
  { streams: ['prices', 'mark_prices', 'funding_rates', 'open_interest', 'ticker_24h'], name: 'tickers' },
  { streams: ['candles'], name: 'kline.1' },
  { streams: ['liquidations'], name: 'allLiquidation' },
];

/** Spot tickers have no bid and ask: `orderbook.1` has. */
const SPOT_TOPICS: readonly Topic[] = [
  { streams: ['orderbooks'], name: 'orderbook.50' },
  { streams: ['prices'], name: 'orderbook.1' },
  { streams: ['trades'], name: 'publicTrade' },
  { streams: ['ticker_24h'], name: 'tickers' },
  { streams: ['candles'], name: 'kline.1' },
];

const SHARED_SUPPORT = {
  prices: { via: 'websocket', staleAfterMs: 20_000 },
  orderbooks: { via: 'websocket', staleAfterMs: 20_000 },
  trades: {
    via: 'websocket',
    staleAfterMs: 300_000,
    // The newest 1000 (spot 60) trades, whenever they were.
    history: { call: 'trades', reachMs: null, paged: false },
  },
  ticker_24h: { via: 'websocket', staleAfterMs: 60_000 },
  candles: { via: 'websocket', staleAfterMs: 120_000, history: { call: 'candles', reachMs: null, paged: true } },
} satisfies Support;

/** Ticker deltas tell of funding and open interest only when they change. */
export const FUTURES_SUPPORT: Support = {
  ...SHARED_SUPPORT,
  mark_prices: {
    via: 'websocket',
    staleAfterMs: 20_000,
    history: { call: 'mark_prices', reachMs: null, paged: true, everyMs: 60_000 },
  },
  funding_rates: {
    via: 'websocket',
    staleAfterMs: 3_600_000,
    // Settled rates only; the stream tells the predicted one.
    history: { call: 'funding_rates', reachMs: null, paged: true, everyMs: 8 * 3_600_000 },
  },
  open_interest: {
    via: 'websocket',
    staleAfterMs: 300_000,
    history: { call: 'open_interest_history', reachMs: null, paged: true, everyMs: 300_000 },
  },
  liquidations: { via: 'websocket', staleAfterMs: null },
};

export const SPOT_SUPPORT: Support = SHARED_SUPPORT;

export const LIMITS: ConnectionLimits = {
  streamsPerConnection: 500,
  argsPerSubscribe: ARGUMENTS_A_REQUEST,
  messagesPerSecond: 10,
  rotateAfterMs: null,
  restWeightPerMinute: 7200,
  restBurst: { weight: 600, perMs: 5000 },
};

export function planFutures(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  return plan(FUTURES_TOPICS, instruments, streams);
}

export function planSpot(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  return plan(SPOT_TOPICS, instruments, streams);
}

interface Subscription {
  readonly argument: string;
  readonly symbol: string;
  readonly streams: readonly Stream[];
}

function plan(
  topics: readonly Topic[],
  instruments: readonly Instrument[],
  streams: readonly Stream[],
): ConnectionPlan[] {
  const subscriptions = instruments.flatMap((instrument) =>
    topics.flatMap((topic): Subscription[] => {
      const carried = topic.streams.filter((stream) => streams.includes(stream));
      if (carried.length === 0) return [];
      return [{ argument: `${topic.name}.${instrument.venue_symbol}`, symbol: instrument.symbol, streams: carried }];
    }),
  );
  return connectionsOf(subscriptions).map((part) => connection(part, instruments));
}

/** Fills connections in order, up to the length and number of arguments that one may have. */
function connectionsOf(subscriptions: readonly Subscription[]): Subscription[][] {
  const connections: Subscription[][] = [];
  let current: Subscription[] = [];
  let length = 0;
  for (const subscription of subscriptions) {
    const added = subscription.argument.length + 3;
    if (current.length >= LIMITS.streamsPerConnection || length + added > LONGEST_ARGUMENTS) {
      connections.push(current);
      current = [];
      length = 0;
    }
    current.push(subscription);
    length += added;
  }
  if (current.length > 0) connections.push(current);
  return connections;
}

function connection(subscriptions: readonly Subscription[], instruments: readonly Instrument[]): ConnectionPlan {
  const requests = chunks(
    subscriptions.map((subscription) => subscription.argument),
    ARGUMENTS_A_REQUEST,
  );
  const venueSymbols = new Map(instruments.map((instrument) => [instrument.symbol, instrument.venue_symbol]));
  return {
    address: 'stream',
    path: '',
    subscribe: requests.map((args, i) => JSON.stringify({ op: 'subscribe', req_id: String(i + 1), args })),
    acknowledgements: requests.length,
    series: subscriptions.flatMap(({ symbol, streams }) => streams.map((stream) => ({ symbol, stream }))),
    ping: { everyMs: PING_MS, text: '{"op":"ping"}' },
    resubscribeBook: (symbol) => {
      const topic = `orderbook.50.${venueSymbols.get(symbol) ?? symbol}`;
      return ['unsubscribe', 'subscribe'].map((op) => JSON.stringify({ op, args: [topic] }));
    },
  };
}

/**
 * The stream sends its own snapshots; `u` then rises by one a message. `u` = 1 outside a snapshot means that the
 * service began anew.
 */
export const BYBIT_BOOK: BookRule = {
  snapshot: 'stream',
  depth: 50,
  next: (state, change) => {
    if (change.kind === 'snapshot') return 'apply';
    if (state.lastSeq === null || change.seq === null || change.seq === 1) return 'gap';
    if (change.seq <= state.lastSeq) return 'skip';
    return change.seq === state.lastSeq + 1 ? 'apply' : 'gap';
  },
};
