import { z } from 'zod';
import { timeOf } from '../../jobs/row.ts';
import { viewName } from '../../domain/records.ts';
import { coverageShape, minCoverage, showCoverage } from '../../exchanges/shared/coverage.ts';
import { usedCoverage } from '../shared/coverage.ts';
import { limit, lookbackMinutes, optionalTime, series } from '../shared/fields.ts';
import { isoOfUs, provenance } from '../shared/provenance.ts';
import { bounds, lookback, oneSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';

const TIMES = new Set(['event_time', 'recv_time', 'open_time', 'close_time', 'next_funding_time', 'timestamp']);

export default marketTool({
  name: 'query_series',
  aliases: ['query_historical_prices', 'query_historical_trades'],
  title: 'Raw rows of a series or table',
  toolset: 'desk',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Stored rows of one series, newest first, of a stretch or of the last minutes. Times are ISO UTC; each row has its row_key, which quarantine_data takes. Capped: the provenance says when there is more.',
  input: z.strictObject({
    ...series,
    start_time: optionalTime('Start of the stretch; the look-back decides when left out'),
    end_time: optionalTime('End of the stretch, not included; now when left out'),
    lookback_minutes: lookbackMinutes(60),
    limit: limit(100, 1000),
    min_coverage: minCoverage,
  }),
  output: z.object({
    table: z.string(),
    columns: z.array(z.string()),
    rows: z.array(z.record(z.string(), z.unknown())),
    truncated: z.boolean(),
    coverage: coverageShape,
  }),
  examples: [
    {
      title: 'The newest trades',
      input: { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'trades', limit: 10 },
    },
  ],
  summary: (output) =>
    `${output.rows.length} row(s) of ${output.table}${output.truncated ? ', and there are more' : ''}.`,
  run: async (input, { services, clock }) => {
    const key = await oneSeries(services, input);
    const recent = lookback(clock.now(), input.lookback_minutes);
    const range =
      input.start_time === undefined
        ? recent
        : bounds(input.start_time, input.end_time ?? new Date(recent.to / 1000).toISOString());
    const coverage = await usedCoverage(services, key, range, input.min_coverage);
    const found = await services.store.seriesRows({ ...key, ...range, limit: input.limit + 1, order: 'desc' });
    const rows = found.slice(0, input.limit);
    const truncated = found.length > rows.length;
    const newest = timeOf(rows[0] ?? {}, key.stream);
    return {
      data: {
        table: viewName(key),
        columns: Object.keys(rows[0] ?? {}),
        rows: rows.map((row) =>
          Object.fromEntries(
            Object.entries(row).map(([column, value]) => [
              column,
              TIMES.has(column) && typeof value === 'number'
                ? isoOfUs(value)
                : typeof value === 'bigint'
                  ? Number(value)
                  : value,
            ]),
          ),
        ),
        truncated,
        coverage: showCoverage(coverage),
      },
      provenance: provenance(clock, newest, viewName(key), {
        complete: !truncated && coverage.complete,
        notes: truncated ? [`only the newest ${input.limit} rows are shown`] : [],
      }),
    };
  },
});
