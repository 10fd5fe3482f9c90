import type { Us } from '../../../kit/clock.ts';
import type { CandleInterval, Market, Origin, PriceLevel, RecordSink } from '../../domain/records.ts';
import { baseSize, type SymbolFacts, type SymbolTable } from '../shared/symbols.ts';
import {
  afterInclusive,
  allKnown,
  idOf,
  isObject,
  levelsOf,
  optionalSize,
  priceOf,
  sequenceOf,
  sizeOf,
  timeOf,
  type WireObject,
} from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import { intervalOf } from './wire.ts';

/** What every event of a connection is read with. */
export interface ReadContext {
  readonly market: Market;
  readonly symbols: SymbolTable;
  readonly recvTime: Us;
  readonly origin: Origin;
  readonly sink: RecordSink;
}

export const EXCHANGE = 'bybit';

/** A row of `publicTrade`. `S` is the taker's side. */
export function readTrade(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no trade';
  const { s, i, p, v, T, S, seq } = row;
  return pushTrade(context.symbols.facts(s), [i, p, v, T, S, seq], context);
}

/** A row of REST `recent-trade`. */
export function readTradeRow(row: unknown, context: ReadContext): Reading {
  if (!isObject(row)) return 'no trade';
  const { symbol, execId, price, size, time, side, seq } = row;
  return pushTrade(context.symbols.facts(symbol), [execId, price, size, time, side, seq], context);
}

function pushTrade(
  facts: SymbolFacts | undefined,
  wire: readonly [unknown, unknown, unknown, unknown, unknown, unknown],
  context: ReadContext,
): Reading {
  if (facts === undefined) return 'trade without a symbol';
  const id = idOf(wire[0]);
  const price = priceOf(wire[1]);
  const quantity = baseSize(facts, sizeOf(wire[2]), price);
  const time = timeOf(wire[3]);
  const side = wire[4];
  if (id === undefined) return 'trade without an id';
  if (!(price > 0) || !(quantity > 0 && quantity < Infinity)) return 'trade without price or quantity';
  if (Number.isNaN(time)) return 'trade without time';
  if (side !== 'Buy' && side !== 'Sell') return 'trade without a side';
  context.sink({
    stream: 'trades',
    exchange: EXCHANGE,
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq: sequenceOf(wire[5]),
    origin: context.origin,
    trade_id: id,
    price,
    quantity,
    side: side === 'Buy' ? 'buy' : 'sell',
  });
  return 1;
}

/**
 * `orderbook.50` and deeper, and the REST book. `u` rises by one with each message of a topic; a snapshot begins anew.
 */
export function readBook(data: WireObject, snapshot: boolean, time: Us, context: ReadContext): Reading {
  const facts = context.symbols.facts(data['s']);
  if (facts === undefined) return 'book without a symbol';
  const bids = levelsOf(data['b']);
  const asks = levelsOf(data['a']);
  const seq = sequenceOf(data['u']);
  if (bids === undefined || asks === undefined) return 'book levels cannot be read';
  if (seq === null) return 'book without an update id';
  if (Number.isNaN(time)) return 'book time cannot be read';
  if (!facts.plain && !(toBase(facts, bids) && toBase(facts, asks))) return 'contract size not known';
  context.sink({
    stream: 'book',
    exchange: EXCHANGE,
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq,
    origin: context.origin,
    kind: snapshot ? 'snapshot' : 'delta',
    bids,
    asks,
    first_seq: null,
    prev_seq: null,
  });
  return 1;
}

function toBase(facts: SymbolFacts, levels: PriceLevel[]): boolean {
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i];
    if (level === undefined) continue;
    const size = baseSize(facts, level[1], level[0]);
    if (Number.isNaN(size)) return false;
    levels[i] = [level[0], size];
  }
  return true;
}

/** A row of `kline`. `end` is the last ms of the candle: the interval here is half-open. */
export function readKline(row: unknown, symbol: string, time: Us, context: ReadContext): Reading {
  if (!isObject(row)) return 'no candle';
  const { start, end, open, high, low, close, volume, turnover, confirm, timestamp } = row;
  const facts = context.symbols.facts(symbol);
  const interval = intervalOf(row['interval']);
  if (facts === undefined || interval === undefined) return 'candle without symbol or interval';
  if (typeof confirm !== 'boolean') return 'candle does not say whether it is closed';
  const said = timestamp === undefined ? time : timeOf(timestamp);
  const times = { interval, time: said, open: timeOf(start), close: afterInclusive(end), closed: confirm };
  return pushCandle(facts, { ...times, values: [open, high, low, close, volume, turnover] }, context);
}

/** A candle in wire values: open, high, low, close, volume, turnover. */
export interface WireCandle {
  readonly interval: CandleInterval;
  readonly time: Us;
  readonly open: Us;
  readonly close: Us;
  readonly closed: boolean;
  readonly values: readonly unknown[];
}

export function pushCandle(facts: SymbolFacts, candle: WireCandle, context: ReadContext): Reading {
  const { values } = candle;
  const open = priceOf(values[0]);
  const high = priceOf(values[1]);
  const low = priceOf(values[2]);
  const close = priceOf(values[3]);
  // Inverse contracts count USD in `volume` and base units in `turnover`.
  const volume = sizeOf(facts.inverse ? values[5] : values[4]);
  const quote = optionalSize(facts.inverse ? values[4] : values[5]);
  if (!(open > 0 && high > 0 && low > 0 && close > 0) || Number.isNaN(volume)) return 'candle cannot be read';
  if (!allKnown(quote)) return 'candle turnover cannot be read';
  if (!(candle.open < candle.close) || Number.isNaN(candle.time)) return 'candle times cannot be read';
  context.sink({
    stream: 'candles',
    exchange: EXCHANGE,
    market: context.market,
    symbol: facts.symbol,
    event_time: candle.time,
    recv_time: context.recvTime,
    seq: null,
    origin: context.origin,
    interval: candle.interval,
    open_time: candle.open,
    close_time: candle.close,
    open,
    high,
    low,
    close,
    volume,
    quote_volume: quote,
    trade_count: null,
    taker_buy_volume: null,
    taker_buy_quote: null,
    closed: candle.closed,
  });
  return 1;
}

/**
 * A row of `allLiquidation` (`T`, `s`, `S`, `v`, `p`), or the older `liquidation` (`updatedTime`, `symbol`, `side`,
 * `size`, `price`). In both the side is the position's: Buy means that a long was liquidated.
 */
export function readLiquidation(row: unknown, time: Us, context: ReadContext): Reading {
  if (!isObject(row)) return 'no liquidation';
  const facts = context.symbols.facts(row['s'] ?? row['symbol']);
  if (facts === undefined) return 'liquidation without a symbol';
  const price = priceOf(row['p'] ?? row['price']);
  const size = sizeOf(row['v'] ?? row['size'] ?? row['qty']);
  const quantity = baseSize(facts, size, price);
  const given = row['T'] ?? row['updatedTime'] ?? row['time'];
  const said = given === undefined ? time : timeOf(given);
  const side = row['S'] ?? row['side'];
  if (!(price > 0) || !(quantity > 0 && quantity < Infinity)) return 'liquidation without price or quantity';
  if (Number.isNaN(said)) return 'liquidation time cannot be read';
  if (side !== 'Buy' && side !== 'Sell') return 'liquidation without a side';
  context.sink({
    stream: 'liquidations',
    exchange: EXCHANGE,
    market: context.market,
    symbol: facts.symbol,
    event_time: said,
    recv_time: context.recvTime,
    seq: null,
    origin: context.origin,
    side: side === 'Buy' ? 'long' : 'short',
    price,
    quantity,
  });
  return 1;
}
