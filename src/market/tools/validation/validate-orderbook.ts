import { z } from 'zod';
import { InvalidInput } from '../../../kit/errors.ts';
import { BOOK_ISSUES, bookIssues } from '../../jobs/checks/books.ts';
import { rulesFor } from '../../jobs/checks/rules-for.ts';
import type { Market, PriceLevel } from '../../domain/records.ts';
import { exchange, marketOr, quantity, symbol } from '../shared/fields.ts';
import { provenance } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { measure } from '../../domain/measure.ts';

const levels = (side: string) =>
  z
    .array(z.tuple([quantity, quantity]))
    .max(5000)
    .optional()
    .describe(`${side} as [price, quantity in base units], best first; the live book when both sides are left out`);

export default marketTool({
  name: 'validate_orderbook',
  title: 'Validate one order book',
  toolset: 'validation',
  category: 'historical_query',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'Judges an order book: enough levels a side, not crossed, spread within the rule, levels in order. Takes the book given, or the live book of the collector. A live book that is not valid now answers stale, never an old book.',
  input: z.strictObject({
    exchange,
    symbol,
    market: marketOr('futures'),
    bids: levels('Bids'),
    asks: levels('Asks'),
  }),
  output: z.object({
    valid: z.boolean(),
    issues: z.array(z.enum(BOOK_ISSUES)),
    bid_levels: measure.count,
    ask_levels: measure.count,
    spread_percent: measure.percent.nullable(),
    source: z.string(),
  }),
  examples: [
    {
      title: 'A given book',
      input: {
        exchange: 'binance',
        symbol: 'BTCUSDT',
        bids: [
          [99, 1],
          [98, 1],
          [97, 1],
        ],
        asks: [
          [101, 1],
          [102, 1],
          [103, 1],
        ],
      },
    },
  ],
  summary: (output) => (output.valid ? 'The book is valid.' : `The book has: ${output.issues.join(', ')}.`),
  run: async (input, { services, clock }) => {
    const given = bookGiven(input);
    const live =
      given === null ? services.collector.book(input.exchange, input.market, input.symbol.toUpperCase(), 50) : null;
    const { bids, asks } = given ?? { bids: live?.bids ?? [], asks: live?.asks ?? [] };
    const issues = bookIssues(bids, asks, rulesFor(input.market, services.config.validation));
    const bid = bids[0]?.[0];
    const ask = asks[0]?.[0];
    return {
      data: {
        valid: issues.length === 0,
        issues: [...issues],
        bid_levels: bids.length,
        ask_levels: asks.length,
        spread_percent: bid === undefined || ask === undefined || bid === 0 ? null : ((ask - bid) / bid) * 100,
        source: live === null ? 'given' : 'live book',
      },
      provenance:
        live === null
          ? provenance(clock, null, 'book given', { complete: true })
          : provenance(clock, live.event_time, 'collector'),
    };
  },
});

function bookGiven(input: {
  readonly market: Market;
  readonly bids?: PriceLevel[] | undefined;
  readonly asks?: PriceLevel[] | undefined;
}): { readonly bids: readonly PriceLevel[]; readonly asks: readonly PriceLevel[] } | null {
  if (input.bids === undefined && input.asks === undefined) return null;
  if (input.bids === undefined || input.asks === undefined) {
    throw new InvalidInput('give both bids and asks, or neither to judge the live book');
  }
  return { bids: input.bids, asks: input.asks };
}
