import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedFrame, SimulatedMarket, SimulatedTrade } from '../simulator-contract.ts';
import { byVenueSymbol, MINUTE, SECOND, ticks } from '../shared/simulated.ts';
import { optionIn, type SimulatedValuation } from '../shared/simulated-options.ts';
import { expiryText } from '../shared/expiry-names.ts';

/* Frames of the simulated Deribit, in the shapes of the documentation and of recorded frames. */

const STEP = 100;
/** Options are many, and quoted less often. */
const OPTION_STEP = SECOND;
const HEARTBEAT_STEP = 10 * SECOND;
/** The first trade of each such span is a liquidation of its taker. */
const LIQUIDATION_SLOT = 4000;
export const BOOK_LEVELS = 100;
export const HEARTBEAT = 'heartbeat';

/** `book.BTC-PERPETUAL.100ms`: its first word and the instrument. */
export function partsOf(channel: string): { readonly kind: string; readonly name: string } {
  const [kind = '', second = '', third = ''] = channel.split('.');
  return { kind, name: kind === 'chart' ? third : second };
}

function push(channel: string, data: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', method: 'subscription', params: { channel, data } });
}

/** An amount as the wire counts it: USD of inverse contracts, base units of linear ones. */
export function amountOf(instrument: Instrument, quantity: number, price: number): number {
  return instrument.inverse ? quantity * price : quantity;
}

/** Frames that a channel makes in [from, to). */
export function framesOf(market: SimulatedMarket, channel: string, from: Ms, to: Ms): readonly SimulatedFrame[] {
  if (channel === HEARTBEAT) {
    const text = '{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}';
    return ticks(from, to, HEARTBEAT_STEP).map((at) => ({ at, channel, text }));
  }
  const { kind, name } = partsOf(channel);
  const instrument = byVenueSymbol(market, name);
  if (instrument === undefined) return [];
  const { symbol } = instrument;
  switch (kind) {
    case 'trades':
      return market
        .trades(symbol, from, to)
        .map((t) => ({ at: t.at, channel, text: push(channel, [tradeRow(market, instrument, t)]) }));
    case 'book':
      return market.bookChanges(symbol, from, to, { depth: BOOK_LEVELS, everyMs: stepOf(market) }).map((change) => {
        const sides = { bids: levelsOf(instrument, change.bids), asks: levelsOf(instrument, change.asks) };
        const ids = { change_id: change.lastSeq, prev_change_id: change.prevSeq };
        const data = { type: 'change', timestamp: change.at, instrument_name: name, ...ids, ...sides };
        return { at: change.at, channel, text: push(channel, data) };
      });
    case 'ticker':
      return ticks(from, to, stepOf(market)).map((at) => tickerFrame(market, instrument, channel, at));
    default:
      return candles(market, instrument, channel, from, to);
  }
}

function stepOf({ market }: SimulatedMarket): Ms {
  return market === 'options' ? OPTION_STEP : STEP;
}

/** What a new subscriber gets at once. */
export function snapshotOf(market: SimulatedMarket, channel: string, at: Ms): readonly SimulatedFrame[] {
  const { kind, name } = partsOf(channel);
  const instrument = byVenueSymbol(market, name);
  if (instrument === undefined) return [];
  if (kind === 'ticker') return [tickerFrame(market, instrument, channel, Math.floor(at))];
  if (kind !== 'book') return [];
  // The book as of the last change that was sent: later ones build on it.
  const step = stepOf(market);
  const book = market.book(instrument.symbol, (Math.ceil(at / step) - 1) * step + 1, BOOK_LEVELS);
  const sides = { bids: levelsOf(instrument, book.bids), asks: levelsOf(instrument, book.asks) };
  const data = { type: 'snapshot', timestamp: Math.ceil(at) - 1, instrument_name: name, change_id: book.seq, ...sides };
  return [{ at, channel, text: push(channel, data) }];
}

type Levels = readonly (readonly [number, number])[];

function levelsOf(instrument: Instrument, levels: Levels): readonly unknown[] {
  return levels.map(([price, quantity]) => [
    quantity === 0 ? 'delete' : 'new',
    price,
    amountOf(instrument, quantity, price),
  ]);
}

/** Whether a trade is the first of its span, and so a liquidation. */
export function isForced(market: SimulatedMarket, symbol: string, trade: SimulatedTrade): boolean {
  return market.tradeIdAt(symbol, Math.floor(trade.at / LIQUIDATION_SLOT) * LIQUIDATION_SLOT) === trade.id;
}

export function tradeRow(market: SimulatedMarket, instrument: Instrument, t: SimulatedTrade): unknown {
  const { symbol, venue_symbol: name } = instrument;
  const { mark, index } = market.mark(symbol, Math.floor(t.at / SECOND) * SECOND);
  return {
    trade_seq: t.id,
    trade_id: tradeIdOf(instrument, t.id),
    timestamp: t.at,
    tick_direction: t.side === 'buy' ? 0 : 2,
    price: t.price,
    mark_price: mark,
    instrument_name: name,
    index_price: index,
    direction: t.side,
    amount: amountOf(instrument, t.quantity, t.price),
    ...(isForced(market, symbol, t) ? { liquidation: 'T' } : {}),
  };
}

/** Ids are unique over the currency. */
export function tradeIdOf({ base }: Instrument, id: number): string {
  return base === 'BTC' ? String(id) : `${base}-${id}`;
}

function tickerFrame(market: SimulatedMarket, instrument: Instrument, channel: string, at: Ms): SimulatedFrame {
  return { at, channel, text: push(channel, tickerData(market, instrument, at)) };
}

/** The same for the stream and for REST. */
export function tickerData(market: SimulatedMarket, instrument: Instrument, at: Ms): Record<string, unknown> {
  const { symbol, venue_symbol: name } = instrument;
  const second = Math.floor(at / SECOND) * SECOND;
  const m = market.mark(symbol, second);
  const book = market.book(symbol, at + 1, 1);
  const [bid, ask] = [book.bids[0] ?? [0, 0], book.asks[0] ?? [0, 0]];
  const option = optionIn(instrument, m.index, second);
  return {
    timestamp: at,
    state: 'open',
    ...dayOf(market, symbol, second),
    open_interest: amountOf(instrument, market.openInterest(symbol, second), m.mark),
    mark_price: m.mark,
    index_price: m.index,
    instrument_name: name,
    ...(instrument.kind === 'perpetual' ? { funding_8h: m.fundingRate, current_funding: m.fundingRate } : {}),
    estimated_delivery_price: m.index,
    best_bid_price: bid[0],
    best_bid_amount: amountOf(instrument, bid[1], bid[0]),
    best_ask_price: ask[0],
    best_ask_amount: amountOf(instrument, ask[1], ask[0]),
    ...(option === undefined ? {} : summaryOf(instrument, option, bid[0], ask[0])),
  };
}

/** The last day and price. The day of an option is not told, as if it had not traded: there are too many to add up. */
function dayOf(market: SimulatedMarket, symbol: string, at: Ms): Readonly<Record<string, unknown>> {
  if (market.market === 'options') {
    const [last] = market.tradesFrom(symbol, market.tradeIdAt(symbol, at) - 1, 1, at);
    const stats = { high: null, low: null, price_change: null, volume: null, volume_usd: null };
    return { stats, last_price: last?.price ?? null };
  }
  const { high, low, last, open, volume, quoteVolume } = market.ticker(symbol, at);
  const change = Number(((last / open - 1) * 100).toFixed(4));
  const volumes = { volume, volume_usd: quoteVolume, volume_notional: quoteVolume };
  return { stats: { high, low, price_change: change, ...volumes }, last_price: last };
}

/** Greeks have five decimals, volatilities two; a price that no volatility gives has one of 0. */
function summaryOf(
  instrument: Instrument,
  option: SimulatedValuation,
  bid: number,
  ask: number,
): Readonly<Record<string, unknown>> {
  const dollars = instrument.quote === instrument.base ? option.forward : 1;
  const volatility = (price: number): number => round(option.impliedBy(price * dollars) ?? 0, 2);
  const { delta, gamma, vega, theta, rho } = option;
  return {
    underlying_price: round(option.forward, 4),
    underlying_index: `SYN.${instrument.base}-${expiryText(instrument.expiry_time ?? 0)}`,
    interest_rate: 0,
    mark_iv: round(option.volatility, 2),
    bid_iv: volatility(bid),
    ask_iv: volatility(ask),
    greeks: {
      delta: round(delta, 5),
      gamma: round(gamma, 5),
      vega: round(vega, 5),
      theta: round(theta, 5),
      rho: round(rho, 5),
    },
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

export function candleRow(
  market: SimulatedMarket,
  { symbol }: Instrument,
  openTime: Ms,
  at: Ms,
): Readonly<Record<string, number>> | undefined {
  const c = market.candle(symbol, openTime, at);
  if (c === undefined) return undefined;
  const { open, high, low, close, volume, quoteVolume } = c;
  return { tick: openTime, open, high, low, close, volume, cost: quoteVolume };
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
    return row === undefined ? [] : [{ at, channel, text: push(channel, row) }];
  });
}
