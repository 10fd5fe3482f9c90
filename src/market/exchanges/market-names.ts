import { InvalidInput } from '../../kit/errors.ts';
import { didYouMean } from '../../kit/nearest.ts';
import type { Market } from '../domain/records.ts';
import type { Venue, VenueMarket } from './contract.ts';

/** What venues and their users call the markets that are `futures` here: perpetual and dated contracts of any kind. */
const FUTURES_WORDS = [
  ...['future', 'perp', 'perpetual', 'swap', 'linear', 'inverse', 'derivatives', 'contract', 'delivery'],
  ...['usdm', 'usdtm', 'coinm', 'um', 'cm', 'usdt', 'usdc'],
];

const MARKET_OF_WORD: ReadonlyMap<string, Market> = new Map<string, Market>([
  ...FUTURES_WORDS.map((word) => [word, 'futures'] as const),
  ...['option', 'europeanoption', 'vanillaoption', 'eoption', 'eapi'].map((word) => [word, 'options'] as const),
]);

/**
 * The market that two names mean: `binance` and `futures`; `okx` and `swap`; `gate.io` and `spot`; `binance-futures` or
 * `kraken_spot` alone. The market may be left out where the venue has one only. Throws InvalidInput that says what there
 * is.
 */
export function findMarket(venues: readonly Venue[], exchange: string, market?: string): VenueMarket {
  const { venue, rest } = venueNamed(venues, exchange);
  const asked = [rest, market].filter((word) => word !== undefined && word !== '') as readonly string[];
  const found = new Set(asked.map((word) => marketNamed(venue, word)));
  const names = venue.markets.map((one) => one.market).join(', ');
  if (found.size > 1) throw new InvalidInput(`'${exchange}' and '${String(market)}' are two markets of ${venue.name}`);
  const [one] = found.size === 0 && venue.markets.length === 1 ? venue.markets : found;
  if (one === undefined) throw new InvalidInput(`which market of ${venue.name}? give --market: ${names}`);
  return one;
}

/** Letters and digits alone, in lower case: `Gate.io` is `gateio`. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

function venueNamed(venues: readonly Venue[], exchange: string): { readonly venue: Venue; readonly rest: string } {
  const wanted = plain(exchange);
  const known = venues
    .flatMap((venue) => [venue.name, ...(venue.alsoCalled ?? [])].map((name) => ({ venue, name: plain(name) })))
    .toSorted((a, b) => b.name.length - a.name.length);
  const exact = known.find(({ name }) => name === wanted);
  const begun = known.find(({ name }) => wanted.startsWith(name) && /[-_. ]/.test(exchange));
  const found = exact ?? begun;
  if (found !== undefined) return { venue: found.venue, rest: wanted.slice(found.name.length) };
  const names = venues.map((venue) => venue.name);
  throw new InvalidInput(
    `there is no exchange '${exchange}'${didYouMean(exchange, names)}; exchanges: ${names.join(', ')}`,
  );
}

function marketNamed(venue: Venue, word: string): VenueMarket {
  const wanted = plain(word);
  const single = wanted.replace(/s$/, '');
  const name =
    MARKET_OF_WORD.get(wanted) ??
    MARKET_OF_WORD.get(single) ??
    MARKET_OF_WORD.get(single.replace(/(swap|perpetual|perp|future)$/, '')) ??
    wanted;
  const found =
    venue.markets.find(({ market }) => market === name || market === wanted) ??
    venue.markets.find(({ alsoReads }) => alsoReads?.some((market) => market === name || market === wanted));
  if (found !== undefined) return found;
  const markets = venue.markets.map(({ market }) => market);
  throw new InvalidInput(
    `${venue.name} has no market '${word}'${didYouMean(word, markets)}; markets: ${markets.join(', ')}`,
  );
}
