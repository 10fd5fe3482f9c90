import { NotFound } from '../../../kit/errors.ts';
import { didYouMean } from '../../../kit/nearest.ts';
import { marketsOf } from '../../collect/markets.ts';
import { marketKey, type Market } from '../../domain/records.ts';
import type { MarketServices } from '../../services.ts';

/** The markets of the configuration that a venue, or one market of it, names, by key. Throws NotFound. */
export function configuredMarkets(
  services: Pick<MarketServices, 'venues' | 'config'>,
  exchange: string,
  market: Market | undefined,
): readonly { readonly exchange: string; readonly market: Market; readonly key: string }[] {
  const all = marketsOf(services.venues, services.config.collect.exchanges).map((m) => ({
    exchange: m.exchange,
    market: m.market,
    key: marketKey(m.exchange, m.market),
  }));
  const own = all.filter((m) => m.exchange === exchange && (market === undefined || m.market === market));
  if (own.length > 0) return own;
  const names = [...new Set(all.map((m) => m.exchange))];
  throw new NotFound(
    `'${exchange}${market === undefined ? '' : ` ${market}`}' is not among what is configured to be collected${didYouMean(exchange, names)}: ${all.map((m) => m.key).join(', ')}`,
  );
}
