import type { Ms } from '../../../kit/clock.ts';
import type { Market } from '../../domain/records.ts';
import type { SimulatedFrame, SimulatedMarket, VenueSimulator } from '../contract.ts';
import { answer, level, restOf, text } from './simulate-rest.ts';

/*
 * Binance's half of the conversation. Wire as documented at
 * https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams and
 * https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams (read 2026-02), and as recorded.
 */

const SECOND = 1000;
const MINUTE = 60_000;
/** An unchanged candle is repeated this often, so that a late subscriber sees it. */
const CANDLE_REPEAT = 5 * SECOND;

/** Paths that carry a combined stream, whose frames are wrapped with the stream's name. */
const COMBINED = /^\/(?:public\/|market\/)?stream(?:\?|$)/;
const RAW = /^\/(?:public\/|market\/)?ws(?:\/|$)/;

type Maker = (
  market: SimulatedMarket,
  symbol: string,
  from: Ms,
  to: Ms,
) => { readonly at: Ms; readonly text: string }[];

/** The simulators of Binance's markets. */
const simulators: readonly VenueSimulator[] = Object.freeze([simulatorOf('futures'), simulatorOf('spot')]);

export default simulators;

function simulatorOf(kind: Market): VenueSimulator {
  return Object.freeze<VenueSimulator>({
    exchange: 'binance',
    market: kind,
    acceptsPath: (path) => COMBINED.test(path) || RAW.test(path),
    channelsOfPath(path) {
      if (COMBINED.test(path)) {
        const streams = new URL(path, 'ws://127.0.0.1').searchParams.get('streams');
        return streams === null ? [] : streams.split('/').filter((name) => name !== '');
      }
      return path
        .replace(/^.*?\/ws\/?/, '')
        .split('/')
        .filter((name) => name !== '');
    },
    onFrame: (_market, frame, channels) => converse(frame, channels),
    onSubscribe: () => [],
    windowOf: (channel) => (/@(?:mini)?[tT]icker$/.test(channel) ? symbolOf(channel) : undefined),
    frames(market, channels, from, to) {
      const frames: SimulatedFrame[] = [];
      for (const channel of channels) {
        const symbol = symbolOf(channel);
        const maker = makerOf(kind, channel.slice(symbol.length));
        if (maker === undefined || !market.instruments.some((i) => i.symbol === symbol)) continue;
        for (const frame of maker(market, symbol, from, to)) frames.push({ ...frame, channel });
      }
      return frames.sort((a, b) => a.at - b.at);
    },
    envelope: (path, frame) =>
      COMBINED.test(path) ? `{"stream":${JSON.stringify(frame.channel)},"data":${frame.text}}` : frame.text,
    rest: restOf(kind),
    connectionLifetimeMs: 24 * 60 * MINUTE,
    limit: {
      weight: kind === 'futures' ? 2400 : 6000,
      windowMs: MINUTE,
      headers: (used) => ({ 'x-mbx-used-weight': String(used), 'x-mbx-used-weight-1m': String(used) }),
      refuse: (status, seconds) => ({
        ...answer(
          status === 418
            ? { code: -1003, msg: `Way too much request weight used; IP banned until ${seconds} s from now.` }
            : { code: -1003, msg: 'Too much request weight used; please use WebSocket Streams for live updates.' },
          0,
          status,
        ),
        headers: { 'retry-after': String(seconds) },
      }),
    },
    tradeId: (_market, _symbol, id) => String(id),
    candlesTellTakers: true,
    spoil,
  });
}

function symbolOf(channel: string): string {
  return (channel.split('@', 1)[0] ?? '').toUpperCase();
}

function converse(frame: string, channels: ReadonlySet<string>): ReturnType<VenueSimulator['onFrame']> {
  const nothing = { subscribe: [], unsubscribe: [] };
  let request: unknown;
  try {
    request = JSON.parse(frame);
  } catch {
    return { ...nothing, reply: [JSON.stringify({ error: { code: 3, msg: 'Invalid JSON: expected value' } })] };
  }
  const { method, params, id } = (typeof request === 'object' && request !== null ? request : {}) as {
    method?: unknown;
    params?: unknown;
    id?: unknown;
  };
  const names = Array.isArray(params) ? params.filter((p): p is string => typeof p === 'string') : [];
  const result = (value: unknown): readonly string[] => [JSON.stringify({ result: value, id: id ?? null })];
  switch (method) {
    case 'SUBSCRIBE':
      return { reply: result(null), subscribe: names, unsubscribe: [] };
    case 'UNSUBSCRIBE':
      return { reply: result(null), subscribe: [], unsubscribe: names };
    case 'LIST_SUBSCRIPTIONS':
      return { ...nothing, reply: result([...channels]) };
    case 'GET_PROPERTY':
      return { ...nothing, reply: result(true) };
    default: {
      const shown = typeof method === 'string' ? method : JSON.stringify(method ?? null);
      const msg = `Invalid request: unknown variant \`${shown}\`, expected one of \`SUBSCRIBE\`, \`UNSUBSCRIBE\`, \`LIST_SUBSCRIPTIONS\`, \`SET_PROPERTY\`, \`GET_PROPERTY\``;
      return { ...nothing, reply: [JSON.stringify({ error: { code: 2, msg }, id: id ?? null })] };
    }
  }
}

function makerOf(kind: Market, suffix: string): Maker | undefined {
  if (suffix === '@aggTrade') return aggregateTrades(kind);
  if (suffix === '@trade') return singleTrades(kind);
  if (suffix === '@bookTicker') return bookTickers(kind);
  if (suffix === '@kline_1m') return candles;
  if (suffix === '@ticker') return tickers(kind);
  const depth = /^@depth(5|10|20)?(?:@(\d+)ms)?$/.exec(suffix);
  if (depth !== null) {
    const everyMs = Math.max(100, Math.ceil(Number(depth[2] ?? (kind === 'spot' ? 1000 : 250)) / 100) * 100);
    return depth[1] === undefined ? depthUpdates(kind, everyMs) : partialDepth(kind, Number(depth[1]), everyMs);
  }
  if (kind !== 'futures') return undefined;
  if (suffix === '@markPrice' || suffix === '@markPrice@1s') {
    return markPrices(suffix.endsWith('1s') ? SECOND : 3 * SECOND);
  }
  return suffix === '@forceOrder' ? forcedOrders : undefined;
}

const aggregateTrades =
  (kind: Market): Maker =>
  (market, symbol, from, to) => {
    const d = market.decimals(symbol);
    return market.trades(symbol, from, to).map((t) => {
      const head = `{"e":"aggTrade","E":${t.at},"s":"${symbol}","a":${t.id},"p":"${priceText(kind, t.price, d.price)}","q":"${sizeText(kind, t.quantity, d.quantity)}"`;
      const tail = `"f":${t.id},"l":${t.id},"T":${t.at},"m":${t.side === 'sell'}${kind === 'spot' ? ',"M":true' : ''}}`;
      return { at: t.at, text: `${head},${tail}` };
    });
  };

const singleTrades =
  (kind: Market): Maker =>
  (market, symbol, from, to) => {
    const d = market.decimals(symbol);
    return market.trades(symbol, from, to).map((t) => {
      const price = priceText(kind, t.price, d.price);
      const quantity = sizeText(kind, t.quantity, d.quantity);
      const maker = t.side === 'sell';
      return {
        at: t.at,
        text:
          kind === 'spot'
            ? `{"e":"trade","E":${t.at},"s":"${symbol}","t":${t.id},"p":"${price}","q":"${quantity}","T":${t.at},"m":${maker},"M":true}`
            : `{"e":"trade","E":${t.at},"T":${t.at},"s":"${symbol}","t":${t.id},"p":"${price}","q":"${quantity}","X":"MARKET","m":${maker}}`,
      };
    });
  };

const bookTickers =
  (kind: Market): Maker =>
  (market, symbol, from, to) => {
    const d = market.decimals(symbol);
    return market.bookChanges(symbol, from, to, { depth: 1 }).map((change) => {
      const book = market.book(symbol, change.at + 1, 1);
      const [bid, ask] = [book.bids[0] ?? [0, 0], book.asks[0] ?? [0, 0]];
      const best = `"b":"${priceText(kind, bid[0], d.price)}","B":"${sizeText(kind, bid[1], d.quantity)}","a":"${priceText(kind, ask[0], d.price)}","A":"${sizeText(kind, ask[1], d.quantity)}"`;
      return {
        at: change.at,
        text:
          kind === 'spot'
            ? `{"u":${change.lastSeq},"s":"${symbol}",${best}}`
            : `{"e":"bookTicker","u":${change.lastSeq},"s":"${symbol}",${best},"T":${change.at},"E":${change.at}}`,
      };
    });
  };

const depthUpdates =
  (kind: Market, everyMs: Ms): Maker =>
  (market, symbol, from, to) => {
    const d = market.decimals(symbol);
    const side = (levels: readonly (readonly [number, number])[]): string => sideText(kind, levels, d);
    return market.bookChanges(symbol, from, to, { everyMs }).map((c) => {
      const middle =
        kind === 'spot'
          ? `"s":"${symbol}","U":${c.firstSeq},"u":${c.lastSeq}`
          : `"T":${c.at},"s":"${symbol}","U":${c.firstSeq},"u":${c.lastSeq},"pu":${c.prevSeq}`;
      return {
        at: c.at,
        text: `{"e":"depthUpdate","E":${c.at},${middle},"b":${side(c.bids)},"a":${side(c.asks)}}`,
      };
    });
  };

const partialDepth =
  (kind: Market, depth: number, everyMs: Ms): Maker =>
  (market, symbol, from, to) => {
    const d = market.decimals(symbol);
    return market.bookChanges(symbol, from, to, { depth, everyMs }).map((c) => {
      const book = market.book(symbol, c.at + 1, depth);
      const bids = sideText(kind, book.bids, d);
      const asks = sideText(kind, book.asks, d);
      return {
        at: c.at,
        text:
          kind === 'spot'
            ? `{"lastUpdateId":${c.lastSeq},"bids":${bids},"asks":${asks}}`
            : `{"e":"depthUpdate","E":${c.at},"T":${c.at},"s":"${symbol}","U":${c.firstSeq},"u":${c.lastSeq},"pu":${c.prevSeq},"b":${bids},"a":${asks}}`,
      };
    });
  };

const candles: Maker = (market, symbol, from, to) => {
  const d = market.decimals(symbol);
  const frames: { at: Ms; text: string }[] = [];
  for (let at = Math.ceil(from / SECOND) * SECOND; at < to; at += SECOND) {
    const closed = at % MINUTE === 0;
    const openTime = (closed ? at : Math.floor(at / MINUTE) * MINUTE) - (closed ? MINUTE : 0);
    if (!closed && at % CANDLE_REPEAT !== 0 && market.tradeIdAt(symbol, at - SECOND) === market.tradeIdAt(symbol, at)) {
      continue;
    }
    const c = market.candle(symbol, openTime, at);
    if (c === undefined) continue;
    const price = (value: number): string => priceText(market.market, value, d.price);
    const amount = (value: number): string => sizeText(market.market, value, d.quantity);
    const value = (v: number): string => text(v, Math.max(8, d.price + d.quantity));
    const kline =
      `"t":${c.openTime},"T":${c.openTime + MINUTE - 1},"s":"${symbol}","i":"1m","f":${c.firstId},"L":${c.firstId + c.count - 1},` +
      `"o":"${price(c.open)}","c":"${price(c.close)}","h":"${price(c.high)}","l":"${price(c.low)}","v":"${amount(c.volume)}",` +
      `"n":${c.count},"x":${closed},"q":"${value(c.quoteVolume)}","V":"${amount(c.takerBuyVolume)}","Q":"${value(c.takerBuyQuote)}","B":"0"`;
    frames.push({ at, text: `{"e":"kline","E":${at},"s":"${symbol}","k":{${kline}}}` });
  }
  return frames;
};

const tickers =
  (kind: Market): Maker =>
  (market, symbol, from, to) => {
    const every = kind === 'spot' ? SECOND : 2 * SECOND;
    const d = market.decimals(symbol);
    const frames: { at: Ms; text: string }[] = [];
    for (let at = Math.ceil(from / every) * every; at < to; at += every) {
      const t = market.ticker(symbol, at);
      const price = (value: number): string => priceText(kind, value, d.price);
      const amount = (value: number): string => sizeText(kind, value, d.quantity);
      const change = t.last - t.open;
      const average = text(t.quoteVolume / t.volume, Math.max(8, d.price));
      let best = '';
      if (kind === 'spot') {
        const book = market.book(symbol, at, 1);
        const [bid, ask] = [book.bids[0] ?? [0, 0], book.asks[0] ?? [0, 0]];
        best = `"b":"${price(bid[0])}","B":"${amount(bid[1])}","a":"${price(ask[0])}","A":"${amount(ask[1])}",`;
      }
      frames.push({
        at,
        text:
          `{"e":"24hrTicker","E":${at},"s":"${symbol}","p":"${price(change)}","P":"${text((change / t.open) * 100, 3)}","w":"${average}",` +
          `${kind === 'spot' ? `"x":"${price(t.open)}",` : ''}"c":"${price(t.last)}","Q":"${amount(t.lastQuantity)}",${best}` +
          `"o":"${price(t.open)}","h":"${price(t.high)}","l":"${price(t.low)}","v":"${amount(t.volume)}","q":"${text(t.quoteVolume, 8)}",` +
          `"O":${t.openTime},"C":${at},"F":${t.firstId},"L":${t.firstId + t.count - 1},"n":${t.count}}`,
      });
    }
    return frames;
  };

const markPrices =
  (every: Ms): Maker =>
  (market, symbol, from, to) => {
    const frames: { at: Ms; text: string }[] = [];
    for (let at = Math.ceil(from / every) * every; at < to; at += every) {
      const m = market.mark(symbol, at);
      frames.push({
        at,
        text: `{"e":"markPriceUpdate","E":${at},"s":"${symbol}","p":"${text(m.mark, 8)}","P":"${text(m.mark, 8)}","i":"${text(m.index, 8)}","r":"${text(m.fundingRate, 8)}","T":${m.nextFundingTime}}`,
      });
    }
    return frames;
  };

const forcedOrders: Maker = (market, symbol, from, to) => {
  const d = market.decimals(symbol);
  return market.liquidations(symbol, from, to).map((l) => {
    const price = text(l.price, d.price);
    const quantity = text(l.quantity, d.quantity);
    const order = `"s":"${symbol}","S":"${l.side === 'long' ? 'SELL' : 'BUY'}","o":"LIMIT","f":"IOC","q":"${quantity}","p":"${price}","ap":"${price}","X":"FILLED","l":"${quantity}","z":"${quantity}","T":${l.at}`;
    return { at: l.at, text: `{"e":"forceOrder","E":${l.at},"o":{${order}}}` };
  });
};

/** Spot pads prices and sizes to 8 decimals. */
function priceText(kind: Market, value: number, decimals: number): string {
  return text(value, kind === 'spot' ? 8 : decimals);
}

function sizeText(kind: Market, value: number, decimals: number): string {
  return text(value, kind === 'spot' ? 8 : decimals);
}

function sideText(
  kind: Market,
  levels: readonly (readonly [number, number])[],
  d: { readonly price: number; readonly quantity: number },
): string {
  return kind === 'spot' ? level(levels, 8, 8) : level(levels, d.price, d.quantity);
}

/** Doubles the best ask or mark (a spike), or puts a bid far above the asks (a crossed book). */
function spoil(frame: SimulatedFrame, how: 'spike' | 'crossed'): SimulatedFrame | undefined {
  if (how === 'spike') {
    if (/@bookTicker$/.test(frame.channel)) {
      return { ...frame, text: scale(scale(frame.text, /"b":"([\d.]+)"/), /"a":"([\d.]+)"/) };
    }
    return /@markPrice/.test(frame.channel) ? { ...frame, text: scale(frame.text, /"p":"([\d.]+)"/) } : undefined;
  }
  if (!/@depth/.test(frame.channel)) return undefined;
  const ask = /"(?:a|asks)":\[\["([\d.]+)"/.exec(frame.text)?.[1];
  if (ask === undefined) return undefined;
  const size = /\["[\d.]+","([\d.]+)"\]/.exec(frame.text)?.[1] ?? '1';
  const bid = `["${text(Number(ask) * 1.05, ask.length - ask.indexOf('.') - 1)}","${Number(size) > 0 ? size : '1'}"]`;
  return {
    ...frame,
    text: frame.text.replace(
      /"(b|bids)":\[/,
      (all) => `${all}${bid}${all.length > 0 && !/"(?:b|bids)":\[\]/.test(frame.text) ? ',' : ''}`,
    ),
  };
}

function scale(frame: string, field: RegExp): string {
  return frame.replace(field, (all, value: string) =>
    all.replace(value, text(Number(value) * 2, value.length - value.indexOf('.') - 1)),
  );
}
