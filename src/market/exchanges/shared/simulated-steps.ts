import type { SimulatedListing } from '../simulator-contract.ts';

/** Tick and lot (base units) of a symbol, as decimal text. */
export type Steps = readonly [tick: string, lot: string];

/** The listing of each symbol with the steps of the table; one that is not in it gets steps that suit its price. */
export function listingsWith(
  steps: Readonly<Record<string, Steps>>,
  options: { readonly without?: readonly string[] } = {},
): (symbol: string, price: number) => readonly SimulatedListing[] {
  return (symbol, price) => {
    if (options.without?.includes(symbol) === true) return [];
    const [tick, lot] = steps[symbol] ?? stepsAt(price);
    return [{ tick, lot }];
  };
}

/** Steps of a made-up symbol: about 3,000 ticks to the price, a lot worth about one unit of the quote. */
export function stepsAt(price: number): Steps {
  const tick = 10 ** Math.floor(Math.log10(price) - 3.5);
  const lot = 10 ** Math.max(-5, Math.min(0, -Math.floor(Math.log10(price))));
  return [tick.toFixed(10), lot.toFixed(10)];
}
