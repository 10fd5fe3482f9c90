import { z } from 'zod';
import { InvalidInput } from '../../../kit/errors.ts';
import { viewName } from '../../domain/records.ts';
import { fillGap } from '../../jobs/fill.ts';
import { settleIssue } from '../../jobs/issue-book.ts';
import { openGaps, type OpenGap } from '../../jobs/open-gaps.ts';
import type { MarketServices } from '../../services.ts';
import { anySeries, isoTime, limit, optionalTime } from '../shared/fields.ts';
import { isoOfUs, measuredNow } from '../shared/provenance.ts';
import { bounds, matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

type Target = Omit<OpenGap, 'issue_id'> & { readonly issue_id: number | null };

export default marketTool({
  name: 'fill_data_gaps',
  title: 'Fill gaps',
  toolset: 'cleaning',
  category: 'database_write',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Closes gaps: fetches each from the history of its venue first, and interpolates into the cleaned copy only what history does not reach and the rules allow (short price gaps, funding, open interest; never trades or books). Without a stretch it takes the recorded open gaps that match, longest first. Says what stays open and why.',
  input: z.strictObject({
    ...anySeries,
    start_time: optionalTime('Start of the gap'),
    end_time: optionalTime('End of the gap, not included'),
    limit: limit(20, 200),
  }),
  output: z.object({
    gaps: measure.count,
    filled: measure.count,
    interpolated: measure.count,
    open: measure.price,
    records_stored: measure.count,
    records_interpolated: measure.count,
    results: z.array(
      z.object({
        table: z.string(),
        from: isoTime,
        to: isoTime,
        status: z.string(),
        stored: measure.count,
        interpolated: measure.count,
        issue_id: measure.id.nullable(),
        remaining: z.array(z.object({ from: isoTime, to: isoTime, reason: z.string() })),
      }),
    ),
  }),
  examples: [
    { title: 'All recorded gaps', input: {} },
    {
      title: 'One stretch',
      input: {
        exchange: 'binance',
        market: 'futures',
        symbol: 'BTCUSDT',
        stream: 'candles',
        start_time: '2026-01-01T00:00:00Z',
        end_time: '2026-01-01T00:10:00Z',
      },
    },
  ],
  timeoutMs: 300_000,
  preview: async (input, { services }) => ({
    gaps: (await targets(services, input)).map((t) => ({
      table: viewName(t.series),
      from: isoOfUs(t.from),
      to: isoOfUs(t.to),
      seconds: (t.to - t.from) / 1e6,
      issue_id: t.issue_id,
    })),
  }),
  summary: (output) =>
    `${output.gaps} gap(s): ${output.filled} filled from history, ${output.interpolated} interpolated, ${output.open} open.`,
  run: async (input, { services, clock, signal, progress }) => {
    const wanted = await targets(services, input);
    const outcomes = [];
    for (const [i, target] of wanted.entries()) {
      signal.throwIfAborted();
      const outcome = await fillGap(services, target.series, target.from, target.to, signal);
      if (target.issue_id !== null) await settle(services, target.issue_id, outcome);
      outcomes.push({ target, outcome });
      progress((i + 1) / wanted.length);
    }
    const results = outcomes.map(({ target, outcome }) => ({
      table: viewName(target.series),
      from: isoOfUs(target.from),
      to: isoOfUs(target.to),
      status: outcome.status,
      stored: outcome.backfill?.stored ?? 0,
      interpolated: outcome.interpolations.reduce((sum, part) => sum + part.records_created, 0),
      issue_id: target.issue_id,
      remaining: outcome.remaining.map((r) => ({ from: isoOfUs(r.from), to: isoOfUs(r.to), reason: r.reason })),
    }));
    return {
      data: {
        gaps: results.length,
        filled: results.filter((r) => r.status === 'filled').length,
        interpolated: results.filter((r) => r.status === 'interpolated').length,
        open: results.filter((r) => r.status === 'open' || r.status === 'partly_filled').length,
        records_stored: results.reduce((sum, r) => sum + r.stored, 0),
        records_interpolated: results.reduce((sum, r) => sum + r.interpolated, 0),
        results,
      },
      provenance: measuredNow(clock, 'store'),
    };
  },
});

async function targets(
  services: MarketServices,
  input: Parameters<typeof matchSeries>[1] & {
    readonly start_time?: string | undefined;
    readonly end_time?: string | undefined;
    readonly limit: number;
  },
): Promise<readonly Target[]> {
  const { start_time: start, end_time: end, limit: most, ...filter } = input;
  const keys = await matchSeries(services, filter);
  if ((start === undefined) !== (end === undefined)) {
    throw new InvalidInput('give both start_time and end_time, or neither to take the recorded gaps');
  }
  if (start !== undefined && end !== undefined) {
    const range = bounds(start, end);
    return keys
      .slice(0, most)
      .map((series) => ({ series, ...range, issue_id: null, issue_type: 'asked', severity: 'low' }));
  }
  const names = new Set(keys.map(viewName));
  return (await openGaps(services)).filter((gap) => names.has(viewName(gap.series))).slice(0, most);
}

async function settle(
  services: MarketServices,
  issueId: number,
  outcome: Awaited<ReturnType<typeof fillGap>>,
): Promise<void> {
  if (outcome.status === 'filled') {
    await settleIssue(
      services,
      issueId,
      'resolved',
      `filled from history, ${outcome.backfill?.stored ?? 0} new row(s)`,
    );
  } else if (outcome.status === 'interpolated') {
    await settleIssue(services, issueId, 'resolved', 'interpolated in the cleaned copy; raw rows stay missing');
  } else if (outcome.backfill?.status === 'done' && outcome.interpolations.every((i) => i.records_created === 0)) {
    const reasons = [...new Set(outcome.remaining.map((r) => r.reason))].join('; ');
    await settleIssue(services, issueId, 'ignored', `lost: history does not reach it (${reasons})`);
  } else {
    const reasons = [...new Set(outcome.remaining.map((r) => r.reason))].join('; ');
    await services.ops.update('quality_issues', issueId, { resolution_notes: `stays open: ${reasons}` });
  }
}
