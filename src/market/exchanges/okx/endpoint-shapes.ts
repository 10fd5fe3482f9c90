import { z } from 'zod';
import type { Market } from '../../domain/records.ts';
import type { EndpointFacts } from '../endpoint.ts';
import type { Ticker } from '../shared/kinds/ticker.ts';
import { baseUnits } from '../shared/readings.ts';
import { decimal, decimalOrNull, level, msTime, positiveOrNull } from '../shared/shapes.ts';
import { namedFacts } from './wire.ts';

/** REST bodies of OKX: `{"code":"0","data":[…]}`, and their readers. Errors never come here. */

export const dataOf = <W>(rowShape: z.ZodType<W>) => z.looseObject({ data: z.array(rowShape) });

export const tickerWire = z.looseObject({
  instId: z.string(),
  last: positiveOrNull,
  bidPx: positiveOrNull,
  bidSz: decimalOrNull,
  askPx: positiveOrNull,
  askSz: decimalOrNull,
  open24h: positiveOrNull,
  high24h: positiveOrNull,
  low24h: positiveOrNull,
  vol24h: decimalOrNull,
  volCcy24h: decimalOrNull,
  ts: msTime,
});

/** Sizes of derivatives are contracts, their `volCcy24h` base units; spot counts base and quote units. */
export function tickerOf(w: z.output<typeof tickerWire>, facts: EndpointFacts): Ticker {
  const i = facts.instrumentOf(w.instId);
  const spot = facts.market === 'spot';
  const volume = spot ? w.vol24h : w.volCcy24h;
  return {
    symbol: symbolOf(facts, w.instId),
    venue_symbol: w.instId,
    quote: i?.quote ?? w.instId.split('-')[1] ?? null,
    last: w.last,
    bid: w.bidPx,
    ask: w.askPx,
    bid_size: w.bidPx === null ? null : baseUnits(i, w.bidSz, w.bidPx),
    ask_size: w.askPx === null ? null : baseUnits(i, w.askSz, w.askPx),
    open_24h: w.open24h,
    high_24h: w.high24h,
    low_24h: w.low24h,
    volume_24h: volume,
    quote_volume_24h: spot ? w.volCcy24h : volume === null || w.last === null ? null : volume * w.last,
    ...(spot ? {} : { vwap_24h: null }),
    time: w.ts,
  };
}

/** What has to be said of the tickers of a market. */
export function notesOfTickers(market: Market): readonly string[] {
  return market === 'spot'
    ? []
    : ['OKX does not tell the quote volume of derivatives: it is the base volume at the last price'];
}

/** Canonical name of an instrument id, listed or not. */
export function symbolOf(facts: EndpointFacts, instId: string): string {
  return facts.instrumentOf(instId)?.symbol ?? namedFacts(facts.market)(instId)?.symbol ?? instId;
}

export const bookWire = dataOf(
  z.looseObject({
    bids: z.array(level),
    asks: z.array(level),
    ts: msTime,
    seqId: z.number().optional(),
  }),
);

export const tradeWire = dataOf(
  z.looseObject({ tradeId: z.string(), px: decimal, sz: decimal, side: z.enum(['buy', 'sell']), ts: msTime }),
);

/** `[ts, open, high, low, close, vol, volCcy, volCcyQuote, confirm]`. */
export const candleWire = dataOf(
  z.tuple([msTime, decimal, decimal, decimal, decimal, decimal, decimal, decimal, z.string()], z.unknown()),
);
