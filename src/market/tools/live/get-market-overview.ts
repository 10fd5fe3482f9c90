import { z } from 'zod';
import { marketTool } from '../shared/tool.ts';
import { symbolOr } from '../shared/venues/across.ts';
import { oneVenue } from '../shared/venues/each.ts';
import { overviewOf, overviewShape } from '../shared/venues/overview.ts';

export default marketTool({
  name: 'get_market_overview',
  title: 'Market overview of a symbol',
  toolset: 'live',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Everything live of one symbol on each market in one answer: best bid and ask, spread, imbalance of 20 levels, the rolling 24 h, mark, index and premium, funding on its own interval, open interest in base units. A part that cannot be had is null and named in unknown.',
  input: z.strictObject({ symbol: symbolOr('BTCUSDT'), exchange: oneVenue }),
  output: overviewShape,
  examples: [{ title: 'Bitcoin on Binance', input: { symbol: 'BTCUSDT', exchange: 'binance' } }],
  summary: ({ symbol, markets }) =>
    `${symbol}: ${markets.map((m) => `${m.exchange} ${m.market} ${String(m.book?.mid ?? m.day?.last ?? 'unknown')}`).join(', ')}.`,
  run: async (input, context) => {
    const { shown, provenance } = await overviewOf(context, input.symbol, input.exchange);
    return { data: shown, provenance };
  },
});
