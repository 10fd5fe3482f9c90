import { z } from 'zod';
import { viewName } from '../../domain/records.ts';
import { cleanSeries, planCleaning } from '../../jobs/clean.ts';
import { jointCoverage, jointNotes, jointShape } from '../shared/coverage.ts';
import { anySeries } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { recentInput } from '../shared/recent.ts';
import { lookback, matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'clean_data_anomalies',
  title: 'Clean anomalies',
  toolset: 'cleaning',
  category: 'database_write',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Moves rows that a validation rule condemns (price far from its average, crossed quotes, impossible funding or candles) to quarantine and fetches the stretch again from the venue. Nothing is deleted; release_quarantine undoes it. Run validate_recent_data first to see what it will do.',
  input: z.strictObject({ ...anySeries, ...recentInput(15) }),
  output: z.object({
    series_checked: measure.count,
    rows_quarantined: measure.count,
    rows_refetched: measure.count,
    cleaned: z.array(
      z.object({
        table: z.string(),
        issue_type: z.string(),
        rows: measure.count,
        quarantine_id: z.string(),
        refetched: measure.count.nullable(),
        refetch_error: z.string().nullable(),
      }),
    ),
    coverage: jointShape,
  }),
  examples: [
    { title: 'Bitcoin trades of the last quarter of an hour', input: { symbol: 'BTCUSDT', stream: 'trades' } },
  ],
  timeoutMs: 120_000,
  preview: async (input, { services, clock }) => {
    const keys = await matchSeries(services, input);
    const { from, to } = lookback(clock.now(), input.lookback_minutes);
    const coverage = await jointCoverage(services, keys, { from, to }, input.min_coverage);
    const planned = [];
    for (const key of keys) {
      for (const finding of await planCleaning(services, key, from, to)) {
        planned.push({
          table: viewName(key),
          issue_type: finding.issue_type,
          rows: finding.count,
          row_keys: finding.keys.slice(0, 20),
          message: finding.message,
        });
      }
    }
    return { series_checked: keys.length, quarantine: planned, coverage };
  },
  summary: (output) =>
    `${output.rows_quarantined} row(s) quarantined, ${output.rows_refetched} fetched again, in ${output.series_checked} series.`,
  run: async (input, { services, clock, signal, callId, progress }) => {
    const keys = await matchSeries(services, input);
    const range = lookback(clock.now(), input.lookback_minutes);
    const coverage = await jointCoverage(services, keys, range, input.min_coverage);
    const cleaned = [];
    for (const [i, key] of keys.entries()) {
      signal.throwIfAborted();
      cleaned.push(...(await cleanSeries(services, key, range, `q_${callId}_${i}`, signal)));
      progress((i + 1) / keys.length);
    }
    return {
      data: {
        series_checked: keys.length,
        rows_quarantined: cleaned.reduce((sum, c) => sum + c.rows, 0),
        rows_refetched: cleaned.reduce((sum, c) => sum + (c.refetched ?? 0), 0),
        cleaned: cleaned.map((c) => ({
          table: viewName(c.series),
          issue_type: c.finding.issue_type,
          rows: c.rows,
          quarantine_id: c.quarantine_id,
          refetched: c.refetched,
          refetch_error: c.refetch_error,
        })),
        coverage,
      },
      provenance: measuredNow(clock, 'store', jointNotes(coverage), coverage.complete),
    };
  },
});
