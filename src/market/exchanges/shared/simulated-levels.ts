import type { Ms } from '../../../kit/clock.ts';
import type { SimulatedBook, SimulatedMarket } from '../simulator-contract.ts';

/*
 * Books of venues that send each level in a message of its own, numbered without holes. How many levels change in a
 * step is not known beforehand, so every step has as many messages as could be needed; those left over tell a level
 * again as it is.
 */

/** A simulated book changes this often. */
const STEP_MS = 500;
/** Levels a side that are told of, and messages a step: all of both sides gone and new ones in their place. */
const DEPTH = 10;
const MESSAGES = 4 * DEPTH;

export interface LevelMessage {
  readonly at: Ms;
  readonly seq: number;
  readonly side: 'buy' | 'sell';
  readonly price: number;
  /** 0 takes the level away. */
  readonly quantity: number;
}

/** The messages of [from, to). Levels go before others come, so that no state between crosses. */
export function levelMessages(market: SimulatedMarket, symbol: string, from: Ms, to: Ms): readonly LevelMessage[] {
  const messages: LevelMessage[] = [];
  const changes = market.bookChanges(symbol, from, to, { depth: DEPTH, everyMs: STEP_MS });
  for (const { at, bids, asks } of changes) {
    const all = [
      ...bids.map(([price, quantity]) => ({ side: 'buy' as const, price, quantity })),
      ...asks.map(([price, quantity]) => ({ side: 'sell' as const, price, quantity })),
    ];
    const ordered = [...all.filter((level) => level.quantity === 0), ...all.filter((level) => level.quantity > 0)];
    const [price, quantity] = market.book(symbol, at + 1, 1).bids[0] ?? [0, 0];
    for (let i = 0; i < MESSAGES; i++) {
      messages.push({ at, seq: firstOf(at) + i, ...(ordered[i] ?? { side: 'buy', price, quantity }) });
    }
  }
  return messages;
}

/** The book that the messages from `at` on continue, and when it changed last. */
export function levelSnapshot(market: SimulatedMarket, symbol: string, at: Ms): SimulatedBook & { readonly at: Ms } {
  const last = Math.ceil(at / STEP_MS) * STEP_MS - STEP_MS;
  return { at: last, ...market.book(symbol, last + 1, DEPTH), seq: firstOf(last) + MESSAGES - 1 };
}

/** Number of the first message of a step. */
function firstOf(at: Ms): number {
  return (at / STEP_MS) * MESSAGES;
}
