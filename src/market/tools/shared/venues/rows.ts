import { z } from 'zod';
import type { LiveRow } from '../../../exchanges/endpoint.ts';
import type { Trade } from '../../../exchanges/shared/kinds/trades.ts';
import { annualisedPct, changePct, iso, payers, per8h } from '../../../exchanges/shared/kinds/statistics.ts';
import { numberOf, textOf } from '../../../jobs/row.ts';
import { measure } from '../../../domain/measure.ts';

/** Stored or decoded rows as the tools show them. */

export function tradeOf(row: LiveRow): Trade {
  return {
    id: textOf(row, 'trade_id') ?? '',
    time: (numberOf(row, 'event_time') ?? 0) / 1000,
    price: numberOf(row, 'price') ?? NaN,
    size: numberOf(row, 'quantity') ?? NaN,
    side: row['side'] === 'buy' ? 'buy' : 'sell',
  };
}

/** Funding per the contract’s own interval, per 8 h and a year; who pays by its sign. */
export function fundingOf(row: LiveRow, interval: number | null) {
  const rate = numberOf(row, 'funding_rate');
  const hours = numberOf(row, 'funding_interval_hours') ?? interval;
  const rate8h = per8h(rate, hours);
  const next = numberOf(row, 'next_funding_time');
  return {
    funding_rate: rate,
    interval_hours: hours,
    rate_8h: rate8h,
    annualised_pct: annualisedPct(rate, hours),
    next_funding_time: next === null ? null : iso(next / 1000),
    settled: row['settled'] === true,
    payers: payers(rate),
  };
}

/** Mark over index. Without an index there is no premium: the mark does not stand in for it. */
export function markOf(row: LiveRow) {
  const mark = numberOf(row, 'mark_price');
  const index = numberOf(row, 'index_price');
  const known = mark !== null && index !== null && index !== 0;
  return { mark, index, basis: known ? mark - index : null, premium_bps: known ? (mark / index - 1) * 10_000 : null };
}

export const dayShape = {
  last: measure.price.nullable(),
  open: measure.price.nullable(),
  high: measure.price.nullable(),
  low: measure.price.nullable(),
  change_pct: measure.percent.nullable(),
  volume_24h: measure.size.nullable(),
  quote_volume_24h: measure.value.nullable(),
  trades_24h: measure.count.nullable(),
  vwap: measure.price.nullable(),
};

/** The rolling 24 h; prices in the quote, volumes in base and quote units. */
export function dayOf(row: LiveRow): z.infer<z.ZodObject<typeof dayShape>> {
  const [open, last] = [numberOf(row, 'open_24h'), numberOf(row, 'last_price')];
  return {
    last,
    open,
    high: numberOf(row, 'high_24h'),
    low: numberOf(row, 'low_24h'),
    change_pct: numberOf(row, 'price_change_pct') ?? changePct(open, last),
    volume_24h: numberOf(row, 'volume_24h'),
    quote_volume_24h: numberOf(row, 'quote_volume_24h'),
    trades_24h: numberOf(row, 'trade_count_24h'),
    vwap: numberOf(row, 'vwap_24h'),
  };
}
