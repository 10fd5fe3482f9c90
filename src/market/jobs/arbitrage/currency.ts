/** Bid and ask of a pair: prices of its base in its quote. */
export interface PairQuote {
  readonly base: string;
  readonly quote: string;
  readonly bid: number;
  readonly ask: number;
}

/** What one unit of a currency is worth in another: `sell` is got for it, `buy` is paid for it, `mid` between. */
export interface Conversion {
  readonly sell: number;
  readonly buy: number;
  readonly mid: number;
}

/** Of a currency into itself. */
export const SAME: Conversion = Object.freeze({ sell: 1, buy: 1, mid: 1 });

/**
 * `from` in `to` by a pair of the two, either way round; undefined where the pair is of others or has no price.
 * Example: USDT/USD quoted 0.9990 / 0.9992 makes one USDT sell at 0.9990 USD, and one USD sell at 1 ÷ 0.9992 USDT.
 */
export function conversionBy(pair: PairQuote, from: string, to: string): Conversion | undefined {
  const { base, quote, bid, ask } = pair;
  if (!(bid > 0) || !(ask >= bid)) return undefined;
  if (base === from && quote === to) return { sell: bid, buy: ask, mid: (bid + ask) / 2 };
  if (base === to && quote === from) return { sell: 1 / ask, buy: 1 / bid, mid: 2 / (bid + ask) };
  return undefined;
}
