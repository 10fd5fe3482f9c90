import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedFrame, SimulatedMarket, SimulatedTrade } from '../simulator-contract.ts';
import { byVenueSymbol, MINUTE, plain, SECOND, ticks } from '../shared/simulated.ts';

/* Frames of the simulated Hyperliquid, in the shapes of the documentation and of recorded frames. */

/** Books and best prices follow the blocks. */
const BLOCK_MS = 500;
export const BOOK_LEVELS = 20;
/** Trades that a new subscriber gets, from before its subscription. */
export const RECENT_TRADES = 10;

/** `trades BTC`, taken apart. */
export function partsOf(channel: string): { readonly type: string; readonly coin: string } {
  const space = channel.indexOf(' ');
  return { type: channel.slice(0, space), coin: channel.slice(space + 1) };
}

function push(type: string, data: unknown): string {
  return JSON.stringify({ channel: type, data });
}

/** Frames that a channel makes in [from, to). */
export function framesOf(market: SimulatedMarket, channel: string, from: Ms, to: Ms): readonly SimulatedFrame[] {
  const { type, coin } = partsOf(channel);
  const instrument = byVenueSymbol(market, coin);
  if (instrument === undefined) return [];
  if (type === 'trades') {
    return market
      .trades(instrument.symbol, from, to)
      .map((t) => ({ at: t.at, channel, text: push(type, [tradeRow(market, instrument, t)]) }));
  }
  if (type === 'candle') return candles(market, instrument, channel, from, to);
  return ticks(from, to, type === 'activeAssetCtx' ? SECOND : BLOCK_MS).map((at) => ({
    at,
    channel,
    text: push(type, steadyData(market, instrument, type, at)),
  }));
}

/** What a new subscriber gets at once: the present state, and the trades before its subscription. */
export function snapshotOf(market: SimulatedMarket, channel: string, at: Ms): readonly SimulatedFrame[] {
  const { type, coin } = partsOf(channel);
  const instrument = byVenueSymbol(market, coin);
  if (instrument === undefined || type === 'candle') return [];
  const data =
    type === 'trades' ? recentTrades(market, instrument, at) : steadyData(market, instrument, type, Math.floor(at));
  return [{ at, channel, text: push(type, data) }];
}

function steadyData(market: SimulatedMarket, instrument: Instrument, type: string, at: Ms): unknown {
  const coin = instrument.venue_symbol;
  if (type === 'l2Book') return bookData(market, instrument, at);
  if (type === 'activeAssetCtx') return { coin, ctx: contextOf(market, instrument, at) };
  const [bids = [], asks = []] = sidesOf(market, instrument, at, 1);
  return { coin, time: at, bbo: [bids[0] ?? null, asks[0] ?? null] };
}

export function bookData(market: SimulatedMarket, instrument: Instrument, at: Ms): unknown {
  return { coin: instrument.venue_symbol, time: at, levels: sidesOf(market, instrument, at, BOOK_LEVELS) };
}

function sidesOf(
  market: SimulatedMarket,
  { symbol }: Instrument,
  at: Ms,
  depth: number,
): readonly (readonly unknown[])[] {
  const d = market.decimals(symbol);
  const book = market.book(symbol, at + 1, depth);
  return [book.bids, book.asks].map((levels) =>
    levels.map(([price, quantity]) => ({ px: price.toFixed(d.price), sz: quantity.toFixed(d.quantity), n: 1 })),
  );
}

export function recentTrades(market: SimulatedMarket, instrument: Instrument, at: Ms): readonly unknown[] {
  const next = market.tradeIdAt(instrument.symbol, at);
  return market
    .tradesFrom(instrument.symbol, next - RECENT_TRADES, RECENT_TRADES, at)
    .map((t) => tradeRow(market, instrument, t))
    .reverse();
}

function tradeRow(market: SimulatedMarket, { symbol, venue_symbol: coin }: Instrument, t: SimulatedTrade): unknown {
  const d = market.decimals(symbol);
  return {
    coin,
    side: t.side === 'buy' ? 'B' : 'A',
    px: t.price.toFixed(d.price),
    sz: t.quantity.toFixed(d.quantity),
    time: t.at,
    hash: `0x${t.id.toString(16).padStart(64, '0')}`,
    tid: t.id,
  };
}

export function contextOf(market: SimulatedMarket, { symbol }: Instrument, at: Ms): unknown {
  const second = Math.floor(at / SECOND) * SECOND;
  const d = market.decimals(symbol);
  const m = market.mark(symbol, second);
  const day = market.ticker(symbol, second);
  return {
    funding: plain(m.fundingRate),
    openInterest: market.openInterest(symbol, second).toFixed(d.quantity),
    prevDayPx: day.open.toFixed(d.price),
    dayNtlVlm: plain(day.quoteVolume),
    premium: plain((m.mark - m.index) / m.index, 10),
    oraclePx: m.index.toFixed(d.mark),
    markPx: m.mark.toFixed(d.mark),
    midPx: null,
    impactPxs: null,
    dayBaseVlm: day.volume.toFixed(d.quantity),
  };
}

export function candleRow(market: SimulatedMarket, instrument: Instrument, openTime: Ms, at: Ms): unknown {
  const c = market.candle(instrument.symbol, openTime, at);
  if (c === undefined) return undefined;
  const d = market.decimals(instrument.symbol);
  return {
    t: openTime,
    T: openTime + MINUTE - 1,
    s: instrument.venue_symbol,
    i: '1m',
    o: c.open.toFixed(d.price),
    c: c.close.toFixed(d.price),
    h: c.high.toFixed(d.price),
    l: c.low.toFixed(d.price),
    v: c.volume.toFixed(d.quantity),
    n: c.count,
  };
}

/** The running candle every second, and a last time at its end. */
function candles(
  market: SimulatedMarket,
  instrument: Instrument,
  channel: string,
  from: Ms,
  to: Ms,
): readonly SimulatedFrame[] {
  return ticks(from, to, SECOND).flatMap((at) => {
    const openTime = at % MINUTE === 0 ? at - MINUTE : Math.floor(at / MINUTE) * MINUTE;
    const row = candleRow(market, instrument, openTime, at);
    return row === undefined ? [] : [{ at, channel, text: push('candle', row) }];
  });
}
