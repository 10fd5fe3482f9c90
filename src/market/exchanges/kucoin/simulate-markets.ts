import type { Market } from '../../domain/records.ts';
import type { SimulatedFrame, SimulatedListing, SimulatedMarket, VenueSimulator } from '../simulator-contract.ts';
import { byVenueSymbol, SECOND, spiked, times } from '../shared/simulated.ts';
import { stepsAt, type Steps } from '../shared/simulated-steps.ts';
import { beginning, framesOf } from './simulate-frames.ts';
import { kucoinAnswer, refuseKucoin } from './simulate-rest.ts';

/*
 * KuCoin's half of the conversation: https://www.kucoin.com/docs-new/websocket-api/base-info/introduction, in the shapes
 * of its examples and of recorded frames.
 */

/** Topics that each market serves. */
const TOPICS: Readonly<Record<string, readonly string[]>> = {
  spot: ['/market/match', '/market/ticker', '/market/snapshot', '/market/candles', '/spotMarket/level2Depth50'],
  futures: [
    '/contractMarket/execution',
    '/contractMarket/tickerV2',
    '/contractMarket/level2',
    '/contractMarket/snapshot',
    '/contract/instrument',
  ],
};

/** Tick, and the lot in base units: one contract of futures. */
const FUTURES_STEPS: Readonly<Record<string, Steps>> = {
  BTCUSDT: ['0.1', '0.001'],
  ETHUSDT: ['0.01', '0.01'],
  SOLUSDT: ['0.01', '0.1'],
  XRPUSDT: ['0.0001', '10'],
  ARUSDT: ['0.001', '1'],
  BRETTUSDT: ['0.00001', '10'],
  POPCATUSDT: ['0.0001', '10'],
  WIFUSDT: ['0.0001', '10'],
  PNUTUSDT: ['0.00001', '10'],
};
const SPOT_STEPS: Readonly<Record<string, Steps>> = {
  BTCUSDT: ['0.1', '0.00001'],
  ETHUSDT: ['0.01', '0.0001'],
  SOLUSDT: ['0.01', '0.001'],
  XRPUSDT: ['0.00001', '0.01'],
  ARUSDT: ['0.001', '0.001'],
  BRETTUSDT: ['0.00001', '0.1'],
  POPCATUSDT: ['0.0001', '0.01'],
  WIFUSDT: ['0.0001', '0.01'],
  PNUTUSDT: ['0.0001', '0.1'],
};

function listings(kind: Market): (symbol: string, price: number) => readonly SimulatedListing[] {
  return (symbol, price) => {
    if (!symbol.endsWith('USDT')) return [];
    const base = symbol.slice(0, -4);
    const [tick, lot] = (kind === 'futures' ? FUTURES_STEPS : SPOT_STEPS)[symbol] ?? stepsAt(price);
    const instrument =
      kind === 'futures'
        ? { venue_symbol: `${base === 'BTC' ? 'XBT' : base}USDTM`, contract_size: Number(lot) }
        : { venue_symbol: `${base}-USDT` };
    return [{ tick, lot, instrument }];
  };
}

export const futuresSimulator = simulatorOf('futures');
export const spotSimulator = simulatorOf('spot');

function simulatorOf(kind: Market): VenueSimulator {
  return Object.freeze<VenueSimulator>({
    exchange: 'kucoin',
    market: kind,
    listings: listings(kind),
    activity: kind === 'futures' ? 0.5 : 0.4,
    sequenceStride: 1,
    markDecimals: kind === 'futures' ? 8 : null,
    acceptsPath: (path) => path === '' || /^\/\?token=[\w-]+/.test(path),
    // Every connection is greeted.
    channelsOfPath: () => ['welcome'],
    onFrame: (market, text) => converse(market, kind, text),
    onSubscribe: (market, channels, at) => channels.flatMap((channel) => beginning(market, channel, at)),
    windowOf: (channel) => (/^\/(market|contractMarket)\/snapshot:/.test(channel) ? symbolOf(channel) : undefined),
    steady: (channel) => /level2|ticker|instrument/.test(channel),
    frames(market, channels, from, to) {
      const frames: SimulatedFrame[] = [];
      for (const channel of channels) frames.push(...framesOf(market, channel, from, to));
      return frames.sort((a, b) => a.at - b.at);
    },
    envelope: (_path, frame) => frame.text,
    rest: (market, request, now) => kucoinAnswer(market, kind, request, now),
    connectionLifetimeMs: 24 * 3_600_000,
    limit: { weight: 2000, windowMs: 30 * SECOND, headers: headersOf, refuse: refuseKucoin },
    tradeId: (_market, _symbol, id) => String(id),
    candlesTellTakers: false,
    spoil,
  });
}

function headersOf(used: number): Readonly<Record<string, string>> {
  return { 'gw-ratelimit-limit': '2000', 'gw-ratelimit-remaining': String(Math.max(0, 2000 - used)) };
}

/** Channels are remembered as `topic:canonical symbol`. */
function symbolOf(channel: string): string {
  return channel.slice(channel.indexOf(':') + 1);
}

function converse(market: SimulatedMarket, kind: Market, text: string): ReturnType<VenueSimulator['onFrame']> {
  const nothing = { subscribe: [], unsubscribe: [] };
  let request: { id?: unknown; type?: unknown; topic?: unknown };
  try {
    request = JSON.parse(text) as typeof request;
  } catch {
    return { ...nothing, reply: ['{"type":"error","code":400,"data":"Invalid message"}'] };
  }
  const { id, type, topic } = request;
  const fail = (code: number, data: string) => ({
    ...nothing,
    reply: [JSON.stringify({ id, type: 'error', code, data })],
  });
  if (type === 'ping') return { ...nothing, reply: [JSON.stringify({ id, type: 'pong' })] };
  if (type !== 'subscribe' && type !== 'unsubscribe') return fail(400, 'type is not supported');
  const [name = '', list = ''] = typeof topic === 'string' ? topic.split(':') : [];
  const asked = list.split(',');
  if (TOPICS[kind]?.includes(name) !== true) return fail(404, `topic ${String(topic)} is not found`);
  if (asked.length > 100) return fail(509, 'exceed max subscription count limitation of 100 per time');
  const symbols = asked.map((one) =>
    byVenueSymbol(market, name === '/market/candles' ? one.replace(/_1min$/, '') : one),
  );
  if (symbols.some((instrument) => instrument === undefined)) return fail(404, `topic ${String(topic)} is not found`);
  const channels = symbols.map((instrument) => `${name}:${instrument?.symbol ?? ''}`);
  const reply = [JSON.stringify({ id, type: 'ack' })];
  return type === 'subscribe'
    ? { ...nothing, reply, subscribe: channels }
    : { ...nothing, reply, unsubscribe: channels };
}

const PRICES = ['bestBid', 'bestAsk', 'bestBidPrice', 'bestAskPrice', 'price'];

/** Doubles best prices or the mark, or makes a bid far above the asks. */
function spoil(frame: SimulatedFrame, how: 'spike' | 'crossed'): SimulatedFrame | undefined {
  if (how === 'spike') {
    if (/^\/(market\/ticker|contractMarket\/tickerV2):/.test(frame.channel)) return spiked(frame, PRICES);
    const text = frame.text.replace(/"markPrice":([\d.]+)/, (_all, value: string) => `"markPrice":${times(value, 2)}`);
    return text === frame.text ? undefined : { ...frame, text };
  }
  const level = /"change":"([\d.]+),(?:buy|sell),/.exec(frame.text)?.[1];
  if (level !== undefined) {
    return { ...frame, text: frame.text.replace(/"change":"[^"]*"/, `"change":"${times(level, 1.05)},buy,1"`) };
  }
  const best = /"asks":\[\["([\d.]+)"/.exec(frame.text)?.[1];
  if (best === undefined) return undefined;
  return { ...frame, text: frame.text.replace('"bids":[', `"bids":[["${times(best, 1.05)}","1"],`) };
}
