import { z } from 'zod';
import { priceBins } from '../../jobs/history/price-levels.ts';
import { pastProvenance, pastShape, showPast } from '../shared/history.ts';
import { pastHoursInput } from '../shared/past-fields.ts';
import { marketTool } from '../shared/tool.ts';
import { liquidationsOf, liquidationTotalsShape, totalsOf } from '../shared/venues/liquidations.ts';
import { measure } from '../../domain/measure.ts';

const zoneShape = z.object({
  low: measure.price,
  high: measure.price,
  long_value: measure.value,
  short_value: measure.value,
  events: measure.count,
  share_pct: z.number().describe('Percent of the value of all'),
});
const HOTTEST = 5;

export default marketTool({
  name: 'get_liquidation_heatmap_analysis',
  title: 'Liquidations by price level',
  toolset: 'context',
  category: 'analytics',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'A heatmap of liquidations: value of closed long and short positions by price, in buckets of equal width between the lowest and highest, and the hottest zones. What did happen at these prices; it does not say where positions will be liquidated. Collected streams only, with coverage.',
  input: z.strictObject({
    ...pastHoursInput,
    price_buckets: z.number().int().min(2).max(200).default(20).describe('Buckets, 2 to 200 (default 20)'),
  }),
  output: z.object({
    totals: liquidationTotalsShape,
    buckets: z.array(zoneShape),
    hottest: z.array(zoneShape),
    series: z.array(z.object(pastShape)),
  }),
  examples: [{ title: 'Bitcoin, a day', input: { symbol: 'BTCUSDT' } }],
  summary: ({ totals, hottest: [first] }) =>
    first === undefined
      ? 'No liquidation in the stretch.'
      : `${totals.events} liquidation(s); hottest ${first.low} to ${first.high} with ${first.share_pct.toFixed(1)} %.`,
  run: async (input, context) => {
    const found = await liquidationsOf(context, { ...input, minutes: input.hours * 60 });
    const amounts = found.events.map((e) => ({ price: e.price, amount: e.value, first: e.side === 'long' }));
    const all = amounts.reduce((sum, a) => sum + a.amount, 0);
    const buckets = priceBins(amounts, input.price_buckets).map((b) => ({
      low: b.low,
      high: b.high,
      long_value: b.first,
      short_value: b.second,
      events: b.count,
      share_pct: all === 0 ? 0 : ((b.first + b.second) / all) * 100,
    }));
    const hottest = buckets.filter((b) => b.events > 0).sort((a, b) => b.share_pct - a.share_pct);
    return {
      data: {
        totals: totalsOf(found.events),
        buckets,
        hottest: hottest.slice(0, HOTTEST),
        series: found.series.map(showPast),
      },
      provenance: pastProvenance(
        context.services,
        found.series,
        found.events.at(-1)?.at ?? null,
        found.truncated ? ['more events than are read: narrow the stretch'] : [],
      ),
    };
  },
});
