import { z } from 'zod';
import { exchange, isoTime, market, symbol } from '../shared/fields.ts';
import { isoOfUs, provenance } from '../shared/provenance.ts';
import { marketTool } from '../shared/tool.ts';
import { collectedVenue } from '../shared/series.ts';
import { measure } from '../../domain/measure.ts';

export default marketTool({
  name: 'get_orderbook_snapshot',
  title: 'Live order book',
  toolset: 'desk',
  category: 'exchange_data',
  access: 'READ_ONLY',
  effects: 'none',
  description:
    'The live order book of one symbol on one venue market: best levels a side in base units, middle, spread, depth. Answers stale while the book is being rebuilt after a gap, instead of showing an old book.',
  input: z.strictObject({
    exchange,
    market,
    symbol,
    depth: z.number().int().min(1).max(100).default(10).describe('Levels a side, 1 to 100'),
  }),
  output: z.object({
    event_time: isoTime,
    seq: measure.sequence.nullable(),
    bids: z.array(z.tuple([measure.price, measure.size])),
    asks: z.array(z.tuple([measure.price, measure.size])),
    mid_price: measure.price.nullable(),
    spread: measure.priceDifference.nullable(),
    spread_bps: measure.basisPoints.nullable(),
  }),
  examples: [
    { title: 'Bitcoin on Binance futures', input: { exchange: 'binance', market: 'futures', symbol: 'BTCUSDT' } },
  ],
  summary: (output) => `Middle ${String(output.mid_price)}, spread ${String(output.spread)}.`,
  run: async (input, { services, clock }) => {
    collectedVenue(services, input.exchange, input.market);
    const book = services.collector.book(input.exchange, input.market, input.symbol.toUpperCase(), input.depth);
    const bid = book.bids[0]?.[0] ?? null;
    const ask = book.asks[0]?.[0] ?? null;
    const middle = bid === null || ask === null ? null : (bid + ask) / 2;
    const spread = bid === null || ask === null ? null : ask - bid;
    return {
      data: {
        event_time: isoOfUs(book.event_time),
        seq: book.seq,
        bids: book.bids.map(([price, quantity]): [number, number] => [price, quantity]),
        asks: book.asks.map(([price, quantity]): [number, number] => [price, quantity]),
        mid_price: middle,
        spread,
        spread_bps: middle === null || spread === null || middle === 0 ? null : (spread / middle) * 10_000,
      },
      provenance: provenance(clock, book.event_time, 'collector'),
    };
  },
});
