import { z } from 'zod';
import { NotFound } from '../../../../kit/errors.ts';
import type { Instrument } from '../../../domain/instrument.ts';
import { canonicalSymbol } from '../../../exchanges/shared/symbols.ts';
import type { Stream } from '../../../domain/records.ts';
import type { MarketServices } from '../../../services.ts';

export const optionalSymbol = z
  .string()
  .min(2)
  .max(40)
  .optional()
  .describe('Canonical symbol, as in BTCUSDT; the collected symbols when left out');

/** Symbols looked at when none is named. */
const MOST = 12;

/** The symbol asked for, or those whose stream is collected (at most 12), with a note when some are left out. */
export function symbolsAsked(
  { collector }: Pick<MarketServices, 'collector'>,
  symbol: string | undefined,
  stream: Stream,
): { readonly symbols: readonly string[]; readonly notes: readonly string[] } {
  if (symbol !== undefined) return { symbols: [canonicalSymbol(symbol)], notes: [] };
  const series = collector.status().series.filter((s) => s.stream === stream);
  const all = [...new Set(series.map((s) => s.symbol))];
  if (all.length === 0) throw new NotFound(`${stream} of no symbol are collected: name a symbol`);
  const left = all.length - MOST;
  return {
    symbols: all.slice(0, MOST),
    notes: left > 0 ? [`${left} more collected symbols are left out: name one`] : [],
  };
}

/** The quote that a symbol means: of BTCUSDT it is USDT, though what stands for it on a venue is quoted in USD. */
export function quoteMeant(instruments: readonly Instrument[], symbol: string): string {
  const exact = instruments.find((i) => i.stands_in_as === undefined);
  if (exact !== undefined) return exact.quote;
  const [first] = instruments;
  if (first === undefined) return symbol;
  const name = canonicalSymbol(symbol);
  return name.startsWith(first.base) ? name.slice(first.base.length) : first.quote;
}
