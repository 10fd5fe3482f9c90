import type { Us } from '../../../kit/clock.ts';
import { baseSize } from '../shared/symbols.ts';
import { levelsOf, sequenceOf, type WireObject } from '../shared/values.ts';
import type { Reading } from '../shared/verdicts.ts';
import type { PriceLevel } from '../../domain/records.ts';
import type { ReadContext } from './normalise.ts';

/** The best level of each side as the wire has it (sizes not yet in base units); null when a side is empty. */
export interface BestState {
  readonly bid: PriceLevel | null;
  readonly ask: PriceLevel | null;
}

export const NO_BEST: BestState = { bid: null, ask: null };

/** Applies a message of `orderbook.1` to the best prices held; undefined when it cannot be read. */
export function mergeBest(state: BestState, data: WireObject, snapshot: boolean): BestState | undefined {
  const bids = levelsOf(data['b']);
  const asks = levelsOf(data['a']);
  if (bids === undefined || asks === undefined) return undefined;
  const before = snapshot ? NO_BEST : state;
  return { bid: bestOf(before.bid, bids, 1), ask: bestOf(before.ask, asks, -1) };
}

/** The `prices` record of the best levels held. */
export function pushBest(state: BestState, data: WireObject, time: Us, context: ReadContext): Reading {
  const facts = context.symbols.facts(data['s']);
  if (facts === undefined) return 'book without a symbol';
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
    seq: sequenceOf(data['u']),
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
