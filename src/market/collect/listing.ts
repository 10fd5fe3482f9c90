import type { Clock, Ms } from '../../kit/clock.ts';
import type { Instrument } from '../domain/instrument.ts';

/** How an asked symbol stands on its market: as the venue's list says, or not in it. */
export type Listed = Instrument['status'] | 'absent';

/** A followed symbol that does not trade. */
export interface NotTrading {
  readonly symbol: string;
  readonly listed: Exclude<Listed, 'trading'>;
}

export interface ListingChange {
  readonly symbol: string;
  readonly from: Listed;
  readonly to: Listed;
}

/** A list may be cut short: what misses in one is asked for again so much later before it counts as gone. */
const DOUBT_MS = 60_000;

/**
 * Follows how the asked symbols of one market stand, from one instrument list to the next: symbols that begin to trade,
 * are halted, or end while they are collected.
 */
export class Listing {
  readonly #clock: Clock;
  readonly #everyMs: Ms;
  readonly #standing = new Map<string, Listed>();
  /** Symbols that the newest list lacks and the one before had. */
  #doubtful = new Set<string>();
  #dueAt: Ms = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, everyMs: Ms) {
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  /** Follows these symbols as well, from how they stand in this list. */
  follow(symbols: readonly string[], instruments: readonly Instrument[]): void {
    for (const symbol of symbols) this.#standing.set(symbol, standingOf(symbol, instruments));
    this.#dueAt = Math.min(this.#dueAt, this.#clock.now() + this.#everyMs);
  }

  /** Those followed that do not trade, and how they stand. */
  notTrading(): readonly NotTrading[] {
    return [...this.#standing].flatMap(([symbol, listed]) => (listed === 'trading' ? [] : [{ symbol, listed }]));
  }

  /** True when it is time to ask for the list; then not for a while, in which that is done or has failed. */
  isDue(): boolean {
    const now = this.#clock.now();
    if (now < this.#dueAt) return false;
    this.#dueAt = now + this.#soonMs;
    return true;
  }

  /** What a list that just came changes. */
  next(instruments: readonly Instrument[]): readonly ListingChange[] {
    const changes: ListingChange[] = [];
    const doubtful = new Set<string>();
    for (const [symbol, from] of this.#standing) {
      const to = standingOf(symbol, instruments);
      if (to === from) continue;
      if (to === 'absent' && !this.#doubtful.has(symbol)) {
        doubtful.add(symbol);
        continue;
      }
      this.#standing.set(symbol, to);
      changes.push({ symbol, from, to });
    }
    this.#doubtful = doubtful;
    this.#dueAt = this.#clock.now() + (doubtful.size > 0 ? this.#soonMs : this.#everyMs);
    return changes;
  }

  get #soonMs(): Ms {
    return Math.min(DOUBT_MS, this.#everyMs);
  }
}

/** The best of what is listed under the symbol: a market may hold a settled contract beside its successor. */
function standingOf(symbol: string, instruments: readonly Instrument[]): Listed {
  let best: Listed = 'absent';
  for (const instrument of instruments) {
    if (instrument.symbol !== symbol) continue;
    if (instrument.status === 'trading') return 'trading';
    if (best !== 'halted') best = instrument.status;
  }
  return best;
}
