import { InvalidInput } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import { marketKey } from '../domain/records.ts';
import type { Venue, VenueMarket } from '../exchanges/contract.ts';

/** Stands for every market of every venue. */
const ALL = 'all';

/** Address overrides: `binance_futures` → address name → URL. */
export type Addresses = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * The markets that `collect.exchanges` names: a venue (its markets but those that want to be named themselves), one
 * market, as `binance_futures`, or `all`.
 * Throws InvalidInput for a name that no venue bears.
 */
export function marketsOf(venues: readonly Venue[], names: readonly string[]): VenueMarket[] {
  const all = venues.flatMap((venue) => venue.markets);
  const chosen = new Set<VenueMarket>();
  for (const name of names) {
    const matching = all.filter((m) => {
      const ofVenue = name === m.exchange && m.namedOnly !== true;
      return ofVenue || name === ALL || name === marketKey(m.exchange, m.market);
    });
    if (matching.length === 0) {
      const known = [ALL, ...new Set(all.flatMap((m) => [m.exchange, marketKey(m.exchange, m.market)]))];
      throw new InvalidInput(
        `no venue or market is called '${name}'${didYouMean(name, known)}; known are ${known.join(', ')}`,
      );
    }
    for (const market of matching) chosen.add(market);
  }
  return [...chosen];
}

/** The addresses of a market: its own, replaced by name from the configuration, then from `overrides`. */
export function addressesOf(market: VenueMarket, configured: Addresses, overrides: Addresses): Record<string, string> {
  const key = marketKey(market.exchange, market.market);
  return { ...market.addresses, ...configured[key], ...overrides[key] };
}
