import type { SqlRow } from '../../../infra/duckdb/database.ts';
import type { ValidationRules } from '../../config.ts';
import { BOOK_LEVELS } from '../../domain/columns.ts';
import type { SeriesKey, Stream } from '../../domain/records.ts';
import { numberOf } from '../row.ts';
import { rulesFor } from './rules-for.ts';

/**
 * Whether rows can break a rule, told by a few aggregates of them. Most series of most minutes cannot, and none of their
 * rows needs to be read. A screen may doubt what the rules then find in order; it never clears what they would condemn.
 */
export interface Screen {
  /** Computed for each row: name → SQL. */
  readonly each: Readonly<Record<string, string>>;
  /** Aggregates: name → SQL. */
  readonly select: Readonly<Record<string, string>>;
  /** True: the rows have to be judged one by one. */
  readonly doubts: (measured: SqlRow, rules: ValidationRules) => boolean;
}

/** Of the accepted prices' average rounding may make a little more or less than the least and the greatest of them. */
const ROUNDING = 0.999;

function priced(price: string, own: Partial<Screen> = {}): Screen {
  return {
    each: { price, ...own.each },
    select: { lowest: 'min(price)', highest: 'max(price)', ...own.select },
    doubts: (measured, rules) => pricesDoubted(measured, rules) || own.doubts?.(measured, rules) === true,
  };
}

/** A price is compared with an average of others: it cannot be further from it than the two extremes are apart. */
function pricesDoubted(measured: SqlRow, rules: ValidationRules): boolean {
  const { lowest, highest } = measured;
  if (lowest === null) return false;
  if (typeof lowest !== 'number' || typeof highest !== 'number' || lowest <= 0) return true;
  return !(((highest - lowest) / lowest) * 100 <= rules.price_deviation_percent * ROUNDING);
}

/** True for a count above 0, and for one that is not a number. */
function some(measured: SqlRow, name: string): boolean {
  return numberOf(measured, name) !== 0;
}

/** True for a value beyond the limit, and for one that is no number of rows that have one. */
function beyond(measured: SqlRow, name: string, limit: number): boolean {
  const value = measured[name];
  return value !== null && !(typeof value === 'number' && value <= limit);
}

function below(measured: SqlRow, name: string, least: number): boolean {
  const value = measured[name];
  return value !== null && !(typeof value === 'number' && value >= least);
}

const levels = Array.from({ length: BOOK_LEVELS }, (_, i) => i + 1);

function held(side: 'bid' | 'ask', level: number): string {
  return `(${side}_${level}_price IS NOT NULL AND ${side}_${level}_qty IS NOT NULL)`;
}

/** Two neighbouring levels out of order, or a hole between levels. */
function disorder(side: 'bid' | 'ask', order: '>' | '<'): string {
  return levels
    .slice(1)
    .map((level) => {
      const before = `${side}_${level - 1}_price`;
      return `(${held(side, level)} AND NOT (${held(side, level - 1)} AND ${before} ${order} ${side}_${level}_price))`;
    })
    .join(' OR ');
}

const books = priced('(bid_1_price + ask_1_price) / 2', {
  each: {
    bids: levels.map((level) => `${held('bid', level)}::INTEGER`).join(' + '),
    asks: levels.map((level) => `${held('ask', level)}::INTEGER`).join(' + '),
    disordered: `${disorder('bid', '>')} OR ${disorder('ask', '<')}`,
    width: '(ask_1_price - bid_1_price) / bid_1_price * 100',
  },
  select: {
    fewest: 'min(least(bids, asks))',
    disordered: 'count_if(disordered)',
    crossed: 'count_if(bid_1_price >= ask_1_price)',
    widest: 'max(width)',
  },
  doubts: (measured, rules) =>
    below(measured, 'fewest', rules.book_min_levels) ||
    some(measured, 'disordered') ||
    some(measured, 'crossed') ||
    beyond(measured, 'widest', rules.book_max_spread_percent),
});

const trades = priced('price', {
  each: {
    lag: "CASE WHEN origin <> 'backfill' THEN epoch_us(recv_time) - epoch_us(event_time) END",
    returned: `origin <> 'backfill' AND event_time < max(CASE WHEN origin <> 'backfill' THEN event_time END) OVER
      (PARTITION BY series_id ORDER BY recv_time, event_time ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`,
  },
  select: {
    slowest: 'max(lag)',
    returned: 'count_if(returned)',
    smallest: 'min(quantity)',
    repeated: 'count(trade_id) - count(DISTINCT trade_id)',
  },
  doubts: (measured, rules) =>
    beyond(measured, 'slowest', Math.min(rules.delivery_delay_ms * 1000, rules.trade_max_age_seconds * 1e6)) ||
    some(measured, 'returned') ||
    !(Number(measured['smallest']) > 0) ||
    some(measured, 'repeated'),
});

const openInterest: Screen = {
  each: { before: 'lag(open_interest) OVER in_series' },
  select: {
    least: 'min(open_interest)',
    jump: 'max(abs(open_interest - before) / before * 100) FILTER (WHERE before > 0)',
  },
  doubts: (measured, rules) =>
    below(measured, 'least', 0) || beyond(measured, 'jump', rules.open_interest_change_percent),
};

const SCREENS: Readonly<Record<Stream, Screen>> = {
  prices: priced('coalesce((bid_price + ask_price) / 2, mid_price, last_price)', {
    select: { crossed: 'count_if(bid_price >= ask_price)' },
    doubts: (measured) => some(measured, 'crossed'),
  }),
  orderbooks: books,
  trades,
  mark_prices: priced('mark_price'),
  ticker_24h: priced('last_price'),
  candles: priced('close', {
    select: { malformed: 'count_if(low > least(open, close) OR high < greatest(open, close) OR volume < 0)' },
    doubts: (measured) => some(measured, 'malformed'),
  }),
  funding_rates: {
    each: {},
    select: { largest: 'max(abs(funding_rate)) * 100' },
    doubts: (measured, rules) => beyond(measured, 'largest', rules.funding_rate_limit_percent),
  },
  open_interest: openInterest,
  liquidations: {
    each: {},
    select: {
      wrong:
        'count_if(price * quantity <= 0 OR abs(value_usd - price * quantity) > price * quantity * 1e-4 OR NOT isfinite(price * quantity))',
    },
    doubts: (measured) => some(measured, 'wrong'),
  },
  option_summaries: { each: {}, select: {}, doubts: () => false },
};

/** The screen of a stream. */
export function screenOf(stream: Stream): Screen {
  return SCREENS[stream];
}

/** Whether the rows behind these measurements have to be judged one by one. */
export function isDoubted(key: SeriesKey, measured: SqlRow, rules: ValidationRules): boolean {
  return screenOf(key.stream).doubts(measured, rulesFor(key.market, rules));
}
