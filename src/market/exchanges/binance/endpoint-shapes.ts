import { z } from 'zod';
import type { EndpointFacts } from '../endpoint.ts';
import type { Candle } from '../shared/kinds/candles.ts';
import type { Ticker } from '../shared/kinds/ticker.ts';
import type { Trade } from '../shared/kinds/trades.ts';
import { decimal, decimalOrNull, level, msTime, positiveOrNull } from '../shared/shapes.ts';
import { canonicalSymbol } from '../shared/symbols.ts';

/** REST bodies that both markets of Binance have alike, and their readers. */

export const tickerWire = z.looseObject({
  symbol: z.string(),
  priceChangePercent: decimalOrNull,
  weightedAvgPrice: positiveOrNull,
  lastPrice: decimal,
  openPrice: positiveOrNull,
  highPrice: positiveOrNull,
  lowPrice: positiveOrNull,
  volume: decimalOrNull,
  quoteVolume: decimalOrNull,
  bidPrice: positiveOrNull,
  bidQty: decimalOrNull,
  askPrice: positiveOrNull,
  askQty: decimalOrNull,
  closeTime: decimalOrNull,
  count: decimalOrNull,
});

export function tickerOf(w: z.output<typeof tickerWire>, facts: EndpointFacts): Ticker {
  const instrument = facts.instrumentOf(w.symbol);
  return {
    symbol: instrument?.symbol ?? canonicalSymbol(w.symbol),
    venue_symbol: w.symbol,
    quote: instrument?.quote ?? null,
    last: w.lastPrice,
    bid: w.bidPrice,
    ask: w.askPrice,
    bid_size: w.bidPrice === null ? null : w.bidQty,
    ask_size: w.askPrice === null ? null : w.askQty,
    open_24h: w.openPrice,
    high_24h: w.highPrice,
    low_24h: w.lowPrice,
    change_24h_pct: w.priceChangePercent,
    volume_24h: w.volume,
    quote_volume_24h: w.quoteVolume,
    vwap_24h: w.weightedAvgPrice,
    trades_24h: w.count,
    time: w.closeTime,
  };
}

export const depthWire = z.looseObject({
  lastUpdateId: z.number(),
  T: z.number().optional(),
  E: z.number().optional(),
  bids: z.array(level),
  asks: z.array(level),
});

export const aggregateWire = z.array(
  z.looseObject({ a: z.number(), p: decimal, q: decimal, T: msTime, m: z.boolean() }),
);

export function aggregateTrades(rows: z.output<typeof aggregateWire>): readonly Trade[] {
  return rows.map((r) => ({ id: String(r.a), time: r.T, price: r.p, size: r.q, side: r.m ? 'sell' : 'buy' }));
}

export const tradeWire = z.array(
  z.looseObject({ id: z.number(), price: decimal, qty: decimal, time: msTime, isBuyerMaker: z.boolean() }),
);

export const klineWire = z.array(
  z.tuple(
    [
      z.number(),
      decimal,
      decimal,
      decimal,
      decimal,
      decimal,
      z.number(),
      decimalOrNull,
      decimalOrNull,
      decimalOrNull,
      decimalOrNull,
    ],
    z.unknown(),
  ),
);

export function barsOf(rows: z.output<typeof klineWire>, now: number): readonly Candle[] {
  return rows.map(([open_time, open, high, low, close, volume, closeTime, quote_volume, trades, taker_buy_volume]) => ({
    open_time,
    open,
    high,
    low,
    close,
    volume,
    quote_volume,
    trades,
    taker_buy_volume,
    closed: closeTime < now,
  }));
}

export const priceWire = z.looseObject({ symbol: z.string(), price: decimal, time: decimalOrNull });

export const bookTickerWire = z.looseObject({
  symbol: z.string(),
  bidPrice: positiveOrNull,
  bidQty: decimalOrNull,
  askPrice: positiveOrNull,
  askQty: decimalOrNull,
  time: decimalOrNull,
});

/** One object, or a list of them. */
export const oneOrMany = <W>(shape: z.ZodType<W>) =>
  z.union([z.array(shape), shape.transform((value): W[] => [value])]);
