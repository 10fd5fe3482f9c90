import { InvalidInput, NotFound } from '../../../../kit/errors.ts';
import type { ToolContext } from '../../../../kit/tool.ts';
import type { Market } from '../../../domain/records.ts';
import { priceOf } from '../../../jobs/row.ts';
import type { MarketServices } from '../../../services.ts';
import { canonicalSymbol } from '../../../exchanges/shared/symbols.ts';
import { chosenMarkets } from './across.ts';
import { listedAs, requireFresh, VenueReader, type Sourced, type Target } from './reader.ts';

/** A symbol on one market of a venue. Throws InvalidInput for a market that the venue has not, NotFound for the symbol. */
export async function targetOf(
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
export async function priceNow(
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
