import { z } from 'zod';
import { minCoverage } from '../../exchanges/shared/coverage.ts';
import { qualityReport, REPORT_MS } from '../../jobs/quality-report.ts';
import { jointCoverage, jointNotes, jointShape } from '../shared/coverage.ts';
import { isoTime } from '../shared/fields.ts';
import { isoOfMs, measuredNow } from '../shared/provenance.ts';
import { lookback } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import {
  cleaningFigures,
  periodFiguresShape,
  qualityFigures,
  storageFigures,
  streamingFigures,
} from '../shared/figures.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_data_quality_report',
  aliases: ['generate_data_quality_report'],
  title: 'Data quality report',
  toolset: 'desk',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'ops',
  description:
    'Report of the last hour, day or week: collection as it is now, performance over the period (uptime, latency, collection success, records; null with the reason when not known), validation, anomalies, interpolation, schema, incidents, targets missed, advice, and one score from 0 to 100. Written to crew_performance_metrics as well.',
  input: z.strictObject({
    period: z.enum(['hour', 'day', 'week']).default('hour').describe('Time that the report covers, up to now'),
    min_coverage: minCoverage,
  }),
  output: z.object({
    period: z.string(),
    from: isoTime,
    to: isoTime,
    overall_score: measure.score,
    collection: streamingFigures.extend({ uptime_seconds: measure.seconds.nullable() }),
    performance: periodFiguresShape,
    not_known: z.record(z.string(), z.string()),
    validation: qualityFigures,
    anomalies: z.record(z.string(), measure.count),
    interpolation: cleaningFigures.extend({ open_gaps: measure.count }),
    schema: storageFigures,
    incidents: z.array(z.object({ at: isoTime, level: z.string(), what: z.string() })),
    targets_missed: z.array(z.string()),
    advice: z.array(z.string()),
    coverage: jointShape,
  }),
  examples: [{ title: 'Last hour', input: {} }],
  timeoutMs: 60_000,
  summary: (output) =>
    `Quality of the last ${output.period}: ${output.overall_score} of 100; ${output.targets_missed.length} target(s) missed.`,
  run: async (input, { services, clock }) => {
    const range = lookback(clock.now(), REPORT_MS[input.period] / 60_000);
    const coverage = await jointCoverage(services, await services.store.series(), range, input.min_coverage);
    const report = await qualityReport(services, input.period);
    return {
      data: {
        period: report.period,
        from: isoOfMs(report.from),
        to: isoOfMs(report.to),
        overall_score: report.overall_score,
        collection: { ...report.collection },
        performance: { ...report.performance },
        not_known: { ...report.not_known },
        validation: { ...report.validation },
        anomalies: { ...report.anomalies },
        interpolation: { ...report.interpolation },
        schema: { ...report.schema },
        incidents: report.incidents.map((i) => ({ ...i, at: isoOfMs(i.at) })),
        targets_missed: [...report.targets_missed],
        advice: [...report.advice],
        coverage,
      },
      provenance: measuredNow(clock, 'operations', jointNotes(coverage), coverage.complete),
    };
  },
});
