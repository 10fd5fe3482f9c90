import { z } from 'zod';
import { viewName } from '../../domain/records.ts';
import { anySeries, isoTime, seriesShape } from '../shared/fields.ts';
import { isoOfMs, isoOfUs, measuredNow } from '../shared/provenance.ts';
import { matchSeries, statusByTable } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_stream_status',
  aliases: ['get_streaming_status'],
  title: 'Stream status',
  toolset: 'streaming',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'State of the collected streams now: waiting, live, stale or stopped, with rows stored, last event time, age and gaps of each series. Use it to see what is flowing and what is not. Series that are not live come first.',
  input: z.strictObject({
    ...anySeries,
    only_problems: z.boolean().default(false).describe('Give only series that are not live, or that had gaps'),
  }),
  output: z.object({
    counts: z.record(z.string(), measure.count),
    gaps: measure.count,
    series: z.array(
      z.object({
        table: z.string(),
        ...seriesShape,
        listed_as: z
          .string()
          .nullable()
          .describe('Own name of the contract that stands for the asked symbol; null: the symbol itself'),
        state: z.string(),
        rows: measure.count,
        last_event_time: isoTime,
        last_received: isoTime,
        age_ms: measure.milliseconds.nullable(),
        stale_after_ms: measure.milliseconds.nullable(),
        gaps: measure.count,
      }),
    ),
    not_trading: z
      .array(
        z.object({
          exchange: z.string(),
          market: z.string(),
          symbol: z.string(),
          listed: z.enum(['halted', 'settled', 'absent']),
        }),
      )
      .describe('Asked symbols that the venue does not trade now, by its instrument list; absent: not in it'),
  }),
  examples: [
    { title: 'Everything', input: {} },
    { title: 'Problems of Bybit', input: { exchange: 'bybit', only_problems: true } },
  ],
  summary: (output) =>
    Object.entries(output.counts)
      .map(([state, count]) => `${count} ${state}`)
      .join(', ') + `; ${output.gaps} gap(s).`,
  run: async (input, { services, clock }) => {
    const keys = await matchSeries(services, input);
    const rank = ['stale', 'stopped', 'waiting', 'live'];
    const known = statusByTable(services);
    const all = keys
      .flatMap((key) => known.get(viewName(key)) ?? [])
      .sort((a, b) => rank.indexOf(a.state) - rank.indexOf(b.state) || b.gaps - a.gaps);
    const counts: Record<string, number> = {};
    for (const s of all) counts[s.state] = (counts[s.state] ?? 0) + 1;
    const shown = input.only_problems ? all.filter((s) => s.state !== 'live' || s.gaps > 0) : all;
    return {
      data: {
        counts,
        gaps: all.reduce((sum, s) => sum + s.gaps, 0),
        series: shown.map((s) => ({
          table: s.table,
          exchange: s.exchange,
          market: s.market,
          symbol: s.symbol,
          stream: s.stream,
          listed_as: s.listed_as,
          state: s.state,
          rows: s.rows,
          last_event_time: isoOfUs(s.last_event_time),
          last_received: isoOfMs(s.last_received_at),
          age_ms: s.last_received_at === null ? null : Math.max(0, clock.now() - s.last_received_at),
          stale_after_ms: s.stale_after_ms,
          gaps: s.gaps,
        })),
        not_trading: services.collector
          .status()
          .not_trading.filter(
            (one) =>
              (input.exchange ?? one.exchange) === one.exchange &&
              (input.market ?? one.market) === one.market &&
              (input.symbol?.toUpperCase() ?? one.symbol) === one.symbol,
          ),
      },
      provenance: measuredNow(clock, 'collector'),
    };
  },
});
