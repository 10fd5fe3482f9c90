import { z } from 'zod';
import { coverageShape, showCoverage } from '../../exchanges/shared/coverage.ts';
import { statistics } from '../../jobs/checks/statistics.ts';
import { timeOf, valueOf } from '../../jobs/row.ts';
import { viewName } from '../../domain/records.ts';
import { isoTime, series } from '../shared/fields.ts';
import { isoOfUs } from '../shared/provenance.ts';
import { readRecent, recentInput, recentProvenance } from '../shared/recent.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_historical_statistics',
  title: 'Historical statistics',
  toolset: 'validation',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Count, mean, standard deviation, least, greatest and median of what a series is watched by (price, funding rate, open interest) over the last minutes, from stored rows. Without rows every figure is null.',
  input: z.strictObject({ ...series, ...recentInput(60) }),
  output: z.object({
    table: z.string(),
    count: measure.count,
    mean: measure.asked.nullable(),
    std: measure.asked.nullable(),
    min: measure.asked.nullable(),
    max: measure.asked.nullable(),
    median: measure.asked.nullable(),
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
  run: async (input, { services }) => {
    const recent = await readRecent(services, input);
    const { key, rows } = recent;
    const values = rows.map((row) => valueOf(row, key.stream)).filter((v): v is number => v !== null);
    const { count, mean, std, min, max, median } = statistics(values);
    const first = timeOf(rows[0] ?? {}, key.stream);
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
        last_time: isoOfUs(recent.newest),
        coverage: showCoverage(recent.coverage),
      },
      provenance: recentProvenance(services, recent),
    };
  },
});
