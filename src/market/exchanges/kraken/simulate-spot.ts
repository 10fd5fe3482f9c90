import type { Ms } from '../../../kit/clock.ts';
import type { SimulatedFrame, SimulatedMarket, VenueSimulator } from '../simulator-contract.ts';
import {
  channelOf,
  dollarListings,
  doubled,
  every,
  MINUTE,
  PLAIN,
  SECOND,
  symbolsOf,
  venueName,
} from './simulate-shared.ts';
import { refuseSpot, spotAnswer } from './simulate-spot-rest.ts';
import { CHECKSUM_DEPTH, krakenChecksum, levelDigits } from './wire.ts';

/*
 * Kraken spot's half of the conversation, WebSocket v2: https://docs.kraken.com/api/docs/websocket-v2/book (trade,
 * ticker, ohlc, ping), in the shapes of its examples and of recorded frames.
 */

const CHANNELS = ['trade', 'book', 'ticker', 'ohlc'];
const DEPTHS = [10, 25, 100, 500, 1000];
const TICKER_STEP = 200;

const listings = dollarListings(
  {
    BTC: ['0.1', '0.00001'],
    ETH: ['0.01', '0.0001'],
    SOL: ['0.01', '0.001'],
    XRP: ['0.00001', '0.01'],
    AR: ['0.001', '0.001'],
    BRETT: ['0.00001', '0.1'],
    POPCAT: ['0.0001', '0.01'],
    WIF: ['0.0001', '0.01'],
    PNUT: ['0.00001', '0.01'],
  },
  (base) => `${base}/USD`,
  false,
);

export const spotSimulator: VenueSimulator = Object.freeze<VenueSimulator>({
  ...PLAIN,
  exchange: 'kraken',
  market: 'spot',
  listings,
  activity: 0.4,
  sequenceStride: 1,
  markDecimals: null,
  candlesTellCounts: true,
  acceptsPath: (path) => path.split('?', 1)[0] === '/v2',
  onFrame: converse,
  onSubscribe: (market, channels, at) => channels.flatMap((channel) => beginning(market, channel, at)),
  windowOf: (channel) => (channel.startsWith('ticker:') ? channelOf(channel).symbol : undefined),
  steady: (channel) => /^(?:book|ticker):/.test(channel),
  frames(market, channels, from, to) {
    const frames: SimulatedFrame[] = [];
    for (const channel of channels) frames.push(...framesOf(market, channel, from, to));
    return frames.sort((a, b) => a.at - b.at);
  },
  rest: spotAnswer,
  limit: { weight: 60, windowMs: 30 * SECOND, headers: () => ({}), refuse: refuseSpot },
  tradeId: (_market, _symbol, id) => String(id),
  spoil,
});

function converse(market: SimulatedMarket, text: string): ReturnType<VenueSimulator['onFrame']> {
  const nothing = { subscribe: [], unsubscribe: [] };
  const time = '"time_in":"2026-01-01T00:00:00.000000Z","time_out":"2026-01-01T00:00:00.000001Z"';
  let request: { method?: unknown; params?: { channel?: unknown; symbol?: unknown; depth?: unknown } };
  try {
    request = JSON.parse(text) as typeof request;
  } catch {
    return { ...nothing, reply: [`{"error":"JSON format error","success":false,${time}}`] };
  }
  const { method, params } = request;
  if (method === 'ping') return { ...nothing, reply: [`{"method":"pong",${time}}`] };
  if (method !== 'subscribe' && method !== 'unsubscribe') {
    return { ...nothing, reply: [`{"error":"Unsupported method","success":false,${time}}`] };
  }
  const channel = params?.channel;
  const fail = (error: string): string => JSON.stringify({ error, method, success: false });
  if (typeof channel !== 'string' || !CHANNELS.includes(channel)) {
    return { ...nothing, reply: [fail('Channel not supported')] };
  }
  if (channel === 'book' && params?.depth !== undefined && !DEPTHS.includes(Number(params.depth))) {
    return { ...nothing, reply: [fail('Subscription depth not supported')] };
  }
  const known = symbolsOf(market);
  const asked = Array.isArray(params?.symbol) ? params.symbol.map(String) : [];
  const reply = asked.map((symbol) =>
    known.has(symbol)
      ? JSON.stringify({ method, result: { channel, symbol }, success: true })
      : fail(`Currency pair not supported ${symbol}`),
  );
  const channels = asked.filter((symbol) => known.has(symbol)).map((symbol) => `${channel}:${known.get(symbol) ?? ''}`);
  return method === 'subscribe'
    ? { ...nothing, reply, subscribe: channels }
    : { ...nothing, reply, unsubscribe: channels };
}

/** The snapshots of books and tickers. */
function beginning(market: SimulatedMarket, channel: string, at: Ms): readonly SimulatedFrame[] {
  const { name, symbol } = channelOf(channel);
  if (name === 'ticker') return [{ at, channel, text: tickerText(market, symbol, Math.floor(at), 'snapshot') }];
  if (name !== 'book') return [];
  const { bids, asks } = market.book(symbol, at, 100);
  return [{ at, channel, text: bookText(market, symbol, 'snapshot', { at: Math.ceil(at) - 1, bids, asks }) }];
}

function framesOf(market: SimulatedMarket, channel: string, from: Ms, to: Ms): readonly SimulatedFrame[] {
  const { name, symbol } = channelOf(channel);
  const pair = venueName(market, symbol);
  switch (name) {
    case 'trade': {
      const d = market.decimals(symbol);
      return market.trades(symbol, from, to).map((t) => {
        const row = `{"symbol":"${pair}","side":"${t.side}","price":${t.price.toFixed(d.price)},"qty":${t.quantity.toFixed(d.quantity)},"ord_type":"market","trade_id":${t.id},"timestamp":"${iso(t.at)}"}`;
        return { at: t.at, channel, text: `{"channel":"trade","type":"update","data":[${row}]}` };
      });
    }
    case 'book':
      return market
        .bookChanges(symbol, from, to, { depth: 100 })
        .filter(({ bids, asks }) => bids.length + asks.length > 0)
        .map((change) => ({ at: change.at, channel, text: bookText(market, symbol, 'update', change) }));
    case 'ticker':
      return every(TICKER_STEP, from, to).map((at) => ({
        at,
        channel,
        text: tickerText(market, symbol, at, 'update'),
      }));
    default:
      return candleFrames(market, channel, symbol, from, to);
  }
}

interface Change {
  readonly at: Ms;
  readonly bids: readonly (readonly [number, number])[];
  readonly asks: readonly (readonly [number, number])[];
}

/** A message of a book with the checksum of the state after it. */
function bookText(market: SimulatedMarket, symbol: string, type: 'snapshot' | 'update', change: Change): string {
  const d = market.decimals(symbol);
  const level = ([p, q]: readonly [number, number]): readonly [string, string] => [
    p.toFixed(d.price),
    q.toFixed(d.quantity),
  ];
  const side = (levels: readonly (readonly [number, number])[]): string =>
    levels
      .map(level)
      .map(([price, qty]) => `{"price":${price},"qty":${qty}}`)
      .join(',');
  const best = market.book(symbol, change.at + 1, CHECKSUM_DEPTH);
  const texts = (levels: readonly (readonly [number, number])[]): string[] =>
    levels.map(level).map(([price, qty]) => levelDigits(price, qty));
  const checksum = krakenChecksum(texts(best.bids), texts(best.asks));
  return `{"channel":"book","type":"${type}","data":[{"symbol":"${venueName(market, symbol)}","bids":[${side(change.bids)}],"asks":[${side(change.asks)}],"checksum":${checksum},"timestamp":"${iso(change.at)}"}]}`;
}

function tickerText(market: SimulatedMarket, symbol: string, at: Ms, type: 'snapshot' | 'update'): string {
  const d = market.decimals(symbol);
  const t = market.ticker(symbol, Math.floor(at / SECOND) * SECOND);
  const book = market.book(symbol, at + 1, 1);
  const [bid, ask] = [book.bids[0] ?? [0, 0], book.asks[0] ?? [0, 0]];
  const price = (value: number): string => value.toFixed(d.price);
  const best = `"bid":${price(bid[0])},"bid_qty":${bid[1].toFixed(d.quantity)},"ask":${price(ask[0])},"ask_qty":${ask[1].toFixed(d.quantity)}`;
  const day = `"last":${price(t.last)},"volume":${t.volume.toFixed(d.quantity)},"vwap":${(t.quoteVolume / t.volume).toFixed(d.price)},"low":${price(t.low)},"high":${price(t.high)},"change":${price(t.last - t.open)},"change_pct":${(((t.last - t.open) / t.open) * 100).toFixed(2)}`;
  return `{"channel":"ticker","type":"${type}","data":[{"symbol":"${venueName(market, symbol)}",${best},${day},"timestamp":"${iso(at)}"}]}`;
}

/** The running candle at every second in which there was a trade, the last of a minute just before its end. */
function candleFrames(
  market: SimulatedMarket,
  channel: string,
  symbol: string,
  from: Ms,
  to: Ms,
): readonly SimulatedFrame[] {
  const d = market.decimals(symbol);
  const frames: SimulatedFrame[] = [];
  // The message of a minute's last second goes out 1 ms before its end.
  for (const second of every(SECOND, from, to + SECOND)) {
    const last = second % MINUTE === 0;
    const at = last ? second - 1 : second;
    if (at < from || at >= to) continue;
    const c = market.candle(symbol, Math.floor((second - 1) / MINUTE) * MINUTE, second);
    if (c === undefined || market.tradeIdAt(symbol, second - SECOND) === market.tradeIdAt(symbol, second)) continue;
    const price = (value: number): string => value.toFixed(d.price);
    const told = last ? iso(at).replace(/000Z$/, '999Z') : iso(at);
    const vwap = c.volume === 0 ? c.close : c.quoteVolume / c.volume;
    const row = `{"symbol":"${venueName(market, symbol)}","open":${price(c.open)},"high":${price(c.high)},"low":${price(c.low)},"close":${price(c.close)},"trades":${c.count},"volume":${c.volume.toFixed(d.quantity)},"vwap":${price(vwap)},"interval_begin":"${iso(c.openTime)}","interval":1,"timestamp":"${iso(c.openTime + MINUTE)}"}`;
    frames.push({ at, channel, text: `{"channel":"ohlc","type":"update","timestamp":"${told}","data":[${row}]}` });
  }
  return frames;
}

/** ISO text with µs. */
function iso(at: Ms): string {
  return new Date(at).toISOString().replace('Z', '000Z');
}

/** Doubles the prices of a ticker, or puts a bid far above the asks into a change of a book. */
function spoil(frame: SimulatedFrame, how: 'spike' | 'crossed'): SimulatedFrame | undefined {
  const { name } = channelOf(frame.channel);
  if (how === 'spike') {
    return name === 'ticker' ? { ...frame, text: doubled(frame.text, ['bid', 'ask', 'last']) } : undefined;
  }
  const best = /"asks":\[\{"price":([\d.]+)/.exec(frame.text)?.[1];
  if (name !== 'book' || best === undefined) return undefined;
  const point = best.indexOf('.');
  const bid = `{"price":${(Number(best) * 1.05).toFixed(point < 0 ? 0 : best.length - point - 1)},"qty":1.00000000}`;
  const empty = frame.text.includes('"bids":[]');
  return { ...frame, text: frame.text.replace('"bids":[', `"bids":[${bid}${empty ? '' : ','}`) };
}
