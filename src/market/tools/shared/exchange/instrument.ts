import { NotFound } from '../../../../kit/errors.ts';
import { didYouMean } from '../../../../kit/nearest.ts';
import type { Instrument } from '../../../domain/instrument.ts';
import { canonicalSymbol } from '../../../exchanges/shared/symbols.ts';

/** Quote currencies in the order in which a base coin alone is understood. */
const MAIN_QUOTES = ['USDT', 'USD', 'USDC', 'FDUSD', 'EUR'];

/**
 * The instrument that a text names: its canonical symbol, the venue's own name, or a base coin, which means its
 * contract without end (or its pair) in USDT, USD or USDC, in this order. Upper and lower case are the same. Throws
 * NotFound with the nearest name.
 */
export function resolveInstrument(list: readonly Instrument[], asked: string, where: string): Instrument {
  const canonical = canonicalSymbol(asked);
  const upper = asked.toUpperCase();
  const exact =
    list.find((i) => i.symbol === canonical) ??
    list.find((i) => i.venue_symbol === asked) ??
    list.find((i) => i.venue_symbol.toUpperCase() === upper) ??
    mainOf(list, upper);
  if (exact !== undefined) return exact;
  const names = list.map((i) => i.symbol);
  throw new NotFound(
    `${where} lists no '${asked}'${didYouMean(canonical, names)}; ${list.length} instruments are listed, among them ${names.slice(0, 5).join(', ')}`,
  );
}

function mainOf(list: readonly Instrument[], base: string): Instrument | undefined {
  const own = list.filter((i) => i.base === base && (i.kind === 'perpetual' || i.kind === 'spot'));
  const rank = (i: Instrument): number => {
    const at = MAIN_QUOTES.indexOf(i.quote);
    return at < 0 ? MAIN_QUOTES.length : at;
  };
  return [...own].sort((a, b) => rank(a) - rank(b))[0];
}
