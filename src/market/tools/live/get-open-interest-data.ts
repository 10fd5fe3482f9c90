import { z } from 'zod';
import { sum } from '../../exchanges/shared/kinds/statistics.ts';
import { numberOf } from '../../jobs/row.ts';
import { marketTool } from '../shared/tool.ts';
import { maxAgeMs } from '../shared/venues/across.ts';
import { eachInput, eachShape, overSymbols, symbolShape } from '../shared/venues/each.ts';
import { requireFresh } from '../shared/venues/reader.ts';
import { measure } from '../../domain/measure.ts';

const number = z.number().nullable();

export default marketTool({
  name: 'get_open_interest_data',
  title: 'Open interest over venues',
  toolset: 'live',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Open interest of a symbol on each venue in base units (contracts converted by their size), its value in the quote currency where the venue gives it, and the share of each in the total of base units. Values in different currencies are not added.',
  input: z.strictObject({ ...eachInput, max_age_ms: maxAgeMs(900_000) }),
  output: z.object({
    symbols: z.array(
      symbolShape(
        eachShape({
          open_interest: measure.size.nullable(),
          open_interest_quote: measure.value.nullable(),
          share_pct: measure.percent.nullable(),
        }),
        {
          total: number.describe('Base units over all markets that answered'),
        },
      ),
    ),
  }),
  examples: [{ title: 'Bitcoin', input: { symbol: 'BTCUSDT' } }],
  summary: ({ symbols }) =>
    symbols
      .slice(0, 4)
      .map(({ symbol, total, markets }) => `${symbol}: ${String(total)} on ${markets.length} market(s)`)
      .join('; '),
  run: async (input, context) => {
    const { symbols, provenance } = await overSymbols(
      context,
      { ...input, stream: 'open_interest', kinds: ['futures'] },
      async (target, reader) => {
        const { value: row, source } = await reader.newest(target, 'open_interest', input.max_age_ms);
        requireFresh(`the open interest of ${target.id}`, source, input.max_age_ms);
        const value = {
          open_interest: numberOf(row, 'open_interest'),
          open_interest_quote: numberOf(row, 'open_interest_usd'),
        };
        return { value, source };
      },
    );
    return {
      data: {
        symbols: symbols.map(({ symbol, markets, missing }) => {
          const total = sum(markets.map((m) => m.open_interest));
          return {
            symbol,
            markets: markets.map((m) => ({
              ...m,
              share_pct:
                m.open_interest === null || total === null || total === 0 ? null : (m.open_interest / total) * 100,
            })),
            total,
            missing: [...missing],
          };
        }),
      },
      provenance,
    };
  },
});
