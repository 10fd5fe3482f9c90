import type { Instrument } from '../../domain/instrument.ts';
import type { PriceLevel } from '../../domain/records.ts';
import { SAME, type Conversion } from './currency.ts';
import { bestSize, breakEvenBps, netSpread, type NetSpread } from './net-spread.ts';

/** One market on which a symbol can be traded. */
export interface ArbitrageSide {
  /** `binance_futures`. */
  readonly id: string;
  readonly kind: Instrument['kind'];
  /** Currency that its prices are in. */
  readonly quote: string;
  readonly bids: readonly PriceLevel[];
  readonly asks: readonly PriceLevel[];
  /** Null: not known, and nothing is computed without it. */
  readonly takerPercent: number | null;
  readonly lot: number | null;
}

/** A conversion between quote currencies, with the taker rate that it costs. */
export interface PricedConversion extends Conversion {
  readonly feePercent: number;
}

export type Convert = (from: string, to: string) => PricedConversion | undefined;

/** Buying on one market and selling on the other. Amounts of money in the common currency. */
export interface PairResult {
  readonly buy: string;
  readonly sell: string;
  /** `same`: both spot or both contracts; `basis`: a spot against a contract, whose prices need not meet. */
  readonly legs: 'same' | 'basis';
  readonly converted: boolean;
  /** Best bid sold at over best ask bought at, before costs, basis points. */
  readonly top_bps: number | null;
  /** At the size asked for. */
  readonly base: number;
  readonly buy_price: number | null;
  readonly sell_price: number | null;
  readonly gross_bps: number | null;
  readonly net_bps: number | null;
  readonly net_profit: number;
  readonly fees: number;
  readonly break_even_bps: number;
  readonly filled: boolean;
  /** The size that earns most, its value and what it earns; all 0 where none earns anything. */
  readonly best_base: number;
  readonly best_value: number;
  readonly best_profit: number;
}

export interface Comparison {
  /** Best net first. */
  readonly pairs: readonly PairResult[];
  readonly excluded: readonly { readonly buy: string; readonly sell: string; readonly reason: string }[];
}

/**
 * Every ordered pair of sides at one size, `notional` in `currency`. Sides quoted in another currency are converted at
 * the worse side of a real pair, at its fee; a pair without a rate, or with a fee that is not known, is excluded.
 */
export function comparePairs(
  sides: readonly ArbitrageSide[],
  convert: Convert,
  size: { readonly notional: number; readonly currency: string },
): Comparison {
  const pairs: PairResult[] = [];
  const excluded: { buy: string; sell: string; reason: string }[] = [];
  for (const buy of sides) {
    for (const sell of sides) {
      if (buy.id === sell.id) continue;
      const result = comparePair(buy, sell, convert, size);
      if (typeof result === 'string') excluded.push({ buy: buy.id, sell: sell.id, reason: result });
      else pairs.push(result);
    }
  }
  return { pairs: pairs.sort((a, b) => (b.net_bps ?? -Infinity) - (a.net_bps ?? -Infinity)), excluded };
}

/** A conversion of a currency into itself costs nothing. */
export function withSame(convert: Convert): Convert {
  return (from, to) => (from === to ? { ...SAME, feePercent: 0 } : convert(from, to));
}

function comparePair(
  buy: ArbitrageSide,
  sell: ArbitrageSide,
  convertOther: Convert,
  size: { readonly notional: number; readonly currency: string },
): PairResult | string {
  const convert = withSame(convertOther);
  const back = convert(sell.quote, buy.quote);
  if (back === undefined) return `no rate between ${sell.quote} and ${buy.quote}`;
  const common = convert(buy.quote, size.currency);
  if (common === undefined) return `no rate between ${buy.quote} and ${size.currency}`;
  if (buy.takerPercent === null) return `the fees of ${buy.id} are not known`;
  if (sell.takerPercent === null) return `the fees of ${sell.id} are not known`;
  const cross = {
    asks: buy.asks,
    bids: sell.bids,
    buyFeePercent: buy.takerPercent,
    sellFeePercent: sell.takerPercent,
    rate: back.sell,
    conversionFeePercent: back.feePercent,
    lot: buy.lot === null || sell.lot === null ? null : Math.max(buy.lot, sell.lot),
  };
  const net: NetSpread = netSpread(cross, size.notional / common.mid);
  const best = bestSize(cross);
  const [ask, bid] = [buy.asks[0]?.[0], sell.bids[0]?.[0]];
  return {
    buy: buy.id,
    sell: sell.id,
    legs: (buy.kind === 'spot') === (sell.kind === 'spot') ? 'same' : 'basis',
    converted: buy.quote !== sell.quote,
    top_bps: ask === undefined || bid === undefined ? null : ((bid * back.sell) / ask - 1) * 10_000,
    base: net.base,
    buy_price: net.buy.average_price,
    sell_price: net.sell.average_price,
    gross_bps: net.gross_bps,
    net_bps: net.net_bps,
    net_profit: net.net_profit * common.mid,
    fees: net.fees * common.mid,
    break_even_bps: breakEvenBps(cross),
    filled: net.filled,
    best_base: best.base,
    best_value: best.paid * common.mid,
    best_profit: Math.max(0, best.net_profit) * common.mid,
  };
}

/** Spread of middles in one currency: (highest − lowest) ÷ lowest, percent, and what that is called. */
export function efficiency(mids: readonly number[]): {
  readonly spread_percent: number | null;
  readonly verdict: 'HIGHLY_EFFICIENT' | 'EFFICIENT' | 'MODERATE_INEFFICIENCY' | 'INEFFICIENT' | 'UNKNOWN';
} {
  if (mids.length < 2) return { spread_percent: null, verdict: 'UNKNOWN' };
  const [low, high] = [Math.min(...mids), Math.max(...mids)];
  const spread = ((high - low) / low) * 100;
  const verdict =
    spread < 0.01
      ? 'HIGHLY_EFFICIENT'
      : spread < 0.05
        ? 'EFFICIENT'
        : spread < 0.15
          ? 'MODERATE_INEFFICIENCY'
          : 'INEFFICIENT';
  return { spread_percent: spread, verdict };
}
