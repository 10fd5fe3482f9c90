import { z } from 'zod';
import { minCoverage } from '../../exchanges/shared/coverage.ts';
import { viewName } from '../../domain/records.ts';
import { joinByVenue } from '../../jobs/finding.ts';
import { recordFindings } from '../../jobs/issue-book.ts';
import { recordWork } from '../../jobs/metrics.ts';
import { validateAll } from '../../jobs/validate.ts';
import { jointCoverage, jointNotes, jointShape } from '../shared/coverage.ts';
import { anySeries, findingShape, isoTime, lookbackMinutes } from '../shared/fields.ts';
import { showFinding } from '../shared/findings.ts';
import { isoOfUs, provenance } from '../shared/provenance.ts';
import { lookback, matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'validate_recent_data',
  title: 'Validate recent data',
  toolset: 'validation',
  category: 'database_write',
  access: 'READ_WRITE',
  effects: 'ops',
  description:
    'Runs every validation rule over the rows of the last minutes: prices against their 1 h average, bid below ask, books, trade order and age, funding limits, open interest, liquidations, candle shape, candle volume against the stored trades. Records each finding as a quality issue and gives the pass rate. Changes no market data.',
  input: z.strictObject({ ...anySeries, lookback_minutes: lookbackMinutes(5), min_coverage: minCoverage }),
  output: z.object({
    series_checked: measure.count,
    series_without_rows: measure.count,
    rows: measure.count,
    valid: measure.count,
    failed: measure.count,
    flagged: measure.count,
    /** 0–100: rows that pass; null without rows. */
    score: measure.score.nullable(),
    findings: z.array(findingShape),
    tables: z.array(
      z.object({ table: z.string(), rows: measure.count, failed: measure.count, last_event_time: isoTime }),
    ),
    coverage: jointShape,
  }),
  examples: [
    { title: 'Everything of the last five minutes', input: {} },
    { title: 'One symbol, one hour', input: { symbol: 'BTCUSDT', lookback_minutes: 60 } },
  ],
  timeoutMs: 60_000,
  summary: (output) =>
    `${output.rows} rows in ${output.series_checked} series: ${output.failed} failed, ${output.flagged} flagged, ${output.findings.length} finding(s).`,
  run: async (input, { services, clock, signal, progress, agentId, caller }) => {
    const keys = await matchSeries(services, input);
    const { from, to } = lookback(clock.now(), input.lookback_minutes);
    const coverage = await jointCoverage(services, keys, { from, to }, input.min_coverage);
    const results = await validateAll(services, keys, from, to, { signal, progress });
    const findings = joinByVenue(results.flatMap((r) => r.findings));
    const issues = await recordFindings(services, findings, caller);
    const rows = results.reduce((sum, r) => sum + r.rows, 0);
    const failed = results.reduce((sum, r) => sum + r.failed_rows, 0);
    const flagged = findings.filter((f) => f.action === 'flag').reduce((sum, f) => sum + f.count, 0);
    const agent = agentId ?? caller;
    const dimensions = { from, to, series: keys.length };
    await recordWork(services, agent, 'records_validated', rows, dimensions);
    if (failed > 0) await recordWork(services, agent, 'records_failed', failed, dimensions);
    const newest = results.reduce<number | null>((last, r) => later(last, r.last_event_time), null);
    const cut = results.filter((r) => r.truncated).length;
    return {
      data: {
        series_checked: results.length,
        series_without_rows: results.filter((r) => r.rows === 0).length,
        rows,
        valid: rows - failed,
        failed,
        flagged,
        score: rows === 0 ? null : Math.round((10_000 * (rows - failed)) / rows) / 100,
        findings: findings.slice(0, 100).map((f, i) => showFinding(f, issues[i])),
        tables: results
          .filter((r) => r.failed_rows > 0 || keys.length <= 12)
          .slice(0, 40)
          .map((r) => ({
            table: viewName(r.series),
            rows: r.rows,
            failed: r.failed_rows,
            last_event_time: isoOfUs(r.last_event_time),
          })),
        coverage,
      },
      provenance: provenance(clock, newest, 'store', {
        complete: cut === 0 && coverage.complete,
        notes: [
          ...(cut === 0 ? [] : [`${cut} series have more rows than were read; their newest were checked`]),
          ...jointNotes(coverage),
        ],
      }),
    };
  },
});

function later(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}
