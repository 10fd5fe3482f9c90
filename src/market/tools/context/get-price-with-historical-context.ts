import { z } from 'zod';
import { changePct } from '../../exchanges/shared/kinds/statistics.ts';
import { numberOf } from '../../jobs/row.ts';
import { coverageShape, showCoverage } from '../shared/coverage.ts';
import { exchange, marketOr } from '../shared/fields.ts';
import { figures, pastOf } from '../shared/history.ts';
import { minutesBack } from '../shared/past-fields.ts';
import { marketTool } from '../shared/tool.ts';
import { maxAgeMs, provenanceOf, readingShape, showReading, symbolOr } from '../shared/venues/across.ts';
import { priceNow, targetOf } from '../shared/venues/one-market.ts';

const number = z.number().nullable();
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
  input: z.strictObject({
    symbol: symbolOr('BTCUSDT'),
    exchange: exchange.default('binance').describe('Venue (default binance)'),
    market_type: marketOr('futures'),
    historical_minutes: minutesBack(30),
    max_age_ms: maxAgeMs(10_000),
  }),
  output: z.object({
    now: z.object({ ...readingShape, price: z.number() }),
    rows: z.number(),
    lowest: number,
    highest: number,
    mean: number,
    first: number,
    position_pct: number,
    change_percent: number,
    trend: z.enum(['up', 'down', 'flat', 'unknown']),
    coverage: coverageShape,
  }),
  examples: [{ title: 'Bitcoin on Binance futures', input: {} }],
  summary: (o) =>
    `${o.now.price} ${o.now.quote}, at ${o.position_pct?.toFixed(0) ?? '?'} % of the range ${String(o.lowest)} to ${String(o.highest)}, ${o.trend}.`,
  run: async (input, context) => {
    const { services } = context;
    const target = await targetOf(context, { ...input, market: input.market_type });
    const { value: price, source } = await priceNow(context, target, input.max_age_ms);
    const { range, series } = await pastOf(services, {
      symbol: input.symbol,
      exchange: input.exchange,
      market: input.market_type,
      stream: 'prices',
      minutes: input.historical_minutes,
      least: undefined,
    });
    const [past] = series;
    const [row = {}] =
      past === undefined
        ? []
        : await figures(services, past.key, range, {
            select: `count(*)::DOUBLE AS n, min(mid_price) AS low, max(mid_price) AS high, avg(mid_price) AS mean,
              arg_min(mid_price, event_time) AS first, stddev_samp(mid_price) AS deviation`,
          });
    const [low, high, first, deviation] = ['low', 'high', 'first', 'deviation'].map((name) => numberOf(row, name));
    const span = low === null || low === undefined || high === null || high === undefined ? null : { low, high };
    const move = first === null || first === undefined ? null : price - first;
    return {
      data: {
        now: { ...showReading(target, source), price },
        rows: numberOf(row, 'n') ?? 0,
        lowest: span?.low ?? null,
        highest: span?.high ?? null,
        mean: numberOf(row, 'mean'),
        first: first ?? null,
        position_pct:
          span === null || span.high === span.low ? null : ((price - span.low) / (span.high - span.low)) * 100,
        change_percent: changePct(first, price),
        trend: trendOf(move, deviation ?? null),
        coverage: showCoverage(
          past === undefined ? await services.store.coverage({ ...range, ...keyOf(target) }) : past.coverage,
        ),
      },
      provenance: provenanceOf([source], {
        complete: past?.coverage.complete ?? false,
        notes: past?.coverage.complete === true ? [] : ['the history is not whole: see coverage'],
      }),
    };
  },
});

function keyOf({ instrument: { exchange, market, symbol } }: Awaited<ReturnType<typeof targetOf>>) {
  return { exchange, market, symbol, stream: 'prices' as const };
}

function trendOf(move: number | null, deviation: number | null): 'up' | 'down' | 'flat' | 'unknown' {
  if (move === null || deviation === null) return 'unknown';
  const bound = TREND_DEVIATIONS * deviation;
  return move > bound ? 'up' : move < -bound ? 'down' : 'flat';
}
