import type { SimulatedFrame, SimulatedListing, SimulatedMarket, VenueSimulator } from '../simulator-contract.ts';
import { byVenueSymbol } from '../shared/simulated.ts';
import { canonicalSymbol } from '../shared/symbols.ts';
import { stepsAt } from '../shared/simulated-steps.ts';
import { elementsOf, isObject, parseJson } from '../shared/values.ts';
import { COIN_SETTLED, datedListings, optionListings } from './simulate-contracts.ts';
import { framesOf, HEARTBEAT, isForced, partsOf, snapshotOf, tradeIdOf } from './simulate-frames.ts';
import { answerPublic, failure } from './simulate-rest.ts';

/*
 * Deribit's half of the conversation, JSON-RPC 2.0: https://docs.deribit.com. Contracts of BTC and ETH are settled in
 * the coin, the rest in USDC; options are quoted and their books change once a second. Amounts of inverse contracts are not rounded to whole contracts, so that they are exactly the
 * market's.
 */

const STEPS: Readonly<Record<string, readonly [tick: string, lot: string]>> = {
  BTC: ['0.5', '0.0001'],
  ETH: ['0.05', '0.001'],
  SOL: ['0.01', '0.1'],
  XRP: ['0.0001', '1'],
};
const WITHOUT = ['AR', 'BRETT', 'POPCAT', 'PNUT'];
const KINDS = new Set(['trades', 'book', 'ticker', 'chart']);

/** What both markets have in common. */
const COMMON = {
  exchange: 'deribit',
  sequenceStride: 7,
  acceptsPath: (path) => path === '/ws/api/v2',
  channelsOfPath: () => [],
  onFrame: converse,
  onSubscribe: (market, channels, at) => channels.flatMap((channel) => snapshotOf(market, channel, at)),
  steady: (channel) => /^(?:book|ticker)\./.test(channel),
  frames: (market, channels, from, to) =>
    [...channels].flatMap((channel) => framesOf(market, channel, from, to)).sort((a, b) => a.at - b.at),
  envelope: (_path, frame) => frame.text,
  rest: (market, { path, query }, now) => answerPublic(market, path, query, now),
  connectionLifetimeMs: Number.POSITIVE_INFINITY,
  limit: {
    weight: 100,
    windowMs: 5000,
    headers: () => ({}),
    refuse: (_status, seconds) => ({
      ...failure(10028, 'too_many_requests', 429),
      headers: { 'retry-after': String(seconds) },
    }),
  },
  tradeId: (market, symbol, id) => {
    const instrument = market.instruments.find((i) => i.symbol === symbol);
    return instrument === undefined ? String(id) : tradeIdOf(instrument, id);
  },
  liquidations: (market, symbol, from, to) =>
    market
      .trades(symbol, from, to)
      .filter((t) => isForced(market, symbol, t))
      .map((t) => ({ at: t.at, side: t.side === 'sell' ? 'long' : 'short', price: t.price, quantity: t.quantity })),
  candlesTellTakers: false,
  spoil,
} satisfies Partial<VenueSimulator>;

/** The simulator of Deribit: perpetuals, dated futures and options. */
const simulators: readonly VenueSimulator[] = Object.freeze([
  Object.freeze<VenueSimulator>({
    ...COMMON,
    market: 'futures',
    activity: 0.3,
    windowOf: (channel) => {
      const { kind, name } = partsOf(channel);
      return kind === 'ticker' ? canonicalSymbol(name) : undefined;
    },
    markDecimals: 4,
    listings: (symbol, price, { at }) => {
      const perpetual = perpetualOf(symbol, price);
      return perpetual === undefined ? [] : [perpetual, ...datedListings(baseOf(symbol), perpetual, at)];
    },
  }),
  Object.freeze<VenueSimulator>({
    ...COMMON,
    market: 'options',
    activity: 1,
    windowOf: () => undefined,
    markDecimals: 6,
    candlesTellQuote: false,
    listings: (symbol, _price, now) => (WITHOUT.includes(baseOf(symbol)) ? [] : optionListings(baseOf(symbol), now)),
  }),
]);

export default simulators;

function baseOf(symbol: string): string {
  return symbol.replace(/USD[TC]?$/, '');
}

function perpetualOf(symbol: string, price: number): SimulatedListing | undefined {
  const base = baseOf(symbol);
  if (WITHOUT.includes(base)) return undefined;
  const [tick, lot] = STEPS[base] ?? stepsAt(price);
  const inverse = COIN_SETTLED.includes(base);
  const name = inverse ? `${base}-PERPETUAL` : `${base}_USDC-PERPETUAL`;
  const instrument = {
    symbol: canonicalSymbol(name),
    venue_symbol: name,
    base,
    quote: inverse ? 'USD' : 'USDC',
    inverse,
    funding_interval_hours: 8,
    settlement_currency: inverse ? base : 'USDC',
    ...(inverse ? { lot_size: null } : {}),
  };
  return { tick, lot, instrument };
}

function converse(market: SimulatedMarket, text: string): ReturnType<VenueSimulator['onFrame']> {
  const nothing = { reply: [], subscribe: [], unsubscribe: [] };
  const request = parseJson(text);
  if (!isObject(request)) {
    return { ...nothing, reply: ['{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"}}'] };
  }
  const { id, method } = request;
  const params = isObject(request['params']) ? request['params'] : {};
  const answer = (result: unknown): readonly string[] => [JSON.stringify({ jsonrpc: '2.0', id, result })];
  switch (method) {
    case 'public/test':
      return { ...nothing, reply: answer({ version: '1.2.26' }) };
    case 'public/set_heartbeat':
      return { ...nothing, reply: answer('ok'), subscribe: [HEARTBEAT] };
    case 'public/subscribe':
    case 'public/unsubscribe': {
      const asked = elementsOf(params['channels']).filter((c): c is string => typeof c === 'string');
      const channels = asked.filter((channel) => {
        const { kind, name } = partsOf(channel);
        return KINDS.has(kind) && byVenueSymbol(market, name) !== undefined;
      });
      return method === 'public/subscribe'
        ? { reply: answer(channels), subscribe: channels, unsubscribe: [] }
        : { reply: answer(channels), subscribe: [], unsubscribe: channels };
    }
    default: {
      const error = { code: -32601, message: 'Method not found' };
      return { ...nothing, reply: [JSON.stringify({ jsonrpc: '2.0', id, error })] };
    }
  }
}

/** Doubles best prices or the mark price (a spike), or puts a bid far above the asks (a crossed book). */
function spoil(frame: SimulatedFrame, how: 'spike' | 'crossed'): SimulatedFrame | undefined {
  const { kind } = partsOf(frame.channel);
  if (how === 'spike') {
    if (kind !== 'ticker') return undefined;
    const text = frame.text.replace(
      /"(best_bid_price|best_ask_price|mark_price|last_price)":([\d.]+)/g,
      (_all, name: string, value: string) => `"${name}":${Number(value) * 2}`,
    );
    return { ...frame, text };
  }
  if (kind !== 'book') return undefined;
  const best = /"asks":\[\["\w+",([\d.]+)/.exec(frame.text)?.[1];
  if (best === undefined) return undefined;
  const empty = frame.text.includes('"bids":[]');
  const bid = `["new",${Number(best) * 1.05},1]${empty ? '' : ','}`;
  return { ...frame, text: frame.text.replace('"bids":[', `"bids":[${bid}`) };
}
