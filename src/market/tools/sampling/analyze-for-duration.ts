import { z } from 'zod';
import { minCoverage } from '../../exchanges/shared/coverage.ts';
import { FOCUS, observe, observedShape, observedSummary } from '../shared/observe.ts';
import { symbolDefault } from '../shared/past-fields.ts';
import { marketTool } from '../shared/tool.ts';

export default marketTool({
  name: 'analyze_for_duration',
  title: 'Watch a symbol for some minutes',
  toolset: 'sampling',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  timeoutMs: 630_000,
  description:
    'Watches a symbol for up to 10 minutes and tells what was stored meanwhile on each collected market, all of it or one part: price (path and spread), flow (taker buys and sells) or regime (deviation, efficiency of the path, funding, open interest, liquidations). It waits that long.',
  input: z.strictObject({
    symbol: symbolDefault,
    minutes: z.number().min(0.1).max(10).default(1).describe('How long to watch, minutes, 0.1 to 10 (default 1)'),
    focus: z.enum(FOCUS).default('all').describe('What to tell: all, price, flow or regime (default all)'),
    min_coverage: minCoverage,
  }),
  output: observedShape,
  examples: [{ title: 'Bitcoin', input: { minutes: 0.1, focus: 'flow' } }],
  summary: observedSummary,
  run: (input, context) => observe(context, { ...input, seconds: input.minutes * 60 }),
});
