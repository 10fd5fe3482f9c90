import { z } from 'zod';
import { Unavailable } from '../../../../kit/errors.ts';
import type { ProvenanceSource, ToolContext } from '../../../../kit/tool.ts';
import type { VenueMarket } from '../../../exchanges/contract.ts';
import { mean, median } from '../../../exchanges/shared/kinds/statistics.ts';
import { efficiency, withSame } from '../../../jobs/arbitrage/compare.ts';
import { numberOf, priceOf } from '../../../jobs/row.ts';
import type { MarketServices } from '../../../services.ts';
import { acrossMarkets, acrossNotes, missingShape, readingShape, showReading } from './across.ts';
import { conversionsInto, rateShape } from './conversions.ts';
import { requireFresh, VenueReader } from './reader.ts';
import { quoteMeant } from './symbols.ts';
import { measure } from '../../../domain/measure.ts';

/** Prices of one symbol over venues, in their own quotes and in that of the symbol. */

const number = z.number().nullable();

export const pricesShape = z.object({
  symbol: z.string(),
  quote: z.string(),
  prices: z.array(
    z.object({
      ...readingShape,
      tradable: z.boolean().describe('False for an oracle, at whose price nobody can trade'),
      price: z.number().describe('Middle of best bid and ask, else what the venue says, in its own quote currency'),
      bid: measure.price.nullable(),
      ask: measure.price.nullable(),
      price_common: number.describe('Price, quote currency of the symbol; null without a rate'),
    }),
  ),
  lowest: measure.price.nullable(),
  highest: measure.price.nullable(),
  mean: measure.price.nullable(),
  median: measure.price.nullable(),
  spread_percent: number.describe('Highest over lowest of the tradable prices, in one currency, percent'),
  missing: z.array(missingShape),
});

export interface SymbolPrices {
  readonly shown: z.infer<typeof pricesShape>;
  readonly rates: readonly z.infer<typeof rateShape>[];
  readonly sources: readonly ProvenanceSource[];
  readonly notes: readonly string[];
  /** Every market answered, and every price could be converted. */
  readonly complete: boolean;
}

export async function pricesOf(
  context: ToolContext<MarketServices>,
  markets: readonly VenueMarket[],
  symbol: string,
  maxAgeMs: number,
): Promise<SymbolPrices> {
  const reader = new VenueReader(context);
  const across = await acrossMarkets(context, markets, symbol, async (target) => {
    const { value: row, source } = await reader.newest(target, 'prices', maxAgeMs);
    requireFresh(`the price of ${target.id}`, source, maxAgeMs);
    const price = priceOf(row, 'prices');
    if (price === null) throw new Unavailable(`${target.id} says no price of ${symbol}`);
    return { target, source, price, bid: numberOf(row, 'bid_price'), ask: numberOf(row, 'ask_price') };
  });
  const instruments = across.found.map((f) => f.target.instrument);
  const quote = quoteMeant(instruments, symbol);
  const currencies = [...new Set(instruments.map((i) => i.quote))];
  const conversions = await conversionsInto(context, reader, { currencies, into: quote, maxAgeMs });
  const convert = withSame(conversions.convert);
  const prices = across.found.map(({ target, source, price, bid, ask }) => {
    const rate = convert(target.instrument.quote, quote);
    return {
      ...showReading(target, source),
      tradable: target.market.market !== 'oracle',
      price,
      bid,
      ask,
      price_common: rate === undefined ? null : price * rate.mid,
    };
  });
  const values = prices.flatMap((p) => (p.tradable && p.price_common !== null ? [p.price_common] : []));
  return {
    shown: {
      symbol,
      quote,
      prices: prices.sort((a, b) => (a.price_common ?? Infinity) - (b.price_common ?? Infinity)),
      lowest: values.length === 0 ? null : Math.min(...values),
      highest: values.length === 0 ? null : Math.max(...values),
      mean: mean(values),
      median: median(values),
      spread_percent: efficiency(values).spread_percent,
      missing: [...across.missing],
    },
    rates: conversions.rates,
    sources: [...across.found.map((f) => f.source), ...conversions.sources],
    notes: [...acrossNotes(across), ...conversions.notes],
    complete: across.missing.length === 0 && prices.every((p) => p.price_common !== null),
  };
}
