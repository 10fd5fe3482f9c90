import { z } from 'zod';
import { compareSymbols } from '../../jobs/cross-exchange.ts';
import { isoTime, symbol } from '../shared/fields.ts';
import { isoOfUs, provenance } from '../shared/provenance.ts';
import { matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'cross_exchange_consistency',
  title: 'Compare venues',
  toolset: 'validation',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Compares one symbol over all venue markets now: newest price a venue, median, spread, outliers and stale venues; funding over 8 h. Reads only; verify_cross_exchange also records what it finds.',
  input: z.strictObject({
    symbol,
    data_type: z.enum(['prices', 'funding']).default('prices').describe('What to compare: prices or funding'),
    max_skew_seconds: z
      .number()
      .min(0.1)
      .max(600)
      .default(10)
      .describe('Values older than the freshest by more than this are left out, seconds'),
  }),
  output: z.object({
    symbol: z.string(),
    verdict: z.string(),
    difference_percent: measure.percent.nullable(),
    median: measure.asked.nullable(),
    values: z.array(
      z.object({
        venue: z.string(),
        value: measure.asked,
        deviation_percent: measure.percent.nullable(),
        time: isoTime,
      }),
    ),
    outliers: z.array(z.string()),
    stale: z.array(z.string()),
    reason: z.string().nullable(),
  }),
  examples: [{ title: 'Bitcoin prices', input: { symbol: 'BTCUSDT' } }],
  summary: (output) => `${output.symbol}: ${output.verdict}.`,
  run: async (input, { services, clock }) => {
    await matchSeries(services, { symbol: input.symbol });
    const name = input.symbol.toUpperCase();
    const [compared] = await compareSymbols(services, name, input.max_skew_seconds * 1e6);
    const none = { symbol: name, outliers: [], stale: [], values: [], median: null, difference_percent: null };
    if (compared === undefined) {
      const data = { ...none, verdict: 'undecided', reason: 'no price of this symbol is stored yet' };
      return { data, provenance: provenance(clock, null, 'store') };
    }
    const { spread, funding } = compared;
    const newest = spread.venues.length === 0 ? null : Math.max(...spread.venues.map((v) => v.time));
    if (input.data_type === 'funding') {
      const values = Object.entries(funding?.per_8h_percent ?? {}).map(([venue, value]) => ({
        venue,
        value,
        deviation_percent: null,
        time: null,
      }));
      const reason = funding === null ? 'no funding of this symbol is stored yet' : funding.reason;
      const data = {
        ...none,
        verdict: funding?.verdict ?? 'undecided',
        difference_percent: funding?.divergence_percent ?? null,
        values,
        reason,
      };
      return { data, provenance: provenance(clock, newest, 'store', { complete: reason === null }) };
    }
    return {
      data: {
        symbol: name,
        verdict: spread.verdict,
        difference_percent: spread.spread_percent,
        median: spread.median,
        values: spread.venues.map((v) => ({
          venue: `${v.exchange}_${v.market}`,
          value: v.value,
          deviation_percent: v.deviation_percent,
          time: isoOfUs(v.time),
        })),
        outliers: [...spread.outliers],
        stale: [...spread.stale],
        reason: spread.reason,
      },
      provenance: provenance(clock, newest, 'store', { complete: spread.reason === null }),
    };
  },
});
