import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedFrame, SimulatedMarket, SimulatedTrade } from '../simulator-contract.ts';
import { byVenueSymbol, contractsText, digitsOf, MINUTE, plain, SECOND, ticks } from '../shared/simulated.ts';

/*
 * Frames of the simulated Gate.io, in the shapes of the documentation's examples and of recorded frames:
 * https://www.gate.com/docs/developers/futures/ws/en/ and https://www.gate.com/docs/developers/apiv4/ws/en/.
 */

export const BOOK_LEVELS = 100;
const BEST_STEP = 100;

/** A channel's key: `futures.trades BTC_USDT`. */
export function channelKey(channel: string, of: string): string {
  return `${channel} ${of}`;
}

export function nameOfChannel(key: string): { readonly channel: string; readonly name: string; readonly of: string } {
  const space = key.indexOf(' ');
  const channel = key.slice(0, space);
  return { channel, name: channel.slice(channel.indexOf('.') + 1), of: key.slice(space + 1) };
}

function push(key: string, at: Ms, result: string): SimulatedFrame {
  const { channel } = nameOfChannel(key);
  const ms = Math.floor(at);
  const text = `{"time":${Math.floor(ms / SECOND)},"time_ms":${ms},"channel":"${channel}","event":"update","result":${result}}`;
  return { at, channel: key, text };
}

/** Futures send lists, spot single objects. */
function pushRow(market: SimulatedMarket, key: string, at: Ms, row: unknown): SimulatedFrame {
  const text = JSON.stringify(row);
  return push(key, at, market.market === 'spot' ? text : `[${text}]`);
}

/** Frames that a channel makes in [from, to). */
export function framesOf(market: SimulatedMarket, key: string, from: Ms, to: Ms): readonly SimulatedFrame[] {
  const { name, of } = nameOfChannel(key);
  const instrument = byVenueSymbol(market, of);
  if (instrument === undefined) return [];
  const { symbol } = instrument;
  switch (name) {
    case 'trades':
      return market.trades(symbol, from, to).map((t) => pushRow(market, key, t.at, tradeRow(market, instrument, t)));
    case 'book_ticker':
      return ticks(from, to, BEST_STEP).map((at) => push(key, at, JSON.stringify(bestRow(market, instrument, at))));
    case 'order_book_update':
      return market
        .bookChanges(symbol, from, to, { depth: BOOK_LEVELS })
        .map((change) => push(key, change.at, changeText(market, instrument, change)));
    case 'tickers':
      return ticks(from, to, SECOND).map((at) => pushRow(market, key, at, tickerRow(market, instrument, at)));
    case 'candlesticks':
      return candles(market, instrument, key, from, to);
    case 'public_liquidates':
      return market.liquidations(symbol, from, to).map((l) => {
        const size = Number(contractsText(instrument, l.quantity)) * (l.side === 'long' ? -1 : 1);
        const price = l.price.toFixed(market.decimals(symbol).price);
        return pushRow(market, key, l.at, { price, size, time: l.at, contract: of });
      });
    default:
      return [];
  }
}

const secondOf = (at: Ms): Ms => Math.floor(at / SECOND) * SECOND;

/** Trade rows of the stream and of REST; futures over REST write seconds with a fraction in `create_time_ms`. */
export function tradeRow(market: SimulatedMarket, instrument: Instrument, t: SimulatedTrade, rest = false): unknown {
  const { symbol, venue_symbol: of } = instrument;
  const price = t.price.toFixed(market.decimals(symbol).price);
  const seconds = Math.floor(t.at / SECOND);
  if (market.market === 'spot') {
    return {
      id: rest ? String(t.id) : t.id,
      create_time: rest ? String(seconds) : seconds,
      create_time_ms: `${t.at}.000000`,
      side: t.side,
      currency_pair: of,
      amount: contractsText(instrument, t.quantity),
      price,
      ...(rest ? { sequence_id: String(t.id) } : { range: `${t.id}-${t.id}` }),
    };
  }
  const size = Number(contractsText(instrument, t.quantity)) * (t.side === 'buy' ? 1 : -1);
  return {
    size,
    id: t.id,
    create_time: seconds,
    create_time_ms: rest ? t.at / SECOND : t.at,
    price,
    contract: of,
  };
}

export function bestRow(market: SimulatedMarket, instrument: Instrument, at: Ms): unknown {
  const { symbol, venue_symbol: s } = instrument;
  const book = market.book(symbol, at + 1, 1);
  const [bid, ask] = [book.bids[0] ?? [0, 0], book.asks[0] ?? [0, 0]];
  const d = market.decimals(symbol).price;
  return {
    t: at,
    u: book.seq,
    s,
    b: bid[0].toFixed(d),
    B: sizeOf(market, instrument, bid[1]),
    a: ask[0].toFixed(d),
    A: sizeOf(market, instrument, ask[1]),
  };
}

/** Contracts are numbers, spot sizes texts. */
function sizeOf(market: SimulatedMarket, instrument: Instrument, quantity: number): number | string {
  const text = quantity === 0 ? '0' : contractsText(instrument, quantity);
  return market.market === 'spot' ? text : Number(text);
}

export function levelsText(
  market: SimulatedMarket,
  instrument: Instrument,
  levels: readonly (readonly [number, number])[],
): string {
  const d = market.decimals(instrument.symbol).price;
  const one = ([price, quantity]: readonly [number, number]): string => {
    const size = JSON.stringify(sizeOf(market, instrument, quantity));
    return market.market === 'spot' ? `["${price.toFixed(d)}",${size}]` : `{"p":"${price.toFixed(d)}","s":${size}}`;
  };
  return `[${levels.map(one).join(',')}]`;
}

function changeText(
  market: SimulatedMarket,
  instrument: Instrument,
  change: ReturnType<SimulatedMarket['bookChanges']>[number],
): string {
  const bids = levelsText(market, instrument, change.bids);
  const asks = levelsText(market, instrument, change.asks);
  const event = market.market === 'spot' ? `"e":"depthUpdate","E":${Math.floor(change.at / SECOND)},` : '';
  return `{"t":${change.at},${event}"s":"${instrument.venue_symbol}","U":${change.firstSeq},"u":${change.lastSeq},"l":"100","b":${bids},"a":${asks}}`;
}

/** The same for the stream and for REST; best prices are of `at`, the rest is renewed every second. */
export function tickerRow(market: SimulatedMarket, instrument: Instrument, at: Ms): Readonly<Record<string, unknown>> {
  const { symbol, venue_symbol: of } = instrument;
  const second = secondOf(at);
  const t = market.ticker(symbol, second);
  const d = market.decimals(symbol);
  const book = market.book(symbol, at + 1, 1);
  const [bid, ask] = [book.bids[0] ?? [0, 0], book.asks[0] ?? [0, 0]];
  const price = (value: number): string => value.toFixed(d.price);
  const day = {
    last: price(t.last),
    lowest_ask: price(ask[0]),
    highest_bid: price(bid[0]),
    change_percentage: (((t.last - t.open) / t.open) * 100).toFixed(4),
    high_24h: price(t.high),
    low_24h: price(t.low),
  };
  if (market.market === 'spot') {
    const volumes = { base_volume: plain(t.volume), quote_volume: t.quoteVolume.toFixed(d.price + d.quantity) };
    return { currency_pair: of, ...day, ...volumes };
  }
  const m = market.mark(symbol, second);
  const quote = t.quoteVolume.toFixed(0);
  return {
    contract: of,
    ...day,
    total_size: contractsText(instrument, market.openInterest(symbol, second)),
    volume_24h: contractsText(instrument, t.volume),
    volume_24h_base: t.volume.toFixed(0),
    volume_24h_quote: quote,
    volume_24h_settle: quote,
    mark_price: m.mark.toFixed(d.mark),
    funding_rate: plain(m.fundingRate),
    funding_rate_indicative: plain(m.fundingRate),
    index_price: m.index.toFixed(d.mark),
    quanto_base_rate: '',
    lowest_size: contractsText(instrument, ask[1]),
    highest_size: contractsText(instrument, bid[1]),
  };
}

/** The candle of [openTime, openTime + 1 min) as it stands at `at`; undefined before its first trade. */
export function candleFields(
  market: SimulatedMarket,
  instrument: Instrument,
  openTime: Ms,
  at: Ms,
): Readonly<Record<'o' | 'h' | 'l' | 'c' | 'size' | 'quote', string>> | undefined {
  const made = market.candle(instrument.symbol, openTime, at);
  if (made === undefined) return undefined;
  const d = market.decimals(instrument.symbol);
  const price = (value: number): string => value.toFixed(d.price);
  return {
    o: price(made.open),
    h: price(made.high),
    l: price(made.low),
    c: price(made.close),
    size: contractsText(instrument, made.volume),
    quote: made.quoteVolume.toFixed(digitsOf(instrument.tick_size ?? 1) + digitsOf(instrument.lot_size ?? 1)),
  };
}

/** The running candle every second, and once more, as over, at its end. */
function candles(
  market: SimulatedMarket,
  instrument: Instrument,
  key: string,
  from: Ms,
  to: Ms,
): readonly SimulatedFrame[] {
  return ticks(from, to, SECOND).flatMap((at) => {
    const w = at % MINUTE === 0;
    const openTime = w ? at - MINUTE : Math.floor(at / MINUTE) * MINUTE;
    const fields = candleFields(market, instrument, openTime, at);
    if (fields === undefined) return [];
    const { size, quote, ...prices } = fields;
    const t = openTime / SECOND;
    const n = `1m_${instrument.venue_symbol}`;
    const spot = market.market === 'spot';
    const volumes = spot ? { v: quote, a: size } : { v: Number(size), sum: quote };
    return [pushRow(market, key, at, { t: spot ? String(t) : t, ...volumes, ...prices, n, w })];
  });
}
