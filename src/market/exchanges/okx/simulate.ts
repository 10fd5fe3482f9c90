import { msToUs, type Market } from '../../domain/records.ts';
import type { Ms } from '../../../kit/clock.ts';
import type { SimulatedFrame, SimulatedListing, SimulatedMarket, VenueSimulator } from '../simulator-contract.ts';
import { expiriesAt, worthOfFuture } from '../shared/simulated-expiries.ts';
import { byVenueSymbol, plain, spiked, times } from '../shared/simulated.ts';
import { listingsWith, stepsAt } from '../shared/simulated-steps.ts';
import { isObject, parseJson } from '../shared/values.ts';
import { channelKey, framesOf, nameOfChannel, snapshotOf } from './simulate-frames.ts';
import { optionListings } from './simulate-options.ts';
import { failure, restOf } from './simulate-rest.ts';
import { indexOf, kindOf, namedFacts } from './wire.ts';

/*
 * OKX's half of the conversation, v5 public and business: https://www.okx.com/docs-v5/en/#overview-websocket, in the
 * shapes of its examples and of recorded frames.
 */

/** Tick, lot in contracts and base units of a contract. */
const SWAPS: Readonly<Record<string, readonly [tick: string, lot: string, contract: string]>> = {
  BTCUSDT: ['0.1', '0.01', '0.01'],
  ETHUSDT: ['0.01', '0.01', '0.1'],
  SOLUSDT: ['0.01', '0.01', '1'],
  XRPUSDT: ['0.0001', '0.01', '100'],
  ARUSDT: ['0.001', '0.1', '1'],
  POPCATUSDT: ['0.0001', '1', '1'],
  WIFUSDT: ['0.0001', '1', '1'],
  PNUTUSDT: ['0.00001', '0.1', '10'],
};

const SWAPS_WITHOUT = ['BRETTUSDT'];
/** Coins that have dated futures: the next weekly one and two quarterly ones. */
const DATED = ['BTCUSDT', 'ETHUSDT'];

const SPOT_LISTINGS = listingsWith(
  {
    BTCUSDT: ['0.1', '0.00000001'],
    ETHUSDT: ['0.01', '0.000001'],
    SOLUSDT: ['0.01', '0.000001'],
    XRPUSDT: ['0.0001', '0.0001'],
    ARUSDT: ['0.001', '0.0001'],
    WIFUSDT: ['0.0001', '0.001'],
    PNUTUSDT: ['0.0001', '0.01'],
  },
  { without: ['BRETTUSDT', 'POPCATUSDT'] },
);

/** The simulators of OKX's markets. */
const simulators: readonly VenueSimulator[] = Object.freeze([
  simulatorOf('futures'),
  simulatorOf('spot'),
  Object.freeze({ ...simulatorOf('options'), activity: 1, markDecimals: 6 }),
]);

export default simulators;

function simulatorOf(kind: Market): VenueSimulator {
  return Object.freeze<VenueSimulator>({
    exchange: 'okx',
    market: kind,
    listings: (symbol, price, now) => {
      if (kind === 'options') return optionListings(baseOf(symbol), now);
      return kind === 'spot' ? spotListings(symbol, price) : futuresListings(symbol, price, now.at);
    },
    activity: kind === 'spot' ? 0.3 : 0.6,
    sequenceStride: 4,
    markDecimals: null,
    acceptsPath: (path) => /^\/ws\/v5\/(?:public|business)(?:\?|$)/.test(path),
    channelsOfPath: () => [],
    onFrame: (market, text) => converse(market, kind, text),
    onSubscribe: (market, channels, at) => channels.flatMap((channel) => snapshotOf(market, channel, at)),
    windowOf: (channel) => (kind !== 'options' && channel.startsWith('tickers ') ? symbolOf(kind, channel) : undefined),
    steady: (channel) => /^(?:books|tickers|mark-price|opt-summary) /.test(channel),
    frames: (market, channels, from, to) =>
      [...channels].flatMap((channel) => framesOf(market, channel, from, to)).sort((a, b) => a.at - b.at),
    envelope: (_path, frame) => frame.text,
    rest: restOf(kind),
    connectionLifetimeMs: Number.POSITIVE_INFINITY,
    limit: {
      weight: 80,
      windowMs: 2000,
      headers: () => ({}),
      refuse: (status, seconds) => ({
        ...failure('50011', 'Too Many Requests', status),
        headers: { 'retry-after': String(seconds) },
      }),
    },
    tradeId: (_market, _symbol, id) => String(id),
    candlesTellTakers: false,
    spoil,
  });
}

function futuresListings(symbol: string, price: number, at: Ms): readonly SimulatedListing[] {
  if (SWAPS_WITHOUT.includes(symbol)) return [];
  const [made, lots] = stepsAt(price);
  const [tick, lot, contract] = SWAPS[symbol] ?? [made, '0.1', plain(Number(lots) * 10)];
  const steps = { tick, lot: plain(Number((Number(lot) * Number(contract)).toPrecision(12))) };
  const pair = `${baseOf(symbol)}-USDT`;
  const swap = { ...steps, instrument: { venue_symbol: `${pair}-SWAP`, contract_size: Number(contract) } };
  if (!DATED.includes(symbol)) return [swap];
  const dated = expiriesAt(at)
    .slice(1)
    .map((expiry) => {
      const day = new Date(expiry).toISOString().slice(2, 10).replaceAll('-', '');
      return {
        ...steps,
        worth: worthOfFuture(expiry),
        instrument: {
          symbol: `${symbol}_${day}`,
          venue_symbol: `${pair}-${day}`,
          kind: 'dated' as const,
          contract_size: Number(contract),
          funding_interval_hours: null,
          expiry_time: msToUs(expiry),
        },
      };
    });
  return [swap, ...dated];
}

function spotListings(symbol: string, price: number): readonly SimulatedListing[] {
  const instrument = { venue_symbol: `${baseOf(symbol)}-USDT` };
  return SPOT_LISTINGS(symbol, price).map((listing) => ({ ...listing, instrument }));
}

function baseOf(symbol: string): string {
  return symbol.replace(/USDT$/, '');
}

/** BTCUSDT for `tickers BTC-USDT-SWAP`. */
function symbolOf(kind: Market, key: string): string | undefined {
  return namedFacts(kind)(nameOfChannel(key).of)?.symbol;
}

const CONNECTION = 'a4d3ae55';
const CHANNELS = new Set(['trades-all', 'trades', 'books', 'tickers', 'candle1m']);
const OPTION_CHANNELS = new Set(['mark-price', 'open-interest']);
const SWAP_CHANNELS = new Set(['mark-price', 'funding-rate', 'open-interest', 'price-limit']);

function converse(market: SimulatedMarket, kind: Market, text: string): ReturnType<VenueSimulator['onFrame']> {
  const nothing = { reply: [], subscribe: [], unsubscribe: [] };
  if (text === 'ping') return { ...nothing, reply: ['pong'] };
  const request = parseJson(text);
  const error = (code: string, msg: string): string =>
    JSON.stringify({ event: 'error', msg, code, connId: CONNECTION });
  if (!isObject(request)) return { ...nothing, reply: [error('60012', `Illegal request: ${text.slice(0, 200)}`)] };
  const { op, args } = request;
  if ((op !== 'subscribe' && op !== 'unsubscribe') || !Array.isArray(args)) {
    return { ...nothing, reply: [error('60012', `Illegal request: ${text.slice(0, 200)}`)] };
  }
  const reply: string[] = [];
  const channels: string[] = [];
  const asked: readonly unknown[] = args;
  for (const arg of asked) {
    const key = keyOf(market, kind, arg);
    if (key === undefined) {
      reply.push(
        error(
          '60018',
          `Wrong URL or ${JSON.stringify(arg)} doesn't exist. Please use the correct URL, channel and parameters referring to API document.`,
        ),
      );
      continue;
    }
    reply.push(JSON.stringify({ event: op, arg, connId: CONNECTION }));
    channels.push(key);
  }
  return op === 'subscribe'
    ? { reply, subscribe: channels, unsubscribe: [] }
    : { reply, subscribe: [], unsubscribe: channels };
}

function keyOf(market: SimulatedMarket, kind: Market, arg: unknown): string | undefined {
  if (!isObject(arg) || typeof arg['channel'] !== 'string') return undefined;
  const { channel, instId, instType, instFamily } = arg;
  if (channel === 'opt-summary') {
    const known = kind === 'options' && market.instruments.some((i) => indexOf(i.venue_symbol) === instFamily);
    return known ? channelKey(channel, String(instFamily)) : undefined;
  }
  if (channel === 'liquidation-orders') {
    const known = kind === 'futures' && (instType === 'SWAP' || instType === 'FUTURES');
    return known ? channelKey(channel, instType) : undefined;
  }
  if (typeof instId !== 'string') return undefined;
  if (channel === 'index-tickers') {
    return market.instruments.some((i) => indexOf(i.venue_symbol) === instId) ? channelKey(channel, instId) : undefined;
  }
  if (channel === 'funding-rate' && kindOf(instId) !== 'SWAP') return undefined;
  const own = kind === 'futures' ? SWAP_CHANNELS : kind === 'options' ? OPTION_CHANNELS : undefined;
  const known = CHANNELS.has(channel) || own?.has(channel) === true;
  return known && byVenueSymbol(market, instId) !== undefined ? channelKey(channel, instId) : undefined;
}

/** Doubles best prices or the mark price (a spike), or puts a bid far above the asks (a crossed book). */
function spoil(frame: SimulatedFrame, how: 'spike' | 'crossed'): SimulatedFrame | undefined {
  const { channel } = nameOfChannel(frame.channel);
  if (how === 'spike') {
    if (channel !== 'tickers' && channel !== 'mark-price') return undefined;
    return spiked(frame, ['bidPx', 'askPx', 'last', 'markPx']);
  }
  if (channel !== 'books') return undefined;
  const best = /"asks":\[\["([\d.]+)"/.exec(frame.text)?.[1];
  if (best === undefined) return undefined;
  const bid = `["${times(best, 1.05)}","1","0","1"]`;
  const empty = frame.text.includes('"bids":[]');
  return { ...frame, text: frame.text.replace('"bids":[', `"bids":[${bid}${empty ? '' : ','}`) };
}
