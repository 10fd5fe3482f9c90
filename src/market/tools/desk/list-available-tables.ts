import { z } from 'zod';
import { viewName } from '../../domain/records.ts';
import { anySeries, limit, seriesShape } from '../shared/fields.ts';
import { measuredNow } from '../shared/provenance.ts';
import { matchSeries, statusByTable } from '../shared/series.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'list_available_tables',
  title: 'List tables',
  toolset: 'desk',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Names of the isolated tables (one a venue, market, symbol and stream) that can be queried, with whether each is collected now. Use it to find the right table name.',
  input: z.strictObject({ ...anySeries, limit: limit(100, 1000) }),
  output: z.object({
    total: measure.count,
    tables: z.array(z.object({ table: z.string(), ...seriesShape, state: z.string() })),
  }),
  examples: [{ title: 'Tables of Bitcoin', input: { symbol: 'BTCUSDT' } }],
  summary: (output) => `${output.total} table(s).`,
  run: async (input, { services, clock }) => {
    const { limit: most, ...filter } = input;
    const known = statusByTable(services);
    const keys = [...(await matchSeries(services, filter))].sort((a, b) => (viewName(a) < viewName(b) ? -1 : 1));
    return {
      data: {
        total: keys.length,
        tables: keys.slice(0, most).map((key) => ({
          table: viewName(key),
          ...key,
          state: known.get(viewName(key))?.state ?? 'not collected',
        })),
      },
      provenance: measuredNow(clock, 'store'),
    };
  },
});
