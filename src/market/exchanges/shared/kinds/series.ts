import { z } from 'zod';
import type { Ms } from '../../../../kit/clock.ts';
import type { Kind } from '../../endpoint.ts';
import { changePct, iso, mean } from './statistics.ts';
import { measure } from '../../../domain/measure.ts';

/** A number over time that no other kind covers: volatility, an insurance fund, a spread. */
export interface SeriesReading {
  readonly name: string;
  /** `percent a year`, `USDT`, `basis points` … */
  readonly unit: string;
  readonly rows: readonly { readonly time: Ms; readonly value: number }[];
}

const text = z.string().nullable();
const SHOWN = 200;

export const seriesShape = z.object({
  name: z.string(),
  unit: z.string(),
  count: measure.count,
  from: text,
  to: text,
  latest: measure.named.nullable(),
  mean: measure.named.nullable(),
  high: measure.named.nullable(),
  low: measure.named.nullable(),
  change_pct: measure.percent.nullable(),
  history: z.array(z.object({ time: text, value: measure.named })),
});

export const series = (about: string): Kind<SeriesReading, z.infer<typeof seriesShape>> => ({
  name: 'series',
  about: `${about} Latest value, mean, high, low, change over the stretch in percent, and the newest 200 values, newest first.`,
  output: seriesShape,
  derive: ({ name, unit, rows }) => {
    const all = [...rows].sort((a, b) => a.time - b.time);
    const values = all.map((r) => r.value);
    return {
      name,
      unit,
      count: all.length,
      from: iso(all[0]?.time),
      to: iso(all.at(-1)?.time),
      latest: values.at(-1) ?? null,
      mean: mean(values),
      high: values.length === 0 ? null : Math.max(...values),
      low: values.length === 0 ? null : Math.min(...values),
      change_pct: changePct(values[0], values.at(-1)),
      history: all
        .slice(-SHOWN)
        .reverse()
        .map((r) => ({ time: iso(r.time), value: r.value })),
    };
  },
  summary: (data) => `${data.name}: ${String(data.latest)} ${data.unit}, ${data.count} values.`,
});

/** An output that only one venue has. */
export function ownKind<D>(definition: {
  readonly name: string;
  readonly about: string;
  readonly output: z.ZodType<D>;
  readonly summary: (data: D) => string;
}): Kind<D> {
  return { ...definition, derive: (value) => value };
}
