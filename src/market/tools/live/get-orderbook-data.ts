import { z } from 'zod';
import { bookShape, orderBook } from '../../exchanges/shared/kinds/book.ts';
import { marketTool } from '../shared/tool.ts';
import { maxAgeMs } from '../shared/venues/across.ts';
import { copied, eachInput, eachShape, overSymbols, symbolShape } from '../shared/venues/each.ts';
import { requireFresh } from '../shared/venues/reader.ts';

/** Levels a side that figures are of. */
const READ = 50;

export default marketTool({
  name: 'get_orderbook_data',
  title: 'Order books over venues',
  toolset: 'live',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'The order book of a symbol on each market now: best bid and ask, spread in basis points, sizes and imbalance of the first 5 to 50 levels, walls, and the best levels as [price, base units]. From the running collector where the book is valid and fresh, else a REST snapshot; each says which and how old.',
  input: z.strictObject({
    ...eachInput,
    depth: z.number().int().min(1).max(50).default(10).describe('Levels a side to list, 1 to 50 (default 10)'),
    max_age_ms: maxAgeMs(10_000),
  }),
  output: z.object({ symbols: z.array(symbolShape(eachShape(bookShape.omit({ symbol: true }).shape), {})) }),
  examples: [{ title: 'Bitcoin, five levels', input: { symbol: 'BTCUSDT', depth: 5 } }],
  summary: ({ symbols }) =>
    symbols
      .slice(0, 4)
      .map(
        ({ symbol, markets }) =>
          `${symbol}: ${markets.map((m) => `${m.exchange} ${m.market} ${String(m.best_bid)} / ${String(m.best_ask)}`).join(', ')}`,
      )
      .join('; '),
  run: async (input, context) => {
    const { symbols, provenance } = await overSymbols(
      context,
      { ...input, stream: 'orderbooks', kinds: ['futures', 'spot'] },
      async (target, reader) => {
        const { value: book, source } = await reader.book(target, READ, input.max_age_ms);
        requireFresh(`the book of ${target.id}`, source, input.max_age_ms);
        const { symbol: _symbol, ...figures } = orderBook.derive(
          { symbol: target.instrument.symbol, ...book },
          { now: reader.now, instrument: target.instrument },
        );
        const cut = { bids: figures.bids.slice(0, input.depth), asks: figures.asks.slice(0, input.depth) };
        return { value: { ...figures, ...cut }, source };
      },
    );
    return { data: { symbols: symbols.map(copied) }, provenance };
  },
});
