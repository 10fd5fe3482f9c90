import type { Ms } from '../../../kit/clock.ts';
import type { SimulatedFrame, SimulatedMarket } from '../simulator-contract.ts';
import { levelMessages } from '../shared/simulated-levels.ts';
import { contractsText, MINUTE, plain, SECOND, ticks } from '../shared/simulated.ts';

/* What the topics send; channels are `topic:canonical symbol`. */

const TICKER_STEP = 200;
const BOOK_STEP = 100;
const SPOT_DAY_STEP = 2000;
const FUTURES_DAY_STEP = 5000;
const DEPTH = 50;

/** What a connection or a subscription brings at once. */
export function beginning(market: SimulatedMarket, channel: string, at: Ms): readonly SimulatedFrame[] {
  if (channel === 'welcome') return [{ at, channel, text: '{"id":"hQvf8jkno","type":"welcome"}' }];
  const whole = Math.floor(at);
  const texts = FIRST[nameOf(channel)]?.(symbolIn(channel), market, whole) ?? [];
  return texts.map((text) => ({ at, channel, text }));
}

/** What a channel sends in [from, to). */
export function framesOf(market: SimulatedMarket, channel: string, from: Ms, to: Ms): readonly SimulatedFrame[] {
  return FRAMES[nameOf(channel)]?.(symbolIn(channel), market, from, to).map((frame) => ({ ...frame, channel })) ?? [];
}

type Made = readonly { readonly at: Ms; readonly text: string }[];

const FIRST: Readonly<Record<string, (symbol: string, market: SimulatedMarket, at: Ms) => readonly string[]>> = {
  '/market/snapshot': (symbol, market, at) => [spotDay(market, symbol, at)],
  '/spotMarket/level2Depth50': (symbol, market, at) => [wholeBook(market, symbol, at)],
  '/contractMarket/snapshot': (symbol, market, at) => [futuresDay(market, symbol, at)],
  '/contract/instrument': (symbol, market, at) => [mark(market, symbol, at), funding(market, symbol, at)],
};

const FRAMES: Readonly<Record<string, (symbol: string, market: SimulatedMarket, from: Ms, to: Ms) => Made>> = {
  '/market/match': (symbol, market, from, to) =>
    market.trades(symbol, from, to).map((t) => {
      const d = market.decimals(symbol);
      const pair = venueName(market, symbol);
      const data = `{"makerOrderId":"m${t.id}","price":"${t.price.toFixed(d.price)}","sequence":"${t.id}","side":"${t.side}","size":"${t.quantity.toFixed(d.quantity)}","symbol":"${pair}","takerOrderId":"t${t.id}","time":"${t.at}000000","tradeId":"${t.id}","type":"match"}`;
      return { at: t.at, text: message(`/market/match:${pair}`, 'trade.l3match', data) };
    }),
  '/market/ticker': (symbol, market, from, to) =>
    ticks(from, to, TICKER_STEP).map((at) => ({ at, text: spotTicker(market, symbol, at) })),
  '/market/snapshot': (symbol, market, from, to) =>
    ticks(from, to, SPOT_DAY_STEP).map((at) => ({ at, text: spotDay(market, symbol, at) })),
  '/spotMarket/level2Depth50': (symbol, market, from, to) =>
    ticks(from, to, BOOK_STEP).map((at) => ({ at, text: wholeBook(market, symbol, at) })),
  '/market/candles': candles,
  '/contractMarket/execution': (symbol, market, from, to) =>
    market.trades(symbol, from, to).map((t) => {
      const name = venueName(market, symbol);
      const data = `{"symbol":"${name}","sequence":${t.id},"side":"${t.side}","size":${contracts(market, symbol, t.quantity)},"price":"${t.price.toFixed(market.decimals(symbol).price)}","takerOrderId":"t${t.id}","makerOrderId":"m${t.id}","tradeId":"${t.id}","ts":${t.at}000000}`;
      return { at: t.at, text: message(`/contractMarket/execution:${name}`, 'match', data) };
    }),
  '/contractMarket/tickerV2': (symbol, market, from, to) =>
    ticks(from, to, TICKER_STEP).map((at) => ({ at, text: futuresTicker(market, symbol, at) })),
  '/contractMarket/level2': (symbol, market, from, to) =>
    levelMessages(market, symbol, from, to).map(({ at, seq, side, price, quantity }) => {
      const change = `${price.toFixed(market.decimals(symbol).price)},${side},${contracts(market, symbol, quantity)}`;
      const data = `{"sequence":${seq},"change":"${change}","timestamp":${at}}`;
      return { at, text: message(`/contractMarket/level2:${venueName(market, symbol)}`, 'level2', data) };
    }),
  '/contractMarket/snapshot': (symbol, market, from, to) =>
    ticks(from, to, FUTURES_DAY_STEP).map((at) => ({ at, text: futuresDay(market, symbol, at) })),
  '/contract/instrument': (symbol, market, from, to) => [
    ...ticks(from, to, SECOND).map((at) => ({ at, text: mark(market, symbol, at) })),
    ...ticks(from, to, MINUTE).map((at) => ({ at, text: funding(market, symbol, at) })),
  ],
};

function spotTicker(market: SimulatedMarket, symbol: string, at: Ms): string {
  const d = market.decimals(symbol);
  const { bids, asks, seq } = market.book(symbol, at + 1, 1);
  const [bid, ask] = [bids[0] ?? [0, 0], asks[0] ?? [0, 0]];
  const last = market.tradesFrom(symbol, market.tradeIdAt(symbol, at) - 1, 1, at)[0];
  const data = `{"bestAsk":"${ask[0].toFixed(d.price)}","bestAskSize":"${ask[1].toFixed(d.quantity)}","bestBid":"${bid[0].toFixed(d.price)}","bestBidSize":"${bid[1].toFixed(d.quantity)}","price":"${(last?.price ?? bid[0]).toFixed(d.price)}","sequence":"${seq}","size":"${(last?.quantity ?? 0).toFixed(d.quantity)}","time":${at}}`;
  return message(`/market/ticker:${venueName(market, symbol)}`, 'trade.ticker', data);
}

function futuresTicker(market: SimulatedMarket, symbol: string, at: Ms): string {
  const d = market.decimals(symbol);
  const { bids, asks, seq } = market.book(symbol, at + 1, 1);
  const [bid, ask] = [bids[0] ?? [0, 0], asks[0] ?? [0, 0]];
  const name = venueName(market, symbol);
  const data = `{"symbol":"${name}","sequence":${seq},"bestBidSize":${contracts(market, symbol, bid[1])},"bestBidPrice":"${bid[0].toFixed(d.price)}","bestAskPrice":"${ask[0].toFixed(d.price)}","bestAskSize":${contracts(market, symbol, ask[1])},"ts":${at}000000}`;
  return message(`/contractMarket/tickerV2:${name}`, 'tickerV2', data);
}

function wholeBook(market: SimulatedMarket, symbol: string, at: Ms): string {
  const d = market.decimals(symbol);
  const { bids, asks } = market.book(symbol, at + 1, DEPTH);
  const side = (levels: readonly (readonly [number, number])[]): string =>
    levels.map(([p, q]) => `["${p.toFixed(d.price)}","${q.toFixed(d.quantity)}"]`).join(',');
  const data = `{"asks":[${side(asks)}],"bids":[${side(bids)}],"timestamp":${at}}`;
  return message(`/spotMarket/level2Depth50:${venueName(market, symbol)}`, 'level2', data);
}

function spotDay(market: SimulatedMarket, symbol: string, at: Ms): string {
  const d = market.decimals(symbol);
  const t = market.ticker(symbol, Math.floor(at / SECOND) * SECOND);
  const pair = venueName(market, symbol);
  const price = (value: number): string => value.toFixed(d.price);
  const data = `{"sequence":"${t.firstId + t.count}","data":{"averagePrice":${price(t.quoteVolume / t.volume)},"baseCurrency":"${pair.split('-')[0] ?? ''}","board":1,"buy":${price(t.last)},"changePrice":${price(t.last - t.open)},"changeRate":${((t.last - t.open) / t.open).toFixed(4)},"close":${price(t.last)},"datetime":${at},"high":${price(t.high)},"lastTradedPrice":${price(t.last)},"low":${price(t.low)},"open":${price(t.open)},"quoteCurrency":"USDT","sell":${price(t.last)},"sort":100,"symbol":"${pair}","symbolCode":"${pair}","trading":true,"vol":${t.volume.toFixed(d.quantity)},"volValue":${plain(t.quoteVolume)}}}`;
  return message(`/market/snapshot:${pair}`, 'trade.snapshot', data);
}

function futuresDay(market: SimulatedMarket, symbol: string, at: Ms): string {
  const d = market.decimals(symbol);
  const t = market.ticker(symbol, Math.floor(at / SECOND) * SECOND);
  const name = venueName(market, symbol);
  const price = (value: number): string => value.toFixed(d.price);
  const data = `{"symbol":"${name}","volume":${t.volume.toFixed(d.quantity)},"turnover":${plain(t.quoteVolume)},"lastPrice":${price(t.last)},"lowPrice":${price(t.low)},"highPrice":${price(t.high)},"priceChgPct":${((t.last - t.open) / t.open).toFixed(4)},"priceChg":${price(t.last - t.open)},"ts":${at}000000}`;
  return message(`/contractMarket/snapshot:${name}`, 'snapshot.24h', data);
}

function mark(market: SimulatedMarket, symbol: string, at: Ms): string {
  const d = market.decimals(symbol);
  const m = market.mark(symbol, Math.floor(at / SECOND) * SECOND);
  const data = `{"markPrice":${m.mark.toFixed(d.mark)},"indexPrice":${m.index.toFixed(d.mark)},"granularity":1000,"timestamp":${at}}`;
  return message(`/contract/instrument:${venueName(market, symbol)}`, 'mark.index.price', data);
}

/** The rate of the coming funding. */
function funding(market: SimulatedMarket, symbol: string, at: Ms): string {
  const { fundingRate } = market.mark(symbol, Math.floor(at / SECOND) * SECOND);
  const data = `{"granularity":60000,"fundingRate":${plain(fundingRate)},"timestamp":${at}}`;
  return message(`/contract/instrument:${venueName(market, symbol)}`, 'funding.rate', data);
}

/** The running candle at every second in which there was a trade, the last of a minute just before its end. */
function candles(symbol: string, market: SimulatedMarket, from: Ms, to: Ms): Made {
  const d = market.decimals(symbol);
  const pair = venueName(market, symbol);
  const frames: { at: Ms; text: string }[] = [];
  for (const second of ticks(from, to + SECOND, SECOND)) {
    const last = second % MINUTE === 0;
    const at = last ? second - 1 : second;
    if (at < from || at >= to) continue;
    const c = market.candle(symbol, Math.floor((second - 1) / MINUTE) * MINUTE, second);
    if (c === undefined || market.tradeIdAt(symbol, second - SECOND) === market.tradeIdAt(symbol, second)) continue;
    const prices = [c.open, c.close, c.high, c.low].map((value) => `"${value.toFixed(d.price)}"`).join(',');
    const row = `["${c.openTime / SECOND}",${prices},"${c.volume.toFixed(d.quantity)}","${plain(c.quoteVolume)}"]`;
    const told = last ? `${at}999999` : `${at}000000`;
    const data = `{"symbol":"${pair}","candles":${row},"time":${told}}`;
    frames.push({ at, text: message(`/market/candles:${pair}_1min`, 'trade.candles.update', data) });
  }
  return frames;
}

function message(topic: string, subject: string, data: string): string {
  return `{"type":"message","topic":"${topic}","subject":"${subject}","data":${data}}`;
}

function contracts(market: SimulatedMarket, symbol: string, quantity: number): string {
  const instrument = market.instruments.find((i) => i.symbol === symbol);
  return instrument === undefined ? '0' : contractsText(instrument, quantity);
}

function venueName(market: SimulatedMarket, symbol: string): string {
  return market.instruments.find((i) => i.symbol === symbol)?.venue_symbol ?? symbol;
}

function nameOf(channel: string): string {
  return channel.slice(0, channel.indexOf(':'));
}

function symbolIn(channel: string): string {
  return channel.slice(channel.indexOf(':') + 1);
}
