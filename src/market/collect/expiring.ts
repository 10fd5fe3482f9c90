import type { Us } from '../../kit/clock.ts';
import type { Instrument } from '../domain/instrument.ts';

/** How many of the contracts on one underlying are collected. */
export interface ExpiringLimits {
  /** Dated futures, the nearest first. */
  readonly dated: number;
  /** Expiries of options, the nearest first. */
  readonly expiries: number;
  /** Strikes of each expiry, those nearest to the underlying's price; of each, call and put. */
  readonly strikes: number;
}

export interface ExpiringMoment {
  readonly now: Us;
  /** Of the underlying; null: strikes cannot be chosen, and no option is. */
  readonly price: number | null;
}

/**
 * The contracts of one underlying that are collected now: what trades and has not expired, nearest first. Strikes of an
 * expiry that were chosen before (`held`, symbols) stay while the price is among them, so that a price that moves about
 * one does not change the choice with every look; beyond them they are chosen anew. Example: strikes 90, 100, 110, 120
 * and a limit of 2 at a price of 104 give 100 and 110.
 */
export function nearestContracts(
  contracts: readonly Instrument[],
  { now, price }: ExpiringMoment,
  expiring: ExpiringLimits,
  held: ReadonlySet<string> = new Set(),
): readonly Instrument[] {
  const alive = contracts.filter((i) => i.status === 'trading' && (i.expiry_time ?? 0) > now);
  const dated = alive.filter(({ kind }) => kind === 'dated').sort(byExpiry);
  const options = price === null ? [] : alive.filter(({ kind }) => kind === 'option');
  const expiries = [...new Set(options.sort(byExpiry).map((i) => i.expiry_time))].slice(0, expiring.expiries);
  return [
    ...dated.slice(0, expiring.dated),
    ...expiries.flatMap((expiry) => {
      const chain = options.filter((i) => i.expiry_time === expiry);
      const strikes = strikesOf(chain, price ?? 0, expiring.strikes, held);
      return chain.filter((i) => strikes.has(i.strike_price));
    }),
  ];
}

function byExpiry(a: Instrument, b: Instrument): number {
  return (a.expiry_time ?? 0) - (b.expiry_time ?? 0);
}

function strikesOf(
  chain: readonly Instrument[],
  price: number,
  count: number,
  held: ReadonlySet<string>,
): ReadonlySet<number | undefined> {
  const before = [...new Set(chain.filter((i) => held.has(i.symbol)).flatMap((i) => i.strike_price ?? []))];
  if (before.length === count && Math.min(...before) <= price && price <= Math.max(...before)) return new Set(before);
  const all = [...new Set(chain.flatMap((i) => i.strike_price ?? []))];
  return new Set(all.sort((a, b) => Math.abs(a - price) - Math.abs(b - price)).slice(0, count));
}
