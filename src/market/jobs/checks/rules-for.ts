import type { ValidationRules } from '../../config.ts';
import type { Market } from '../../domain/records.ts';

/**
 * The rules as they hold in a market. What an option costs may halve within the hour, its book may have one side alone
 * and a spread of most of its price: distance from the average, levels and spread are not judged there.
 */
export function rulesFor(market: Market, rules: ValidationRules): ValidationRules {
  if (market !== 'options') return rules;
  const any = Number.POSITIVE_INFINITY;
  return { ...rules, price_deviation_percent: any, book_min_levels: 0, book_max_spread_percent: any };
}
