import type { Ms } from '../../../kit/clock.ts';
import type { SimulatedListing } from '../simulator-contract.ts';

/*
 * Contracts that run out, of simulated venues: what is listed, and what a future is worth: the index with a constant
 * carry.
 */

const DAY = 86_400_000;
const YEAR = 365 * DAY;
const SETTLEMENT = 8 * 3_600_000;
/** Yearly carry of the futures over the index. */
const CARRY = 0.08;

/** Price of the future that ends at `expiry`. */
export function forwardAt(index: number, expiry: Ms, at: Ms): number {
  return index * Math.exp((CARRY * Math.max(0, expiry - at)) / YEAR);
}

/** What a future that ends at `expiry` is worth in the quote of its index. */
export function worthOfFuture(expiry: Ms): NonNullable<SimulatedListing['worth']> {
  return (index, at) => {
    const slope = forwardAt(1, expiry, at);
    return { value: index * slope, delta: slope, gamma: 0 };
  };
}

/** Ends of what is listed at `at`, UTC ms, soonest first: a day, a week, two quarters. None is less than a day off. */
export function expiriesAt(at: Ms): readonly Ms[] {
  const first = Math.ceil((at + DAY - SETTLEMENT) / DAY) * DAY + SETTLEMENT;
  const week = fridayFrom(first + 2 * DAY);
  const quarters: Ms[] = [];
  for (let months = 0; quarters.length < 2; months++) {
    const date = new Date(at);
    const month = date.getUTCMonth() + months;
    if (month % 3 !== 2) continue;
    const end = lastFriday(date.getUTCFullYear(), month);
    if (end >= week + 7 * DAY) quarters.push(end);
  }
  return [first, week, ...quarters];
}

function fridayFrom(at: Ms): Ms {
  const day = Math.ceil((at - SETTLEMENT) / DAY);
  // 1970-01-01 was a Thursday.
  return (day + ((8 - (day % 7)) % 7)) * DAY + SETTLEMENT;
}

function lastFriday(year: number, month: number): Ms {
  return fridayFrom(Date.UTC(year, month + 1, 0) - 6 * DAY);
}
