import { z } from 'zod';
import { statistics } from '../../jobs/checks/statistics.ts';
import { timeOf, valueOf } from '../../jobs/row.ts';
import { MAX_ROWS, recentRows } from '../../jobs/validate.ts';
import { viewName } from '../../domain/records.ts';
import { coverageShape, minCoverage, showCoverage, usedCoverage } from '../shared/coverage.ts';
import { isoTime, lookbackMinutes, series } from '../shared/fields.ts';
import { isoOfUs, provenance } from '../shared/provenance.ts';
import { lookback, oneSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'get_historical_statistics',
  title: 'Historical statistics',
  toolset: 'validation',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Count, mean, standard deviation, least, greatest and median of what a series is watched by (price, funding rate, open interest) over the last minutes, from stored rows. Without rows every figure is null.',
  input: z.strictObject({ ...series, lookback_minutes: lookbackMinutes(60), min_coverage: minCoverage }),
  output: z.object({
    table: z.string(),
    count: z.number(),
    mean: z.number().nullable(),
    std: z.number().nullable(),
    min: z.number().nullable(),
    max: z.number().nullable(),
    median: z.number().nullable(),
    first_time: isoTime,
    last_time: isoTime,
    coverage: coverageShape,
  }),
  examples: [
    {
      title: 'Trades of the last hour',
      input: { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'trades' },
    },
  ],
  summary: (output) => `${output.table}: ${output.count} values, mean ${String(output.mean)}.`,
  run: async (input, { services, clock }) => {
    const key = await oneSeries(services, input);
    const { from, to } = lookback(clock.now(), input.lookback_minutes);
    const coverage = await usedCoverage(services, key, { from, to }, input.min_coverage);
    const rows = await recentRows(services, key, from, to);
    const values = rows.map((row) => valueOf(row, key.stream)).filter((v): v is number => v !== null);
    const { count, mean, std, min, max, median } = statistics(values);
    const first = timeOf(rows[0] ?? {}, key.stream);
    const last = timeOf(rows.at(-1) ?? {}, key.stream);
    return {
      data: {
        table: viewName(key),
        count,
        mean,
        std,
        min,
        max,
        median,
        first_time: isoOfUs(first),
        last_time: isoOfUs(last),
        coverage: showCoverage(coverage),
      },
      provenance: provenance(clock, last, viewName(key), {
        complete: coverage.complete && rows.length < MAX_ROWS,
        notes: rows.length < MAX_ROWS ? [] : [`only the newest ${MAX_ROWS} rows were read`],
      }),
    };
  },
});
