import type { Instrument } from '../domain/instrument.ts';
import type { VenueMarket } from '../exchanges/contract.ts';

/**
 * The instruments under the names that were asked for: where a market does not list an asked symbol but declares that
 * another quote stands for its quote (`standsFor`), the contract of that quote takes the asked name and keeps its own in
 * `stands_in_as`. An exact listing always wins, and a contract that is asked for by its own name keeps it. A linear
 * contract is preferred to an inverse one.
 */
export function underAskedNames(
  market: Pick<VenueMarket, 'standsFor'>,
  instruments: readonly Instrument[],
  asked: Iterable<string>,
): readonly Instrument[] {
  const { standsFor } = market;
  if (standsFor === undefined) return instruments;
  const own = instruments.map(underOwnName);
  const listed = new Set(own.map(({ symbol }) => symbol));
  const wanted = new Set(asked);
  const renamed = new Map<Instrument, string>();
  for (const symbol of wanted) {
    if (listed.has(symbol)) continue;
    const found = standIn(standsFor, own, symbol);
    if (found !== undefined && !wanted.has(found.symbol)) renamed.set(found, symbol);
  }
  return own.map((instrument) => {
    const symbol = renamed.get(instrument);
    return symbol === undefined ? instrument : { ...instrument, symbol, stands_in_as: instrument.symbol };
  });
}

/** The instrument as its venue lists it. */
export function underOwnName(instrument: Instrument): Instrument {
  const { stands_in_as: symbol, ...rest } = instrument;
  return symbol === undefined ? instrument : { ...rest, symbol };
}

function standIn(
  standsFor: Readonly<Record<string, string>>,
  instruments: readonly Instrument[],
  symbol: string,
): Instrument | undefined {
  for (const [askedQuote, quote] of Object.entries(standsFor)) {
    if (!symbol.endsWith(askedQuote)) continue;
    const base = symbol.slice(0, -askedQuote.length);
    const fitting = instruments.filter(
      (i) =>
        i.base === base && i.quote === quote && i.status === 'trading' && (i.kind === 'spot' || i.kind === 'perpetual'),
    );
    const found = fitting.find((i) => !i.inverse) ?? fitting[0];
    if (found !== undefined) return found;
  }
  return undefined;
}
