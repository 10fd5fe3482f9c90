import { z } from 'zod';
import { InvalidInput, NotFound } from '../../../../kit/errors.ts';
import type { ToolContext } from '../../../../kit/tool.ts';
import type { Market } from '../../../domain/records.ts';
import { priceOf } from '../../../jobs/row.ts';
import type { MarketServices } from '../../../services.ts';
import { canonicalSymbol } from '../../../exchanges/shared/symbols.ts';
import { minCoverage, showCoverage } from '../../../exchanges/shared/coverage.ts';
import { exchange, marketOr } from '../fields.ts';
import { pastOf } from '../history.ts';
import { chosenMarkets, maxAgeMs, provenanceOf, readingShape, showReading, symbolOr } from './across.ts';
import { listedAs, requireFresh, VenueReader, type Sourced, type Target } from './reader.ts';
import { measure } from '../../../domain/measure.ts';

/** Input fields of a price on one market, compared with what is stored of it. */
export const priceAndPastInput = {
  symbol: symbolOr('BTCUSDT'),
  exchange: exchange.default('binance').describe('Venue (default binance)'),
  market_type: marketOr('futures'),
  max_age_ms: maxAgeMs(10_000),
  min_coverage: minCoverage,
};

export const nowShape = z.object({ ...readingShape, price: measure.price });

/**
 * The price of a symbol on one market now, and the stored prices of the last minutes; `past` is null while nothing is
 * stored. Throws as `targetOf`, `priceNow` and `pastOf`.
 */
export async function priceAndPast(
  context: ToolContext<MarketServices>,
  asked: {
    readonly symbol: string;
    readonly exchange: string;
    readonly market_type: Market;
    readonly max_age_ms: number;
    readonly min_coverage?: number | undefined;
  },
  minutes: number,
) {
  const market = asked.market_type;
  const target = await targetOf(context, { ...asked, market });
  const { value: price, source } = await priceNow(context, target, asked.max_age_ms);
  const { range, series } = await pastOf(context.services, {
    symbol: asked.symbol,
    exchange: asked.exchange,
    market,
    stream: 'prices',
    minutes,
    min_coverage: asked.min_coverage,
  });
  const past = series[0] ?? null;
  const complete = past?.coverage.complete ?? false;
  return {
    price,
    past,
    range,
    shown: {
      now: { ...showReading(target, source), price },
      coverage: past === null ? null : showCoverage(past.coverage),
    },
    provenance: provenanceOf([source], {
      complete,
      notes: complete ? [] : ['the history is not whole: see coverage'],
    }),
  };
}

/** A symbol on one market of a venue. Throws InvalidInput for a market that the venue has not, NotFound for the symbol. */
async function targetOf(
  context: ToolContext<MarketServices>,
  asked: { readonly symbol: string; readonly exchange: string; readonly market: Market },
): Promise<Target> {
  const [market] = chosenMarkets(context.services, [asked.exchange], [asked.market]);
  if (market === undefined) throw new InvalidInput(`${asked.exchange} has no market '${asked.market}'`);
  const instrument = await listedAs(context, market, canonicalSymbol(asked.symbol));
  if (instrument === undefined) throw new NotFound(`${asked.exchange} ${asked.market} lists no '${asked.symbol}'`);
  return { id: `${market.exchange}_${market.market}`, market, instrument };
}

/** Its price now: middle of best bid and ask. Throws Stale when it is older than allowed. */
async function priceNow(
  context: ToolContext<MarketServices>,
  target: Target,
  maxAgeMs: number,
): Promise<Sourced<number>> {
  const { value: row, source } = await new VenueReader(context).newest(target, 'prices', maxAgeMs);
  requireFresh(`the price of ${target.id}`, source, maxAgeMs);
  const price = priceOf(row, 'prices');
  if (price === null) throw new NotFound(`${target.id} says no price of ${target.instrument.symbol}`);
  return { value: price, source };
}
