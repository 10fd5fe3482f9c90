import { z } from 'zod';
import type { Ms } from '../../../../kit/clock.ts';
import type { Kind } from '../../endpoint.ts';
import { changePct, groupBy, imbalancePct, iso, mean } from './statistics.ts';
import { measure } from '../../../domain/measure.ts';

const text = z.string().nullable();
const SHOWN = 100;

/** Long against short over time, as accounts or positions of one group of traders. */
export interface RatioReading {
  readonly symbol: string;
  readonly period: string;
  readonly series: readonly {
    /** `accounts`, `top_accounts`, `top_positions`, `taker` … */
    readonly group: string;
    readonly rows: readonly {
      readonly time: Ms;
      /** Shares, 0 to 1; null where the venue gives only the ratio. */
      readonly long: number | null;
      readonly short: number | null;
      readonly ratio: number | null;
    }[];
  }[];
}

const ratioRow = z.object({
  time: text,
  long_share: measure.fraction.nullable(),
  short_share: measure.fraction.nullable(),
  ratio: measure.ratio.nullable(),
});
export const ratiosShape = z.object({
  symbol: z.string(),
  period: z.string(),
  series: z.array(
    z.object({
      group: z.string(),
      count: measure.count,
      latest: ratioRow.nullable(),
      mean_ratio: measure.ratio.nullable(),
      high: measure.ratio.nullable(),
      low: measure.ratio.nullable(),
      change_pct: measure.percent.nullable(),
      leaning: z.enum(['long', 'short', 'balanced', 'unknown']),
      history: z.array(ratioRow),
    }),
  ),
});

const LEANING = { long: 1.2, short: 0.8 } as const;

export const longShortRatio: Kind<RatioReading, z.infer<typeof ratiosShape>> = {
  name: 'long_short_ratio',
  about:
    'How traders are positioned over time: long share, short share (0 to 1) and their ratio for each group that the venue counts, with mean, extremes, change in percent, and leaning (latest ratio above 1.2 long, below 0.8 short). It counts accounts or positions, not money at risk. The newest 100 readings a group, newest first.',
  output: ratiosShape,
  derive: ({ symbol, period, series }) => ({
    symbol,
    period,
    series: series.map(({ group, rows }) => {
      const all = [...rows]
        .sort((a, b) => a.time - b.time)
        .map((r) => ({ time: iso(r.time), long_share: r.long, short_share: r.short, ratio: r.ratio }));
      const ratios = all.flatMap((r) => r.ratio ?? []);
      const latest = ratios.at(-1);
      return {
        group,
        count: all.length,
        latest: all.at(-1) ?? null,
        mean_ratio: mean(ratios),
        high: ratios.length === 0 ? null : Math.max(...ratios),
        low: ratios.length === 0 ? null : Math.min(...ratios),
        change_pct: changePct(ratios[0], latest),
        leaning:
          latest === undefined
            ? ('unknown' as const)
            : latest > LEANING.long
              ? ('long' as const)
              : latest < LEANING.short
                ? ('short' as const)
                : ('balanced' as const),
        history: all.slice(-SHOWN).reverse(),
      };
    }),
  }),
  summary: (data) =>
    `${data.symbol}: ${data.series.map((s) => `${s.group} ${s.latest?.ratio === null || s.latest === null ? 'unknown' : s.latest.ratio.toFixed(3)}`).join(', ')}.`,
};

/** Taker volume by side over time; base units, or the currency named in `unit`. */
export interface TakerReading {
  readonly symbol: string;
  readonly period: string;
  readonly unit: string;
  readonly rows: readonly { readonly time: Ms; readonly buy: number; readonly sell: number }[];
}

export const takerShape = z.object({
  symbol: z.string(),
  period: z.string(),
  unit: z.string(),
  count: measure.count,
  latest_ratio: measure.ratio.nullable(),
  mean_ratio: measure.ratio.nullable(),
  buy_total: measure.named,
  sell_total: measure.named,
  net: measure.named,
  imbalance_pct: measure.percent.nullable(),
  aggressor: z.enum(['buyers', 'sellers', 'balanced', 'unknown']),
  flow_change_pct: measure.percent.nullable(),
  history: z.array(z.object({ time: text, buy: measure.named, sell: measure.named, ratio: measure.ratio.nullable() })),
});

const AGGRESSOR = { buyers: 1.05, sellers: 0.95 } as const;
const WINDOW = 10;

export const takerVolume: Kind<TakerReading, z.infer<typeof takerShape>> = {
  name: 'taker_volume',
  about:
    'Volume that takers bought and sold over time, in the unit named: latest and mean buy ÷ sell, totals, net, imbalance in percent, aggressor (latest ratio above 1.05 buyers, below 0.95 sellers), and how the mean ratio of the last ten periods differs from the first ten in percent. The newest 100 periods, newest first.',
  output: takerShape,
  derive: ({ symbol, period, unit, rows }) => {
    const all = [...rows]
      .sort((a, b) => a.time - b.time)
      .map((r) => ({ time: iso(r.time), buy: r.buy, sell: r.sell, ratio: r.sell === 0 ? null : r.buy / r.sell }));
    const ratios = all.flatMap((r) => r.ratio ?? []);
    const latest = ratios.at(-1) ?? null;
    const buys = all.reduce((total, r) => total + r.buy, 0);
    const sells = all.reduce((total, r) => total + r.sell, 0);
    const enough = ratios.length >= 2 * WINDOW;
    return {
      symbol,
      period,
      unit,
      count: all.length,
      latest_ratio: latest,
      mean_ratio: mean(ratios),
      buy_total: buys,
      sell_total: sells,
      net: buys - sells,
      imbalance_pct: imbalancePct(buys, sells),
      aggressor:
        latest === null
          ? 'unknown'
          : latest > AGGRESSOR.buyers
            ? 'buyers'
            : latest < AGGRESSOR.sellers
              ? 'sellers'
              : 'balanced',
      flow_change_pct: enough ? changePct(mean(ratios.slice(0, WINDOW)), mean(ratios.slice(-WINDOW))) : null,
      history: all.slice(-SHOWN).reverse(),
    };
  },
  summary: (data) =>
    `${data.symbol} takers: buy ÷ sell ${data.latest_ratio === null ? 'unknown' : data.latest_ratio.toFixed(3)}, net ${data.net.toPrecision(6)} ${data.unit} over ${data.count} periods.`,
};

/** Forced orders; `side` is the position's that was closed. */
export interface LiquidationReading {
  readonly symbol: string | null;
  readonly rows: readonly {
    readonly symbol: string;
    readonly time: Ms;
    readonly side: 'long' | 'short';
    readonly price: number;
    /** Base units. */
    readonly size: number;
  }[];
}

const liquidationRow = z.object({
  symbol: z.string(),
  time: text,
  side: z.enum(['long', 'short']),
  price: measure.price,
  size: measure.size,
  value: measure.value,
});
export const liquidationsShape = z.object({
  symbol: text,
  count: measure.count,
  from: text,
  to: text,
  longs: measure.count,
  shorts: measure.count,
  long_value: measure.value,
  short_value: measure.value,
  long_share_pct: measure.percent.nullable(),
  dominant: z.enum(['longs', 'shorts', 'neither', 'none']),
  largest: liquidationRow.nullable(),
  by_symbol: z.array(z.object({ symbol: z.string(), count: measure.count, value: measure.value })),
  liquidations: z.array(liquidationRow),
});

const DOMINANT_TIMES = 1.5;

export const liquidations: Kind<LiquidationReading, z.infer<typeof liquidationsShape>> = {
  name: 'liquidations',
  about:
    'Liquidations: side is the position’s that was closed (a forced sell order closes a long), size in base units, value in the quote currency; long and short totals, which side dominates (1.5 times the other), the largest, totals a symbol, and the newest 100, newest first.',
  output: liquidationsShape,
  derive: ({ symbol, rows }) => {
    const all = [...rows]
      .sort((a, b) => a.time - b.time)
      .map((r) => ({ ...r, time: iso(r.time), value: r.price * r.size }));
    const [longs, shorts] = [all.filter((r) => r.side === 'long'), all.filter((r) => r.side === 'short')];
    const value = (list: typeof all): number => list.reduce((total, r) => total + r.value, 0);
    const [long, short] = [value(longs), value(shorts)];
    const groups = groupBy(all, (r) => r.symbol);
    return {
      symbol,
      count: all.length,
      from: all[0]?.time ?? null,
      to: all.at(-1)?.time ?? null,
      longs: longs.length,
      shorts: shorts.length,
      long_value: long,
      short_value: short,
      long_share_pct: long + short === 0 ? null : (long / (long + short)) * 100,
      dominant:
        all.length === 0
          ? 'none'
          : long > short * DOMINANT_TIMES
            ? 'longs'
            : short > long * DOMINANT_TIMES
              ? 'shorts'
              : 'neither',
      largest: all.reduce<(typeof all)[number] | null>((most, r) => (r.value > (most?.value ?? -1) ? r : most), null),
      by_symbol: [...groups]
        .map(([name, own]) => ({ symbol: name, count: own.length, value: value(own) }))
        .sort((a, b) => b.value - a.value)
        .slice(0, 20),
      liquidations: all.slice(-SHOWN).reverse(),
    };
  },
  summary: (data) =>
    `${data.count} liquidations: longs ${data.long_value.toFixed(0)}, shorts ${data.short_value.toFixed(0)} in the quote currency.`,
};
