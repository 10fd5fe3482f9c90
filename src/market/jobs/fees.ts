import { InvalidInput } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { MarketConfig } from '../config.ts';
import { marketKey } from '../domain/records.ts';
import type { Venue, VenueMarket } from '../exchanges/contract.ts';
import { feesOf, type AppliedFees } from '../exchanges/fees.ts';

/** What a trade costs at a market with the user's own tier or rates; undefined where it is not known. */
export function marketFees(
  config: Pick<MarketConfig, 'fees'>,
  market: Pick<VenueMarket, 'exchange' | 'market' | 'fees'>,
): AppliedFees | undefined {
  const key = marketKey(market.exchange, market.market);
  return feesOf(key, market.fees, config.fees[key]);
}

/** Throws InvalidInput when own fees are given for a market that no venue has, or for a tier that it does not have. */
export function checkOwnFees(venues: readonly Venue[], fees: MarketConfig['fees']): void {
  const markets = new Map(venues.flatMap((v) => v.markets).map((m) => [marketKey(m.exchange, m.market), m]));
  for (const [key, own] of Object.entries(fees)) {
    const market = markets.get(key);
    if (market === undefined) {
      throw new InvalidInput(
        `market.fees names '${key}', which no venue has${didYouMean(key, markets.keys())}; markets: ${[...markets.keys()].join(', ')}`,
      );
    }
    feesOf(key, market.fees, own);
  }
}
