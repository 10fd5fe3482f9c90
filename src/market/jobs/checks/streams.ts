import type { SqlRow } from '../../../infra/duckdb/database.ts';
import type { ValidationRules } from '../../config.ts';
import type { SeriesKey } from '../../domain/records.ts';
import { findingOf, type Finding } from '../finding.ts';
import { numberOf, textOf } from '../row.ts';
import { name, rowsOf } from './prices.ts';

/** Trades: positive, received soon after they happened, in order of time as received, each id once. */
export function checkTrades(key: SeriesKey, rows: readonly SqlRow[], rules: ValidationRules): readonly Finding[] {
  const live = rows
    .filter((row) => textOf(row, 'origin') !== 'backfill')
    .sort((a, b) => (numberOf(a, 'recv_time') ?? 0) - (numberOf(b, 'recv_time') ?? 0));
  const late = live.filter((row) => {
    const lag = lagSeconds(row);
    return lag !== null && lag > rules.trade_max_age_seconds;
  });
  const delayed = live.filter((row) => (lagSeconds(row) ?? 0) * 1000 > rules.delivery_delay_ms && !late.includes(row));
  const findings: (Finding | null)[] = [
    finding(key, delayed, {
      issue_type: 'delayed_delivery',
      severity: 'low',
      rule: 'delivery_delay_ms',
      action: 'flag',
      expected: `<= ${rules.delivery_delay_ms} ms`,
      what: `arrived more than ${rules.delivery_delay_ms} ms after the trade`,
      column: 'event_time',
    }),
    finding(
      key,
      rows.filter((row) => (numberOf(row, 'quantity') ?? 1) <= 0),
      {
        issue_type: 'invalid_quantity',
        severity: 'high',
        rule: 'trade_quantity_positive',
        action: 'quarantine',
        expected: '> 0',
        what: 'a quantity that is not positive',
        column: 'quantity',
      },
    ),
    finding(key, late, {
      issue_type: 'late_trade',
      severity: 'low',
      rule: 'trade_max_age_seconds',
      action: 'flag',
      expected: `<= ${rules.trade_max_age_seconds} s`,
      what: `arrived more than ${rules.trade_max_age_seconds} s after the trade`,
      column: 'event_time',
    }),
    finding(key, outOfOrder(live), {
      issue_type: 'trade_out_of_order',
      severity: 'low',
      rule: 'trade_time_monotonic',
      action: 'flag',
      expected: 'event times that never go back',
      what: 'an event time before that of a trade received earlier',
      column: 'event_time',
    }),
    finding(key, repeated(rows, 'trade_id'), {
      issue_type: 'duplicate_trade',
      severity: 'medium',
      rule: 'trade_id_unique',
      action: 'flag',
      expected: 'each trade id once',
      what: 'an id that is stored already',
      column: 'price',
    }),
  ];
  return findings.filter((f): f is Finding => f !== null);
}

/** Funding within the limit, as a fraction per interval. */
export function checkFunding(key: SeriesKey, rows: readonly SqlRow[], rules: ValidationRules): readonly Finding[] {
  const limit = rules.funding_rate_limit_percent;
  const found = finding(
    key,
    rows.filter((row) => Math.abs(numberOf(row, 'funding_rate') ?? 0) * 100 > limit),
    {
      issue_type: 'funding_out_of_range',
      severity: 'high',
      rule: 'funding_rate_limit_percent',
      action: 'quarantine',
      expected: `-${limit} % to ${limit} %`,
      what: `a funding rate beyond ${limit} %`,
      column: 'funding_rate',
    },
  );
  return found === null ? [] : [found];
}

/** Open interest: not negative, and no jump beyond the rule between two readings. Rows are oldest first. */
export function checkOpenInterest(key: SeriesKey, rows: readonly SqlRow[], rules: ValidationRules): readonly Finding[] {
  const jumps = rows.filter((row, i) => {
    const before = numberOf(rows[i - 1] ?? {}, 'open_interest');
    const now = numberOf(row, 'open_interest');
    if (before === null || now === null || before <= 0) return false;
    return (Math.abs(now - before) / before) * 100 > rules.open_interest_change_percent;
  });
  const findings = [
    finding(
      key,
      rows.filter((row) => (numberOf(row, 'open_interest') ?? 0) < 0),
      {
        issue_type: 'negative_open_interest',
        severity: 'high',
        rule: 'open_interest_not_negative',
        action: 'reject',
        expected: '>= 0',
        what: 'negative open interest',
        column: 'open_interest',
      },
    ),
    finding(key, jumps, {
      issue_type: 'open_interest_jump',
      severity: 'medium',
      rule: 'open_interest_change_percent',
      action: 'flag',
      expected: `a change of at most ${rules.open_interest_change_percent} %`,
      what: `a change beyond ${rules.open_interest_change_percent} % between two readings`,
      column: 'open_interest',
    }),
  ];
  return findings.filter((f): f is Finding => f !== null);
}

/** Liquidations: positive, and the stored value equal to price × quantity within one part in ten thousand. */
export function checkLiquidations(key: SeriesKey, rows: readonly SqlRow[]): readonly Finding[] {
  const wrong = rows.filter((row) => {
    const price = numberOf(row, 'price');
    const quantity = numberOf(row, 'quantity');
    if (price === null || quantity === null) return false;
    const value = numberOf(row, 'value_usd');
    return price * quantity <= 0 || (value !== null && Math.abs(value - price * quantity) > price * quantity * 1e-4);
  });
  const found = finding(key, wrong, {
    issue_type: 'liquidation_volume_mismatch',
    severity: 'medium',
    rule: 'liquidation_value_is_price_times_quantity',
    action: 'flag',
    expected: 'price × quantity',
    what: 'a value other than price × quantity',
    column: 'value_usd',
  });
  return found === null ? [] : [found];
}

/** Candles: low ≤ open, close ≤ high, volume not negative. */
export function checkCandles(key: SeriesKey, rows: readonly SqlRow[]): readonly Finding[] {
  const wrong = rows.filter((row) => {
    const [open, high, low, close] = ['open', 'high', 'low', 'close'].map((c) => numberOf(row, c));
    if (open == null || high == null || low == null || close == null) return false;
    return low > Math.min(open, close) || high < Math.max(open, close) || (numberOf(row, 'volume') ?? 0) < 0;
  });
  const found = finding(key, wrong, {
    issue_type: 'malformed_candle',
    severity: 'high',
    rule: 'candle_shape',
    action: 'quarantine',
    expected: 'low <= open, close <= high; volume >= 0',
    what: 'an impossible shape',
    column: 'close',
  });
  return found === null ? [] : [found];
}

/** Receive time minus event time, seconds; null when one of them is missing. */
export function lagSeconds(row: SqlRow): number | null {
  const event = numberOf(row, 'event_time');
  const received = numberOf(row, 'recv_time');
  return event === null || received === null ? null : (received - event) / 1e6;
}

interface Shape {
  readonly issue_type: string;
  readonly severity: 'low' | 'medium' | 'high';
  readonly rule: string;
  readonly action: 'quarantine' | 'reject' | 'flag';
  readonly expected: string;
  readonly what: string;
  readonly column: string;
}

function finding(key: SeriesKey, rows: readonly SqlRow[], shape: Shape): Finding | null {
  const first = rows[0];
  if (first === undefined) return null;
  const { what, column, ...rest } = shape;
  return findingOf(key, {
    ...rest,
    message: `${rows.length} row(s) of ${name(key)} have ${what}`,
    value: numberOf(first, column),
    ...rowsOf(key, rows),
  });
}

/** Rows whose event time lies before the greatest seen so far; `rows` in order of arrival. */
function outOfOrder(rows: readonly SqlRow[]): readonly SqlRow[] {
  let greatest = -Infinity;
  return rows.filter((row) => {
    const time = numberOf(row, 'event_time');
    if (time === null) return false;
    if (time < greatest) return true;
    greatest = time;
    return false;
  });
}

function repeated(rows: readonly SqlRow[], column: string): readonly SqlRow[] {
  const seen = new Set<unknown>();
  return rows.filter((row) => {
    const value = row[column];
    if (value === null || value === undefined) return false;
    if (seen.has(value)) return true;
    seen.add(value);
    return false;
  });
}
