import type { Ms } from '../../../kit/clock.ts';
import type { Market } from '../../domain/records.ts';
import type { SimulatedFrame, SimulatedMarket, SimulatedTrade, VenueSimulator } from '../simulator-contract.ts';
import { listingsWith } from '../shared/simulated-steps.ts';
import { ENDPOINTS } from './simulate-endpoints.ts';
import { envelope, executionId, level, restOf } from './simulate-rest.ts';
import { changedFields, tickerFields } from './simulate-ticker.ts';

/*
 * Bybit's half of the conversation, v5 public: https://bybit-exchange.github.io/docs/v5/ws/connect and
 * https://bybit-exchange.github.io/docs/v5/websocket/public, in the shapes of their examples and of recorded frames.
 */

const SECOND = 1000;
const MINUTE = 60_000;
/** Trades this close together travel in one message. */
const TRADE_BATCH = 20;
const LIQUIDATION_BATCH = 500;
const TICKER_STEP = 100;
const SPOT_TICKER_STEP = 500;
const BOOK_DEPTHS = [1, 50, 200, 1000];

/** Tick and lot. */
const FUTURES_LISTINGS = listingsWith({
  BTCUSDT: ['0.10', '0.001'],
  ETHUSDT: ['0.01', '0.01'],
  SOLUSDT: ['0.010', '0.1'],
  XRPUSDT: ['0.0001', '0.1'],
  ARUSDT: ['0.001', '0.1'],
  BRETTUSDT: ['0.00001', '1'],
  POPCATUSDT: ['0.0001', '1'],
  WIFUSDT: ['0.0001', '1'],
  PNUTUSDT: ['0.00001', '1'],
});

const SPOT_LISTINGS = listingsWith({
  BTCUSDT: ['0.1', '0.000001'],
  ETHUSDT: ['0.01', '0.00001'],
  SOLUSDT: ['0.01', '0.001'],
  XRPUSDT: ['0.0001', '0.01'],
  ARUSDT: ['0.001', '0.01'],
  BRETTUSDT: ['0.00001', '0.1'],
  POPCATUSDT: ['0.0001', '0.01'],
  WIFUSDT: ['0.0001', '0.01'],
  PNUTUSDT: ['0.0001', '0.1'],
});

/** The simulators of Bybit's markets. */
const simulators: readonly VenueSimulator[] = Object.freeze([simulatorOf('futures'), simulatorOf('spot')]);

export default simulators;

function simulatorOf(kind: Market): VenueSimulator {
  const category = kind === 'futures' ? 'linear' : 'spot';
  return Object.freeze<VenueSimulator>({
    exchange: 'bybit',
    market: kind,
    listings: kind === 'futures' ? FUTURES_LISTINGS : SPOT_LISTINGS,
    activity: kind === 'futures' ? 0.8 : 0.4,
    sequenceStride: 1,
    markDecimals: null,
    acceptsPath: (path) => path.split('?', 1)[0] === `/v5/public/${category}`,
    channelsOfPath: () => [],
    onFrame: (market, text) => converse(market, kind, text),
    onSubscribe: (market, channels, at) => channels.flatMap((channel) => snapshotOf(market, kind, channel, at)),
    windowOf: (channel) => (channel.startsWith('tickers.') ? channel.slice('tickers.'.length) : undefined),
    // A spot ticker is told when it changes, so that its silence may be a quiet market's.
    steady: (channel) => (kind === 'spot' ? /^orderbook\./ : /^(?:orderbook|tickers)\./).test(channel),
    frames(market, channels, from, to) {
      const frames: SimulatedFrame[] = [];
      for (const channel of channels) frames.push(...framesOf(market, kind, channel, from, to));
      return frames.sort((a, b) => a.at - b.at);
    },
    envelope: (_path, frame) => frame.text,
    rest: restOf(kind, category, ENDPOINTS),
    connectionLifetimeMs: Number.POSITIVE_INFINITY,
    limit: {
      weight: 600,
      windowMs: 5 * SECOND,
      headers: (used) => ({ 'x-bapi-limit': '600', 'x-bapi-limit-status': String(Math.max(0, 600 - used)) }),
      refuse: (status, seconds) => ({
        status: status === 418 ? 403 : status,
        body:
          status === 418
            ? 'access too frequent'
            : envelope(10006, 'Too many visits. Exceeded the API Rate Limit.', {}, 0),
        weight: 1,
        headers: { 'retry-after': String(seconds) },
      }),
    },
    tradeId: executionId,
    candlesTellTakers: false,
    spoil,
  });
}

function converse(market: SimulatedMarket, kind: Market, text: string): ReturnType<VenueSimulator['onFrame']> {
  const nothing = { subscribe: [], unsubscribe: [] };
  const connection = '2324d924-aa4d-45b0-a858-7b8be29ab52b';
  let request: { op?: unknown; args?: unknown; req_id?: unknown };
  try {
    request = JSON.parse(text) as typeof request;
  } catch {
    const reply = { success: false, ret_msg: 'error:json parse failed', conn_id: connection, op: '' };
    return { ...nothing, reply: [JSON.stringify(reply)] };
  }
  const { op, args, req_id } = request;
  const respond = (success: boolean, message: string): readonly string[] => [
    JSON.stringify({
      success,
      ret_msg: message,
      conn_id: connection,
      ...(typeof req_id === 'string' ? { req_id } : {}),
      op: typeof op === 'string' ? op : '',
    }),
  ];
  if (op === 'ping') return { ...nothing, reply: respond(true, 'pong') };
  if (op !== 'subscribe' && op !== 'unsubscribe') return { ...nothing, reply: respond(false, 'error:invalid op') };
  const topics = Array.isArray(args) ? args.filter((a): a is string => typeof a === 'string') : [];
  if (topics.length === 0) return { ...nothing, reply: respond(false, 'error:args is empty') };
  if (kind === 'spot' && topics.length > 10) return { ...nothing, reply: respond(false, 'args size >10') };
  const unknown = topics.find((topic) => !isTopic(market, kind, topic));
  if (unknown !== undefined) {
    return { ...nothing, reply: respond(false, `error:handler not found,topic:${unknown}`) };
  }
  const reply = respond(true, kind === 'spot' ? op : '');
  return op === 'subscribe' ? { ...nothing, reply, subscribe: topics } : { ...nothing, reply, unsubscribe: topics };
}

function isTopic(market: SimulatedMarket, kind: Market, topic: string): boolean {
  const symbol = topic.slice(topic.lastIndexOf('.') + 1);
  if (!market.instruments.some((i) => i.symbol === symbol)) return false;
  const name = topic.slice(0, topic.lastIndexOf('.'));
  if (name === 'publicTrade' || name === 'tickers' || name === 'kline.1') return true;
  if (name === 'allLiquidation') return kind === 'futures';
  return BOOK_DEPTHS.some((depth) => name === `orderbook.${depth}`);
}

function framesOf(market: SimulatedMarket, kind: Market, channel: string, from: Ms, to: Ms): readonly SimulatedFrame[] {
  const parts = channel.split('.');
  const symbol = parts.at(-1) ?? '';
  switch (parts[0]) {
    case 'publicTrade':
      return tradeFrames(market, channel, symbol, from, to);
    case 'orderbook':
      return bookFrames(market, channel, symbol, Number(parts[1]), from, to);
    case 'tickers':
      return kind === 'spot'
        ? spotTickerFrames(market, channel, symbol, from, to)
        : tickerDeltas(market, channel, symbol, from, to);
    case 'kline':
      return candleFrames(market, channel, symbol, from, to);
    case 'allLiquidation':
      return liquidationFrames(market, channel, symbol, from, to);
    default:
      return [];
  }
}

function tradeFrames(market: SimulatedMarket, channel: string, symbol: string, from: Ms, to: Ms): SimulatedFrame[] {
  // A batch is sent at its end, so the trades of [from, to) ready by `to` are those of the batches that end in it.
  const begin = Math.floor(from / TRADE_BATCH) * TRADE_BATCH;
  const end = Math.floor(to / TRADE_BATCH) * TRADE_BATCH;
  if (end <= begin) return [];
  const d = market.decimals(symbol);
  const frames: SimulatedFrame[] = [];
  let batch: SimulatedTrade[] = [];
  const send = (): void => {
    const first = batch[0];
    if (first === undefined) return;
    const at = Math.floor(first.at / TRADE_BATCH) * TRADE_BATCH + TRADE_BATCH - 1;
    const items = batch.map((t) => {
      const id = executionId(market, symbol, t.id);
      const seq = t.id * 3 + 1;
      return `{"T":${t.at},"s":"${symbol}","S":"${t.side === 'buy' ? 'Buy' : 'Sell'}","v":"${t.quantity.toFixed(d.quantity)}","p":"${t.price.toFixed(d.price)}","L":"${t.side === 'buy' ? 'PlusTick' : 'MinusTick'}","i":"${id}","BT":false,"RPI":false,"seq":${seq}}`;
    });
    frames.push({
      at,
      channel,
      text: `{"topic":"${channel}","type":"snapshot","ts":${at},"data":[${items.join(',')}]}`,
    });
    batch = [];
  };
  for (const trade of market.trades(symbol, begin, end)) {
    const last = batch[0];
    if (last !== undefined && Math.floor(trade.at / TRADE_BATCH) !== Math.floor(last.at / TRADE_BATCH)) send();
    batch.push(trade);
  }
  send();
  return frames;
}

function bookText(
  type: 'snapshot' | 'delta',
  channel: string,
  symbol: string,
  change: {
    readonly at: Ms;
    readonly lastSeq: number;
    readonly bids: readonly (readonly [number, number])[];
    readonly asks: readonly (readonly [number, number])[];
  },
  d: { readonly price: number; readonly quantity: number },
): string {
  const bids = level(change.bids, d.price, d.quantity);
  const asks = level(change.asks, d.price, d.quantity);
  const data = `"s":"${symbol}","b":${bids},"a":${asks},"u":${change.lastSeq},"seq":${change.lastSeq * 5 + 2}`;
  return `{"topic":"${channel}","type":"${type}","ts":${change.at},"data":{${data}},"cts":${change.at}}`;
}

function bookFrames(
  market: SimulatedMarket,
  channel: string,
  symbol: string,
  depth: number,
  from: Ms,
  to: Ms,
): SimulatedFrame[] {
  const d = market.decimals(symbol);
  return market
    .bookChanges(symbol, from, to, { depth })
    .map((change) => ({ at: change.at, channel, text: bookText('delta', channel, symbol, change, d) }));
}

/** What a new subscriber gets at once; nothing for trades, candles and liquidations. */
function snapshotOf(market: SimulatedMarket, kind: Market, channel: string, at: Ms): readonly SimulatedFrame[] {
  const parts = channel.split('.');
  const symbol = parts.at(-1) ?? '';
  if (parts[0] === 'orderbook') {
    const book = market.book(symbol, at, Number(parts[1]));
    // The last ms that the snapshot covers: a change at `at` itself is still to come.
    const change = { at: Math.ceil(at) - 1, lastSeq: book.seq, bids: book.bids, asks: book.asks };
    return [{ at, channel, text: bookText('snapshot', channel, symbol, change, market.decimals(symbol)) }];
  }
  if (parts[0] !== 'tickers') return [];
  return [
    { at, channel, text: tickerText('snapshot', channel, tickerFields(market, kind, symbol, at), Math.floor(at)) },
  ];
}

function tickerText(
  type: 'snapshot' | 'delta',
  channel: string,
  fields: Readonly<Record<string, string>>,
  at: Ms,
): string {
  return `{"topic":"${channel}","type":"${type}","data":${JSON.stringify(fields)},"cs":${at * 3},"ts":${at}}`;
}

/** One message every 100 ms with the fields that changed since the one before. */
function tickerDeltas(market: SimulatedMarket, channel: string, symbol: string, from: Ms, to: Ms): SimulatedFrame[] {
  const frames: SimulatedFrame[] = [];
  let before: Readonly<Record<string, string>> | undefined;
  for (let at = Math.ceil(from / TICKER_STEP) * TICKER_STEP; at < to; at += TICKER_STEP) {
    before ??= tickerFields(market, 'futures', symbol, at - TICKER_STEP);
    const now = tickerFields(market, 'futures', symbol, at);
    frames.push({ at, channel, text: tickerText('delta', channel, changedFields(before, now), at) });
    before = now;
  }
  return frames;
}

function spotTickerFrames(
  market: SimulatedMarket,
  channel: string,
  symbol: string,
  from: Ms,
  to: Ms,
): SimulatedFrame[] {
  const frames: SimulatedFrame[] = [];
  for (let at = Math.ceil(from / SPOT_TICKER_STEP) * SPOT_TICKER_STEP; at < to; at += SPOT_TICKER_STEP) {
    frames.push({ at, channel, text: tickerText('snapshot', channel, tickerFields(market, 'spot', symbol, at), at) });
  }
  return frames;
}

/** The running candle every second, and once more, confirmed, at its end. */
function candleFrames(market: SimulatedMarket, channel: string, symbol: string, from: Ms, to: Ms): SimulatedFrame[] {
  const d = market.decimals(symbol);
  const frames: SimulatedFrame[] = [];
  for (let at = Math.ceil(from / SECOND) * SECOND; at < to; at += SECOND) {
    const closed = at % MINUTE === 0;
    const openTime = closed ? at - MINUTE : Math.floor(at / MINUTE) * MINUTE;
    const c = market.candle(symbol, openTime, at);
    if (c === undefined) continue;
    const price = (value: number): string => value.toFixed(d.price);
    const data = `{"start":${c.openTime},"end":${c.openTime + MINUTE - 1},"interval":"1","open":"${price(c.open)}","close":"${price(c.close)}","high":"${price(c.high)}","low":"${price(c.low)}","volume":"${c.volume.toFixed(d.quantity)}","turnover":"${c.quoteVolume.toFixed(d.price + d.quantity)}","confirm":${closed},"timestamp":${at}}`;
    frames.push({ at, channel, text: `{"topic":"${channel}","data":[${data}],"ts":${at},"type":"snapshot"}` });
  }
  return frames;
}

/** Every 500 ms what was liquidated; `S` is the side of the position. */
function liquidationFrames(
  market: SimulatedMarket,
  channel: string,
  symbol: string,
  from: Ms,
  to: Ms,
): SimulatedFrame[] {
  const d = market.decimals(symbol);
  const frames: SimulatedFrame[] = [];
  for (let at = Math.ceil(from / LIQUIDATION_BATCH) * LIQUIDATION_BATCH; at < to; at += LIQUIDATION_BATCH) {
    const items = market
      .liquidations(symbol, at - LIQUIDATION_BATCH, at)
      .map(
        (l) =>
          `{"T":${l.at},"s":"${symbol}","S":"${l.side === 'long' ? 'Buy' : 'Sell'}","v":"${l.quantity.toFixed(d.quantity)}","p":"${l.price.toFixed(d.price)}"}`,
      );
    if (items.length === 0) continue;
    frames.push({
      at,
      channel,
      text: `{"topic":"${channel}","type":"snapshot","ts":${at},"data":[${items.join(',')}]}`,
    });
  }
  return frames;
}

/** Doubles best bid and ask or the mark price (a spike), or puts a bid far above the asks (a crossed book). */
function spoil(frame: SimulatedFrame, how: 'spike' | 'crossed'): SimulatedFrame | undefined {
  const double = (all: string, value: string): string => {
    const point = value.indexOf('.');
    return all.replace(value, (Number(value) * 2).toFixed(point < 0 ? 0 : value.length - point - 1));
  };
  if (how === 'spike') {
    if (!frame.channel.startsWith('tickers.') || !/"(?:bid1Price|markPrice|lastPrice)"/.test(frame.text))
      return undefined;
    return { ...frame, text: frame.text.replace(/"(?:bid1Price|ask1Price|markPrice|lastPrice)":"([\d.]+)"/g, double) };
  }
  if (!/^orderbook\.(?!1\.)/.test(frame.channel)) return undefined;
  const best = /"a":\[\["([\d.]+)"/.exec(frame.text)?.[1];
  if (best === undefined) return undefined;
  const point = best.indexOf('.');
  const bid = `["${(Number(best) * 1.05).toFixed(point < 0 ? 0 : best.length - point - 1)}","1"]`;
  const empty = frame.text.includes('"b":[]');
  return { ...frame, text: frame.text.replace('"b":[', `"b":[${bid}${empty ? '' : ','}`) };
}
