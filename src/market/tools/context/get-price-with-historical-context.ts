import { z } from 'zod';
import { changePct } from '../../exchanges/shared/kinds/statistics.ts';
import { numberOf } from '../../jobs/row.ts';
import { coverageShape } from '../../exchanges/shared/coverage.ts';
import { figures } from '../shared/history.ts';
import { minutesBack } from '../shared/past-fields.ts';
import { marketTool } from '../shared/tool.ts';
import { nowShape, priceAndPast, priceAndPastInput } from '../shared/venues/one-market.ts';
import { measure } from '../../domain/measure.ts';

/** Change beyond which the stretch has a trend, in deviations of its rows. */
const TREND_DEVIATIONS = 1;

export default marketTool({
  name: 'get_price_with_historical_context',
  title: 'Price now against the last minutes',
  toolset: 'context',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'The price of a symbol on one market now, beside the stored prices of the last minutes: lowest, highest, mean, where it lies in the range (0 % lowest, 100 % highest), change since the beginning, and trend (up or down when the change is over one deviation of the rows). With the coverage of the history used.',
  input: z.strictObject({ ...priceAndPastInput, historical_minutes: minutesBack(30) }),
  output: z.object({
    now: nowShape,
    rows: measure.count,
    lowest: measure.price.nullable(),
    highest: measure.price.nullable(),
    mean: measure.price.nullable(),
    first: measure.price.nullable(),
    position_pct: measure.percent.nullable(),
    change_percent: measure.percent.nullable(),
    trend: z.enum(['up', 'down', 'flat', 'unknown']),
    coverage: coverageShape.nullable(),
  }),
  examples: [{ title: 'Bitcoin on Binance futures', input: {} }],
  summary: (o) =>
    `${o.now.price} ${o.now.quote}, at ${o.position_pct?.toFixed(0) ?? '?'} % of the range ${String(o.lowest)} to ${String(o.highest)}, ${o.trend}.`,
  run: async (input, context) => {
    const { price, past, range, shown, provenance } = await priceAndPast(context, input, input.historical_minutes);
    const [row = {}] =
      past === null
        ? []
        : await figures(context.services, past.key, range, {
            select: `count(*)::DOUBLE AS n, min(mid_price) AS low, max(mid_price) AS high, avg(mid_price) AS mean,
              arg_min(mid_price, event_time) AS first, stddev_samp(mid_price) AS deviation`,
          });
    const [low, high, first, deviation] = ['low', 'high', 'first', 'deviation'].map((name) => numberOf(row, name));
    const span = low === null || low === undefined || high === null || high === undefined ? null : { low, high };
    const move = first === null || first === undefined ? null : price - first;
    return {
      data: {
        ...shown,
        rows: numberOf(row, 'n') ?? 0,
        lowest: span?.low ?? null,
        highest: span?.high ?? null,
        mean: numberOf(row, 'mean'),
        first: first ?? null,
        position_pct:
          span === null || span.high === span.low ? null : ((price - span.low) / (span.high - span.low)) * 100,
        change_percent: changePct(first, price),
        trend: trendOf(move, deviation ?? null),
      },
      provenance,
    };
  },
});

function trendOf(move: number | null, deviation: number | null): 'up' | 'down' | 'flat' | 'unknown' {
  if (move === null || deviation === null) return 'unknown';
  const bound = TREND_DEVIATIONS * deviation;
  return move > bound ? 'up' : move < -bound ? 'down' : 'flat';
}
