import { z } from 'zod';
import { withoutOutside } from '../../../kit/outside.ts';
import { COVERAGE_STATES } from '../../domain/coverage.ts';
import { viewName } from '../../domain/records.ts';
import { coverageShape, minCoverage, showCoverage } from '../../exchanges/shared/coverage.ts';
import { usedCoverage } from '../shared/coverage.ts';
import { anySeries, limit, lookbackMinutes, optionalTime, seriesShape } from '../shared/fields.ts';
import { isoOfUs, provenance } from '../shared/provenance.ts';
import { bounds, lookback, matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

/** Intervals shown of one series. */
const INTERVALS_SHOWN = 50;

export default marketTool({
  name: 'get_coverage',
  title: 'Completeness of history',
  toolset: 'desk',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'What is held whole of each series in a stretch of time, from the completeness ledger: seconds live, backfilled, sampled, interpolated and missing, the covered share, and the intervals that are not live with their reasons. The last seconds of a running series are not judged.',
  input: z.strictObject({
    ...anySeries,
    start_time: optionalTime('Start of the stretch; the look-back decides when left out'),
    end_time: optionalTime('End of the stretch, not included; now when left out'),
    lookback_minutes: lookbackMinutes(60),
    limit: limit(50, 500),
    min_coverage: minCoverage,
  }),
  output: z.object({
    from: z.string().nullable(),
    to: z.string().nullable(),
    series: z.array(
      z.object({
        table: z.string(),
        ...seriesShape,
        ...coverageShape.shape,
        intervals: z.array(
          z.object({
            from: z.string().nullable(),
            to: z.string().nullable(),
            state: z.enum(COVERAGE_STATES),
            reason: z.string().nullable(),
          }),
        ),
        intervals_left_out: measure.count,
      }),
    ),
    series_left_out: measure.count,
  }),
  examples: [{ title: 'Trades of the last hour', input: { symbol: 'BTCUSDT', stream: 'trades' } }],
  summary: (output) => {
    const whole = output.series.filter(({ complete }) => complete).length;
    return `${whole} of ${output.series.length} series are complete.`;
  },
  run: async (input, { services, clock }) => {
    const keys = await matchSeries(services, input);
    const recent = lookback(clock.now(), input.lookback_minutes);
    const range =
      input.start_time === undefined
        ? recent
        : bounds(input.start_time, input.end_time ?? new Date(recent.to / 1000).toISOString());
    const stored = new Set((await services.store.series()).map(viewName));
    const known = keys.filter((key) => stored.has(viewName(key)));
    const series = [];
    let knownTo: number | null = null;
    for (const key of known.slice(0, input.limit)) {
      const coverage = await usedCoverage(services, key, range, input.min_coverage);
      knownTo = Math.max(knownTo ?? 0, coverage.knownTo);
      const worth = coverage.intervals.filter(({ state }) => state !== 'live');
      series.push({
        table: viewName(key),
        ...key,
        ...showCoverage(coverage),
        intervals: worth.slice(-INTERVALS_SHOWN).map(({ from, to, state, reason }) => ({
          from: isoOfUs(from),
          to: isoOfUs(to),
          state,
          reason: reason === null ? null : withoutOutside(reason),
        })),
        intervals_left_out: Math.max(0, worth.length - INTERVALS_SHOWN),
      });
    }
    const left = known.length - series.length;
    return {
      data: { from: isoOfUs(range.from), to: isoOfUs(range.to), series, series_left_out: left },
      provenance: provenance(clock, knownTo, 'completeness ledger', {
        complete: left === 0,
        notes: left === 0 ? [] : [`${left} more series match: name a venue, symbol or stream, or raise limit`],
      }),
    };
  },
});
