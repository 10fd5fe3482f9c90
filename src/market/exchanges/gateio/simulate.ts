import type { Market } from '../../domain/records.ts';
import type { SimulatedFrame, SimulatedListing, SimulatedMarket, VenueSimulator } from '../simulator-contract.ts';
import { byVenueSymbol, plain, spiked, times } from '../shared/simulated.ts';
import { listingsWith, stepsAt } from '../shared/simulated-steps.ts';
import { isObject, parseJson } from '../shared/values.ts';
import { channelKey, framesOf, nameOfChannel } from './simulate-frames.ts';
import { failure, restOf } from './simulate-rest.ts';

/*
 * Gate.io's half of the conversation: https://www.gate.com/docs/developers/futures/ws/en/ and
 * https://www.gate.com/docs/developers/apiv4/ws/en/, in the shapes of their examples and of recorded frames.
 */

/** Tick, and base units of a contract, which is the least order. */
const CONTRACTS: Readonly<Record<string, readonly [tick: string, contract: string]>> = {
  BTCUSDT: ['0.1', '0.0001'],
  ETHUSDT: ['0.01', '0.01'],
  SOLUSDT: ['0.01', '1'],
  XRPUSDT: ['0.0001', '10'],
  ARUSDT: ['0.001', '0.1'],
  BRETTUSDT: ['0.00001', '10'],
  POPCATUSDT: ['0.0001', '1'],
  WIFUSDT: ['0.0001', '1'],
  PNUTUSDT: ['0.00001', '1'],
};

const SPOT_LISTINGS = listingsWith({
  BTCUSDT: ['0.1', '0.000001'],
  ETHUSDT: ['0.01', '0.0001'],
  SOLUSDT: ['0.01', '0.001'],
  XRPUSDT: ['0.0001', '0.01'],
  ARUSDT: ['0.001', '0.001'],
  BRETTUSDT: ['0.00001', '0.1'],
  POPCATUSDT: ['0.0001', '0.01'],
  WIFUSDT: ['0.0001', '0.01'],
  PNUTUSDT: ['0.0001', '0.01'],
});

/** The simulators of Gate.io's markets. */
const simulators: readonly VenueSimulator[] = Object.freeze([simulatorOf('futures'), simulatorOf('spot')]);

export default simulators;

function simulatorOf(kind: Market): VenueSimulator {
  const path = kind === 'futures' ? /^\/v4\/ws\/usdt\/?(?:\?|$)/ : /^\/ws\/v4\/?(?:\?|$)/;
  return Object.freeze<VenueSimulator>({
    exchange: 'gateio',
    market: kind,
    listings: kind === 'spot' ? spotListings : contractListings,
    activity: kind === 'spot' ? 0.25 : 0.35,
    sequenceStride: 16,
    markDecimals: null,
    acceptsPath: (asked) => path.test(asked),
    channelsOfPath: () => [],
    onFrame: (market, text) => converse(market, kind, text),
    // Nothing comes at once: books begin over REST, tickers with the next second.
    onSubscribe: () => [],
    windowOf: (channel) => (/\.tickers /.test(channel) ? symbolOf(channel) : undefined),
    steady: (channel) => /\.(?:order_book_update|book_ticker|tickers) /.test(channel),
    frames: (market, channels, from, to) =>
      [...channels].flatMap((channel) => framesOf(market, channel, from, to)).sort((a, b) => a.at - b.at),
    envelope: (_path, frame) => frame.text,
    rest: restOf(kind),
    connectionLifetimeMs: Number.POSITIVE_INFINITY,
    limit: {
      weight: 200,
      windowMs: 10_000,
      headers: (used) => ({
        'x-gate-ratelimit-limit': '200',
        'x-gate-ratelimit-requests-remain': String(Math.max(0, 200 - used)),
      }),
      refuse: (status, seconds) => ({
        ...failure('TOO_MANY_REQUESTS', 'Request Rate limit Exceeded', status === 418 ? 403 : status),
        headers: { 'retry-after': String(seconds) },
      }),
    },
    tradeId: (_market, _symbol, id) => String(id),
    candlesTellTakers: false,
    spoil,
  });
}

function contractListings(symbol: string, price: number): readonly SimulatedListing[] {
  const [made, lot] = stepsAt(price);
  const [tick, contract] = CONTRACTS[symbol] ?? [made, plain(Number(lot))];
  return [{ tick, lot: contract, instrument: { venue_symbol: pairOf(symbol), contract_size: Number(contract) } }];
}

function spotListings(symbol: string, price: number): readonly SimulatedListing[] {
  return SPOT_LISTINGS(symbol, price).map((listing) => ({ ...listing, instrument: { venue_symbol: pairOf(symbol) } }));
}

function pairOf(symbol: string): string {
  return `${symbol.replace(/USDT$/, '')}_USDT`;
}

function symbolOf(key: string): string {
  return nameOfChannel(key).of.replace('_', '');
}

const LISTED = new Set(['trades', 'book_ticker', 'tickers', 'public_liquidates']);

function converse(market: SimulatedMarket, kind: Market, text: string): ReturnType<VenueSimulator['onFrame']> {
  const nothing = { reply: [], subscribe: [], unsubscribe: [] };
  const request = parseJson(text);
  if (!isObject(request) || typeof request['channel'] !== 'string') return nothing;
  const { time, channel, event, payload } = request;
  const respond = (fields: object): readonly string[] => [
    JSON.stringify({ time, channel, event: event ?? '', ...fields }),
  ];
  const refuse = (message: string) => ({
    ...nothing,
    reply: respond({ error: { code: 2, message }, result: null }),
  });
  if (channel === `${kind}.ping`) {
    return { ...nothing, reply: [JSON.stringify({ time, channel: `${kind}.pong`, event: '', result: null })] };
  }
  if (event !== 'subscribe' && event !== 'unsubscribe') return refuse('unknown event');
  const asked: readonly unknown[] = Array.isArray(payload) ? payload : [];
  const channels = keysOf(market, kind, channel, asked);
  if (typeof channels === 'string') return refuse(channels);
  const reply = respond({ payload: asked, result: { status: 'success' } });
  return event === 'subscribe'
    ? { reply, subscribe: channels, unsubscribe: [] }
    : { reply, subscribe: [], unsubscribe: channels };
}

/** The channels asked for, or why not. */
function keysOf(
  market: SimulatedMarket,
  kind: Market,
  channel: string,
  payload: readonly unknown[],
): readonly string[] | string {
  const name = channel.startsWith(`${kind}.`) ? channel.slice(kind.length + 1) : '';
  const symbols = symbolsOf(name, kind, payload);
  if (symbols === undefined) return `unknown channel ${channel}`;
  if (symbols.length === 0) return 'empty payload';
  const unknown = symbols.find((symbol) => byVenueSymbol(market, symbol) === undefined);
  if (unknown !== undefined)
    return `unknown ${kind === 'spot' ? 'currency pair' : 'contract'} ${JSON.stringify(unknown)}`;
  return symbols.map((symbol) => channelKey(channel, String(symbol)));
}

function symbolsOf(name: string, kind: Market, payload: readonly unknown[]): readonly unknown[] | undefined {
  if (name === 'public_liquidates' && kind === 'spot') return undefined;
  if (LISTED.has(name)) return payload;
  if (name === 'order_book_update') return payload[1] === '100ms' ? payload.slice(0, 1) : undefined;
  if (name === 'candlesticks') return payload[0] === '1m' ? payload.slice(1, 2) : undefined;
  return undefined;
}

/** Doubles best prices or the mark price (a spike), or puts a bid far above the asks (a crossed book). */
function spoil(frame: SimulatedFrame, how: 'spike' | 'crossed'): SimulatedFrame | undefined {
  const { channel, name } = nameOfChannel(frame.channel);
  if (how === 'spike') {
    if (name === 'book_ticker') return spiked(frame, ['a', 'b']);
    return channel === 'futures.tickers' ? spiked(frame, ['last', 'mark_price']) : undefined;
  }
  if (name !== 'order_book_update') return undefined;
  const best = /"a":\[(?:\{"p":|\[)"([\d.]+)"/.exec(frame.text)?.[1];
  if (best === undefined) return undefined;
  const price = times(best, 1.05);
  const bid = channel.startsWith('spot') ? `["${price}","1"]` : `{"p":"${price}","s":1}`;
  const empty = frame.text.includes('"b":[]');
  return { ...frame, text: frame.text.replace('"b":[', `"b":[${bid}${empty ? '' : ','}`) };
}
