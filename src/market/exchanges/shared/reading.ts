import type { Us } from '../../../kit/clock.ts';
import type {
  BookProof,
  CandleInterval,
  Market,
  Origin,
  PriceLevel,
  RecordBase,
  RecordSink,
  TickerRecord,
} from '../../domain/records.ts';
import { baseSize, type SymbolFacts, type SymbolTable } from './symbols.ts';
import { allKnown, idOf, optional, optionalPrice, priceOf, sequenceOf, sizeOf } from './values.ts';
import type { Reading } from './verdicts.ts';

/** What every event of a connection is read with. */
export interface ReadContext {
  readonly exchange: string;
  readonly market: Market;
  readonly symbols: SymbolTable;
  readonly recvTime: Us;
  readonly origin: Origin;
  readonly sink: RecordSink;
}

/** What every record of an event carries. */
export function baseOf(facts: SymbolFacts, time: Us, context: ReadContext, seq: number | null = null): RecordBase {
  return {
    exchange: context.exchange,
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq,
    origin: context.origin,
  };
}

const UNSIZED = 'contract size not known: give the instrument list';

/** Fields of a trade as the wire has them; `time` is UTC µs, NaN when it cannot be read. */
export interface WireTrade {
  readonly id: unknown;
  readonly price: unknown;
  /** In the wire's unit, without sign. */
  readonly size: unknown;
  readonly time: Us;
  /** The taker's. */
  readonly side: unknown;
  readonly seq?: unknown;
}

export function pushTrade(facts: SymbolFacts | undefined, wire: WireTrade, context: ReadContext): Reading {
  if (facts === undefined) return 'trade without a symbol';
  const id = idOf(wire.id);
  const price = facts.signed ? (optional(wire.price) ?? NaN) : priceOf(wire.price);
  const size = sizeOf(wire.size);
  const { side } = wire;
  if (id === undefined) return 'trade without an id';
  if (Number.isNaN(price) || !(size > 0)) return 'trade without price or quantity';
  if (Number.isNaN(wire.time)) return 'trade without time';
  if (side !== 'buy' && side !== 'sell') return 'trade without a side';
  const quantity = baseSize(facts, size, price);
  if (!(quantity > 0 && quantity < Infinity) && !facts.sizeless) return UNSIZED;
  context.sink({
    stream: 'trades',
    ...baseOf(facts, wire.time, context, sequenceOf(wire.seq)),
    trade_id: id,
    price,
    quantity,
    side,
  });
  return 1;
}

export interface WirePrices {
  readonly bid: unknown;
  readonly bidSize: unknown;
  readonly ask: unknown;
  readonly askSize: unknown;
  readonly last?: unknown;
  readonly time: Us;
  readonly seq?: unknown;
}

/** Best bid and ask; nothing when both sides are empty. Sizes are null where the contract's is not known. */
export function pushPrices(facts: SymbolFacts | undefined, wire: WirePrices, context: ReadContext): Reading {
  if (facts === undefined) return 'best prices without a symbol';
  const bid = bestPrice(facts, wire.bid, wire.bidSize);
  const ask = bestPrice(facts, wire.ask, wire.askSize);
  const last = facts.signed ? optional(wire.last) : optionalPrice(wire.last);
  if (!allKnown(bid, ask, last)) return 'best prices cannot be read';
  if (bid === null && ask === null) return 0;
  if (Number.isNaN(wire.time)) return 'best prices without time';
  const bidSize = bid === null ? null : optionalSizeAt(facts, wire.bidSize, bid);
  const askSize = ask === null ? null : optionalSizeAt(facts, wire.askSize, ask);
  if (!allKnown(bidSize, askSize)) return 'best sizes cannot be read';
  context.sink({
    stream: 'prices',
    ...baseOf(facts, wire.time, context, sequenceOf(wire.seq)),
    bid_price: bid,
    ask_price: ask,
    bid_qty: bidSize,
    ask_qty: askSize,
    last_price: last,
  });
  return 1;
}

/** Of a spread 0 is a price, if something is offered at it. */
function bestPrice(facts: SymbolFacts, price: unknown, size: unknown): number | null {
  if (!facts.signed) return optionalPrice(price);
  return sizeOf(size) === 0 ? null : optional(price);
}

/** A size on the wire in base units; null when there is none or its unit is not known, NaN when it is no size. */
export function optionalSizeAt(facts: SymbolFacts, wire: unknown, price: number): number | null {
  if (wire === undefined || wire === null || wire === '') return null;
  const size = sizeOf(wire);
  if (Number.isNaN(size)) return NaN;
  const base = baseSize(facts, size, price);
  return Number.isNaN(base) ? null : base;
}

export interface WireBook {
  readonly snapshot: boolean;
  /** In the wire's unit; undefined when a level cannot be read. Converted in place. */
  readonly bids: PriceLevel[] | undefined;
  readonly asks: PriceLevel[] | undefined;
  readonly time: Us;
  readonly seq: number | null;
  readonly first?: number | null;
  readonly previous?: number | null;
  readonly proof?: BookProof | undefined;
}

export function pushBook(facts: SymbolFacts | undefined, wire: WireBook, context: ReadContext): Reading {
  if (facts === undefined) return 'book without a symbol';
  const { bids, asks } = wire;
  if (bids === undefined || asks === undefined) return 'book levels cannot be read';
  if (Number.isNaN(wire.time)) return 'book time cannot be read';
  if (!facts.plain && !(toBase(facts, bids) && toBase(facts, asks))) return UNSIZED;
  context.sink({
    stream: 'book',
    ...baseOf(facts, wire.time, context, wire.seq),
    kind: wire.snapshot ? 'snapshot' : 'delta',
    bids,
    asks,
    first_seq: wire.first ?? null,
    prev_seq: wire.previous ?? null,
    ...(wire.proof === undefined ? {} : { proof: wire.proof }),
  });
  return 1;
}

function toBase(facts: SymbolFacts, levels: PriceLevel[]): boolean {
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i];
    if (level === undefined) continue;
    const size = baseSize(facts, level[1], level[0]);
    if (Number.isNaN(size) && !facts.sizeless) return false;
    levels[i] = [level[0], size];
  }
  return true;
}

/** A candle; volumes in base and quote units already, quote null where the venue does not tell. */
export interface WireCandle {
  readonly interval: CandleInterval;
  readonly time: Us;
  readonly open: Us;
  readonly close: Us;
  readonly closed: boolean;
  /** Open, high, low, close. */
  readonly prices: readonly unknown[];
  readonly volume: number;
  readonly quoteVolume: number | null;
  /** Number of trades, where the venue tells it. */
  readonly count?: number | null;
}

export function pushCandle(facts: SymbolFacts | undefined, wire: WireCandle, context: ReadContext): Reading {
  if (facts === undefined) return 'candle without a symbol';
  const [open = NaN, high = NaN, low = NaN, close = NaN] = wire.prices.map(priceOf);
  if (!(open > 0 && high > 0 && low > 0 && close > 0)) return 'candle cannot be read';
  if ((Number.isNaN(wire.volume) && !facts.sizeless) || !allKnown(wire.quoteVolume)) {
    return 'candle volume cannot be read';
  }
  if (!(wire.open < wire.close) || Number.isNaN(wire.time)) return 'candle times cannot be read';
  context.sink({
    stream: 'candles',
    ...baseOf(facts, wire.time, context),
    interval: wire.interval,
    open_time: wire.open,
    close_time: wire.close,
    open,
    high,
    low,
    close,
    volume: wire.volume,
    quote_volume: wire.quoteVolume,
    trade_count: wire.count ?? null,
    taker_buy_volume: null,
    taker_buy_quote: null,
    closed: wire.closed,
  });
  return 1;
}

/** `side` is the position's that was closed. */
export function pushLiquidation(
  facts: SymbolFacts | undefined,
  wire: {
    readonly price: unknown;
    readonly size: unknown;
    readonly time: Us;
    readonly side: 'long' | 'short' | undefined;
  },
  context: ReadContext,
): Reading {
  if (facts === undefined) return 'liquidation without a symbol';
  const price = priceOf(wire.price);
  const size = sizeOf(wire.size);
  if (!(price > 0) || !(size > 0)) return 'liquidation without price or quantity';
  if (Number.isNaN(wire.time)) return 'liquidation time cannot be read';
  if (wire.side === undefined) return 'liquidation without a side';
  const quantity = baseSize(facts, size, price);
  if (!(quantity > 0 && quantity < Infinity) && !facts.sizeless) return UNSIZED;
  context.sink({ stream: 'liquidations', ...baseOf(facts, wire.time, context), side: wire.side, price, quantity });
  return 1;
}

/** A rolling day; fields that the venue does not send are left out and become null, `vwap` follows from the volumes. */
export function pushTicker(
  facts: SymbolFacts | undefined,
  time: Us,
  day: Partial<Omit<TickerRecord, keyof RecordBase | 'stream' | 'vwap_24h' | 'trade_count_24h'>>,
  context: ReadContext,
): Reading {
  if (facts === undefined) return 'ticker without a symbol';
  if (Number.isNaN(time)) return 'ticker time cannot be read';
  if (!allKnown(...Object.values(day))) return 'ticker cannot be read';
  const volume = day.volume_24h ?? null;
  const quote = day.quote_volume_24h ?? null;
  if ((day.last_price ?? null) === null && volume === null) return 0;
  context.sink({
    stream: 'ticker_24h',
    ...baseOf(facts, time, context),
    volume_24h: volume,
    quote_volume_24h: quote,
    trade_count_24h: null,
    high_24h: day.high_24h ?? null,
    low_24h: day.low_24h ?? null,
    open_24h: day.open_24h ?? null,
    last_price: day.last_price ?? null,
    price_change: day.price_change ?? null,
    price_change_pct: day.price_change_pct ?? null,
    vwap_24h: volume === null || quote === null || volume === 0 ? null : quote / volume,
  });
  return 1;
}

/** A mark price with what is known of index and funding; NaN fields make it unreadable. */
export function pushMark(
  facts: SymbolFacts | undefined,
  wire: { readonly mark: unknown; readonly index: number | null; readonly funding: number | null; readonly time: Us },
  context: ReadContext,
): Reading {
  if (facts === undefined) return 'mark price without a symbol';
  const mark = priceOf(wire.mark);
  if (!(mark > 0) || !allKnown(wire.index, wire.funding) || Number.isNaN(wire.time)) return 'mark price cannot be read';
  context.sink({
    stream: 'mark_prices',
    ...baseOf(facts, wire.time, context),
    mark_price: mark,
    index_price: wire.index,
    funding_rate: wire.funding,
    funding_interval_hours: facts.fundingIntervalHours,
  });
  return 1;
}

export function pushFunding(
  facts: SymbolFacts | undefined,
  wire: {
    readonly rate: unknown;
    readonly time: Us;
    readonly next: Us | null;
    /** Hours, where the message tells them; else those of the instrument. */
    readonly intervalHours?: number | null;
  },
  context: ReadContext,
): Reading {
  if (facts === undefined) return 'funding rate without a symbol';
  const rate = optional(wire.rate);
  if (rate === null || !allKnown(rate, wire.next) || Number.isNaN(wire.time)) return 'funding rate cannot be read';
  context.sink({
    stream: 'funding_rates',
    ...baseOf(facts, wire.time, context),
    funding_rate: rate,
    funding_interval_hours: wire.intervalHours ?? facts.fundingIntervalHours,
    next_funding_time: wire.next,
  });
  return 1;
}

/** Open interest in base units already; NaN when it cannot be read or converted. */
export function pushInterest(
  facts: SymbolFacts | undefined,
  wire: { readonly interest: number; readonly usd: number | null; readonly time: Us },
  context: ReadContext,
): Reading {
  if (facts === undefined) return 'open interest without a symbol';
  if (!facts.sizeless && (!(wire.interest >= 0) || !allKnown(wire.usd))) {
    return 'open interest cannot be read or converted';
  }
  if (Number.isNaN(wire.time)) return 'open interest without time';
  context.sink({
    stream: 'open_interest',
    ...baseOf(facts, wire.time, context),
    open_interest: wire.interest,
    open_interest_usd: wire.usd,
  });
  return 1;
}
