import type { PriceLevel } from '../../domain/records.ts';
import { takeBase, takeNotional, type Walk } from './book-walk.ts';

/** Buying on one market and selling on another at once, both as taker. */
export interface CrossMarket {
  readonly asks: readonly PriceLevel[];
  readonly bids: readonly PriceLevel[];
  /** Taker rate of the side bought on and of the side sold on, percent of the value. */
  readonly buyFeePercent: number;
  readonly sellFeePercent: number;
  /**
   * What one unit of the sale's quote currency brings in the purchase's, at the worse side of the pair, before its fee;
   * 1 where both are the same currency.
   */
  readonly rate: number;
  /** Taker rate of that conversion, percent; 0 without one. */
  readonly conversionFeePercent: number;
  /** Larger of the two smallest quantity steps, base units; null where it is not known. */
  readonly lot: number | null;
}

/** All amounts in the quote currency of the side bought on. */
export interface NetSpread {
  /** Base units bought and sold, in whole lots. */
  readonly base: number;
  readonly buy: Walk;
  readonly sell: Walk;
  /** Paid and received before any fee; the received is converted. */
  readonly paid: number;
  readonly received: number;
  readonly gross_profit: number;
  /** Fees of both sides and of the conversion. */
  readonly fees: number;
  readonly net_profit: number;
  /** Of what is paid before fees, basis points; null when nothing can be traded. */
  readonly gross_bps: number | null;
  readonly net_bps: number | null;
  /** Whether both books held the size asked for. */
  readonly filled: boolean;
}

/**
 * What is left of buying for `notional` (quote units of the purchase) and selling the same base units. Where one book is
 * thinner, the smaller amount is traded and `filled` is false.
 *
 * Example: asks 100×1, 101×1; bids 103×1, 102×1; 0.1 % on either side; a notional of 201. Bought: 2 for 201; sold: 2
 * for 205; gross 4; fees 0.201 + 0.205; net 3.594, which is 178.8 bps of 201.
 */
export function netSpread(market: CrossMarket, notional: number): NetSpread {
  const wanted = takeNotional(market.asks, notional);
  const possible = takeBase(market.bids, wanted.base);
  const base = wholeLots(Math.min(wanted.base, possible.base), market.lot);
  const filled = wanted.filled && possible.filled && base > 0;
  return settle(market, base, filled);
}

/**
 * The size at which most is earned: both books are walked together while one more unit still earns after fees. Net
 * profit falls beyond it, because prices get worse on both sides. Zero base units when even the best prices lose.
 */
export function bestSize(market: CrossMarket): NetSpread {
  const { asks, bids } = market;
  const cost = 1 + market.buyFeePercent / 100;
  const keep = proceeds(market);
  let [a, b, base] = [0, 0, 0];
  let [ask, bid] = [asks[0], bids[0]];
  let [askLeft, bidLeft] = [ask?.[1] ?? 0, bid?.[1] ?? 0];
  while (ask !== undefined && bid !== undefined && bid[0] * keep > ask[0] * cost) {
    const amount = Math.min(askLeft, bidLeft);
    base += amount;
    askLeft -= amount;
    bidLeft -= amount;
    if (askLeft <= 0) {
      ask = asks[++a];
      askLeft = ask?.[1] ?? 0;
    }
    if (bidLeft <= 0) {
      bid = bids[++b];
      bidLeft = bid?.[1] ?? 0;
    }
  }
  return settle(market, wholeLots(base, market.lot), true);
}

/**
 * The gross spread, in basis points of what is paid, at which nothing is won or lost: (1 + buy fee) ÷ ((1 − sell fee)
 * (1 − conversion fee)) − 1. Example: 0.05 % and 0.055 % need 10.5 bps.
 */
export function breakEvenBps(
  fees: Pick<CrossMarket, 'buyFeePercent' | 'sellFeePercent' | 'conversionFeePercent'>,
): number {
  const kept = (1 - fees.sellFeePercent / 100) * (1 - fees.conversionFeePercent / 100);
  return ((1 + fees.buyFeePercent / 100) / kept - 1) * 10_000;
}

/** What a unit of the sale's quote brings after its fees, in the purchase's. */
function proceeds(market: CrossMarket): number {
  return market.rate * (1 - market.sellFeePercent / 100) * (1 - market.conversionFeePercent / 100);
}

function settle(market: CrossMarket, base: number, filled: boolean): NetSpread {
  const buy = takeBase(market.asks, base);
  const sell = takeBase(market.bids, base);
  const paid = buy.quote;
  const received = sell.quote * market.rate;
  const net = sell.quote * proceeds(market) - paid * (1 + market.buyFeePercent / 100);
  const bps = (value: number): number | null => (paid === 0 ? null : (value / paid) * 10_000);
  const gross = received - paid;
  return {
    base,
    buy,
    sell,
    paid,
    received,
    gross_profit: gross,
    fees: gross - net,
    net_profit: net,
    gross_bps: bps(gross),
    net_bps: bps(net),
    filled,
  };
}

function wholeLots(base: number, lot: number | null): number {
  if (lot === null || !(lot > 0)) return base;
  // 0.3 ÷ 0.1 is 2.9999999999999996.
  const lots = Math.floor(base / lot + 1e-9);
  return Number((lots * lot).toPrecision(15));
}
