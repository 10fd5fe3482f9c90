import { defineTable } from './contract.ts';

/** Rolling 24 hours. */
export default defineTable({
  stream: 'ticker_24h',
  comment: 'Rolling 24 hours of a series: volumes, extremes, change in percent',
  identity: 'content',
});
