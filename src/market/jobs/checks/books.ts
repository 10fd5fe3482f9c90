import type { SqlRow } from '../../../infra/duckdb/database.ts';
import type { ValidationRules } from '../../config.ts';
import type { PriceLevel, SeriesKey } from '../../domain/records.ts';
import { findingOf, type Finding } from '../finding.ts';
import { numberOf } from '../row.ts';
import { name, rowsOf } from './prices.ts';

export const BOOK_ISSUES = [
  'insufficient_bids',
  'insufficient_asks',
  'wide_spread',
  'crossed_book',
  'unsorted_bids',
  'unsorted_asks',
] as const;
export type BookIssue = (typeof BOOK_ISSUES)[number];

/** What is wrong with a book: too few levels, crossed, too wide, or not in order. Levels are best first. */
export function bookIssues(
  bids: readonly PriceLevel[],
  asks: readonly PriceLevel[],
  rules: ValidationRules,
): readonly BookIssue[] {
  const issues: BookIssue[] = [];
  if (bids.length < rules.book_min_levels) issues.push('insufficient_bids');
  if (asks.length < rules.book_min_levels) issues.push('insufficient_asks');
  const bid = bids[0]?.[0];
  const ask = asks[0]?.[0];
  if (bid !== undefined && ask !== undefined) {
    if (bid >= ask) issues.push('crossed_book');
    else if (((ask - bid) / bid) * 100 > rules.book_max_spread_percent) issues.push('wide_spread');
  }
  if (!sorted(bids, -1)) issues.push('unsorted_bids');
  if (!sorted(asks, 1)) issues.push('unsorted_asks');
  return issues;
}

/** The ten levels of an `orderbooks` row as pairs, without the empty ones. */
export function levelsOf(row: SqlRow, side: 'bid' | 'ask'): readonly PriceLevel[] {
  const levels: PriceLevel[] = [];
  for (let i = 1; i <= 10; i++) {
    const price = numberOf(row, `${side}_${i}_price`);
    const quantity = numberOf(row, `${side}_${i}_qty`);
    if (price !== null && quantity !== null) levels.push([price, quantity]);
  }
  return levels;
}

/** Book rules over stored books; one finding an issue. */
export function checkBooks(key: SeriesKey, rows: readonly SqlRow[], rules: ValidationRules): readonly Finding[] {
  const byIssue = new Map<BookIssue, SqlRow[]>();
  for (const row of rows) {
    for (const issue of bookIssues(levelsOf(row, 'bid'), levelsOf(row, 'ask'), rules)) {
      byIssue.set(issue, [...(byIssue.get(issue) ?? []), row]);
    }
  }
  return [...byIssue].map(([issue, bad]) =>
    findingOf(key, {
      issue_type: issue,
      severity: issue === 'crossed_book' ? 'high' : 'low',
      message: `${bad.length} book(s) of ${name(key)}: ${issue.replaceAll('_', ' ')}`,
      rule: RULES[issue],
      action: issue === 'crossed_book' ? 'reject' : 'log',
      value: numberOf(bad[0] ?? {}, 'bid_1_price'),
      ...rowsOf(key, bad),
    }),
  );
}

const RULES: Readonly<Record<BookIssue, string>> = {
  insufficient_bids: 'book_min_levels',
  insufficient_asks: 'book_min_levels',
  wide_spread: 'book_max_spread_percent',
  crossed_book: 'bid_below_ask',
  unsorted_bids: 'book_sorted',
  unsorted_asks: 'book_sorted',
};

function sorted(levels: readonly PriceLevel[], direction: 1 | -1): boolean {
  return levels.every((level, i) => {
    const before = levels[i - 1];
    return before === undefined || (level[0] - before[0]) * direction > 0;
  });
}
