import { z } from 'zod';
import { trades, tradesShape } from '../../exchanges/shared/kinds/trades.ts';
import { limit } from '../shared/fields.ts';
import { marketTool } from '../shared/tool.ts';
import { maxAgeMs } from '../shared/venues/across.ts';
import { copied, eachInput, eachShape, overSymbols, symbolShape } from '../shared/venues/each.ts';
import { requireFresh } from '../shared/venues/reader.ts';
import { tradeOf } from '../shared/venues/rows.ts';

/** Trades listed of each market; figures are of all that were asked for. */
const LISTED = 20;

export default marketTool({
  name: 'get_trades',
  title: 'Latest trades over venues',
  toolset: 'live',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'The last trades of a symbol on each market, side as the taker’s: bought and sold size (base units) and value, imbalance in percent, VWAP, unusually large ones, and the newest 20. From the running collector where it has so many without a gap, else REST.',
  input: z.strictObject({ ...eachInput, limit: limit(50, 500), max_age_ms: maxAgeMs(600_000) }),
  output: z.object({ symbols: z.array(symbolShape(eachShape(tradesShape.omit({ symbol: true }).shape), {})) }),
  examples: [{ title: 'Bitcoin', input: { symbol: 'BTCUSDT' } }],
  summary: ({ symbols }) =>
    symbols
      .slice(0, 4)
      .map(
        ({ symbol, markets }) =>
          `${symbol}: ${markets.map((m) => `${m.exchange} ${m.market} ${m.flow} ${m.imbalance_pct?.toFixed(1) ?? '?'} %`).join(', ')}`,
      )
      .join('; '),
  run: async (input, context) => {
    const { symbols, provenance } = await overSymbols(
      context,
      { ...input, stream: 'trades', kinds: ['futures', 'spot'] },
      async (target, reader) => {
        const { value: rows, source } = await reader.trades(target, input.limit, input.max_age_ms);
        requireFresh(`the last trade of ${target.id}`, source, input.max_age_ms);
        const { symbol: _symbol, ...figures } = trades.derive(
          { symbol: target.instrument.symbol, trades: rows.map(tradeOf) },
          { now: reader.now, instrument: target.instrument },
        );
        return { value: { ...figures, trades: figures.trades.slice(0, LISTED) }, source };
      },
    );
    return { data: { symbols: symbols.map(copied) }, provenance };
  },
});
