import type { Ms } from '../../../kit/clock.ts';
import { msToUs } from '../../domain/records.ts';
import type { SimulatedListing, SimulatedListingTime } from '../simulator-contract.ts';
import { expiryText } from '../shared/expiry-names.ts';
import { plain } from '../shared/simulated.ts';
import { expiriesAt, worthOfFuture } from '../shared/simulated-expiries.ts';
import { dollarTick, optionListing, optionsAt } from '../shared/simulated-options.ts';
import { canonicalSymbol } from '../shared/symbols.ts';

/* Dated futures and options of the simulated Deribit. */

const OPTIONS_LISTED = { expiries: 3, strikesASide: 3 };
/** Coins whose futures and options are settled in the coin itself. */
export const COIN_SETTLED = ['BTC', 'ETH'];

/** The dated futures of a coin that settles in itself: the next weekly one and two quarterly ones. */
export function datedListings(base: string, steps: Pick<SimulatedListing, 'tick' | 'lot'>, at: Ms): SimulatedListing[] {
  if (!COIN_SETTLED.includes(base)) return [];
  return expiriesAt(at)
    .slice(1)
    .map((expiry) => {
      const name = `${base}-${expiryText(msToUs(expiry))}`;
      return {
        ...steps,
        worth: worthOfFuture(expiry),
        instrument: {
          symbol: canonicalSymbol(name),
          venue_symbol: name,
          base,
          quote: 'USD',
          kind: 'dated',
          inverse: true,
          lot_size: null,
          funding_interval_hours: null,
          expiry_time: msToUs(expiry),
          settlement_currency: base,
        },
      };
    });
}

/** Calls and puts of a coin, seven strikes about its price in each of three expiries. */
export function optionListings(base: string, now: SimulatedListingTime): SimulatedListing[] {
  const coin = COIN_SETTLED.includes(base);
  const tick = coin ? 0.0001 : dollarTick(now.spot);
  const lot = base === 'BTC' ? 0.1 : 1;
  return optionsAt(base, now, OPTIONS_LISTED).map((option) => {
    const day = expiryText(msToUs(option.expiry));
    const strike = plain(option.strike).replace('.', 'd');
    const name = `${coin ? base : `${base}_USDC`}-${day}-${strike}-${option.type === 'call' ? 'C' : 'P'}`;
    const quote = coin ? base : 'USDC';
    return optionListing(option, now, { symbol: canonicalSymbol(name), venueSymbol: name, quote, tick, lot });
  });
}
