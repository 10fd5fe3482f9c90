import { z } from 'zod';
import { minCoverage } from '../../exchanges/shared/coverage.ts';
import { observe, observedShape, observedSummary } from '../shared/observe.ts';
import { symbolDefault } from '../shared/past-fields.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'stream_and_analyze',
  title: 'Watch a symbol and analyse',
  toolset: 'sampling',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  timeoutMs: 330_000,
  description:
    'Watches a symbol for 5 to 300 seconds and tells what the collectors stored meanwhile on each collected market: price path and spread, taker flow with VWAP, deviation and efficiency of the path, funding, open interest change, liquidations, with coverage. It waits that long: use quick_analyze for 10 s, get_market_overview for now.',
  input: z.strictObject({
    symbol: symbolDefault,
    duration: z
      .number()
      .int()
      .min(5)
      .max(300)
      .default(30)
      .describe('How long to watch, seconds, 5 to 300 (default 30)'),
    min_coverage: minCoverage,
  }),
  output: observedShape,
  examples: [{ title: 'Bitcoin', input: { duration: 5 } }],
  summary: observedSummary,
  run: (input, context) => observe(context, { ...input, seconds: input.duration, focus: 'all' }),
});
