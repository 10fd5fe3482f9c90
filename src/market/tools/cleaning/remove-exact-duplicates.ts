import { z } from 'zod';
import { coverageShape, showCoverage } from '../../exchanges/shared/coverage.ts';
import { planCleanedCopy, writeCleanedCopy } from '../../jobs/cleaned-copy.ts';
import { viewName } from '../../domain/records.ts';
import { usedCoverage } from '../shared/coverage.ts';
import { series } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { recentInput } from '../shared/recent.ts';
import { lookback, oneSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'remove_exact_duplicates',
  aliases: ['create_cleaned_copies'],
  title: 'Write a copy without duplicates',
  toolset: 'cleaning',
  category: 'database_write',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Writes the cleaned copy of a series for the last minutes without rows that repeat another exactly (same time and same values) and without rows that the rules condemn. Raw rows stay. Gives how many were left out.',
  input: z.strictObject({ ...series, ...recentInput(15) }),
  output: z.object({
    table: z.string(),
    rows_read: measure.count,
    duplicates: measure.count,
    condemned: measure.count,
    rows_written: measure.count,
    coverage: coverageShape,
  }),
  examples: [
    {
      title: 'Quotes of Bitcoin',
      input: { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT', stream: 'prices' },
    },
  ],
  timeoutMs: 60_000,
  preview: async (input, { services, clock }) => {
    const key = await oneSeries(services, input);
    const { from, to } = lookback(clock.now(), input.lookback_minutes);
    const coverage = await usedCoverage(services, key, { from, to }, input.min_coverage);
    const plan = await planCleanedCopy(services, key, from, to);
    return {
      table: `${viewName(key)}_cleaned`,
      write: plan.rows.length,
      duplicates: plan.duplicates,
      condemned: plan.condemned,
      coverage: showCoverage(coverage),
    };
  },
  summary: (output) =>
    `${output.rows_written} row(s) in ${output.table}; ${output.duplicates} duplicate(s) and ${output.condemned} condemned left out.`,
  run: async (input, { services, clock }) => {
    const key = await oneSeries(services, input);
    const { from, to } = lookback(clock.now(), input.lookback_minutes);
    const coverage = await usedCoverage(services, key, { from, to }, input.min_coverage);
    const done = await writeCleanedCopy(services, key, from, to);
    return {
      data: { table: `${viewName(key)}_cleaned`, ...done, coverage: showCoverage(coverage) },
      provenance: measuredNow(clock, viewName(key), [], coverage.complete),
    };
  },
});
