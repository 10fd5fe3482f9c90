import { z } from 'zod';
import type { Ms } from '../../../../kit/clock.ts';
import type { Kind } from '../../endpoint.ts';
import { iso, mean } from './statistics.ts';
import { measure } from '../../../domain/measure.ts';

export interface BasisReading {
  readonly symbol: string;
  readonly period: string;
  /** UTC ms; null for a perpetual, whose premium is no yield and is not annualised. */
  readonly expiry: Ms | null;
  readonly rows: readonly { readonly time: Ms; readonly contract: number; readonly index: number }[];
}

const text = z.string().nullable();
const YEAR_MS = 365 * 86_400_000;
const SHOWN = 100;

export const basisShape = z.object({
  symbol: z.string(),
  period: z.string(),
  count: measure.count,
  from: text,
  to: text,
  contract: measure.price.nullable(),
  index: measure.price.nullable(),
  basis: measure.priceDifference.nullable(),
  basis_bps: measure.basisPoints.nullable(),
  mean_bps: measure.basisPoints.nullable(),
  high_bps: measure.basisPoints.nullable(),
  low_bps: measure.basisPoints.nullable(),
  annualised_pct: measure.percentYear.nullable(),
  state: z.enum(['premium', 'discount', 'flat', 'unknown']),
  history: z.array(
    z.object({ time: text, basis_bps: measure.basisPoints.nullable(), contract: measure.price, index: measure.price }),
  ),
});

export const basis: Kind<BasisReading, z.infer<typeof basisShape>> = {
  name: 'basis',
  about:
    'Contract price against index over time: basis in the quote currency and in basis points of the index, mean, extremes, premium or discount. It is annualised by the time to expiry for dated contracts only: the premium of a perpetual is no yield. The newest 100 readings, newest first.',
  output: basisShape,
  derive: ({ symbol, period, expiry, rows }) => {
    const all = [...rows]
      .sort((a, b) => a.time - b.time)
      .map((r) => ({ ...r, bps: (r.contract / r.index - 1) * 10_000 }));
    const last = all.at(-1);
    const values = all.map((r) => r.bps);
    const left = expiry === null || last === undefined ? null : expiry - last.time;
    return {
      symbol,
      period,
      count: all.length,
      from: iso(all[0]?.time),
      to: iso(last?.time),
      contract: last?.contract ?? null,
      index: last?.index ?? null,
      basis: last === undefined ? null : last.contract - last.index,
      basis_bps: last?.bps ?? null,
      mean_bps: mean(values),
      high_bps: values.length === 0 ? null : Math.max(...values),
      low_bps: values.length === 0 ? null : Math.min(...values),
      annualised_pct: last === undefined || left === null || left <= 0 ? null : (last.bps / 100) * (YEAR_MS / left),
      state: last === undefined ? 'unknown' : last.bps > 0 ? 'premium' : last.bps < 0 ? 'discount' : 'flat',
      history: all
        .slice(-SHOWN)
        .reverse()
        .map((r) => ({ time: iso(r.time), basis_bps: r.bps, contract: r.contract, index: r.index })),
    };
  },
  summary: (data) =>
    `${data.symbol} ${data.state}${data.basis_bps === null ? '' : ` of ${data.basis_bps.toFixed(2)} bps`}.`,
};
