import { z } from 'zod';
import { AppError } from '../../../../kit/errors.ts';
import type { Provenance, ProvenanceSource, ToolContext } from '../../../../kit/tool.ts';
import type { Market, Stream } from '../../../domain/records.ts';
import type { MarketServices } from '../../../services.ts';
import {
  acrossMarkets,
  acrossNotes,
  chosenMarkets,
  missingShape,
  provenanceOf,
  readingShape,
  showReading,
  type Missing,
} from './across.ts';
import { VenueReader, type Target } from './reader.ts';
import { optionalSymbol, symbolsAsked } from './symbols.ts';

/** Tools that tell one thing of one or several symbols on every market that has it. */

export const oneVenue = z
  .string()
  .min(1)
  .max(40)
  .optional()
  .describe('Venue or venue market, as in binance or kraken_futures; all is every one; those collected when left out');

export const eachInput = { symbol: optionalSymbol, exchange: oneVenue };

export interface EachSymbol<T> {
  readonly symbol: string;
  readonly markets: readonly T[];
  readonly missing: readonly Missing[];
}

interface Told<T> {
  readonly value: T;
  readonly source: ProvenanceSource;
}

/**
 * Reads each symbol on each market. One symbol that no market can tell is an error; of several, it is noted.
 * Readings carry contract, quote, source and age.
 */
export async function overSymbols<T extends object>(
  context: ToolContext<MarketServices>,
  asked: {
    readonly symbol?: string | undefined;
    readonly exchange?: string | undefined;
    readonly stream: Stream;
    readonly kinds: readonly Market[];
  },
  read: (target: Target, reader: VenueReader) => Promise<Told<T>>,
): Promise<{
  readonly symbols: readonly EachSymbol<T & ReturnType<typeof showReading>>[];
  readonly provenance: Provenance;
}> {
  const { symbols, notes } = symbolsAsked(context.services, asked.symbol, asked.stream);
  const names = asked.exchange === undefined ? undefined : [asked.exchange];
  const markets = chosenMarkets(context.services, names, asked.kinds, asked.stream);
  const reader = new VenueReader(context);
  const sources: ProvenanceSource[] = [];
  const remarks = new Set(notes);
  const shown: EachSymbol<T & ReturnType<typeof showReading>>[] = [];
  for (const symbol of symbols) {
    try {
      const across = await acrossMarkets(context, markets, symbol, async (target) => ({
        target,
        ...(await read(target, reader)),
      }));
      const entries = across.found.map(({ target, value, source }) => ({ ...showReading(target, source), ...value }));
      shown.push({ symbol, markets: entries, missing: across.missing });
      sources.push(...across.found.map((f) => f.source));
      for (const note of acrossNotes(across)) remarks.add(symbols.length === 1 ? note : `${symbol}: ${note}`);
    } catch (error) {
      if (!(error instanceof AppError) || symbols.length === 1) throw error;
      remarks.add(`${symbol}: ${error.message}`);
      shown.push({ symbol, markets: [], missing: [] });
    }
  }
  const complete = notes.length === 0 && shown.every((s) => s.markets.length > 0 && s.missing.length === 0);
  return { symbols: shown, provenance: provenanceOf(sources, { complete, notes: [...remarks] }) };
}

/** Output of a tool made with `overSymbols`. */
export function eachShape<S extends z.ZodRawShape>(fields: S) {
  return z.object({ ...readingShape, ...fields });
}

export function symbolShape<M extends z.ZodType, S extends z.ZodRawShape>(market: M, more: S) {
  return z.object({ symbol: z.string(), markets: z.array(market), ...more, missing: z.array(missingShape) });
}

/** The entry as an output wants it. */
export function copied<T>(entry: EachSymbol<T>) {
  return { symbol: entry.symbol, markets: [...entry.markets], missing: [...entry.missing] };
}
