import { defineTable } from './contract.ts';

/** Public trades by the venue's id; the first record of an id stays. */
export default defineTable({
  stream: 'trades',
  comment: 'Public trades; side is the taker, quantity in base units; trade_id is the venue id (Binance: aggregate)',
  identity: 'venue_id',
  exact: 'trade_id',
  codes: { side: ['buy', 'sell'] },
  said: ['price', 'quantity', 'side'],
  key: (record, hash) => hash.add(record.trade_id),
});
