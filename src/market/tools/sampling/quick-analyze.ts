import { z } from 'zod';
import { minCoverage } from '../../exchanges/shared/coverage.ts';
import { observe, observedShape, observedSummary } from '../shared/observe.ts';
import { symbolDefault } from '../shared/past-fields.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'quick_analyze',
  title: 'Watch a symbol for ten seconds',
  toolset: 'sampling',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  timeoutMs: 40_000,
  description:
    'Watches a symbol for 10 seconds and tells what the collectors stored meanwhile on each collected market: price path and spread, taker flow, deviation, funding, liquidations. The short form of stream_and_analyze.',
  input: z.strictObject({ symbol: symbolDefault, min_coverage: minCoverage }),
  output: observedShape,
  examples: [{ title: 'Bitcoin', input: {} }],
  summary: observedSummary,
  run: (input, context) => observe(context, { ...input, seconds: 10, focus: 'all' }),
});
