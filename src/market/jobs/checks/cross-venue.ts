import type { Us } from '../../../kit/clock.ts';
import type { ValidationRules } from '../../config.ts';
import type { Market } from '../../domain/records.ts';
import { median } from './statistics.ts';

/** One venue's value of the same thing at about the same time. */
export interface VenueValue {
  readonly exchange: string;
  readonly market: Market;
  readonly value: number;
  readonly time: Us;
}

export interface SpreadVerdict {
  readonly symbol: string;
  readonly venues: readonly (VenueValue & { readonly deviation_percent: number })[];
  /** (highest − lowest) ÷ lowest, percent; null below two fresh values. */
  readonly spread_percent: number | null;
  readonly median: number | null;
  readonly verdict: 'consistent' | 'wide' | 'alert' | 'undecided';
  /** Venue markets further from the median than the expected spread. */
  readonly outliers: readonly string[];
  /** Left out because older than the freshest by more than allowed. */
  readonly stale: readonly string[];
  readonly reason: string | null;
}

/**
 * Compares prices of one symbol over venues. Values older than the freshest by more than `maxSkewUs` are left out and
 * named. The expected spread and the alert come from the rules.
 */
export function compareVenues(
  symbol: string,
  values: readonly VenueValue[],
  rules: ValidationRules,
  maxSkewUs: Us,
): SpreadVerdict {
  const newest = Math.max(...values.map((v) => v.time));
  const fresh = values.filter((v) => v.value > 0 && newest - v.time <= maxSkewUs);
  const stale = values.filter((v) => newest - v.time > maxSkewUs).map((v) => `${v.exchange}_${v.market}`);
  const middle = median(fresh.map((v) => v.value));
  if (fresh.length < 2 || middle === null) {
    const reason = `${fresh.length} fresh value(s) of ${symbol}; two are needed`;
    const venues = fresh.map((v) => ({ ...v, deviation_percent: 0 }));
    return { symbol, venues, spread_percent: null, median: middle, verdict: 'undecided', outliers: [], stale, reason };
  }
  const low = Math.min(...fresh.map((v) => v.value));
  const high = Math.max(...fresh.map((v) => v.value));
  const spread = ((high - low) / low) * 100;
  const venues = fresh.map((v) => ({ ...v, deviation_percent: ((v.value - middle) / middle) * 100 }));
  const outliers = venues
    .filter((v) => Math.abs(v.deviation_percent) > rules.cross_exchange_spread_percent)
    .map((v) => `${v.exchange}_${v.market}`);
  const verdict =
    spread > rules.cross_exchange_alert_percent
      ? 'alert'
      : spread > rules.cross_exchange_spread_percent
        ? 'wide'
        : 'consistent';
  return { symbol, venues, spread_percent: spread, median: middle, verdict, outliers, stale, reason: null };
}

export interface FundingVerdict {
  readonly symbol: string;
  /** Funding as percent over 8 h, by venue market. */
  readonly per_8h_percent: Readonly<Record<string, number>>;
  /** Highest minus lowest; null below two venues. */
  readonly divergence_percent: number | null;
  readonly verdict: 'consistent' | 'divergent' | 'undecided';
  readonly reason: string | null;
}

/**
 * Compares funding over venues on the same footing: rate × 8 ÷ interval, percent. A venue whose interval is unknown is
 * left out, because its rate cannot be compared.
 */
export function compareFunding(
  symbol: string,
  rates: readonly {
    readonly exchange: string;
    readonly market: Market;
    readonly rate: number;
    readonly hours: number | null;
  }[],
  rules: ValidationRules,
): FundingVerdict {
  const known = rates.flatMap((r) =>
    r.hours === null || r.hours <= 0 ? [] : [[`${r.exchange}_${r.market}`, (r.rate * 100 * 8) / r.hours] as const],
  );
  const per8h = Object.fromEntries(known);
  const values = known.map(([, value]) => value);
  if (values.length < 2) {
    const reason = `${values.length} venue(s) with a funding rate and its interval; two are needed`;
    return { symbol, per_8h_percent: per8h, divergence_percent: null, verdict: 'undecided', reason };
  }
  const divergence = Math.max(...values) - Math.min(...values);
  const verdict = divergence > rules.funding_divergence_percent ? 'divergent' : 'consistent';
  return { symbol, per_8h_percent: per8h, divergence_percent: divergence, verdict, reason: null };
}
