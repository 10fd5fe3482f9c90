import type { SimulatedFrame, SimulatedListing, SimulatedMarket, VenueSimulator } from '../simulator-contract.ts';
import { byVenueSymbol, spiked, times } from '../shared/simulated.ts';
import { stepsAt } from '../shared/simulated-steps.ts';
import { isObject, parseJson } from '../shared/values.ts';
import { framesOf, partsOf, snapshotOf } from './simulate-frames.ts';
import { answerInfo } from './simulate-rest.ts';

/*
 * Hyperliquid's half of the conversation:
 * https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket
 */

/** Price step and lot (10 to the power of minus `szDecimals`). */
const STEPS: Readonly<Record<string, readonly [tick: string, lot: string]>> = {
  BTC: ['1', '0.00001'],
  ETH: ['0.1', '0.0001'],
  SOL: ['0.01', '0.01'],
  XRP: ['0.0001', '1'],
  AR: ['0.0001', '0.01'],
  WIF: ['0.0001', '1'],
  PNUT: ['0.00001', '1'],
};
const WITHOUT = ['BRETT', 'POPCAT'];
const TYPES = new Set(['trades', 'l2Book', 'bbo', 'activeAssetCtx', 'candle']);

const simulator = Object.freeze<VenueSimulator>({
  exchange: 'hyperliquid',
  market: 'futures',
  listings,
  activity: 0.4,
  sequenceStride: 1,
  markDecimals: null,
  acceptsPath: (path) => path === '/ws',
  channelsOfPath: () => [],
  onFrame: converse,
  onSubscribe: (market, channels, at) => channels.flatMap((channel) => snapshotOf(market, channel, at)),
  windowOf: (channel) => (channel.startsWith('activeAssetCtx ') ? `${partsOf(channel).coin}USDC` : undefined),
  steady: (channel) => /^(?:l2Book|bbo|activeAssetCtx) /.test(channel),
  frames: (market, channels, from, to) =>
    [...channels].flatMap((channel) => framesOf(market, channel, from, to)).sort((a, b) => a.at - b.at),
  envelope: (_path, frame) => frame.text,
  rest: (market, { path, body }, now) => (path === '/info' ? answerInfo(market, body, Math.floor(now)) : undefined),
  connectionLifetimeMs: Number.POSITIVE_INFINITY,
  limit: {
    weight: 1200,
    windowMs: 60_000,
    headers: () => ({}),
    refuse: (_status, seconds) => ({
      status: 429,
      body: 'Too many requests',
      weight: 1,
      headers: { 'retry-after': String(seconds) },
    }),
  },
  tradeId: (_market, _symbol, id) => String(id),
  candlesTellTakers: false,
  candlesTellCounts: true,
  spoil,
});

/** The simulator of Hyperliquid's perpetuals. */
const simulators: readonly VenueSimulator[] = Object.freeze([simulator]);

export default simulators;

function listings(symbol: string, price: number): readonly SimulatedListing[] {
  const base = symbol.replace(/USD[TC]?$/, '');
  if (WITHOUT.includes(base)) return [];
  const [tick, lot] = STEPS[base] ?? stepsAt(price);
  const instrument = {
    symbol: `${base}USDC`,
    venue_symbol: base,
    base,
    quote: 'USDC',
    funding_interval_hours: 1,
    tick_size: null,
  };
  return [{ tick, lot, instrument }];
}

function converse(market: SimulatedMarket, text: string): ReturnType<VenueSimulator['onFrame']> {
  const nothing = { reply: [], subscribe: [], unsubscribe: [] };
  const request = parseJson(text);
  const error = (message: string) => ({ ...nothing, reply: [JSON.stringify({ channel: 'error', data: message })] });
  if (!isObject(request)) return error(`Error parsing JSON into valid websocket request: ${text.slice(0, 200)}`);
  const { method, subscription } = request;
  if (method === 'ping') return { ...nothing, reply: ['{"channel":"pong"}'] };
  if ((method !== 'subscribe' && method !== 'unsubscribe') || !isObject(subscription)) {
    return error(`Error parsing JSON into valid websocket request: ${text.slice(0, 200)}`);
  }
  const { type, coin } = subscription;
  if (
    typeof type !== 'string' ||
    !TYPES.has(type) ||
    typeof coin !== 'string' ||
    byVenueSymbol(market, coin) === undefined
  ) {
    return error(`Invalid subscription ${JSON.stringify(subscription)}`);
  }
  const reply = [JSON.stringify({ channel: 'subscriptionResponse', data: { method, subscription } })];
  const channel = [`${type} ${coin}`];
  return method === 'subscribe'
    ? { reply, subscribe: channel, unsubscribe: [] }
    : { reply, subscribe: [], unsubscribe: channel };
}

/** Doubles best prices or the mark price (a spike), or puts a bid far above the asks (a crossed book). */
function spoil(frame: SimulatedFrame, how: 'spike' | 'crossed'): SimulatedFrame | undefined {
  const { type } = partsOf(frame.channel);
  if (how === 'spike') {
    return type === 'bbo' || type === 'activeAssetCtx' ? spiked(frame, ['px', 'markPx']) : undefined;
  }
  if (type !== 'l2Book') return undefined;
  const best = /\],\[\{"px":"([\d.]+)"/.exec(frame.text)?.[1];
  if (best === undefined) return undefined;
  const bid = `{"px":"${times(best, 1.05)}","sz":"1","n":1}`;
  return { ...frame, text: frame.text.replace('"levels":[[', `"levels":[[${bid},`) };
}
