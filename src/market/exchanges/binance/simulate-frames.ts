import type { Ms } from '../../../kit/clock.ts';
import type { Market } from '../../domain/records.ts';
import type { SimulatedMarket } from '../simulator-contract.ts';
import { level, text } from './simulate-rest.ts';

const SECOND = 1000;
const MINUTE = 60_000;
/** An unchanged candle is repeated this often, so that a late subscriber sees it. */
const CANDLE_REPEAT = 5 * SECOND;

/** Makes the frames of one channel and symbol in [from, to), in order. */
export type Maker = (
  market: SimulatedMarket,
  symbol: string,
  from: Ms,
  to: Ms,
) => { readonly at: Ms; readonly text: string }[];

/** What makes the frames of a channel by the part of its name after the symbol; undefined when there is no such channel. */
export function makerOf(kind: Market, suffix: string): Maker | undefined {
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
