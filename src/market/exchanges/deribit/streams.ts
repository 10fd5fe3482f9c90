import type { Instrument } from '../../domain/instrument.ts';
import type { Stream } from '../../domain/records.ts';
import type { BookRule, ConnectionLimits, ConnectionPlan, StreamSupport } from '../contract.ts';
import { chunks } from '../shared/query.ts';

type Support = Readonly<Partial<Record<Stream, StreamSupport>>>;

const CHANNELS: readonly { readonly streams: readonly Stream[]; readonly of: (name: string) => string }[] = [
  { streams: ['orderbooks'], of: (name) => `book.${name}.100ms` },
  { streams: ['trades', 'liquidations'], of: (name) => `trades.${name}.100ms` },
  {
    streams: ['prices', 'mark_prices', 'funding_rates', 'open_interest', 'ticker_24h', 'option_summaries'],
    of: (name) => `ticker.${name}.100ms`,
  },
  { streams: ['candles'], of: (name) => `chart.trades.${name}.1` },
];

/** Trades and candles go back to the listing of a contract. */
const SHARED = {
  prices: { via: 'websocket', staleAfterMs: 60_000 },
  orderbooks: { via: 'websocket', staleAfterMs: 60_000 },
  trades: { via: 'websocket', staleAfterMs: null, history: { call: 'trades', reachMs: null, paged: true } },
  ticker_24h: { via: 'websocket', staleAfterMs: 60_000 },
  candles: { via: 'websocket', staleAfterMs: null, history: { call: 'candles', reachMs: null, paged: true } },
} satisfies Support;

/** Liquidations are trades with a flag. */
export const FUTURES_SUPPORT: Support = {
  ...SHARED,
  mark_prices: { via: 'websocket', staleAfterMs: 60_000 },
  funding_rates: {
    via: 'websocket',
    staleAfterMs: null,
    history: { call: 'funding_rates', reachMs: null, paged: true, everyMs: 3_600_000 },
  },
  open_interest: { via: 'websocket', staleAfterMs: 60_000 },
  liquidations: { via: 'websocket', staleAfterMs: null },
};

/**
 * Most options are quoted and traded now and then: only their valuation comes all the time. Their mark price is in the
 * coin and their index in dollars, so that neither mark_prices (whose basis is their difference) nor liquidations (whose
 * value is in dollars) can hold them: the summary has mark and underlying, the trade is among the trades.
 */
export const OPTIONS_SUPPORT: Support = {
  ...SHARED,
  prices: { via: 'websocket', staleAfterMs: null },
  orderbooks: { via: 'websocket', staleAfterMs: null },
  ticker_24h: { via: 'websocket', staleAfterMs: null },
  open_interest: { via: 'websocket', staleAfterMs: null },
  option_summaries: { via: 'websocket', staleAfterMs: 60_000 },
};

/**
 * A request costs 500 of a pool of 50,000 credits that gains 10,000 a second: 20 requests a second go on for ever, 100 may
 * come at once. Subscriptions have a pool of their own, of 10 at once and 3.3 a second (as NautilusTrader has it). An
 * address may hold 32 connections, HTTP counted too. Compared 2026-11: https://docs.deribit.com/articles/rate-limits
 */
export const LIMITS: ConnectionLimits = {
  streamsPerConnection: 500,
  argsPerSubscribe: 400,
  messagesPerSecond: 3,
  rotateAfterMs: null,
  restWeightPerMinute: 1200,
  restBurst: { weight: 100, perMs: 5000 },
};

/** The venue asks whether we are there when it was silent for so long, and cuts the connection without an answer. */
const HEARTBEAT_SECONDS = 30;

/** One connection an underlying: where some of its options expire, those of the others go on undisturbed. */
export function planOptions(instruments: readonly Instrument[], streams: readonly Stream[]): ConnectionPlan[] {
  const chains = new Map<string, Instrument[]>();
  for (const instrument of instruments) {
    const key = `${instrument.base} ${instrument.quote}`;
    const chain = chains.get(key);
    if (chain === undefined) chains.set(key, [instrument]);
    else chain.push(instrument);
  }
  return [...chains.values()].flatMap((chain) => plan(OPTIONS_SUPPORT, chain, streams));
}

export function plan(
  support: Support,
  instruments: readonly Instrument[],
  streams: readonly Stream[],
): ConnectionPlan[] {
  const subscriptions = instruments.flatMap((instrument) =>
    CHANNELS.flatMap(({ streams: brought, of }) => {
      const carried = brought.filter((stream) => streams.includes(stream) && support[stream] !== undefined);
      if (carried.length === 0) return [];
      return [{ channel: of(instrument.venue_symbol), symbol: instrument.symbol, carried }];
    }),
  );
  const names = new Map(instruments.map((instrument) => [instrument.symbol, instrument.venue_symbol]));
  return chunks(subscriptions, LIMITS.argsPerSubscribe).map((part) => ({
    address: 'stream',
    path: '',
    subscribe: [
      request(1, 'set_heartbeat', { interval: HEARTBEAT_SECONDS }),
      request(2, 'subscribe', { channels: part.map(({ channel }) => channel) }),
    ],
    acknowledgements: 1,
    series: part.flatMap(({ symbol, carried }) => carried.map((stream) => ({ symbol, stream }))),
    ping: null,
    resubscribeBook: (symbol) =>
      ['unsubscribe', 'subscribe'].map((method, i) =>
        request(3 + i, method, { channels: [`book.${names.get(symbol) ?? symbol}.100ms`] }),
      ),
  }));
}

function request(id: number, method: string, params: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method: `public/${method}`, params });
}

/** Each change names the one before. */
export const BOOK: BookRule = {
  snapshot: 'stream',
  depth: 100,
  next: (state, change) => {
    if (change.kind === 'snapshot') return 'apply';
    if (state.lastSeq === null || change.seq === null) return 'gap';
    if (change.seq <= state.lastSeq) return 'skip';
    return change.prev_seq === state.lastSeq ? 'apply' : 'gap';
  },
};
