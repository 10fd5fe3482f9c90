import { crc32 } from 'node:zlib';
import type { Instrument } from '../../domain/instrument.ts';
import type { Stream } from '../../domain/records.ts';
import type { BookRule, ConnectionLimits, ConnectionPlan, StreamSupport } from '../contract.ts';
import { chunks } from '../shared/query.ts';
import { indexOf, kindOf } from './wire.ts';

/**
 * Which channels carry which streams, and over which socket. Compared 2026-11: an address may open 3
 * connections a second, a connection may send 480 requests (subscribe or unsubscribe) an hour, whose arguments are at most
 * 64 KB long; it is cut after 30 s of silence, which the text `ping` prevents. Of books of 50 or 400 levels fewer than 30
 * should share a connection. Bars and `trades-all` (every match; `trades` joins matches of one order) are served under `/business`.
 * https://www.okx.com/docs-v5/en/#overview-websocket-connect and #order-book-trading-market-data-ws-order-book-channel
 */
type Support = Readonly<Partial<Record<Stream, StreamSupport>>>;

const DAY = 86_400_000;
const PING_MS = 20_000;
const MOST_BOOKS = 29;

interface Channel {
  readonly streams: readonly Stream[];
  readonly name: string;
  readonly address: 'public' | 'business';
  /** What the channel is asked for: an instrument, its index, all of a kind or all options of a family. */
  readonly by: 'instrument' | 'index' | 'kind' | 'family';
}

const SHARED_CHANNELS: readonly Channel[] = [
  { streams: ['orderbooks'], name: 'books', address: 'public', by: 'instrument' },
  { streams: ['prices', 'ticker_24h'], name: 'tickers', address: 'public', by: 'instrument' },
  { streams: ['trades'], name: 'trades-all', address: 'business', by: 'instrument' },
  { streams: ['candles'], name: 'candle1m', address: 'business', by: 'instrument' },
];

const FUTURES_CHANNELS: readonly Channel[] = [
  ...SHARED_CHANNELS,
  { streams: ['mark_prices'], name: 'mark-price', address: 'public', by: 'instrument' },
  { streams: ['mark_prices'], name: 'index-tickers', address: 'public', by: 'index' },
  { streams: ['funding_rates'], name: 'funding-rate', address: 'public', by: 'instrument' },
  { streams: ['open_interest'], name: 'open-interest', address: 'public', by: 'instrument' },
  { streams: ['liquidations'], name: 'liquidation-orders', address: 'public', by: 'kind' },
];

/** A summary is told with what the channels before it told of the option. */
const OPTION_CHANNELS: readonly Channel[] = [
  ...SHARED_CHANNELS.map((channel) =>
    channel.name === 'tickers' ? { ...channel, streams: [...channel.streams, 'option_summaries' as const] } : channel,
  ),
  { streams: ['option_summaries'], name: 'mark-price', address: 'public', by: 'instrument' },
  { streams: ['open_interest', 'option_summaries'], name: 'open-interest', address: 'public', by: 'instrument' },
  { streams: ['option_summaries'], name: 'opt-summary', address: 'public', by: 'family' },
];

/** Asked for where liquidations alone are wanted: the answer tells the decoder which instruments are meant. */
const MARKER: Channel = { streams: ['liquidations'], name: 'price-limit', address: 'public', by: 'instrument' };

const SHARED_SUPPORT = {
  prices: { via: 'websocket', staleAfterMs: 20_000 },
  orderbooks: { via: 'websocket', staleAfterMs: 20_000 },
  trades: {
    via: 'websocket',
    staleAfterMs: 300_000,
    history: { call: 'trades', reachMs: 90 * DAY, paged: true },
  },
  ticker_24h: { via: 'websocket', staleAfterMs: 60_000 },
  candles: { via: 'websocket', staleAfterMs: 120_000, history: { call: 'candles', reachMs: null, paged: true } },
} satisfies Support;

export const FUTURES_SUPPORT: Support = {
  ...SHARED_SUPPORT,
  mark_prices: {
    via: 'websocket',
    staleAfterMs: 20_000,
    history: { call: 'mark_prices', reachMs: null, paged: true, everyMs: 60_000 },
  },
  // Told every 30 to 90 s.
  funding_rates: {
    via: 'websocket',
    staleAfterMs: 300_000,
    history: { call: 'funding_rates', reachMs: 90 * DAY, paged: true, everyMs: 8 * 3_600_000 },
  },
  open_interest: {
    via: 'websocket',
    staleAfterMs: 60_000,
    history: { call: 'open_interest_history', reachMs: 5 * DAY, paged: true, everyMs: 300_000 },
  },
  // https://www.okx.com/docs-v5/en/#public-data-websocket-liquidation-orders-channel, compared 2026-11.
  liquidations: { via: 'websocket', staleAfterMs: null, sampled: 'the venue does not tell of all liquidations' },
};

export const SPOT_SUPPORT: Support = SHARED_SUPPORT;

/**
 * Most options are quoted and traded now and then. Their mark price is in the coin and their index in dollars, so that
 * neither mark_prices nor liquidations can hold them: the summary has mark and underlying.
 */
export const OPTIONS_SUPPORT: Support = {
  ...SHARED_SUPPORT,
  prices: { via: 'websocket', staleAfterMs: null },
  orderbooks: { via: 'websocket', staleAfterMs: null },
  trades: { ...SHARED_SUPPORT.trades, staleAfterMs: null },
  ticker_24h: { via: 'websocket', staleAfterMs: null },
  candles: { ...SHARED_SUPPORT.candles, staleAfterMs: null },
  open_interest: { via: 'websocket', staleAfterMs: null },
  option_summaries: { via: 'websocket', staleAfterMs: 60_000 },
};

export const LIMITS: ConnectionLimits = {
  streamsPerConnection: 480,
  argsPerSubscribe: 100,
  messagesPerSecond: 3,
  rotateAfterMs: null,
  // Requests to the busiest kind of endpoint (40 in 2 s); those with a lower limit weigh more.
  restWeightPerMinute: 1200,
  restBurst: { weight: 40, perMs: 2000 },
};

export function planFutures(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  const wanted = FUTURES_CHANNELS.filter((channel) => channel.streams.some((stream) => streams.includes(stream)));
  const onlyLiquidations = wanted.length > 0 && !wanted.some((c) => c.address === 'public' && c.by === 'instrument');
  return plan(
    streams.includes('liquidations') && onlyLiquidations ? [...wanted, MARKER] : wanted,
    instruments,
    streams,
  );
}

export function planSpot(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  const wanted = SHARED_CHANNELS.filter((channel) => channel.streams.some((stream) => streams.includes(stream)));
  return plan(wanted, instruments, streams);
}

export function planOptions(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  const wanted = OPTION_CHANNELS.filter((channel) => channel.streams.some((stream) => streams.includes(stream)));
  const families = new Map<string, Instrument[]>();
  for (const instrument of instruments) {
    const family = indexOf(instrument.venue_symbol);
    const chain = families.get(family);
    if (chain === undefined) families.set(family, [instrument]);
    else chain.push(instrument);
  }
  // A family a connection: where some of its options expire, those of the others go on undisturbed.
  return [...families.values()].flatMap((chain) => plan(wanted, chain, streams));
}

type Argument = Readonly<Record<string, string>>;

function plan(
  channels: readonly Channel[],
  instruments: readonly Instrument[],
  streams: readonly Stream[],
): ConnectionPlan[] {
  return (['public', 'business'] as const).flatMap((address) => {
    const own = channels.filter((channel) => channel.address === address);
    if (own.length === 0) return [];
    // One argument of a kind or family serves all its instruments of the connection; there are two kinds.
    const each = own.filter((channel) => !isOfMany(channel)).length;
    const fitting = Math.floor((LIMITS.streamsPerConnection - 2) / Math.max(1, each));
    const most = own.some(({ name }) => name === 'books') ? Math.min(fitting, MOST_BOOKS) : fitting;
    const told = instruments.filter((instrument) => own.some((channel) => carries(channel, instrument)));
    return chunks(told, most).map((part) => connection(address, own, part, streams));
  });
}

function connection(
  address: string,
  channels: readonly Channel[],
  instruments: readonly Instrument[],
  streams: readonly Stream[],
): ConnectionPlan {
  // Instruments first: their acknowledgements tell whose liquidations and summaries are wanted.
  const ordered = channels.toSorted((a, b) => Number(isOfMany(a)) - Number(isOfMany(b)));
  const args = new Map<string, Argument>();
  for (const channel of ordered) {
    for (const instrument of instruments) {
      if (!carries(channel, instrument)) continue;
      const argument = argumentOf(channel, instrument.venue_symbol);
      args.set(JSON.stringify(argument), argument);
    }
  }
  const venueSymbols = new Map(instruments.map((instrument) => [instrument.symbol, instrument.venue_symbol]));
  return {
    address,
    path: '',
    subscribe: chunks([...args.values()], LIMITS.argsPerSubscribe).map((part) => request('subscribe', part)),
    // Each argument is answered by a message of its own.
    acknowledgements: args.size,
    series: instruments.flatMap((instrument) => {
      const own = channels.filter((channel) => carries(channel, instrument)).flatMap((channel) => channel.streams);
      const carried = [...new Set(own)].filter((stream) => streams.includes(stream));
      return carried.map((stream) => ({ symbol: instrument.symbol, stream }));
    }),
    ping: { everyMs: PING_MS, text: 'ping' },
    resubscribeBook: (symbol) => {
      const book = [{ channel: 'books', instId: venueSymbols.get(symbol) ?? symbol }];
      return [request('unsubscribe', book), request('subscribe', book)];
    },
  };
}

/** Dated futures pay no funding, and the venue refuses to tell of it; those that never end in practice (X-perps) do. */
function carries(channel: Channel, { kind, funding_interval_hours: hours }: Instrument): boolean {
  return kind !== 'dated' || hours !== null || !channel.streams.includes('funding_rates');
}

function isOfMany({ by }: Channel): boolean {
  return by === 'kind' || by === 'family';
}

function argumentOf(channel: Channel, instId: string): Argument {
  if (channel.by === 'family') return { channel: channel.name, instFamily: indexOf(instId) };
  if (channel.by === 'kind') return { channel: channel.name, instType: kindOf(instId) };
  return { channel: channel.name, instId: channel.by === 'index' ? indexOf(instId) : instId };
}

function request(op: string, args: readonly Argument[]): string {
  return JSON.stringify({ op, args });
}

/**
 * The stream sends its own snapshots; every change names the one before it in `prevSeqId`. Without changes a message
 * with both ids equal comes once a minute, and after maintenance ids begin anew lower down, still linked. Recordings
 * without ids are held to the checksum instead.
 */
export const OKX_BOOK: BookRule = {
  snapshot: 'stream',
  depth: 400,
  next: (state, change) => {
    if (change.kind === 'snapshot') return 'apply';
    const { lastSeq } = state;
    if (change.seq === null) return lastSeq === null && change.proof !== undefined ? 'apply' : 'gap';
    if (lastSeq === null) return 'gap';
    if (change.prev_seq === lastSeq) return 'apply';
    return change.seq <= lastSeq ? 'skip' : 'gap';
  },
  checksum: { depth: 25, of: checksumOf },
};

/**
 * CRC-32 of `bid:size:ask:size:…` over the best 25 levels a side, as a signed number; where one side is shorter, the
 * other goes on alone. https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
 */
export function checksumOf(bids: readonly string[], asks: readonly string[]): number {
  const parts: string[] = [];
  for (let i = 0; i < Math.max(bids.length, asks.length); i++) {
    const [bid, ask] = [bids[i], asks[i]];
    if (bid !== undefined) parts.push(bid);
    if (ask !== undefined) parts.push(ask);
  }
  return crc32(parts.join(':')) | 0;
}
