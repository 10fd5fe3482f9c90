import { z } from 'zod';
import { minCoverage } from '../../exchanges/shared/coverage.ts';
import { scanAll } from '../../jobs/gap-scan.ts';
import { recordFindings } from '../../jobs/issue-book.ts';
import { jointCoverage, jointNotes, jointShape } from '../shared/coverage.ts';
import { anySeries, findingShape, lookbackMinutes } from '../shared/fields.ts';
import { showFinding } from '../shared/findings.ts';
import { measuredNow } from '../shared/provenance.ts';
import { lookback, matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'check_data_gaps',
  aliases: ['verify_continuity'],
  title: 'Check for gaps',
  toolset: 'validation',
  category: 'database_write',
  access: 'READ_WRITE',
  effects: 'ops',
  description:
    'Looks for missing stretches in all matching series and records each as a quality issue with its bounds: missing minutes of candles, trades lost without a trace (candle volume against stored trades), silence longer than a stream allows. Gives the longest gap; fill_data_gaps closes them.',
  input: z.strictObject({ ...anySeries, lookback_minutes: lookbackMinutes(60), min_coverage: minCoverage }),
  output: z.object({
    series_checked: measure.count,
    gaps_found: measure.count,
    new_gaps: measure.count,
    longest_gap_seconds: measure.seconds.nullable(),
    gaps: z.array(findingShape),
    not_judged: measure.count,
    coverage: jointShape,
  }),
  examples: [{ title: 'All series, last hour', input: {} }],
  timeoutMs: 60_000,
  summary: (output) =>
    `${output.gaps_found} gap(s) in ${output.series_checked} series, ${output.new_gaps} of them new.`,
  run: async (input, { services, clock, signal, progress, caller }) => {
    const keys = await matchSeries(services, input);
    const { from, to } = lookback(clock.now(), input.lookback_minutes);
    const coverage = await jointCoverage(services, keys, { from, to }, input.min_coverage);
    const status = services.collector.status();
    const scans = await scanAll(services, keys, { from, to, status }, { signal, progress });
    const findings = scans.flatMap((s) => s.findings);
    const issues = await recordFindings(services, findings, caller);
    const longest = findings.reduce<number | null>((most, f) => {
      const seconds = f.from === null || f.to === null ? null : (f.to - f.from) / 1e6;
      return seconds === null ? most : Math.max(most ?? 0, seconds);
    }, null);
    return {
      data: {
        series_checked: scans.length,
        gaps_found: findings.length,
        new_gaps: issues.filter((i) => i.is_new).length,
        longest_gap_seconds: longest,
        gaps: findings.slice(0, 100).map((f, i) => showFinding(f, issues[i])),
        not_judged: scans.filter((s) => s.reason !== null).length,
        coverage,
      },
      provenance: measuredNow(clock, 'store', jointNotes(coverage), coverage.complete),
    };
  },
});
