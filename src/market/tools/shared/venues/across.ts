import { z } from 'zod';
import { type AppError, NotFound } from '../../../../kit/errors.ts';
import { didYouMean } from '../../../../kit/nearest.ts';
import type { Provenance, ProvenanceSource, ToolContext } from '../../../../kit/tool.ts';
import { marketsOf } from '../../../collect/markets.ts';
import { marketKey, type Market, type Stream } from '../../../domain/records.ts';
import type { VenueMarket } from '../../../exchanges/contract.ts';
import { canonicalSymbol } from '../../../exchanges/shared/symbols.ts';
import { mapParallel } from '../../../jobs/parallel.ts';
import type { MarketServices } from '../../../services.ts';
import { expected, listedAs, type Target } from './reader.ts';
import { measure } from '../../../domain/measure.ts';

/** Fields and shapes of tools that look at one symbol over several venues. */

export const venueNames = z
  .array(z.string().min(1).max(40))
  .min(1)
  .max(40)
  .optional()
  .describe(
    'Venues or venue markets to look at, as in binance or kraken_futures; all is every one; those collected when left out',
  );

export const symbolOr = (fallback: string) =>
  z
    .string()
    .min(2)
    .max(40)
    .default(fallback)
    .describe(`Canonical symbol (default ${fallback}); a venue without it may offer what stands for it, and says so`);

export const maxAgeMs = (fallback: number) =>
  z
    .number()
    .int()
    .min(100)
    .max(86_400_000)
    .default(fallback)
    .describe(`Oldest value that is used, ms (default ${fallback}); older ones are left out and named`);

export const missingShape = z.object({ exchange: z.string(), market: z.string(), reason: z.string() });
export type Missing = z.infer<typeof missingShape>;

/** What identifies a reading: the contract as the venue names it, its quote currency, when and whence it came. */
export const readingShape = {
  exchange: z.string(),
  market: z.string(),
  listed_as: z
    .string()
    .describe('Canonical name of the contract itself; another than the symbol when it stands for it'),
  venue_symbol: z.string(),
  quote: z.string(),
  via: z.enum(['live', 'store', 'rest']),
  as_of: z.string(),
  age_ms: measure.milliseconds,
};

export function showReading({ instrument }: Target, source: ProvenanceSource) {
  return {
    exchange: instrument.exchange,
    market: instrument.market,
    listed_as: instrument.stands_in_as ?? instrument.symbol,
    venue_symbol: instrument.venue_symbol,
    quote: instrument.quote,
    via: source.via,
    as_of: source.as_of,
    age_ms: source.stale_ms,
  };
}

/** Requests at once over all venues; each host has its own limiter besides. */
const WIDTH = 8;

export interface Across<T> {
  readonly found: readonly T[];
  /** Markets that list the symbol and could not be read. */
  readonly missing: readonly Missing[];
  /** Ids of markets that do not list it. */
  readonly unlisted: readonly string[];
}

/** The markets that names mean: venues, venue markets or `all`; those collected without names. Throws InvalidInput. */
export function chosenMarkets(
  { venues, config }: Pick<MarketServices, 'venues' | 'config'>,
  names: readonly string[] | undefined,
  kinds: readonly Market[],
  stream?: Stream,
): readonly VenueMarket[] {
  return marketsOf(venues, names ?? config.collect.exchanges).filter(
    (m) => kinds.includes(m.market) && (stream === undefined || m.streams[stream] !== undefined),
  );
}

/**
 * Reads a symbol on each of the markets that list it. A market that fails is missing, with the reason. Throws NotFound
 * when no market lists it, and the first failure when none could be read.
 */
export async function acrossMarkets<T>(
  context: ToolContext<MarketServices>,
  markets: readonly VenueMarket[],
  symbol: string,
  read: (target: Target) => Promise<T>,
): Promise<Across<T>> {
  const name = canonicalSymbol(symbol);
  const tries = await mapParallel(markets, WIDTH, (market) => tryMarket(context, market, name, read));
  const found = tries.flatMap((t) => (t.kind === 'found' ? [t.value] : []));
  const failed = tries.flatMap((t) => (t.kind === 'failed' ? [t] : []));
  const unlisted = tries.flatMap((t) => (t.kind === 'unlisted' ? [t.id] : []));
  if (found.length === 0) {
    if (failed[0] !== undefined) throw failed[0].error;
    throw new NotFound(await notListed(context, markets, name));
  }
  const missing = failed.map(({ market, error }) => ({
    exchange: market.exchange,
    market: market.market,
    reason: error.message,
  }));
  return { found, missing, unlisted };
}

type Try<T> =
  | { readonly kind: 'found'; readonly value: T }
  | { readonly kind: 'unlisted'; readonly id: string }
  | { readonly kind: 'failed'; readonly market: VenueMarket; readonly error: AppError };

async function tryMarket<T>(
  context: ToolContext<MarketServices>,
  market: VenueMarket,
  symbol: string,
  read: (target: Target) => Promise<T>,
): Promise<Try<T>> {
  const id = marketKey(market.exchange, market.market);
  try {
    const instrument = await listedAs(context, market, symbol);
    if (instrument === undefined) return { kind: 'unlisted', id };
    return { kind: 'found', value: await read({ id, market, instrument }) };
  } catch (error) {
    return { kind: 'failed', market, error: expected(error) };
  }
}

async function notListed(
  context: ToolContext<MarketServices>,
  markets: readonly VenueMarket[],
  symbol: string,
): Promise<string> {
  const [first] = markets;
  if (first === undefined) return 'none of the venues chosen has such a market: name others in exchanges';
  const list = await context.services.rest.instruments(first.exchange, first.market, context.signal);
  const near = didYouMean(
    symbol,
    list.map((i) => i.symbol),
  );
  const ids = markets.map((m) => marketKey(m.exchange, m.market));
  return `none of ${ids.join(', ')} lists '${symbol}'${near}; name other venues in exchanges, or all`;
}

/** Provenance of several sources: as old as the oldest. */
export function provenanceOf(
  sources: readonly ProvenanceSource[],
  options: { readonly complete: boolean; readonly notes?: readonly string[] | undefined },
): Provenance {
  const [oldest] = [...sources].sort((a, b) => b.stale_ms - a.stale_ms);
  const names = sources.map((s) => `${s.via} ${s.exchange} ${s.market} ${s.host ?? ''}${s.path}`);
  return {
    as_of: oldest?.as_of ?? null,
    source: [...new Set(names)].join('; '),
    complete: options.complete,
    stale_ms: oldest?.stale_ms ?? null,
    ...(options.notes === undefined || options.notes.length === 0 ? {} : { notes: options.notes }),
    sources,
  };
}

/** Notes that every answer over venues gives. */
export function acrossNotes(across: Pick<Across<unknown>, 'missing' | 'unlisted'>): readonly string[] {
  return [
    ...across.missing.map((m) => `left out ${m.exchange}_${m.market}: ${m.reason}`),
    ...(across.unlisted.length === 0 ? [] : [`not listed on ${across.unlisted.join(', ')}`]),
  ];
}
