import { z } from 'zod';
import type { Ms } from '../../../../kit/clock.ts';
import type { Kind } from '../../endpoint.ts';
import { annualisedPct, changePct, groupBy, iso, mean, payers, per8h, sum } from './statistics.ts';
import { measure } from '../../../domain/measure.ts';

const text = z.string().nullable();

/** Mark price, index and the running funding rate of a contract. */
export interface Mark {
  readonly symbol: string;
  readonly mark: number | null;
  readonly index: number | null;
  /** Fraction per `funding_interval_hours`, as it stands now. */
  readonly funding_rate: number | null;
  readonly funding_interval_hours: number | null;
  readonly next_funding_time: Ms | null;
  readonly time: Ms | null;
}

/** What a contract's mark and its funding say; in tickers too. */
export const markFields = {
  mark: measure.price.nullable(),
  index: measure.price.nullable(),
  premium_bps: measure.basisPoints.nullable(),
  funding_rate: measure.fundingRate.nullable(),
  funding_interval_hours: measure.hours.nullable(),
  funding_rate_8h: measure.fundingRate8h.nullable(),
  funding_annualised_pct: measure.percentYear.nullable(),
  next_funding_time: text,
};

export const markShape = z.object({
  symbol: z.string(),
  ...markFields,
  time: text,
});
const marksShape = z.object({
  count: measure.count,
  mean_funding_rate_8h: measure.fundingRate8h.nullable(),
  positive: measure.count,
  negative: measure.count,
  marks: z.array(markShape),
});
const MOST_MARKS = 200;

export const marks: Kind<readonly Mark[], z.infer<typeof marksShape>> = {
  name: 'marks',
  about:
    'Mark price, index price, premium of mark over index in basis points, and the running funding rate as a fraction per the contract’s own interval, per 8 h, and a year in percent, with the next funding time; of one contract or of all (at most 200 listed, largest absolute funding a year first).',
  output: marksShape,
  derive: (value) => {
    const shown = value.map((m) => ({
      symbol: m.symbol,
      mark: m.mark,
      index: m.index,
      premium_bps: m.mark === null || m.index === null || m.index === 0 ? null : (m.mark / m.index - 1) * 10_000,
      funding_rate: m.funding_rate,
      funding_interval_hours: m.funding_interval_hours,
      funding_rate_8h: per8h(m.funding_rate, m.funding_interval_hours),
      funding_annualised_pct: annualisedPct(m.funding_rate, m.funding_interval_hours),
      next_funding_time: iso(m.next_funding_time),
      time: iso(m.time),
    }));
    const size = (m: (typeof shown)[number]): number => Math.abs(m.funding_annualised_pct ?? m.funding_rate ?? -1);
    return {
      count: shown.length,
      mean_funding_rate_8h: mean(shown.flatMap((m) => m.funding_rate_8h ?? [])),
      positive: shown.filter((m) => (m.funding_rate ?? 0) > 0).length,
      negative: shown.filter((m) => (m.funding_rate ?? 0) < 0).length,
      marks: shown.sort((a, b) => size(b) - size(a)).slice(0, MOST_MARKS),
    };
  },
  summary: (data) => {
    const [only] = data.marks;
    return data.count === 1 && only !== undefined
      ? `${only.symbol} mark ${String(only.mark)}, funding ${String(only.funding_rate)} per ${String(only.funding_interval_hours)} h.`
      : `${data.count} contracts, ${data.positive} with positive and ${data.negative} with negative funding.`;
  },
};

/** Open interest now. */
export interface Interest {
  readonly symbol: string;
  /** Base units. */
  readonly open_interest: number | null;
  /** In `quote`; null where the venue gives neither it nor a price. */
  readonly open_interest_quote: number | null;
  readonly quote: string | null;
  readonly time: Ms | null;
}

const interestShape = z.object({
  symbol: z.string(),
  open_interest: measure.size.nullable(),
  open_interest_quote: measure.value.nullable(),
  quote: text,
  time: text,
});
export const interestsShape = z.object({
  count: measure.count,
  totals: z.array(z.object({ quote: z.string(), open_interest_quote: measure.value.nullable() })),
  open_interest: z.array(interestShape),
});
const MOST_INTEREST = 100;

export const openInterest: Kind<readonly Interest[], z.infer<typeof interestsShape>> = {
  name: 'open_interest',
  about:
    'Open interest now, in base units and in the quote currency (null where the venue gives no value), of one contract or of several (at most 100 listed, largest first), with totals a quote currency.',
  output: interestsShape,
  derive: (value) => {
    const groups = groupBy(value, (i) => i.quote ?? 'unknown');
    return {
      count: value.length,
      totals: [...groups].map(([quote, own]) => ({
        quote,
        open_interest_quote: sum(own.map((i) => i.open_interest_quote)),
      })),
      open_interest: [...value]
        .sort((a, b) => (b.open_interest_quote ?? -1) - (a.open_interest_quote ?? -1))
        .slice(0, MOST_INTEREST)
        .map((i) => ({ ...i, time: iso(i.time) })),
    };
  },
  summary: (data) => {
    const [first] = data.open_interest;
    return first === undefined
      ? 'No contract.'
      : `${data.count} contract(s); ${first.symbol} ${String(first.open_interest)} in base units.`;
  },
};

export interface InterestHistory {
  readonly symbol: string;
  readonly period: string;
  readonly rows: readonly {
    readonly time: Ms;
    readonly open_interest: number | null;
    readonly open_interest_quote: number | null;
  }[];
}

const SHOWN = 200;
/** Change over the stretch beyond which open interest rises or falls, percent. */
const INTEREST_TREND_PCT = 5;

export const interestHistoryShape = z.object({
  symbol: z.string(),
  period: z.string(),
  count: measure.count,
  from: text,
  to: text,
  first: measure.size.nullable(),
  last: measure.size.nullable(),
  change_pct: measure.percent.nullable(),
  high: measure.size.nullable(),
  low: measure.size.nullable(),
  mean: measure.size.nullable(),
  trend: z.enum(['rising', 'falling', 'flat', 'unknown']),
  history: z.array(
    z.object({ time: text, open_interest: measure.size.nullable(), open_interest_quote: measure.value.nullable() }),
  ),
});

export const openInterestHistory: Kind<InterestHistory, z.infer<typeof interestHistoryShape>> = {
  name: 'open_interest_history',
  about:
    'Open interest over time in base units (and in the quote currency where given): first, last, change in percent, high, low, mean, trend (beyond ±5 % over the stretch), and the newest 200 readings, newest first. Figures are of base units, or of the quote currency where the venue gives only that.',
  output: interestHistoryShape,
  derive: ({ symbol, period, rows }) => {
    const all = [...rows].sort((a, b) => a.time - b.time);
    const inBase = all.flatMap((r) => r.open_interest ?? []);
    const values = inBase.length > 0 ? inBase : all.flatMap((r) => r.open_interest_quote ?? []);
    const change = changePct(values[0], values.at(-1));
    return {
      symbol,
      period,
      count: all.length,
      from: iso(all[0]?.time),
      to: iso(all.at(-1)?.time),
      first: values[0] ?? null,
      last: values.at(-1) ?? null,
      change_pct: change,
      high: values.length === 0 ? null : Math.max(...values),
      low: values.length === 0 ? null : Math.min(...values),
      mean: mean(values),
      trend:
        change === null
          ? 'unknown'
          : change > INTEREST_TREND_PCT
            ? 'rising'
            : change < -INTEREST_TREND_PCT
              ? 'falling'
              : 'flat',
      history: all
        .slice(-SHOWN)
        .reverse()
        .map((r) => ({
          time: iso(r.time),
          open_interest: r.open_interest,
          open_interest_quote: r.open_interest_quote,
        })),
    };
  },
  summary: (data) =>
    `${data.symbol} open interest ${String(data.last)}${data.change_pct === null ? '' : `, ${data.change_pct.toFixed(2)} % over ${data.count} readings`}, ${data.trend}.`,
};

export interface FundingHistory {
  readonly symbol: string;
  /** The contract's own; null when not known. */
  readonly interval_hours: number | null;
  readonly rows: readonly { readonly time: Ms; readonly rate: number; readonly mark?: number | null | undefined }[];
}

export const fundingHistoryShape = z.object({
  symbol: z.string(),
  interval_hours: measure.hours.nullable(),
  count: measure.count,
  from: text,
  to: text,
  last_rate: measure.fundingRate.nullable(),
  last_rate_8h: measure.fundingRate8h.nullable(),
  last_annualised_pct: measure.percentYear.nullable(),
  mean_rate: measure.fundingRate.nullable(),
  mean_annualised_pct: measure.percentYear.nullable(),
  cumulative_rate: z.number().describe('Sum of the payments, fraction').nullable(),
  highest: measure.price.nullable(),
  lowest: measure.price.nullable(),
  positive: measure.count,
  negative: measure.count,
  payers: z.enum(['longs', 'shorts', 'neither', 'unknown']),
  history: z.array(z.object({ time: text, rate: measure.fundingRate, mark: measure.price.nullable() })),
});

export const fundingHistory: Kind<FundingHistory, z.infer<typeof fundingHistoryShape>> = {
  name: 'funding_history',
  about:
    'Settled funding of one contract, each rate a fraction per the contract’s own interval: last and mean rate, per 8 h and a year in percent by that interval, sum over the stretch, extremes, who pays (the sign of the last rate; neither at zero), and the newest 200 payments, newest first. Without a known interval nothing is annualised.',
  output: fundingHistoryShape,
  derive: ({ symbol, interval_hours: stated, rows }) => {
    const all = [...rows].sort((a, b) => a.time - b.time);
    const hours = stated ?? observedInterval(all.map((r) => r.time));
    const rates = all.map((r) => r.rate);
    const last = rates.at(-1) ?? null;
    const average = mean(rates);
    const last8h = per8h(last, hours);
    return {
      symbol,
      interval_hours: hours,
      count: all.length,
      from: iso(all[0]?.time),
      to: iso(all.at(-1)?.time),
      last_rate: last,
      last_rate_8h: last8h,
      last_annualised_pct: annualisedPct(last, hours),
      mean_rate: average,
      mean_annualised_pct: annualisedPct(average, hours),
      cumulative_rate: rates.length === 0 ? null : rates.reduce((total, r) => total + r, 0),
      highest: rates.length === 0 ? null : Math.max(...rates),
      lowest: rates.length === 0 ? null : Math.min(...rates),
      positive: rates.filter((r) => r > 0).length,
      negative: rates.filter((r) => r < 0).length,
      payers: payers(last),
      history: all
        .slice(-SHOWN)
        .reverse()
        .map((r) => ({ time: iso(r.time), rate: r.rate, mark: r.mark ?? null })),
    };
  },
  summary: (data) =>
    `${data.symbol} funding ${String(data.last_rate)} per ${data.interval_hours === null ? 'unknown interval' : `${data.interval_hours} h`}${data.last_annualised_pct === null ? '' : ` (${data.last_annualised_pct.toFixed(2)} % a year)`}, ${data.count} payments.`,
};

/** Hours between payments when all of them keep the same distance; else null. */
function observedInterval(times: readonly Ms[]): number | null {
  const steps = times.slice(1).map((t, i) => Math.round((t - (times[i] ?? t)) / 3_600_000));
  const [first] = steps;
  return first !== undefined && first > 0 && steps.every((s) => s === first) ? first : null;
}
