import { defineTable } from './contract.ts';

/** Ten best levels a side, taken from a valid book. */
export default defineTable({
  stream: 'orderbooks',
  comment: 'Ten best levels a side of a valid order book, sizes in base units',
  identity: 'content',
});
