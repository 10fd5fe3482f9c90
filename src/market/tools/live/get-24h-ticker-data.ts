import { z } from 'zod';
import { groupBy, sum } from '../../exchanges/shared/kinds/statistics.ts';
import { marketTool } from '../shared/tool.ts';
import { maxAgeMs } from '../shared/venues/across.ts';
import { eachInput, eachShape, overSymbols, symbolShape } from '../shared/venues/each.ts';
import { requireFresh } from '../shared/venues/reader.ts';
import { dayOf, dayShape } from '../shared/venues/rows.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_24h_ticker_data',
  title: '24 h statistics over venues',
  toolset: 'live',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'The rolling 24 h of a symbol on each market: last, open, high and low price, change in percent, volume in base units and in the quote currency, trades, VWAP. Null where the venue does not tell. Volumes are added in base units, and in money by currency.',
  input: z.strictObject({ ...eachInput, max_age_ms: maxAgeMs(120_000) }),
  output: z.object({
    symbols: z.array(
      symbolShape(eachShape(dayShape), {
        volume_24h: measure.size.nullable(),
        quote_volumes: z.record(z.string(), measure.value.nullable()),
      }),
    ),
  }),
  examples: [{ title: 'Bitcoin', input: { symbol: 'BTCUSDT' } }],
  summary: ({ symbols }) =>
    symbols
      .slice(0, 4)
      .map(
        ({ symbol, markets }) =>
          `${symbol}: ${markets.map((m) => `${m.exchange} ${m.market} ${String(m.last)} (${m.change_pct?.toFixed(2) ?? '?'} %)`).join(', ')}`,
      )
      .join('; '),
  run: async (input, context) => {
    const { symbols, provenance } = await overSymbols(
      context,
      { ...input, stream: 'ticker_24h', kinds: ['futures', 'spot'] },
      async (target, reader) => {
        const { value: row, source } = await reader.newest(target, 'ticker_24h', input.max_age_ms);
        requireFresh(`the 24 h ticker of ${target.id}`, source, input.max_age_ms);
        return { value: dayOf(row), source };
      },
    );
    return {
      data: {
        symbols: symbols.map(({ symbol, markets, missing }) => ({
          symbol,
          markets: [...markets],
          volume_24h: sum(markets.map((m) => m.volume_24h)),
          quote_volumes: Object.fromEntries(
            [...groupBy(markets, (m) => m.quote)].map(([quote, own]) => [
              quote,
              sum(own.map((m) => m.quote_volume_24h)),
            ]),
          ),
          missing: [...missing],
        })),
      },
      provenance,
    };
  },
});
