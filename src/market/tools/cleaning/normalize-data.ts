import { z } from 'zod';
import { recordWork } from '../../jobs/metrics.ts';
import { viewName } from '../../domain/records.ts';
import { jointCoverage, jointNotes, jointShape } from '../shared/coverage.ts';
import { anySeries } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { recentInput } from '../shared/recent.ts';
import { lookback, matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'normalize_data',
  aliases: ['normalize_data_formats'],
  title: 'Write normalised copies',
  toolset: 'cleaning',
  category: 'database_write',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Writes the normalised copy of the matching series for the last minutes: UTC times, canonical symbols, base units, 8 decimals, buy and sell as the side. The raw rows stay as the venue said them.',
  input: z.strictObject({ ...anySeries, ...recentInput(15) }),
  output: z.object({
    series: measure.count,
    rows: measure.count,
    tables: z.array(z.object({ table: z.string(), rows: measure.count })),
    coverage: jointShape,
  }),
  examples: [{ title: 'Bitcoin', input: { symbol: 'BTCUSDT' } }],
  timeoutMs: 120_000,
  preview: async (input, { services, clock }) => {
    const keys = await matchSeries(services, input);
    const range = lookback(clock.now(), input.lookback_minutes);
    const coverage = await jointCoverage(services, keys, range, input.min_coverage);
    return { copies: keys.map((key) => `${viewName(key)}_normalized`).slice(0, 40), count: keys.length, coverage };
  },
  summary: (output) => `${output.rows} row(s) normalised in ${output.series} series.`,
  run: async (input, { services, clock, signal, progress, agentId, caller }) => {
    const keys = await matchSeries(services, input);
    const { from, to } = lookback(clock.now(), input.lookback_minutes);
    const coverage = await jointCoverage(services, keys, { from, to }, input.min_coverage);
    const tables = [];
    for (const [i, key] of keys.entries()) {
      signal.throwIfAborted();
      tables.push({ table: `${viewName(key)}_normalized`, rows: await services.store.writeNormalized(key, from, to) });
      progress((i + 1) / keys.length);
    }
    const rows = tables.reduce((sum, t) => sum + t.rows, 0);
    await recordWork(services, agentId ?? caller, 'records_normalized', rows, { series: keys.length });
    return {
      data: { series: keys.length, rows, tables: tables.filter((t) => t.rows > 0).slice(0, 100), coverage },
      provenance: measuredNow(clock, 'store', jointNotes(coverage), coverage.complete),
    };
  },
});
