import { z } from 'zod';
import { latestPrices } from '../../jobs/cross-exchange.ts';
import { anyExchange, anyMarket, anySymbol, isoTime } from '../shared/fields.ts';
import { isoOfUs, provenance } from '../shared/provenance.ts';
import { matchSeries } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_latest_prices',
  title: 'Latest prices',
  toolset: 'desk',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Newest stored price of each symbol on each venue market (middle of best bid and ask, else the last trade), with its time and age. A venue without a price is absent, never guessed.',
  input: z.strictObject({ exchange: anyExchange, market: anyMarket, symbol: anySymbol }),
  output: z.object({
    prices: z.array(
      z.object({
        symbol: z.string(),
        exchange: z.string(),
        market: z.string(),
        price: measure.price,
        time: isoTime,
        age_ms: measure.milliseconds,
      }),
    ),
  }),
  examples: [{ title: 'Bitcoin everywhere', input: { symbol: 'BTCUSDT' } }],
  summary: (output) => `${output.prices.length} price(s).`,
  run: async (input, { services, clock }) => {
    await matchSeries(services, input);
    const latest = await latestPrices(services, input.symbol?.toUpperCase());
    const values = [...latest].flatMap(([symbol, own]) => own.map((v) => ({ symbol, ...v })));
    const wanted = values.filter(
      (v) =>
        (input.exchange === undefined || v.exchange === input.exchange) &&
        (input.market === undefined || v.market === input.market),
    );
    const newest = wanted.length === 0 ? null : Math.max(...wanted.map((v) => v.time));
    return {
      data: {
        prices: wanted.map((v) => ({
          symbol: v.symbol,
          exchange: v.exchange,
          market: v.market,
          price: v.value,
          time: isoOfUs(v.time),
          age_ms: Math.max(0, Math.round(clock.now() - v.time / 1000)),
        })),
      },
      provenance: provenance(clock, newest, 'store'),
    };
  },
});
