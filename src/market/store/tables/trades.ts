import { defineTable, stagedNumber } from './contract.ts';

const SIDES: readonly string[] = ['buy', 'sell'];

/** Public trades by the venue's id; the first record of an id stays. */
export default defineTable({
  stream: 'trades',
  comment: 'Public trades; side is the taker, quantity in base units; trade_id is the venue id (Binance: aggregate)',
  identity: 'venue_id',
  exact: 'trade_id',
  codes: { side: SIDES },
  said: ['price', 'quantity', 'side'],
  key: (record, hash) => hash.add(record.trade_id),
  direct: {
    numbers: ({ price, quantity, side }, into) => {
      into[0] = stagedNumber(price);
      into[1] = stagedNumber(quantity);
      into[2] = stagedNumber(price * quantity);
      into[3] = side === 'buy' ? 0 : SIDES.indexOf(side);
      into[4] = side === 'sell' ? 1 : 0;
    },
    text: ({ trade_id: id }) => id,
  },
});
