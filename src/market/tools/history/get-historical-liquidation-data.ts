import { z } from 'zod';
import { limit } from '../shared/fields.ts';
import { pastProvenance, pastShape, showPast } from '../shared/history.ts';
import { pastHoursInput } from '../shared/past-fields.ts';
import { marketTool } from '../shared/tool.ts';
import { liquidationShape, liquidationsOf, liquidationTotalsShape, totalsOf } from '../shared/venues/liquidations.ts';

export default marketTool({
  name: 'get_historical_liquidation_data',
  title: 'Stored liquidations',
  toolset: 'history',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Liquidations of a symbol over the last hours of at least a value: side of the position that was closed, price, base units, value; totals of longs and shorts of those shown and of all; newest first. With coverage: some venues tell at most one a second.',
  input: z.strictObject({
    ...pastHoursInput,
    min_value: z
      .number()
      .min(0)
      .max(1_000_000_000)
      .default(10_000)
      .describe('Least value of an event, quote units, 0 to 1,000,000,000 (default 10,000)'),
    limit: limit(200, 500),
  }),
  output: z.object({
    all: liquidationTotalsShape,
    selected: liquidationTotalsShape,
    events: z.array(liquidationShape),
    series: z.array(z.object(pastShape)),
  }),
  examples: [{ title: 'Large ones of the last day', input: { symbol: 'BTCUSDT' } }],
  summary: ({ all, selected }) =>
    `${selected.events} of ${all.events} event(s): ${selected.long_value.toFixed(0)} of longs, ${selected.short_value.toFixed(0)} of shorts.`,
  run: async (input, context) => {
    const found = await liquidationsOf(context, { ...input, minutes: input.hours * 60 });
    const selected = found.events.filter((e) => e.value >= input.min_value);
    const shown = selected.slice(-input.limit).reverse();
    const notes = [
      ...(found.truncated ? ['more events than are read: narrow the stretch'] : []),
      ...(shown.length < selected.length ? [`only the newest ${shown.length} events are listed`] : []),
    ];
    return {
      data: {
        all: totalsOf(found.events),
        selected: totalsOf(selected),
        events: shown.map((e) => liquidationShape.parse(e)),
        series: found.series.map(showPast),
      },
      provenance: pastProvenance(context.services, found.series, found.events.at(-1)?.at ?? null, notes),
    };
  },
});
