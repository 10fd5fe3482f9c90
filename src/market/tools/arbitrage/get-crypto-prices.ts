import { z } from 'zod';
import { marketTool } from '../shared/tool.ts';
import { chosenMarkets, maxAgeMs, provenanceOf, venueNames } from '../shared/venues/across.ts';
import { rateShape } from '../shared/venues/conversions.ts';
import { pricesOf, pricesShape } from '../shared/venues/prices.ts';
import { optionalSymbol, symbolsAsked } from '../shared/venues/symbols.ts';

export default marketTool({
  name: 'get_crypto_prices',
  title: 'Prices over venues',
  toolset: 'arbitrage',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Price of a symbol on each venue market (and oracle) now, cheapest first, in its own quote currency and converted into the symbol’s by a rate that is traded: USD and USDC are not USDT. With age and source of each, and lowest, highest, mean and median of the tradable ones. Prices that are too old are left out and named.',
  input: z.strictObject({ symbol: optionalSymbol, exchanges: venueNames, max_age_ms: maxAgeMs(10_000) }),
  output: z.object({ symbols: z.array(pricesShape), rates: z.array(rateShape) }),
  examples: [
    { title: 'Bitcoin on the collected venues', input: { symbol: 'BTCUSDT' } },
    { title: 'With a venue in USD and an oracle', input: { symbol: 'BTCUSDT', exchanges: ['okx', 'kraken', 'pyth'] } },
  ],
  summary: (output) =>
    output.symbols
      .slice(0, 5)
      .map((s) => `${s.symbol} ${String(s.lowest)} to ${String(s.highest)} on ${s.prices.length} market(s)`)
      .join('; ') || 'No price.',
  run: async (input, context) => {
    const { symbols, notes } = symbolsAsked(context.services, input.symbol, 'prices');
    const markets = chosenMarkets(context.services, input.exchanges, ['futures', 'spot', 'oracle'], 'prices');
    const all = [];
    for (const symbol of symbols) all.push(await pricesOf(context, markets, symbol, input.max_age_ms));
    const rates = new Map(all.flatMap((one) => one.rates).map((rate) => [`${rate.from} ${rate.to}`, rate]));
    return {
      data: { symbols: all.map((one) => one.shown), rates: [...rates.values()] },
      provenance: provenanceOf(
        all.flatMap((one) => one.sources),
        {
          complete: notes.length === 0 && all.every((one) => one.complete),
          notes: [...new Set([...notes, ...all.flatMap((one) => one.notes)])],
        },
      ),
    };
  },
});
