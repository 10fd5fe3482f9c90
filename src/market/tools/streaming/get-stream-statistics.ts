import { z } from 'zod';
import { minCoverage } from '../../exchanges/shared/coverage.ts';
import { statistics } from '../../jobs/checks/statistics.ts';
import { lagSeconds } from '../../jobs/checks/streams.ts';
import { timeOf } from '../../jobs/row.ts';
import { recentRows } from '../../jobs/validate.ts';
import { viewName } from '../../domain/records.ts';
import { jointCoverage, jointNotes, jointShape } from '../shared/coverage.ts';
import { anyMarket, anySymbol, exchange, lookbackMinutes, stream } from '../shared/fields.ts';
import { provenance } from '../shared/provenance.ts';
import { lookback, matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

const MOST_SERIES = 40;

export default marketTool({
  name: 'get_stream_statistics',
  title: 'Stream statistics',
  toolset: 'streaming',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Measured statistics of one stream of a venue over the last minutes: rows, rows a minute, distance between rows, delay between event and receipt. Computed from the stored rows; a figure without enough rows is null.',
  input: z.strictObject({
    exchange,
    stream_type: stream,
    market: anyMarket,
    symbol: anySymbol,
    lookback_minutes: lookbackMinutes(5),
    min_coverage: minCoverage,
  }),
  output: z.object({
    series: z.array(
      z.object({
        table: z.string(),
        rows: measure.count,
        rows_per_minute: measure.perMinute,
        mean_interval_ms: measure.milliseconds.nullable(),
        longest_interval_ms: measure.milliseconds.nullable(),
        median_delay_ms: measure.milliseconds.nullable(),
        backfilled: measure.count,
      }),
    ),
    total_rows: measure.count,
    coverage: jointShape,
  }),
  examples: [{ title: 'Binance trades of the last 5 minutes', input: { exchange: 'binance', stream_type: 'trades' } }],
  summary: (output) => `${output.total_rows} rows in ${output.series.length} series.`,
  run: async (input, { services, clock }) => {
    const { stream_type: streamType, lookback_minutes: minutes, min_coverage: least, ...rest } = input;
    const keys = await matchSeries(services, { ...rest, stream: streamType });
    const { from, to } = lookback(clock.now(), minutes);
    let newest: number | null = null;
    const series = [];
    const chosen = keys.slice(0, MOST_SERIES);
    const coverage = await jointCoverage(services, chosen, { from, to }, least);
    for (const key of chosen) {
      const rows = await recentRows(services, key, from, to);
      const times = rows.map((row) => timeOf(row, key.stream)).filter((t): t is number => t !== null);
      const distances = statistics(times.slice(1).map((time, i) => (time - (times[i] ?? time)) / 1000));
      const delays = rows.map(lagSeconds).filter((lag): lag is number => lag !== null);
      const last = times.at(-1);
      if (last !== undefined && (newest === null || last > newest)) newest = last;
      series.push({
        table: viewName(key),
        rows: rows.length,
        rows_per_minute: rows.length / minutes,
        mean_interval_ms: distances.mean,
        longest_interval_ms: distances.max,
        median_delay_ms: scaled(statistics(delays).median, 1000),
        backfilled: rows.filter((row) => row['origin'] === 'backfill').length,
      });
    }
    const notes = keys.length > MOST_SERIES ? [`${keys.length - MOST_SERIES} further series left out`] : [];
    return {
      data: { series, total_rows: series.reduce((sum, s) => sum + s.rows, 0), coverage },
      provenance: provenance(clock, newest, 'store', {
        complete: notes.length === 0 && coverage.complete,
        notes: [...notes, ...jointNotes(coverage)],
      }),
    };
  },
});

function scaled(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}
