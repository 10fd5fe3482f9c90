import { z } from 'zod';
import { AppError } from '../../../../kit/errors.ts';
import type { Ms } from '../../../../kit/clock.ts';
import type { ProvenanceSource, ToolContext } from '../../../../kit/tool.ts';
import { viewName } from '../../../domain/records.ts';
import type { VenueMarket } from '../../../exchanges/contract.ts';
import type { Convert, PricedConversion } from '../../../jobs/arbitrage/compare.ts';
import { conversionBy } from '../../../jobs/arbitrage/currency.ts';
import { marketFees } from '../../../jobs/fees.ts';
import type { MarketServices } from '../../../services.ts';
import { chosenMarkets } from './across.ts';
import { listedAs, requireFresh, type VenueReader } from './reader.ts';
import { measure } from '../../../domain/measure.ts';

type Context = ToolContext<MarketServices>;

/** Rates between quote currencies, each from a pair that is traded now. */
export interface Conversions {
  readonly convert: Convert;
  readonly rates: readonly z.infer<typeof rateShape>[];
  readonly sources: readonly ProvenanceSource[];
  readonly notes: readonly string[];
}

export const rateShape = z.object({
  from: z.string(),
  to: z.string(),
  mid: z.number().describe('Middle of the pair: units of the other currency for one of the currency'),
  sell: z.number().describe('Got for one unit of the currency, at the worse side of the pair, in the other currency'),
  buy: z.number().describe('Paid for one unit of the currency, in the other currency'),
  fee_percent: measure.percent,
  pair: z.string(),
  exchange: z.string(),
  as_of: z.string(),
  age_ms: measure.milliseconds,
});

/**
 * Rates among the currencies and `into`, from spot pairs of the venues: of those collected first, then of the others.
 * A currency without one stays without, and is noted. A pair older than `maxAgeMs` is not used.
 */
export async function conversionsInto(
  context: Context,
  reader: VenueReader,
  asked: { readonly currencies: readonly string[]; readonly into: string; readonly maxAgeMs: Ms },
): Promise<Conversions> {
  const names = [...new Set([...asked.currencies, asked.into])].sort();
  const wanted = names.flatMap((a, i) => names.slice(i + 1).map((b) => [a, b] as const));
  const found = await Promise.all(wanted.map(([a, b]) => pairOf(context, reader, { a, b, maxAgeMs: asked.maxAgeMs })));
  const pairs = found.flatMap((f) => (f.pair === undefined ? [] : [f.pair]));
  const convert: Convert = (from, to) => {
    for (const pair of pairs) {
      const conversion = conversionBy(pair.quote, from, to);
      if (conversion !== undefined) return { ...conversion, feePercent: pair.feePercent };
    }
    return undefined;
  };
  const rates = pairs.flatMap((pair) => {
    const { base, quote } = pair.quote;
    const conversion = convert(base, quote);
    return conversion === undefined ? [] : [showRate(pair, base, quote, conversion)];
  });
  return {
    convert,
    rates,
    sources: pairs.map((pair) => pair.source),
    notes: found.flatMap((f) => (f.note === undefined ? [] : [f.note])),
  };
}

interface Pair {
  readonly symbol: string;
  readonly exchange: string;
  readonly quote: { readonly base: string; readonly quote: string; readonly bid: number; readonly ask: number };
  readonly feePercent: number;
  readonly source: ProvenanceSource;
}

async function pairOf(
  context: Context,
  reader: VenueReader,
  wanted: { readonly a: string; readonly b: string; readonly maxAgeMs: Ms },
): Promise<{ readonly pair?: Pair; readonly note?: string }> {
  const { a, b, maxAgeMs } = wanted;
  let refusal: string | undefined;
  let answered = false;
  for (const market of spotMarkets(context, [a + b, b + a])) {
    for (const symbol of [a + b, b + a]) {
      try {
        const pair = await readPair(context, reader, { market, symbol, maxAgeMs });
        if (pair !== undefined) return { pair };
        answered = true;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        refusal ??= error.message;
      }
    }
  }
  const why = answered || refusal === undefined ? 'no venue that answers has a spot pair of them' : refusal;
  return { note: `${a} and ${b} are not converted, and not compared: ${why}` };
}

async function readPair(
  context: Context,
  reader: VenueReader,
  { market, symbol, maxAgeMs }: { readonly market: VenueMarket; readonly symbol: string; readonly maxAgeMs: Ms },
): Promise<Pair | undefined> {
  const instrument = await listedAs(context, market, symbol);
  const feePercent = marketFees(context.services.config, market)?.taker_percent;
  // What merely stands for the pair is another currency.
  if (instrument === undefined || instrument.stands_in_as !== undefined || feePercent === undefined) return undefined;
  const target = { id: `${market.exchange}_${market.market}`, market, instrument };
  const { value, source } = await reader.book(target, 1, maxAgeMs);
  requireFresh(`the rate of ${symbol} on ${market.exchange}`, source, maxAgeMs);
  const [bid, ask] = [value.bids[0]?.[0], value.asks[0]?.[0]];
  if (bid === undefined || ask === undefined || bid > ask) return undefined;
  const { base, quote } = instrument;
  return { symbol, exchange: market.exchange, quote: { base, quote, bid, ask }, feePercent, source };
}

/** Spot markets in the order in which they are asked: where the pair is collected, of collected venues, the others. */
function spotMarkets(context: Context, symbols: readonly string[]): readonly VenueMarket[] {
  const collected = new Set(context.services.collector.status().series.map((s) => s.table));
  const holds = (m: VenueMarket): boolean =>
    symbols.some((symbol) =>
      collected.has(viewName({ exchange: m.exchange, market: m.market, symbol, stream: 'orderbooks' })),
    );
  const own = new Set(chosenMarkets(context.services, undefined, ['spot']));
  const rank = (m: VenueMarket): number => (holds(m) ? 0 : own.has(m) ? 1 : 2);
  return [...chosenMarkets(context.services, ['all'], ['spot'])].sort((x, y) => rank(x) - rank(y));
}

function showRate(pair: Pair, from: string, to: string, conversion: PricedConversion): z.infer<typeof rateShape> {
  return {
    from,
    to,
    mid: conversion.mid,
    sell: conversion.sell,
    buy: conversion.buy,
    fee_percent: pair.feePercent,
    pair: pair.symbol,
    exchange: pair.exchange,
    as_of: pair.source.as_of,
    age_ms: pair.source.stale_ms,
  };
}
