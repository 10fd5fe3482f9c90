import { z } from 'zod';
import { minCoverage } from '../../exchanges/shared/coverage.ts';
import { anyExchange, limit, lookbackMinutes } from '../shared/fields.ts';
import { latest, pastProvenance, pastShape, showPast } from '../shared/history.ts';
import { marketTool } from '../shared/tool.ts';
import { liquidationShape, liquidationsOf, liquidationTotalsShape, totalsOf } from '../shared/venues/liquidations.ts';
import { optionalSymbol, symbolsAsked } from '../shared/venues/symbols.ts';

export default marketTool({
  name: 'get_liquidation_data',
  title: 'Latest liquidations',
  toolset: 'live',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'The latest liquidations of a symbol over the collected venues: side of the position that was closed (a forced sell closes a long), price, base units, value, and totals of longs and shorts. Only from the collected streams, because no venue tells them over public REST; some venues tell at most one a second, which the coverage says.',
  input: z.strictObject({
    symbol: optionalSymbol,
    exchange: anyExchange,
    lookback_minutes: lookbackMinutes(60),
    limit: limit(20, 200),
    min_coverage: minCoverage,
  }),
  output: z.object({
    symbols: z.array(
      z.object({
        symbol: z.string(),
        totals: liquidationTotalsShape,
        events: z.array(liquidationShape),
        series: z.array(z.object(pastShape)),
      }),
    ),
  }),
  examples: [{ title: 'Bitcoin, the last hour', input: { symbol: 'BTCUSDT' } }],
  summary: ({ symbols }) =>
    symbols
      .slice(0, 4)
      .map(
        ({ symbol, totals }) =>
          `${symbol}: ${totals.events} event(s), ${totals.long_value.toFixed(0)} of longs, ${totals.short_value.toFixed(0)} of shorts`,
      )
      .join('; '),
  run: async (input, context) => {
    const { symbols, notes } = symbolsAsked(context.services, input.symbol, 'liquidations');
    const all = [];
    for (const symbol of symbols) {
      const asked = { ...input, symbol, minutes: input.lookback_minutes };
      all.push({ symbol, ...(await liquidationsOf(context, asked)) });
    }
    return {
      data: {
        symbols: all.map(({ symbol, events, series }) => ({
          symbol,
          totals: totalsOf(events),
          events: events
            .slice(-input.limit)
            .reverse()
            .map((e) => liquidationShape.parse(e)),
          series: series.map(showPast),
        })),
      },
      provenance: pastProvenance(
        context.services,
        all.flatMap((one) => one.series),
        latest(all.map((one) => one.events.at(-1)?.at ?? null)),
        [...notes, ...(all.some((one) => one.truncated) ? ['more events than are read: narrow the stretch'] : [])],
      ),
    };
  },
});
