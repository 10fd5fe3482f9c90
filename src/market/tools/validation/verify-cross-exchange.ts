import { z } from 'zod';
import { compareSymbols } from '../../jobs/cross-exchange.ts';
import { recordFindings } from '../../jobs/issue-book.ts';
import { anySymbol } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'verify_cross_exchange',
  title: 'Verify across venues',
  toolset: 'validation',
  category: 'database_write',
  access: 'READ_WRITE',
  effects: 'ops',
  description:
    'Compares the newest price and funding of each symbol over all venue markets and records a quality issue where the spread exceeds the rule (0.5 % wide, 1 % alert by default) or funding diverges over 8 h. Values older than the freshest are left out and named. Gives what it compared.',
  input: z.strictObject({
    symbol: anySymbol,
    max_skew_seconds: z
      .number()
      .min(0.1)
      .max(600)
      .default(10)
      .describe('Values older than the freshest by more than this are left out, seconds'),
  }),
  output: z.object({
    symbols_checked: measure.count,
    consistent: measure.count,
    not_compared: measure.count.describe('Count of symbols without a second venue that has a fresh price'),
    spreads: z.array(
      z.object({
        symbol: z.string(),
        spread_percent: measure.percent.nullable(),
        verdict: z.string(),
        venues: measure.count,
        outliers: z.array(z.string()),
        stale: z.array(z.string()),
        reason: z.string().nullable(),
        issue_id: measure.id.nullable(),
      }),
    ),
    funding: z.array(
      z.object({
        symbol: z.string(),
        divergence_percent: measure.percent.nullable(),
        per_8h_percent: z.record(z.string(), z.number().describe('Percent per 8 hours')),
        verdict: z.string(),
        issue_id: measure.id.nullable(),
      }),
    ),
    alerts: measure.count,
  }),
  examples: [
    { title: 'All symbols', input: {} },
    { title: 'Bitcoin', input: { symbol: 'BTCUSDT' } },
  ],
  summary: ({ consistent, symbols_checked, not_compared, alerts }) =>
    `${consistent} of ${symbols_checked - not_compared} symbols agree over the venues, ${alerts} alert(s)` +
    (not_compared === 0 ? '.' : `; ${not_compared} have no second venue with a fresh price.`),
  run: async (input, { services, clock, caller }) => {
    if (input.symbol !== undefined) await matchSeries(services, { symbol: input.symbol });
    const compared = await compareSymbols(services, input.symbol?.toUpperCase(), input.max_skew_seconds * 1e6);
    const issues = await recordFindings(
      services,
      compared.flatMap((c) => [...c.findings]),
      caller,
    );
    const issueOf = (symbol: string, type: string): number | null =>
      issues.find((i) => i.fingerprint.includes(`/${symbol}/`) && i.fingerprint.endsWith(`:${type}`))?.id ?? null;
    return {
      data: {
        symbols_checked: compared.length,
        consistent: compared.filter((c) => c.spread.verdict === 'consistent').length,
        not_compared: compared.filter((c) => c.spread.verdict === 'undecided').length,
        spreads: compared.map(({ spread }) => ({
          symbol: spread.symbol,
          spread_percent: spread.spread_percent,
          verdict: spread.verdict,
          venues: spread.venues.length,
          outliers: [...spread.outliers],
          stale: [...spread.stale],
          reason: spread.reason,
          issue_id: issueOf(spread.symbol, 'cross_exchange_spread'),
        })),
        funding: compared.flatMap(({ funding }) =>
          funding === null
            ? []
            : [
                {
                  symbol: funding.symbol,
                  divergence_percent: funding.divergence_percent,
                  per_8h_percent: { ...funding.per_8h_percent },
                  verdict: funding.verdict,
                  issue_id: issueOf(funding.symbol, 'funding_divergence'),
                },
              ],
        ),
        alerts: compared.reduce((sum, c) => sum + c.findings.length, 0),
      },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
