import { z } from 'zod';
import { viewName, type SeriesKey } from '../../domain/records.ts';
import { anySeries, isoTime } from '../shared/fields.ts';
import { isoOfUs, provenance } from '../shared/provenance.ts';
import { matchSeries, statusByTable } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'collect_exchange_data',
  title: 'Collect exchange data',
  toolset: 'streaming',
  category: 'streaming_control',
  access: 'WRITE',
  effects: 'effect',
  description:
    'Makes sure that data of the named venues, markets, symbols and streams is being collected: starts streams that are stopped, waits until everything received is stored, and gives rows and freshness a series. Use it when collecting must begin or be complete before a check.',
  input: z.strictObject(anySeries),
  output: z.object({
    started: z.array(z.string()),
    series: z.array(
      z.object({
        table: z.string(),
        state: z.string(),
        rows: measure.count,
        last_event_time: isoTime,
        gaps: measure.count,
      }),
    ),
    total_rows: measure.count,
  }),
  examples: [
    {
      title: 'All streams of BTCUSDT on Binance futures',
      input: { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT' },
    },
  ],
  preview: async (input, { services }) => ({
    start: stoppedSeries(services, await matchSeries(services, input)).map(viewName),
    flush: true,
  }),
  summary: (output) =>
    `${output.series.length} series collected, ${output.total_rows} rows; started ${output.started.length}.`,
  run: async (input, { services, clock }) => {
    const keys = await matchSeries(services, input);
    const idle = stoppedSeries(services, keys);
    for (const key of idle) await services.collector.startStream(key);
    await services.collector.flush();
    const known = statusByTable(services);
    const series = keys.flatMap((key) => known.get(viewName(key)) ?? []);
    const newest = series.reduce<number | null>((last, s) => Math.max(last ?? 0, s.last_event_time ?? 0) || last, null);
    return {
      data: {
        started: idle.map(viewName),
        series: series.map((s) => ({
          table: s.table,
          state: s.state,
          rows: s.rows,
          last_event_time: isoOfUs(s.last_event_time),
          gaps: s.gaps,
        })),
        total_rows: series.reduce((sum, s) => sum + s.rows, 0),
      },
      provenance: provenance(clock, newest, 'collector', { complete: series.every((s) => s.state === 'live') }),
    };
  },
});

function stoppedSeries(
  services: Parameters<typeof statusByTable>[0],
  keys: readonly SeriesKey[],
): readonly SeriesKey[] {
  const known = statusByTable(services);
  return keys.filter((key) => (known.get(viewName(key))?.state ?? 'stopped') === 'stopped');
}
