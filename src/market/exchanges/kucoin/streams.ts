import type { Instrument } from '../../domain/instrument.ts';
import type { Stream } from '../../domain/records.ts';
import type { BookRule, ConnectionLimits, ConnectionPlan, ConnectionPreparation, StreamSupport } from '../contract.ts';
import { chunks } from '../shared/query.ts';
import { isObject, numberOf, parseJson } from '../shared/values.ts';

/**
 * Which topics carry which streams. A connection takes 400 topics and 100 messages in 10 s, a request 100 symbols, and
 * lives as long as its token, 24 h. The client pings as often as the token's answer says. Documented there, not verified:
 * https://www.kucoin.com/docs-new/websocket-api/base-info/introduction
 */
type Support = Readonly<Partial<Record<Stream, StreamSupport>>>;

interface Topic {
  readonly name: string;
  readonly streams: readonly Stream[];
  /** After the symbol: the candle's length. */
  readonly suffix?: string;
  /** Takes several symbols at once. */
  readonly several: boolean;
}

/** The changes of spot books continue a snapshot that only an API key gets; whole books of 50 levels need none. */
const SPOT_TOPICS: readonly Topic[] = [
  { name: '/spotMarket/level2Depth50', streams: ['orderbooks'], several: true },
  { name: '/market/match', streams: ['trades'], several: true },
  { name: '/market/ticker', streams: ['prices'], several: true },
  { name: '/market/snapshot', streams: ['ticker_24h'], several: false },
  { name: '/market/candles', streams: ['candles'], suffix: '_1min', several: false },
];

/** Volumes of the candles' topic are not to be relied on, as its page says: candles come over REST. */
const FUTURES_TOPICS: readonly Topic[] = [
  { name: '/contractMarket/level2', streams: ['orderbooks'], several: true },
  { name: '/contractMarket/execution', streams: ['trades'], several: true },
  { name: '/contractMarket/tickerV2', streams: ['prices'], several: true },
  { name: '/contract/instrument', streams: ['mark_prices', 'funding_rates'], several: false },
  { name: '/contractMarket/snapshot', streams: ['ticker_24h'], several: false },
];

/** The newest 100 trades, whenever they were. */
const TRADES: StreamSupport = {
  via: 'websocket',
  staleAfterMs: 900_000,
  history: { call: 'trades', reachMs: null, paged: false },
};

export const SPOT_SUPPORT: Support = {
  prices: { via: 'websocket', staleAfterMs: 60_000 },
  orderbooks: { via: 'websocket', staleAfterMs: 60_000 },
  trades: TRADES,
  ticker_24h: { via: 'websocket', staleAfterMs: 60_000 },
  candles: { via: 'websocket', staleAfterMs: 900_000, history: { call: 'candles', reachMs: null, paged: true } },
};

export const FUTURES_SUPPORT: Support = {
  prices: { via: 'websocket', staleAfterMs: 60_000 },
  orderbooks: { via: 'websocket', staleAfterMs: 60_000 },
  trades: TRADES,
  mark_prices: { via: 'websocket', staleAfterMs: 60_000 },
  funding_rates: {
    via: 'websocket',
    staleAfterMs: 300_000,
    history: { call: 'funding_rates', reachMs: null, paged: true, everyMs: 8 * 3_600_000 },
  },
  open_interest: { via: 'rest', staleAfterMs: 300_000, pollMs: 60_000 },
  ticker_24h: { via: 'websocket', staleAfterMs: 60_000 },
  candles: {
    via: 'rest',
    staleAfterMs: 180_000,
    pollMs: 20_000,
    history: { call: 'candles', reachMs: null, paged: true },
  },
};

/** Well below the limit, as older pages say. */
const TOPICS_A_CONNECTION = 300;

const DAY_MS = 86_400_000;

/**
 * REST: 2,000 units in 30 s for public calls of an address. Compared 2026-11, second-hand:
 * https://www.kucoin.com/docs-new/rate-limit-rule-classic
 */
export const LIMITS: ConnectionLimits = {
  streamsPerConnection: 400,
  argsPerSubscribe: 100,
  messagesPerSecond: 10,
  rotateAfterMs: DAY_MS - 30 * 60_000,
  restWeightPerMinute: 4000,
  restBurst: { weight: 2000, perMs: 30_000 },
};

/** Endpoint, token and ping interval of a connection. */
export const PREPARATION: ConnectionPreparation = {
  request: () => ({ address: 'rest', path: '/api/v1/bullet-public', weight: 10, body: '' }),
  read(body) {
    const value = parseJson(body);
    const data = isObject(value) ? value['data'] : undefined;
    const servers = isObject(data) ? data['instanceServers'] : undefined;
    const server: unknown = Array.isArray(servers) ? servers[0] : undefined;
    if (!isObject(data) || !isObject(server)) return undefined;
    const { token } = data;
    const { endpoint, pingInterval } = server;
    if (typeof token !== 'string' || typeof endpoint !== 'string' || !URL.canParse(endpoint)) return undefined;
    const url = new URL(endpoint);
    url.searchParams.set('token', token);
    const pingMs = numberOf(pingInterval);
    return { url: url.href, pingMs: pingMs >= 1000 ? pingMs : null };
  },
};

export function planSpot(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  return plan(SPOT_TOPICS, instruments, streams);
}

export function planFutures(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  return plan(FUTURES_TOPICS, instruments, streams);
}

function plan(
  topics: readonly Topic[],
  instruments: readonly Instrument[],
  streams: readonly Stream[],
): ConnectionPlan[] {
  const wanted = topics
    .map((topic) => ({ ...topic, streams: topic.streams.filter((stream) => streams.includes(stream)) }))
    .filter((topic) => topic.streams.length > 0);
  if (wanted.length === 0) return [];
  const perConnection = Math.floor(TOPICS_A_CONNECTION / wanted.length);
  return chunks(instruments, perConnection).map((part) => connection(part, wanted));
}

/** The interval that is used until a token's answer says another. */
const PING_MS = 18_000;

function connection(instruments: readonly Instrument[], topics: readonly Topic[]): ConnectionPlan {
  const names = new Map(instruments.map((instrument) => [instrument.symbol, instrument.venue_symbol]));
  const book = topics.find((topic) => topic.streams.includes('orderbooks'))?.name ?? '';
  const subscribe = topics.flatMap(({ name, suffix = '', several }) =>
    chunks(
      instruments.map((instrument) => `${instrument.venue_symbol}${suffix}`),
      several ? LIMITS.argsPerSubscribe : 1,
    ).map((part) => request('subscribe', `${name}:${part.join(',')}`)),
  );
  return {
    address: 'stream',
    path: '',
    awaitGreeting: true,
    subscribe,
    // Asked for with `response`.
    acknowledgements: subscribe.length,
    series: instruments.flatMap(({ symbol }) =>
      topics.flatMap((topic) => topic.streams.map((stream) => ({ symbol, stream }))),
    ),
    ping: { everyMs: PING_MS, text: '{"id":"1","type":"ping"}' },
    resubscribeBook: (symbol) =>
      (['unsubscribe', 'subscribe'] as const).map((type) => request(type, `${book}:${names.get(symbol) ?? symbol}`)),
  };
}

function request(type: 'subscribe' | 'unsubscribe', topic: string): string {
  return JSON.stringify({ id: '1', type, topic, privateChannel: false, response: true });
}

const next: BookRule['next'] = (state, change) => {
  if (change.kind === 'snapshot') return 'apply';
  if (state.lastSeq === null || change.seq === null || change.first_seq === null) return 'gap';
  if (change.seq <= state.lastSeq) return 'skip';
  return change.first_seq <= state.lastSeq + 1 ? 'apply' : 'gap';
};

/** Spot: whole books of the best 50 levels. Changes of `/market/level2`, in recordings, follow their sequences. */
export const SPOT_BOOK: BookRule = { snapshot: 'stream', depth: 50, next };

/** Futures: each change is numbered; the REST snapshot names the number that it holds. */
export const FUTURES_BOOK: BookRule = { snapshot: 'rest', depth: 100, next };
