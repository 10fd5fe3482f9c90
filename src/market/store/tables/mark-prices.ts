import { defineTable } from './contract.ts';

/** Mark and index price of a contract. */
export default defineTable({
  stream: 'mark_prices',
  comment: 'Mark and index price of a contract, with the predicted funding rate where the venue sends it along',
  identity: 'content',
});
