import type { PriceLevel } from '../../domain/records.ts';

/** What taking from one side of a book gives. Levels are best first; prices in quote, sizes in base units. */
export interface Walk {
  /** Base units taken. */
  readonly base: number;
  /** Quote units paid or received for them, before fees. */
  readonly quote: number;
  /** `quote` ÷ `base`; null when nothing was taken. */
  readonly average_price: number | null;
  /** Price of the last level touched; null when nothing was taken. */
  readonly worst_price: number | null;
  readonly levels: number;
  /** Whether the levels given held all that was asked for. */
  readonly filled: boolean;
}

/**
 * Takes levels until `notional` quote units are spent (or received). Example: asks 100×1, 101×2 and a notional of 201
 * take 1 + 1 base units at an average of 100.5. An empty side takes nothing.
 */
export function takeNotional(levels: readonly PriceLevel[], notional: number): Walk {
  return take(levels, (price, size, taken) => Math.min(size, (notional - taken.quote) / price), {
    enough: ({ quote }) => quote >= notional * (1 - ROUNDING),
  });
}

/** Takes levels until `base` units are taken. Example: bids 100×1, 99×2 and 2 base units give 199. */
export function takeBase(levels: readonly PriceLevel[], base: number): Walk {
  return take(levels, (_price, size, taken) => Math.min(size, base - taken.base), {
    enough: (taken) => taken.base >= base * (1 - ROUNDING),
  });
}

/** Relative error below which an amount counts as reached. */
const ROUNDING = 1e-12;

interface Taken {
  base: number;
  quote: number;
}

function take(
  levels: readonly PriceLevel[],
  want: (price: number, size: number, taken: Taken) => number,
  { enough }: { readonly enough: (taken: Taken) => boolean },
): Walk {
  const taken: Taken = { base: 0, quote: 0 };
  let worst: number | null = null;
  let used = 0;
  for (const [price, size] of levels) {
    if (enough(taken)) break;
    const amount = want(price, size, taken);
    if (!(amount > 0)) continue;
    taken.base += amount;
    taken.quote += amount * price;
    worst = price;
    used += 1;
  }
  return {
    ...taken,
    average_price: taken.base === 0 ? null : taken.quote / taken.base,
    worst_price: worst,
    levels: used,
    filled: enough(taken),
  };
}
