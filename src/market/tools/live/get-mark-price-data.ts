import { z } from 'zod';
import { marketTool } from '../shared/tool.ts';
import { maxAgeMs } from '../shared/venues/across.ts';
import { copied, eachInput, eachShape, overSymbols, symbolShape } from '../shared/venues/each.ts';
import { requireFresh } from '../shared/venues/reader.ts';
import { markOf } from '../shared/venues/rows.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_mark_price_data',
  title: 'Mark prices over venues',
  toolset: 'live',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Mark and index price of a symbol’s contract on each venue, in its own quote, with basis (mark minus index) and premium in basis points. A perpetual’s premium is not an annual yield, so it is not annualised. Without an index there is no premium: null.',
  input: z.strictObject({ ...eachInput, max_age_ms: maxAgeMs(60_000) }),
  output: z.object({
    symbols: z.array(
      symbolShape(
        eachShape({
          mark: measure.price.nullable(),
          index: measure.price.nullable(),
          basis: measure.priceDifference.nullable(),
          premium_bps: measure.basisPoints.nullable(),
        }),
        {},
      ),
    ),
  }),
  examples: [{ title: 'Bitcoin', input: { symbol: 'BTCUSDT' } }],
  summary: ({ symbols }) =>
    symbols
      .slice(0, 4)
      .map(
        ({ symbol, markets }) =>
          `${symbol}: ${markets.map((m) => `${m.exchange} ${String(m.mark)} (${m.premium_bps?.toFixed(2) ?? '?'} bps)`).join(', ')}`,
      )
      .join('; '),
  run: async (input, context) => {
    const { symbols, provenance } = await overSymbols(
      context,
      { ...input, stream: 'mark_prices', kinds: ['futures'] },
      async (target, reader) => {
        const { value: row, source } = await reader.newest(target, 'mark_prices', input.max_age_ms);
        requireFresh(`the mark price of ${target.id}`, source, input.max_age_ms);
        return { value: markOf(row), source };
      },
    );
    return { data: { symbols: symbols.map(copied) }, provenance };
  },
});
