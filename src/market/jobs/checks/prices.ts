import type { SqlRow } from '../../../infra/duckdb/database.ts';
import type { ValidationRules } from '../../config.ts';
import type { SeriesKey } from '../../domain/records.ts';
import { findingOf, type Finding } from '../finding.ts';
import { numberOf, priceOf, textOf, timeOf } from '../row.ts';
import { median, statistics } from './statistics.ts';

const HOUR_US = 3_600_000_000;
const SEED = 25;

/** One row that lies too far from its moving average. */
export interface Deviation {
  readonly row: SqlRow;
  readonly price: number;
  readonly average: number;
  readonly deviation_percent: number;
}

/**
 * Rows whose price lies more than `price_deviation_percent` from the mean of the accepted prices of the hour before.
 * Rows are oldest first. A refused price does not enter the average; until five prices are in it, the median of the
 * first 25 stands for it, so that a first wrong row does not condemn the rest. Fewer than three prices: nothing is
 * judged.
 */
export function priceDeviations(key: SeriesKey, rows: readonly SqlRow[], rules: ValidationRules): readonly Deviation[] {
  const points = rows.flatMap((row) => {
    const time = timeOf(row, key.stream);
    const price = priceOf(row, key.stream);
    return time === null || price === null ? [] : [{ row, time, price }];
  });
  const seed = median(points.slice(0, SEED).map((point) => point.price));
  if (points.length < 3 || seed === null) return [];
  const window: { time: number; price: number }[] = [];
  let first = 0;
  let sum = 0;
  const found: Deviation[] = [];
  for (const { row, time, price } of points) {
    for (let old = window[first]; old !== undefined && old.time < time - HOUR_US; old = window[first]) {
      sum -= old.price;
      first++;
    }
    const size = window.length - first;
    const average = size < 5 ? seed : sum / size;
    const deviation = average === 0 ? 0 : (Math.abs(price - average) / Math.abs(average)) * 100;
    if (deviation > rules.price_deviation_percent) {
      found.push({ row, price, average, deviation_percent: deviation });
    } else {
      window.push({ time, price });
      sum += price;
    }
  }
  return found;
}

/** Price rules of a series: positive, and near its moving average. */
export function checkPrices(key: SeriesKey, rows: readonly SqlRow[], rules: ValidationRules): readonly Finding[] {
  const findings: Finding[] = [];
  const bad = rows.filter((row) => {
    const price = priceOf(row, key.stream);
    return price !== null && price <= 0;
  });
  if (bad.length > 0) {
    findings.push(
      findingOf(key, {
        issue_type: 'invalid_price',
        severity: 'high',
        message: `${bad.length} price(s) of ${name(key)} are not positive`,
        rule: 'price_positive',
        action: 'quarantine',
        value: priceOf(bad[0] ?? {}, key.stream),
        expected: '> 0',
        ...rowsOf(key, bad),
      }),
    );
  }
  const deviating = priceDeviations(key, rows, rules);
  const worst = [...deviating].sort((a, b) => b.deviation_percent - a.deviation_percent)[0];
  if (worst !== undefined) {
    const limit = rules.price_deviation_percent / 100;
    findings.push(
      findingOf(key, {
        issue_type: 'price_deviation',
        severity: 'high',
        message: `${deviating.length} price(s) of ${name(key)} lie up to ${worst.deviation_percent.toFixed(1)} % from the 1 h average (limit ${rules.price_deviation_percent} %)`,
        rule: 'price_deviation_percent',
        action: 'quarantine',
        event: 'analysis.anomaly_detected',
        details: { z_score: zScore(worst, key, rows, deviating) },
        value: worst.price,
        expected: `${worst.average * (1 - limit)} to ${worst.average * (1 + limit)}`,
        deviation_percent: worst.deviation_percent,
        ...rowsOf(
          key,
          deviating.map((d) => d.row),
        ),
      }),
    );
  }
  return findings;
}

/** z-score of the worst price against the prices that were accepted; null when those do not vary. */
function zScore(
  worst: Deviation,
  key: SeriesKey,
  rows: readonly SqlRow[],
  refused: readonly Deviation[],
): number | null {
  const bad = new Set(refused.map((d) => d.row));
  const accepted = rows
    .filter((row) => !bad.has(row))
    .map((row) => priceOf(row, key.stream))
    .filter((price): price is number => price !== null);
  const { mean, population_std: sigma } = statistics(accepted);
  return mean === null || sigma === null || sigma === 0 ? null : (worst.price - mean) / sigma;
}

/** Best bid below best ask, in `prices` rows. */
export function checkQuotes(key: SeriesKey, rows: readonly SqlRow[]): readonly Finding[] {
  const crossed = rows.filter((row) => {
    const bid = numberOf(row, 'bid_price');
    const ask = numberOf(row, 'ask_price');
    return bid !== null && ask !== null && bid >= ask;
  });
  const first = crossed[0];
  if (first === undefined) return [];
  return [
    findingOf(key, {
      issue_type: 'crossed_quote',
      severity: 'medium',
      message: `${crossed.length} quote(s) of ${name(key)} have a bid at or above the ask`,
      rule: 'bid_below_ask',
      action: 'reject',
      value: numberOf(first, 'bid_price'),
      expected: `< ${String(numberOf(first, 'ask_price'))}`,
      ...rowsOf(key, crossed),
    }),
  ];
}

/** Keys, count and bounds (µs, half-open) of the rows that a finding concerns. */
export function rowsOf(key: SeriesKey, rows: readonly SqlRow[]): Pick<Finding, 'keys' | 'count' | 'from' | 'to'> {
  const times = rows.map((row) => timeOf(row, key.stream)).filter((time): time is number => time !== null);
  return {
    keys: rows
      .map((row) => textOf(row, 'row_key'))
      .filter((text): text is string => text !== null)
      .slice(0, 200),
    count: rows.length,
    from: times.length === 0 ? null : Math.min(...times),
    to: times.length === 0 ? null : Math.max(...times) + 1,
  };
}

/** `binance futures BTCUSDT trades`: a series in a sentence. */
export function name(key: SeriesKey): string {
  return `${key.exchange} ${key.market} ${key.symbol} ${key.stream}`;
}
