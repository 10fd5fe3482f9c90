import { withoutOutside } from '../../../kit/outside.ts';
import { z } from 'zod';
import { SEVERITIES } from '../../jobs/contract.ts';
import { anyExchange, anySymbol, isoTime, limit, lookbackMinutes } from '../shared/fields.ts';
import { isoOfMs, measuredNow } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_quality_issues',
  title: 'Quality issues',
  toolset: 'desk',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Recorded quality issues, newest first: what was wrong with which series, by which rule, how often, what was done, and whether it is settled.',
  input: z.strictObject({
    status: z.enum(['pending', 'resolved', 'ignored', 'all']).default('pending').describe('Which issues to give'),
    severity: z.enum(SEVERITIES).optional().describe('Only this severity'),
    issue_type: z.string().max(60).optional().describe('Only this type, as in price_deviation'),
    exchange: anyExchange,
    symbol: anySymbol,
    lookback_minutes: lookbackMinutes(1440),
    limit: limit(50, 500),
  }),
  output: z.object({
    total: measure.count,
    by_type: z.record(z.string(), measure.count),
    issues: z.array(
      z.object({
        id: measure.id,
        detected_at: isoTime,
        exchange: z.string(),
        market: z.string().nullable(),
        symbol: z.string(),
        stream: z.string(),
        issue_type: z.string(),
        severity: z.string(),
        message: z.string().nullable(),
        occurrences: measure.count,
        value: z.number().describe('In the unit of what its rule measures').nullable(),
        expected: z.string().nullable(),
        action: z.string(),
        status: z.string(),
        resolved_at: isoTime,
        notes: z.string().nullable(),
      }),
    ),
  }),
  examples: [{ title: 'What is pending', input: {} }],
  summary: (output) => `${output.total} issue(s).`,
  run: async (input, { services, clock }) => {
    const where = {
      ...(input.status === 'all' ? {} : { resolution_status: input.status }),
      ...(input.severity === undefined ? {} : { severity: input.severity }),
      ...(input.issue_type === undefined ? {} : { issue_type: input.issue_type }),
      ...(input.exchange === undefined ? {} : { exchange: input.exchange }),
      ...(input.symbol === undefined ? {} : { symbol: input.symbol.toUpperCase() }),
    };
    const since = clock.now() - input.lookback_minutes * 60_000;
    const found = await services.ops.select('quality_issues', { where, since, limit: 5000 });
    const byType: Record<string, number> = {};
    for (const issue of found) byType[issue.issue_type] = (byType[issue.issue_type] ?? 0) + 1;
    return {
      data: {
        total: found.length,
        by_type: byType,
        issues: found.slice(0, input.limit).map((issue) => ({
          id: issue.id,
          detected_at: isoOfMs(issue.detected_at),
          exchange: issue.exchange,
          market: issue.market,
          symbol: issue.symbol,
          stream: issue.data_type,
          issue_type: issue.issue_type,
          severity: issue.severity,
          message: messageOf(issue.context),
          occurrences: issue.occurrences,
          value: issue.actual_value,
          expected: issue.expected_range,
          action: issue.action_taken,
          status: issue.resolution_status,
          resolved_at: isoOfMs(issue.resolved_at),
          notes: issue.resolution_notes,
        })),
      },
      provenance: measuredNow(clock, 'quality_issues', found.length === 5000 ? ['only the newest 5000 were read'] : []),
    };
  },
});

function messageOf(context: unknown): string | null {
  if (context === null || typeof context !== 'object' || !('message' in context)) return null;
  return typeof context.message === 'string' ? withoutOutside(context.message) : null;
}
