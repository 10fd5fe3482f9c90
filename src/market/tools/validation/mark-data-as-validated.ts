import { z } from 'zod';
import { Conflict } from '../../../kit/errors.ts';
import { viewName } from '../../domain/records.ts';
import { coverageShape, minCoverage, showCoverage } from '../../exchanges/shared/coverage.ts';
import { recordWork } from '../../jobs/metrics.ts';
import { validateSeries } from '../../jobs/validate.ts';
import { usedCoverage } from '../shared/coverage.ts';
import { series, time } from '../shared/fields.ts';
import { provenance } from '../shared/provenance.ts';
import { bounds, oneSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'mark_data_as_validated',
  title: 'Mark as validated',
  toolset: 'validation',
  category: 'database_write',
  access: 'READ_WRITE',
  effects: 'ops',
  description:
    'Checks a stretch of one series by all rules and, when no row is condemned, records in the operations database that it was validated. Refused (conflict) while a rule condemns rows in it: quarantine those first.',
  input: z.strictObject({
    ...series,
    start_time: time('Start of the stretch'),
    end_time: time('End of the stretch, not included'),
    min_coverage: minCoverage,
  }),
  output: z.object({ table: z.string(), rows: measure.count, marked: z.boolean(), coverage: coverageShape }),
  examples: [
    {
      title: 'One hour of trades',
      input: {
        exchange: 'binance',
        market: 'futures',
        symbol: 'BTCUSDT',
        stream: 'trades',
        start_time: '2026-01-01T00:00:00Z',
        end_time: '2026-01-01T01:00:00Z',
      },
    },
  ],
  summary: (output) => `${output.rows} row(s) of ${output.table} are marked as validated.`,
  run: async (input, { services, clock, agentId, caller }) => {
    const key = await oneSeries(services, input);
    const { from, to } = bounds(input.start_time, input.end_time);
    const coverage = await usedCoverage(services, key, { from, to }, input.min_coverage);
    const result = await validateSeries(services, key, from, to);
    if (result.failed_rows > 0) {
      const first = result.findings.find((f) => f.keys.length > 0);
      throw new Conflict(`${result.failed_rows} row(s) break a rule (${first?.message ?? 'see validate_recent_data'})`);
    }
    await recordWork(services, agentId ?? caller, 'records_marked_validated', result.rows, {
      table: viewName(key),
      from,
      to,
    });
    return {
      data: { table: viewName(key), rows: result.rows, marked: result.rows > 0, coverage: showCoverage(coverage) },
      provenance: provenance(clock, result.last_event_time, viewName(key), {
        complete: !result.truncated && coverage.complete,
      }),
    };
  },
});
