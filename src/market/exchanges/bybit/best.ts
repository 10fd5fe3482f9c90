import type { Us } from '../../../kit/clock.ts';
import { baseSize, type SymbolFacts } from '../shared/symbols.ts';
import { levelsOf, type WireObject } from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import type { PriceLevel } from '../../domain/records.ts';
import type { ReadContext } from './normalise.ts';

/** The best level of each side as the wire has it (sizes not yet in base units); null when a side is empty. */
export interface BestState {
  readonly bid: PriceLevel | null;
  readonly ask: PriceLevel | null;
}

export const NO_BEST: BestState = { bid: null, ask: null };

/** Levels that a message of `orderbook.1` changes, as the wire has them. */
export interface BestChange {
  readonly snapshot: boolean;
  readonly bids: readonly PriceLevel[];
  readonly asks: readonly PriceLevel[];
}

/** What a message of `orderbook.1` changes; undefined when it cannot be read. */
export function changeOf(data: WireObject, snapshot: boolean): BestChange | undefined {
  const bids = levelsOf(data['b']);
  const asks = levelsOf(data['a']);
  return bids === undefined || asks === undefined ? undefined : { snapshot, bids, asks };
}

/** Applies a change to the best prices held. */
export function mergeBest(state: BestState, { snapshot, bids, asks }: BestChange): BestState {
  const before = snapshot ? NO_BEST : state;
  return { bid: bestOf(before.bid, bids, 1), ask: bestOf(before.ask, asks, -1) };
}

/** The `prices` record of the best levels held. */
export function pushBest(
  state: BestState,
  facts: SymbolFacts,
  { time, seq }: { readonly time: Us; readonly seq: number | null },
  context: ReadContext,
): Reading {
  if (Number.isNaN(time)) return 'book time cannot be read';
  const { bid, ask } = state;
  if (bid === null && ask === null) return 0;
  const bidSize = bid === null ? null : baseSize(facts, bid[1], bid[0]);
  const askSize = ask === null ? null : baseSize(facts, ask[1], ask[0]);
  context.sink({
    stream: 'prices',
    exchange: 'bybit',
    market: context.market,
    symbol: facts.symbol,
    event_time: time,
    recv_time: context.recvTime,
    seq,
    origin: context.origin,
    bid_price: bid === null ? null : bid[0],
    ask_price: ask === null ? null : ask[0],
    bid_qty: Number.isNaN(bidSize) ? null : bidSize,
    ask_qty: Number.isNaN(askSize) ? null : askSize,
    last_price: null,
  });
  return 1;
}

/** `direction` 1: the highest price is best; −1: the lowest. A size of 0 takes its level away. */
function bestOf(before: PriceLevel | null, changes: readonly PriceLevel[], direction: 1 | -1): PriceLevel | null {
  let best = before;
  for (const [price, size] of changes) if (size === 0 && best !== null && best[0] === price) best = null;
  let added: PriceLevel | null = null;
  for (const level of changes) {
    if (level[1] > 0 && (added === null || (level[0] - added[0]) * direction > 0)) added = level;
  }
  return added ?? best;
}
