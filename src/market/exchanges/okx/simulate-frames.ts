import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedFrame, SimulatedMarket } from '../simulator-contract.ts';
import { byVenueSymbol, contractsText, MINUTE, plain, SECOND, ticks } from '../shared/simulated.ts';
import { optionDay, summaryFrame, summaryFrames } from './simulate-options.ts';
import { indexOf, kindOf } from './wire.ts';

/*
 * Frames of the simulated OKX, in the shapes of the documentation's examples and of recorded frames:
 * https://www.okx.com/docs-v5/en/#public-data-websocket and #order-book-trading-market-data.
 */

const BEST_STEP = 100;
/** Options are many, and quoted less often. */
const OPTION_STEP = SECOND;
const INTEREST_STEP = 3 * SECOND;
const FUNDING_STEP = 30 * SECOND;
/** Marks follow the index of their second, so that a client that has both tells them together. */
const MARK_OFFSET = 100;
const BOOK_LEVELS = 400;

/** A channel's key: `trades-all BTC-USDT-SWAP`. */
export function channelKey(channel: string, of: string): string {
  return `${channel} ${of}`;
}

export function nameOfChannel(key: string): { readonly channel: string; readonly of: string } {
  const space = key.indexOf(' ');
  return { channel: key.slice(0, space), of: key.slice(space + 1) };
}

/** The instrument that a channel is about: its own, or any that has the index. */
export function instrumentOfChannel(market: SimulatedMarket, key: string): Instrument | undefined {
  const { channel, of } = nameOfChannel(key);
  if (channel === 'index-tickers' || channel === 'opt-summary')
    return market.instruments.find((i) => indexOf(i.venue_symbol) === of);
  return byVenueSymbol(market, of);
}

function push(key: string, rows: string, action = ''): string {
  const { channel, of } = nameOfChannel(key);
  return `{"arg":{"channel":"${channel}","instId":"${of}"},${action}"data":[${rows}]}`;
}

/** Frames that a channel makes in [from, to). */
export function framesOf(market: SimulatedMarket, key: string, from: Ms, to: Ms): readonly SimulatedFrame[] {
  const { channel, of } = nameOfChannel(key);
  if (channel === 'liquidation-orders') return liquidations(market, key, from, to);
  if (channel === 'opt-summary') return summaryFrames(market, key, of, from, to);
  const instrument = instrumentOfChannel(market, key);
  if (instrument === undefined) return [];
  switch (channel) {
    case 'trades-all':
    case 'trades':
      return market.trades(instrument.symbol, from, to).map((t) => ({
        at: t.at,
        channel: key,
        text: push(key, tradeRow(market, instrument, t)),
      }));
    case 'books':
      return market.bookChanges(instrument.symbol, from, to, bookOptions(market)).map((change) => ({
        at: change.at,
        channel: key,
        text: push(key, bookRow(market, instrument, change, change.prevSeq), '"action":"update",'),
      }));
    case 'candle1m':
      return candles(market, instrument, key, from, to);
    default:
      return steadyTimes(channel, from, to, stepOf(market)).map((at) => steadyFrame(market, instrument, key, at));
  }
}

function stepOf({ market }: SimulatedMarket): Ms {
  return market === 'options' ? OPTION_STEP : BEST_STEP;
}

function bookOptions(market: SimulatedMarket): { readonly depth: number; readonly everyMs: Ms } {
  return { depth: BOOK_LEVELS, everyMs: stepOf(market) };
}

function steadyTimes(channel: string, from: Ms, to: Ms, bestStep: Ms): readonly Ms[] {
  switch (channel) {
    case 'tickers':
      return ticks(from, to, bestStep);
    case 'mark-price':
      return ticks(from, to, SECOND, MARK_OFFSET);
    case 'index-tickers':
      return ticks(from, to, SECOND);
    case 'open-interest':
      return ticks(from, to, INTEREST_STEP);
    case 'funding-rate':
      return ticks(from, to, FUNDING_STEP);
    default:
      return [];
  }
}

/** What a new subscriber gets at once: the book, and the present state of what is told now and then. */
export function snapshotOf(market: SimulatedMarket, key: string, at: Ms): readonly SimulatedFrame[] {
  const { channel, of } = nameOfChannel(key);
  const instrument = instrumentOfChannel(market, key);
  if (instrument === undefined) return [];
  if (channel === 'opt-summary') return [summaryFrame(market, key, of, Math.floor(at))];
  if (channel === 'books') {
    // The book as of the last change that was sent: later ones build on it.
    const step = stepOf(market);
    const book = market.book(instrument.symbol, (Math.ceil(at / step) - 1) * step + 1, BOOK_LEVELS);
    const state = { at: Math.ceil(at) - 1, lastSeq: book.seq, bids: book.bids, asks: book.asks };
    return [{ at, channel: key, text: push(key, bookRow(market, instrument, state, -1), '"action":"snapshot",') }];
  }
  if (steadyTimes(channel, 0, 1, SECOND).length === 0 && channel !== 'mark-price') return [];
  return [steadyFrame(market, instrument, key, Math.floor(at))];
}

function steadyFrame(market: SimulatedMarket, instrument: Instrument, key: string, at: Ms): SimulatedFrame {
  return { at, channel: key, text: push(key, JSON.stringify(steadyRow(market, instrument, key, at))) };
}

function steadyRow(market: SimulatedMarket, instrument: Instrument, key: string, at: Ms): unknown {
  switch (nameOfChannel(key).channel) {
    case 'tickers':
      return tickerRow(market, instrument, at);
    case 'mark-price':
      return markRow(market, instrument, at);
    case 'index-tickers':
      return indexRow(market, instrument, at);
    case 'open-interest':
      return interestRow(market, instrument, at);
    default:
      return fundingRow(market, instrument, at);
  }
}

const secondOf = (at: Ms): Ms => Math.floor(at / SECOND) * SECOND;

export function tradeRow(
  market: SimulatedMarket,
  instrument: Instrument,
  t: { readonly id: number; readonly at: Ms; readonly price: number; readonly quantity: number; readonly side: string },
): string {
  const px = t.price.toFixed(market.decimals(instrument.symbol).price);
  return `{"instId":"${instrument.venue_symbol}","tradeId":"${t.id}","px":"${px}","sz":"${contractsText(instrument, t.quantity)}","side":"${t.side}","source":"0","ts":"${t.at}"}`;
}

export interface BookState {
  readonly at: Ms;
  readonly lastSeq: number;
  readonly bids: readonly (readonly [number, number])[];
  readonly asks: readonly (readonly [number, number])[];
}

export function bookRow(market: SimulatedMarket, instrument: Instrument, book: BookState, previous: number): string {
  const d = market.decimals(instrument.symbol).price;
  const side = (levels: BookState['bids']): string =>
    levels
      .map(([price, quantity]) =>
        quantity === 0
          ? `["${price.toFixed(d)}","0","0","0"]`
          : `["${price.toFixed(d)}","${contractsText(instrument, quantity)}","0","1"]`,
      )
      .join(',');
  return `{"asks":[${side(book.asks)}],"bids":[${side(book.bids)}],"ts":"${book.at}","checksum":0,"prevSeqId":${previous},"seqId":${book.lastSeq}}`;
}

/** The same for the stream and for REST. Best prices follow the book; the day is renewed every second. */
export function tickerRow(market: SimulatedMarket, instrument: Instrument, at: Ms): Readonly<Record<string, string>> {
  const { symbol, venue_symbol: instId, market: kind } = instrument;
  const book = market.book(symbol, at + 1, 1);
  const [bid, ask] = [book.bids[0] ?? [0, 0], book.asks[0] ?? [0, 0]];
  const d = market.decimals(symbol);
  const price = (value: number): string => value.toFixed(d.price);
  const spot = kind === 'spot';
  const best = {
    instType: spot ? 'SPOT' : kindOf(instId),
    instId,
    askPx: price(ask[0]),
    askSz: contractsText(instrument, ask[1]),
    bidPx: price(bid[0]),
    bidSz: contractsText(instrument, bid[1]),
    ts: String(at),
  };
  if (kind === 'options') return { ...best, ...optionDay(market, instrument, at) };
  const t = market.ticker(symbol, secondOf(at));
  return {
    ...best,
    last: price(t.last),
    lastSz: contractsText(instrument, t.lastQuantity),
    open24h: price(t.open),
    high24h: price(t.high),
    low24h: price(t.low),
    sodUtc0: price(t.open),
    sodUtc8: price(t.open),
    volCcy24h: spot ? t.quoteVolume.toFixed(d.price + d.quantity) : t.volume.toFixed(d.quantity),
    vol24h: contractsText(instrument, t.volume),
  };
}

export function markRow(market: SimulatedMarket, { symbol, venue_symbol: instId }: Instrument, at: Ms): unknown {
  const { mark } = market.mark(symbol, secondOf(at));
  return { instId, instType: kindOf(instId), markPx: mark.toFixed(market.decimals(symbol).mark), ts: String(at) };
}

export function indexRow(market: SimulatedMarket, { symbol, venue_symbol: instId }: Instrument, at: Ms): unknown {
  const { index } = market.mark(symbol, secondOf(at));
  return { instId: indexOf(instId), idxPx: index.toFixed(market.decimals(symbol).mark), ts: String(at) };
}

export function interestRow(market: SimulatedMarket, instrument: Instrument, at: Ms): unknown {
  const { symbol, venue_symbol: instId } = instrument;
  const interest = market.openInterest(symbol, secondOf(at));
  const { mark, index } = market.mark(symbol, secondOf(at));
  // An option is on so much of its underlying, whatever it costs itself.
  const usd = interest * (instrument.kind === 'option' ? index : mark);
  return {
    instId,
    instType: kindOf(instId),
    oi: contractsText(instrument, interest),
    oiCcy: plain(interest),
    oiUsd: usd.toFixed(4),
    ts: String(secondOf(at)),
  };
}

export function fundingRow(market: SimulatedMarket, { symbol, venue_symbol: instId }: Instrument, at: Ms): unknown {
  const { fundingRate, nextFundingTime } = market.mark(symbol, secondOf(at));
  // The payment after the next tells the interval.
  const { nextFundingTime: after } = market.mark(symbol, nextFundingTime);
  return {
    formulaType: 'withRate',
    fundingRate: plain(fundingRate),
    fundingTime: String(nextFundingTime),
    instId,
    instType: 'SWAP',
    maxFundingRate: '0.003',
    method: 'current_period',
    minFundingRate: '-0.003',
    nextFundingRate: '',
    nextFundingTime: String(after),
    settState: 'settled',
    ts: String(at),
  };
}

export function candleRow(
  market: SimulatedMarket,
  instrument: Instrument,
  openTime: Ms,
  at: Ms,
): readonly string[] | undefined {
  const c = market.candle(instrument.symbol, openTime, at);
  if (c === undefined) return undefined;
  const d = market.decimals(instrument.symbol);
  const quote = c.quoteVolume.toFixed(d.price + d.quantity);
  const base = c.volume.toFixed(d.quantity);
  return [
    String(openTime),
    ...[c.open, c.high, c.low, c.close].map((price) => price.toFixed(d.price)),
    contractsText(instrument, c.volume),
    instrument.market === 'spot' ? quote : base,
    quote,
    at >= openTime + MINUTE ? '1' : '0',
  ];
}

/** The running bar every second, and once more, confirmed, at its end. */
function candles(
  market: SimulatedMarket,
  instrument: Instrument,
  key: string,
  from: Ms,
  to: Ms,
): readonly SimulatedFrame[] {
  return ticks(from, to, SECOND).flatMap((at) => {
    const openTime = at % MINUTE === 0 ? at - MINUTE : Math.floor(at / MINUTE) * MINUTE;
    const row = candleRow(market, instrument, openTime, at);
    return row === undefined ? [] : [{ at, channel: key, text: push(key, JSON.stringify(row)) }];
  });
}

/** Of all of a kind at once; a sell order closes a long. */
function liquidations(market: SimulatedMarket, key: string, from: Ms, to: Ms): readonly SimulatedFrame[] {
  const { of: instType } = nameOfChannel(key);
  return market.instruments.flatMap((instrument) => {
    const { symbol, venue_symbol: instId } = instrument;
    if (kindOf(instId) !== instType) return [];
    const family = indexOf(instId);
    return market.liquidations(symbol, from, to).map((l) => {
      const detail = {
        bkLoss: '0',
        bkPx: l.price.toFixed(market.decimals(symbol).price),
        ccy: '',
        posSide: l.side,
        side: l.side === 'long' ? 'sell' : 'buy',
        sz: contractsText(instrument, l.quantity),
        ts: String(l.at),
      };
      const item = { details: [detail], instFamily: family, instId, instType, uly: family };
      return {
        at: l.at,
        channel: key,
        text: `{"arg":{"channel":"liquidation-orders","instType":"${instType}"},"data":[${JSON.stringify(item)}]}`,
      };
    });
  });
}
