import { z } from 'zod';
import type { Ms } from '../../../../kit/clock.ts';
import type { Kind } from '../../endpoint.ts';
import { imbalancePct, iso, median } from './statistics.ts';
import { measure } from '../../../domain/measure.ts';

export interface Trade {
  readonly id: string;
  readonly time: Ms;
  readonly price: number;
  /** Base units. */
  readonly size: number;
  /** The taker's. */
  readonly side: 'buy' | 'sell';
}

export interface TradesReading {
  readonly symbol: string;
  readonly trades: readonly Trade[];
}

const tradeShape = z.object({
  id: z.string(),
  time: z.string().nullable(),
  price: measure.price,
  size: measure.size,
  side: z.enum(['buy', 'sell']),
});

export const tradesShape = z.object({
  symbol: z.string(),
  count: measure.count,
  from: z.string().nullable(),
  to: z.string().nullable(),
  buys: measure.count,
  sells: measure.count,
  buy_size: measure.size,
  sell_size: measure.size,
  buy_value: measure.value,
  sell_value: measure.value,
  imbalance_pct: measure.percent.nullable(),
  flow: z.enum(['buying', 'selling', 'balanced', 'unknown']),
  vwap: measure.price.nullable(),
  high: measure.price.nullable(),
  low: measure.price.nullable(),
  first_price: measure.price.nullable(),
  last_price: measure.price.nullable(),
  large_trade_value: measure.value.nullable(),
  large_trades: z.array(tradeShape),
  trades: z.array(tradeShape),
});

/** Share of one side in the size traded beyond which the flow has a direction: 1.2 to 1, as in the venues' tools. */
const FLOW_RATIO = 1.2;
/** Robust z of ln(value) beyond which a trade is large; 0.6745 scales the MAD to a normal deviation (Iglewicz & Hoaglin 1993). */
const LARGE_Z = 3.5;
const FEWEST_FOR_LARGE = 20;
const MOST_LARGE = 20;
const SHOWN = 100;

export const trades: Kind<TradesReading, z.infer<typeof tradesShape>> = {
  name: 'trades',
  about:
    'The last trades of one instrument, side as the taker’s: counts, sizes in base units, values in the quote currency, imbalance in percent, VWAP, price range, unusually large trades (robust z of the logarithm of their value over 3.5, at least 20 trades), and the newest 100, newest first.',
  output: tradesShape,
  derive: ({ symbol, trades: given }) => {
    const all = [...given].sort((a, b) => a.time - b.time);
    const [buys, sells] = [all.filter((t) => t.side === 'buy'), all.filter((t) => t.side === 'sell')];
    const [buySize, sellSize] = [sizeOf(buys), sizeOf(sells)];
    const [buyValue, sellValue] = [valueOf(buys), valueOf(sells)];
    const { threshold, large } = largeTrades(all);
    const listed = all.map((t) => t.price);
    return {
      symbol,
      count: all.length,
      from: iso(all[0]?.time),
      to: iso(all.at(-1)?.time),
      buys: buys.length,
      sells: sells.length,
      buy_size: buySize,
      sell_size: sellSize,
      buy_value: buyValue,
      sell_value: sellValue,
      imbalance_pct: imbalancePct(buySize, sellSize),
      flow:
        all.length === 0
          ? 'unknown'
          : buySize > sellSize * FLOW_RATIO
            ? 'buying'
            : sellSize > buySize * FLOW_RATIO
              ? 'selling'
              : 'balanced',
      vwap: buySize + sellSize === 0 ? null : (buyValue + sellValue) / (buySize + sellSize),
      high: listed.length === 0 ? null : Math.max(...listed),
      low: listed.length === 0 ? null : Math.min(...listed),
      first_price: listed[0] ?? null,
      last_price: listed.at(-1) ?? null,
      large_trade_value: threshold,
      large_trades: large.map(show),
      trades: all.slice(-SHOWN).reverse().map(show),
    };
  },
  summary: (data) =>
    `${data.count} trades of ${data.symbol}, ${data.flow}${data.imbalance_pct === null ? '' : ` (${data.imbalance_pct.toFixed(1)} %)`}, last ${String(data.last_price)}.`,
};

function show(t: Trade): z.infer<typeof tradeShape> {
  return { id: t.id, time: iso(t.time), price: t.price, size: t.size, side: t.side };
}

function sizeOf(list: readonly Trade[]): number {
  return list.reduce((total, t) => total + t.size, 0);
}

function valueOf(list: readonly Trade[]): number {
  return list.reduce((total, t) => total + t.size * t.price, 0);
}

function largeTrades(all: readonly Trade[]): { readonly threshold: number | null; readonly large: readonly Trade[] } {
  const logs = all.map((t) => Math.log(t.size * t.price)).filter(Number.isFinite);
  const centre = median(logs);
  const spread = centre === null ? null : median(logs.map((v) => Math.abs(v - centre)));
  if (centre === null || spread === null || spread === 0 || logs.length < FEWEST_FOR_LARGE) {
    return { threshold: null, large: [] };
  }
  const threshold = Math.exp(centre + (LARGE_Z * spread) / 0.6745);
  const large = all.filter((t) => t.size * t.price >= threshold);
  return { threshold, large: large.sort((a, b) => b.size * b.price - a.size * a.price).slice(0, MOST_LARGE) };
}
