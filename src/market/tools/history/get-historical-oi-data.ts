import { z } from 'zod';
import { changePct } from '../../exchanges/shared/kinds/statistics.ts';
import { numberOf } from '../../jobs/row.ts';
import type { MarketServices } from '../../services.ts';
import { eachPast, figures, pastShape, showPast, type Past, type Stretch } from '../shared/history.ts';
import { pastHoursInput } from '../shared/past-fields.ts';
import { isoOfUs } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

/** Change over the stretch beyond which open interest rises or falls, percent. */
const TREND_PCT = 5;
/** Points listed of each series: the last reading of as many equal parts of the stretch. */
const POINTS = 100;

export default marketTool({
  name: 'get_historical_oi_data',
  aliases: ['get_historical_open_interest_data'],
  title: 'Stored open interest',
  toolset: 'history',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Open interest of a symbol over the last hours on one or all venues, base units: first, last, highest, lowest, change in percent, trend (beyond ±5 %), and up to 100 readings (the last of equal parts of the stretch). With coverage. Units are the same on every venue, so series can be compared.',
  input: z.strictObject(pastHoursInput),
  output: z.object({
    series: z.array(
      z.object({
        ...pastShape,
        readings: measure.count,
        first: measure.size.nullable(),
        last: measure.size.nullable(),
        high: measure.size.nullable(),
        low: measure.size.nullable(),
        change_percent: measure.percent.nullable(),
        trend: z.enum(['rising', 'falling', 'flat', 'unknown']),
        history: z.array(z.object({ time: z.string().nullable(), open_interest: measure.size.nullable() })),
      }),
    ),
  }),
  examples: [{ title: 'A day on Binance', input: { symbol: 'BTCUSDT', exchange: 'binance' } }],
  summary: ({ series }) => series.map((s) => `${s.table}: ${String(s.last)}, ${s.trend}`).join('; ') || 'No series.',
  run: (input, { services }) =>
    eachPast(
      services,
      { ...input, market: 'futures', stream: 'open_interest', minutes: input.hours * 60 },
      (past, range) => interestOf(services, past, range),
    ),
});

async function interestOf(services: Pick<MarketServices, 'store'>, past: Past, range: Stretch) {
  const points = await figures(services, past.key, range, {
    select: `epoch_us(event_time) // ?::BIGINT AS part, epoch_us(max(event_time))::DOUBLE AS at, arg_max(open_interest, event_time) AS last,
      arg_min(open_interest, event_time) AS first, max(open_interest) AS high, min(open_interest) AS low,
      count(*)::DOUBLE AS n`,
    tail: 'GROUP BY part ORDER BY part',
    leading: [Math.max(1, Math.ceil((range.to - range.from) / POINTS))],
  });
  const first = numberOf(points[0] ?? {}, 'first');
  const last = numberOf(points.at(-1) ?? {}, 'last');
  const change = changePct(first, last);
  const highs = points.flatMap((p) => numberOf(p, 'high') ?? []);
  const lows = points.flatMap((p) => numberOf(p, 'low') ?? []);
  return {
    last: numberOf(points.at(-1) ?? {}, 'at'),
    shown: {
      ...showPast(past),
      readings: points.reduce((sum, p) => sum + (numberOf(p, 'n') ?? 0), 0),
      first,
      last,
      high: highs.length === 0 ? null : Math.max(...highs),
      low: lows.length === 0 ? null : Math.min(...lows),
      change_percent: change,
      trend: trendOf(change),
      history: points.map((p) => ({ time: isoOfUs(numberOf(p, 'at')), open_interest: numberOf(p, 'last') })),
    },
  };
}

function trendOf(change: number | null): 'rising' | 'falling' | 'flat' | 'unknown' {
  if (change === null) return 'unknown';
  return change > TREND_PCT ? 'rising' : change < -TREND_PCT ? 'falling' : 'flat';
}
