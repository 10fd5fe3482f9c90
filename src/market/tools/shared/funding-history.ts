import type { Us } from '../../../kit/clock.ts';
import { annualisedPct } from '../../exchanges/shared/kinds/statistics.ts';
import { numberOf } from '../../jobs/row.ts';
import type { MarketServices } from '../../services.ts';
import { figures, type Past, type Stretch } from './history.ts';

/** One payment, or the last rate told before one. */
export interface Payment {
  /** UTC µs. */
  readonly at: Us;
  /** Fraction per interval. */
  readonly rate: number;
  readonly hours: number | null;
}

/** Payments in a stretch, oldest first. */
const MOST = 5000;

/**
 * The funding payments of a series: settled rows where the venue tells them, else the last rate told before each payment
 * time that has passed. Rates told in between are not payments and are not counted.
 */
export async function paymentsOf(
  services: Pick<MarketServices, 'store' | 'clock'>,
  past: Past,
  range: Stretch,
): Promise<readonly Payment[]> {
  const settled = await figures(services, past.key, range, {
    select: `epoch_us(event_time)::DOUBLE AS at, funding_rate, funding_interval_hours`,
    where: `next_funding_time IS NULL AND origin = 'backfill'`,
    tail: `ORDER BY event_time LIMIT ${MOST}`,
  });
  const told = await figures(services, past.key, range, {
    select: `epoch_us(next_funding_time)::DOUBLE AS at, arg_max(funding_rate, event_time) AS funding_rate,
      arg_max(funding_interval_hours, event_time) AS funding_interval_hours`,
    where: 'next_funding_time IS NOT NULL AND next_funding_time <= make_timestamp(?::BIGINT)',
    tail: `GROUP BY next_funding_time ORDER BY next_funding_time LIMIT ${MOST}`,
    params: [services.clock.now() * 1000],
  });
  const payments = new Map<number, Payment>();
  for (const row of [...told, ...settled]) {
    const [at, rate] = [numberOf(row, 'at'), numberOf(row, 'funding_rate')];
    // Settled rows carry the time of payment, give or take a second; they come last and win.
    if (at !== null && rate !== null) {
      payments.set(Math.round(at / 60e6), { at, rate, hours: numberOf(row, 'funding_interval_hours') });
    }
  }
  return [...payments.values()].sort((a, b) => a.at - b.at);
}

/** Mean, extremes and sum of payments; a year in percent by their own interval. Nulls without payments. */
export function paymentFigures(payments: readonly Payment[]) {
  const rates = payments.map((p) => p.rate);
  const sum = rates.reduce((total, r) => total + r, 0);
  const mean = rates.length === 0 ? null : sum / rates.length;
  const hours = payments.at(-1)?.hours ?? null;
  return {
    payments: rates.length,
    interval_hours: hours,
    mean_rate: mean,
    mean_annualised_pct: annualisedPct(mean, hours),
    highest: rates.length === 0 ? null : Math.max(...rates),
    lowest: rates.length === 0 ? null : Math.min(...rates),
    cumulative_rate: rates.length === 0 ? null : sum,
  };
}
